import type { Kysely, Transaction } from 'kysely'
import { type Change, dayStage, RecalcService } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { median } from '../measure.ts'

const ROUNDS = 3_000
const WARMING_UP = 300

interface Tables {
  bookings: { id: number; tenant_id: string; employee_id: string; come: number; go: number }
  outbox: { id: number; tenant_id: string; employee_id: string; come: number; go: number }
}

type Tx = Transaction<Tables>

const NOTED: Change = { tenantId: 'acme', employeeId: 'e', table: 'bookings', at: [new Date(1_740_000_000_000)] }

/**
 * The same transaction, two reads, two edits and its commit, with a note and without. The floor is what any one statement
 * more costs: a row put into a table without an index, by a statement that was made beforehand.
 */
export async function benchNote(host: unknown): Promise<void> {
  const db = host as Kysely<Tables> // of the bench
  const stage = dayStage({
    name: 'days',
    reads: { bookings: [0, 0] },
    writes: ['days'],
    load: async () => 0,
    calculate: () => 0,
    save: async () => {},
  })
  const recalc = new RecalcService<Tx>({
    zone: 'UTC',
    stages: [stage],
    backend: sqlBackend(db),
    employees: { listEmployees: async () => [] },
  })
  const row = { tenant_id: 'acme', employee_id: 'e', come: 1, go: 2 }
  const insert = db
    .insertInto('outbox')
    .values(row as Tables['outbox'])
    .compile()
  const ways: Record<string, (tx: Tx) => Promise<unknown>> = {
    without: async () => {},
    'one plain insert more': (tx) => tx.executeQuery(insert),
    noteChange: (tx) => recalc.noteChange(tx, NOTED),
  }
  const times = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]))
  for (let i = 0; i < ROUNDS; i++) {
    // None always comes behind the same one.
    const turn = Object.entries(ways).map((_, place, all) => all[(place + i) % all.length])
    for (const [name = '', more = async () => {}] of turn.map((way) => way ?? [])) {
      const begin = performance.now()
      await db.transaction().execute(async (tx) => {
        await edit(tx, i)
        await more(tx)
      })
      if (i >= WARMING_UP) times.get(name)?.push(performance.now() - begin)
    }
  }
  await recalc.stop()
  const bare = median(times.get('without') ?? [])
  const floor = median(times.get('one plain insert more') ?? [])
  const noted = median(times.get('noteChange') ?? [])
  console.log(
    `  noteChange in a transaction of two reads and two edits: ${noted.toFixed(2)} ms, without ${bare.toFixed(2)} ms, ` +
      `${(noted / bare).toFixed(2)} x; a plain insert instead of it: ${(floor / bare).toFixed(2)} x`,
  )
}

async function edit(tx: Tx, i: number): Promise<void> {
  const id = i % 1_000
  await tx.selectFrom('bookings').selectAll().where('id', '=', id).execute()
  await tx
    .selectFrom('bookings')
    .select('go')
    .where('id', '=', id + 1)
    .execute()
  await tx.updateTable('bookings').set({ go: i }).where('id', '=', id).execute()
  await tx
    .updateTable('bookings')
    .set({ come: i })
    .where('id', '=', id + 1)
    .execute()
}
