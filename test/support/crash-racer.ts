import { createInterface } from 'node:readline'
import { addDays, JobConflictError } from '../../src/index.ts'
import { serverHostDb } from './crash-database.ts'
import { COMING_AND_GOING, FROM, hostOn, lastDate, randomOf, type Workload } from './crash-host.ts'

/** What a racing process is told to do. */
export interface RaceOrders {
  readonly url: string
  readonly tenantId: string
  readonly workload: Workload
  readonly seed: number
  readonly forMs: number
}

/** What it did. */
export interface RaceReport {
  readonly type: 'raced'
  readonly edits: number
  readonly triggers: number
  readonly jobs: number
  readonly conflicts: number
  readonly retries: number
  /** Errors that reached a caller, and jobs that did not complete. */
  readonly errors: readonly string[]
}

const EDITORS = 4

async function race({ url, tenantId, workload, seed, forMs }: RaceOrders): Promise<RaceReport> {
  const random = randomOf(seed)
  const db = serverHostDb(url, 12)
  let retries = 0
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn() {
      retries += 1
    },
  }
  const { service } = hostOn(db, { logger, leaseMs: 30_000 })
  const done = { edits: 0, triggers: 0, jobs: 0, conflicts: 0 }
  const errors: string[] = []
  const deadline = performance.now() + forMs
  const failed = (error: unknown) =>
    void errors.push(error instanceof Error ? `${error.stack} ${error.cause}` : String(error))

  async function edit(): Promise<void> {
    const employeeId = `e${String(1 + Math.floor(random() * workload.employees)).padStart(4, '0')}`
    const day = Math.floor(random() * workload.dates)
    const date = addDays(FROM, day)
    const version = 10 + seed * 1_000_000 + ++done.edits
    const gone = COMING_AND_GOING.includes(day) && random() < 0.5
    if (gone) {
      await db
        .deleteFrom('crash_bookings')
        .where('tenant_id', '=', tenantId)
        .where('employee_id', '=', employeeId)
        .where('work_date', '=', date)
        .execute()
    } else {
      const row = { minutes: 400 + Math.floor(random() * 120), version }
      const insert = db
        .insertInto('crash_bookings')
        .values({ tenant_id: tenantId, employee_id: employeeId, work_date: date, ...row })
      const upsert = url.startsWith('mysql:')
        ? insert.onDuplicateKeyUpdate(row)
        : insert.onConflict((key) => key.columns(['tenant_id', 'employee_id', 'work_date']).doUpdateSet(row))
      await upsert.execute()
    }
    // Balances build on those before them.
    await service.triggerRecalcRange({ tenantId, employeeId, from: date, to: lastDate(workload) })
    done.triggers += 1
  }

  async function editAgainAndAgain(): Promise<void> {
    while (performance.now() < deadline) await edit().catch(failed)
  }

  async function recalculateAgainAndAgain(): Promise<void> {
    while (performance.now() < deadline) {
      try {
        const job = await service.triggerRecalcAllAsync({ tenantId, from: FROM, to: lastDate(workload) })
        const { status, error } = await job.result
        done.jobs += 1
        if (status !== 'completed') failed(`job ${job.id} is ${status}: ${JSON.stringify(error)}`)
      } catch (error) {
        if (!(error instanceof JobConflictError)) failed(error)
        done.conflicts += 1
        await service.triggerRecalc({ tenantId, employeeId: 'e0001', date: FROM }).catch(failed)
      }
    }
  }

  await Promise.all([recalculateAgainAndAgain(), ...Array.from({ length: EDITORS }, editAgainAndAgain)])
  await service.stop()
  await db.destroy()
  return { type: 'raced', ...done, retries, errors: errors.slice(0, 5) }
}

for await (const line of createInterface({ input: process.stdin })) {
  // As the test wrote it.
  const report = await race(JSON.parse(line) as RaceOrders)
  process.stdout.write(`${JSON.stringify(report)}\n`)
  break
}
process.stdin.destroy()
