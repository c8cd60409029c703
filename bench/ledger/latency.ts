import type { Kysely } from 'kysely'
import { type SqlBackendOptions, sqlBackend } from 'recalc-service/sql'
import {
  type BalanceTables,
  balanceService,
  createBalanceTables,
  work,
} from '../../test/changes/support/balance-host.ts'
import { ledgerDatabases } from './databases.ts'

const EDITS = 1_000
/** Polling waits half an interval on the average: fewer edits tell as much. */
const POLLED_EDITS = 50
const DAY = new Date().toISOString().slice(0, 10)

type Service = ReturnType<typeof balanceService>

/** How long from an edit's commit to its fresh row, on a quiet server. */
export async function benchLatency(): Promise<void> {
  for await (const database of ledgerDatabases()) {
    const db = database.open<BalanceTables>()
    await createBalanceTables(db)
    await sqlBackend(db).migrate()
    console.log(`\n(m) from commit to fresh on ${database.name}`)
    await measure('by settle()', db, { edits: EDITS, byHand: true })
    await measure('noted by the same process', db, { edits: EDITS, ownNote: true })
    await measure('noted by another, found by polling (1 s)', db, { edits: POLLED_EDITS })
    if (database.listen)
      await measure('noted by another, told by NOTIFY', db, { edits: EDITS, listen: database.listen })
    await db.destroy()
  }
}

async function measure(
  what: string,
  db: Kysely<BalanceTables>,
  {
    edits,
    byHand = false,
    ownNote = false,
    listen,
  }: { readonly edits: number; readonly byHand?: boolean; readonly ownNote?: boolean } & Pick<
    SqlBackendOptions,
    'listen'
  >,
): Promise<void> {
  const recalc = balanceService(sqlBackend(db, listen ? { listen } : {}), {}, { horizon: { back: 1, ahead: 0 } })
  const other = balanceService(sqlBackend(db))
  if (!byHand) await recalc.start()
  const times: number[] = []
  for (let i = 1; i <= edits; i++) {
    await edit(db, ownNote || byHand ? recalc : other, i)
    const begin = performance.now()
    if (byHand) await recalc.settle({ tenantId: 'acme', employeeId: 'ann' })
    else await isFresh(db, i)
    times.push(performance.now() - begin)
  }
  await recalc.stop()
  await other.stop()
  times.sort((a, b) => a - b)
  const at = (share: number) => `${(times[Math.floor(times.length * share)] ?? Number.NaN).toFixed(1).padStart(7)} ms`
  console.log(`  ${what.padEnd(44)} p50 ${at(0.5)}  p99 ${at(0.99)}  (${edits} edits)`)
}

function edit(db: Kysely<BalanceTables>, recalc: Service, minutes: number): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await work(tx, 'ann', DAY, minutes)
    await recalc.noteChange(tx as never, {
      tenantId: 'acme',
      employeeId: 'ann',
      table: 'hours',
      dates: { from: DAY, to: DAY },
    })
  })
}

/** Looks again and again, which costs the settler a little. */
async function isFresh(db: Kysely<BalanceTables>, minutes: number): Promise<void> {
  for (;;) {
    const row = await db
      .selectFrom('balances')
      .select('minutes')
      .where('employee', '=', 'ann')
      .where('day', '=', DAY)
      .executeTakeFirst()
    if (Number(row?.minutes) === minutes) return
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
