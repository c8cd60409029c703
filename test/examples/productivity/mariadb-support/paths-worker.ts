// A process of its own that recalculates everybody, to be killed: takes up the job that was left behind, or starts a new one.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { systemClock } from 'recalc-service'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import { INSTANTS, type Tables } from '../../../../examples/productivity/schema/tables.ts'
import { openMysql } from '../../../../examples/shared/database/mysql.ts'
import { openPostgres } from '../../../../examples/shared/database/postgres.ts'
import { openSqlite } from '../../../../examples/shared/database/sqlite.ts'

/** What a worker process is told to do. */
export interface Orders {
  /** A URL of MySQL, MariaDB or PostgreSQL, or a SQLite file. */
  readonly database: string
  readonly zone: string
  readonly from: string
  readonly to: string
  /** Milliseconds since 1970. */
  readonly asOf: number
  /** How far its clock is ahead: the lease of the one before it has run out. */
  readonly aheadMs: number
  /** Stands still, whatever it is at, when it has done some days, so that it can be killed in the middle. */
  readonly standsStill: boolean
  /** So many jobs were there before: one more is the one to take up. */
  readonly jobsBefore: number
}

/** What it tells, a line each. */
export type Report =
  | { readonly type: 'warm' }
  | { readonly type: 'standing still' }
  | { readonly type: 'done'; readonly status: string; readonly runs: number }

function tell(report: Report): void {
  // Not by the event loop, which may be about to stand still.
  writeSync(1, `${JSON.stringify(report)}\n`)
}

async function work({ database, zone, from, to, asOf, aheadMs, standsStill, jobsBefore }: Orders): Promise<void> {
  const server = { 'mysql:': openMysql<Tables>, 'postgres:': openPostgres<Tables> }[/^\w+:/.exec(database)?.[0] ?? '']
  const db = server ? await server(database, INSTANTS) : openSqlite<Tables>(database)
  const recalc = createProductivity(db, {
    zone,
    asOf: new Date(asOf),
    clock: { ...systemClock, now: () => systemClock.now() + aheadMs },
    block: { employees: 2, days: 3 },
    concurrency: 2,
    progressIntervalMs: 0,
  })
  // Looked at before it is taken up: a small job may be over a moment later.
  const jobs = await recalc.listJobs()
  const begun = jobs.length > jobsBefore ? jobs[0] : undefined
  const { processedDays, lastSeq } = begun ?? { processedDays: 0, lastSeq: 0 }
  await recalc.start()
  const job = begun ? await recalc.openJob(begun.id) : await recalc.triggerRecalcAllAsync({ tenantId: 't', from, to })
  for await (const event of job.events({ after: lastSeq })) {
    if (!standsStill || event.type !== 'progress' || event.processedDays === processedDays) continue
    tell({ type: 'standing still' })
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
  const { status } = await job.result
  const { runs } = await job.snapshot()
  await recalc.stop()
  await db.destroy()
  tell({ type: 'done', status, runs })
}

tell({ type: 'warm' })
for await (const line of createInterface({ input: process.stdin })) {
  // As the test wrote it.
  await work(JSON.parse(line) as Orders)
  break
}
process.stdin.destroy()
