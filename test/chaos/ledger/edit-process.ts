import { createInterface } from 'node:readline'
import type { Transaction } from 'kysely'
import { addDays } from '../../../src/index.ts'
import { serverHostDb } from '../../support/crash-database.ts'
import { startUntilReachable } from '../../support/start-service.ts'
import { Random } from '../random.ts'
import { editSome, moveClosing } from './random-edits.ts'
import {
  clockSince,
  DAYS,
  EMPLOYEES,
  FROM,
  type Release,
  TENANTS,
  type TimeDb,
  type TimeTables,
  timeService,
} from './time-host.ts'

/** What a process of the host's is told to do, for as long as it lives. */
export interface EditOrders {
  readonly url: string
  readonly seed: number
  /** When the machine's clock was at noon of the tests' today. */
  readonly begun: number
  readonly release: Release
  /** Edits and notes, or only settles. */
  readonly edits: boolean
  readonly settles: boolean
}

/** What it tells, a line each. */
export type EditReport =
  | { readonly type: 'warm' }
  | { readonly type: 'working' }
  /** So many more changes are committed. */
  | { readonly type: 'noted'; readonly changes: number }

function tell(report: EditReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

async function work({ url, seed, begun, release, edits, settles }: EditOrders): Promise<never> {
  const random = new Random(seed)
  const db = serverHostDb(url, 6) as unknown as TimeDb
  let days = 0
  const failingDay = random.between(300, 3_000)
  const recalc = timeService(db, release, {
    clock: clockSince(begun),
    block: { employees: random.between(1, 8), days: random.between(3, 60) },
    concurrency: random.between(1, 3),
    settle: { intervalMs: 20, quietMs: random.pick([0, 0, 30]), jobAbove: random.pick([200, 5_000]) },
    leaseMs: 2_000,
    retry: { attempts: 5, minDelayMs: 5, maxDelayMs: 100 },
    onDay() {
      days += 1
      if (days % failingDay === 0) throw new Error('A day fails now and then')
    },
  })
  tell({ type: 'working' })
  if (settles) await startUntilReachable(recalc)
  if (!edits) return await new Promise(() => {})
  for (;;) {
    const changes = await edit(db, recalc, random, release).catch(() => 0) // the server is away, or a deadlock
    if (changes > 0) tell({ type: 'noted', changes })
    else await pause()
  }
}

/** One transaction of the host's; how many changes it noted. */
async function edit(
  db: TimeDb,
  recalc: ReturnType<typeof timeService>,
  random: Random,
  release: Release,
): Promise<number> {
  if (random.chance(0.01)) {
    const { tenant, employee } = await inTransaction(db, (tx) => moveClosing(tx, random))
    await recalc.releaseHeld({ tenantId: tenant, employeeId: employee })
  }
  if (random.chance(0.01)) {
    const from = addDays(FROM, random.between(0, DAYS - 10))
    const employeeId = random.pick(EMPLOYEES)
    await recalc.triggerRecalcRange({ tenantId: random.pick(TENANTS), employeeId, from, to: addDays(from, 9) })
  }
  const most = random.pick([2, 3, 40, 60])
  return await inTransaction(db, async (tx) => {
    const changes = await editSome(tx, random, release, most)
    for (const change of changes) await recalc.noteChange(tx, change)
    if (random.chance(0.02)) throw new Error('The host takes it back')
    return changes.length
  })
}

/** Without gap locks, in which edits of different rows would wait for each other. */
function inTransaction<T>(db: TimeDb, work: (tx: Transaction<TimeTables>) => Promise<T>): Promise<T> {
  return db.transaction().setIsolationLevel('read committed').execute(work)
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20))
}

tell({ type: 'warm' })
createInterface({ input: process.stdin })
  .once('line', (line) => void work(JSON.parse(line) as EditOrders)) // as the test wrote it
  // The test is no more, whatever ended it.
  .once('close', () => process.exit())
