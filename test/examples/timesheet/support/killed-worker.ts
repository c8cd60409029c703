// A process of its own that calculates everybody's timesheet, to be killed: takes up the job that was left behind, or starts one.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { systemClock } from 'recalc-service'
import { openMysql } from '../../../../examples/shared/database/mysql.ts'
import { openPostgres } from '../../../../examples/shared/database/postgres.ts'
import { openSqlite } from '../../../../examples/shared/database/sqlite.ts'
import { INSTANTS, type Tables } from '../../../../examples/timesheet/schema/tables.ts'
import { createTimesheet } from '../../../../examples/timesheet/timesheet.ts'

/** What a worker process is told to do. */
export interface Orders {
  /** A URL of MySQL, MariaDB or PostgreSQL, or a SQLite file. */
  readonly database: string
  readonly zone: string
  readonly from: string
  readonly to: string
  /** Milliseconds since 1970; the lease of the process before has run out by then. */
  readonly now: number
  readonly jobsBefore: number
}

/** What it tells, a line each. */
export type Report =
  | { readonly type: 'warm' }
  | { readonly type: 'working' }
  | { readonly type: 'done'; readonly status: string }

/** The shortest lease that there is. */
const LEASE_MS = 1_000

function tell(report: Report): void {
  writeSync(1, `${JSON.stringify(report)}\n`)
}

async function work({ database, zone, from, to, now, jobsBefore }: Orders): Promise<void> {
  const server = { 'mysql:': openMysql<Tables>, 'postgres:': openPostgres<Tables> }[/^\w+:/.exec(database)?.[0] ?? '']
  const db = server ? await server(database, INSTANTS) : openSqlite<Tables>(database)
  const timesheet = createTimesheet(db, {
    zone,
    clock: { ...systemClock, now: () => now },
    leaseMs: LEASE_MS,
    block: { employees: 1, days: 2 },
    concurrency: 2,
  })
  const jobs = await timesheet.listJobs()
  tell({ type: 'working' })
  await timesheet.start()
  const job =
    jobs[0] && jobs.length > jobsBefore
      ? await timesheet.openJob(jobs[0].id)
      : await timesheet.triggerRecalcAllAsync({ tenantId: 'office', from, to })
  const { status } = await job.result
  await timesheet.stop()
  await db.destroy()
  tell({ type: 'done', status })
}

if (process.send === undefined && process.argv[1] === import.meta.filename) {
  tell({ type: 'warm' })
  for await (const line of createInterface({ input: process.stdin })) {
    await work(JSON.parse(line) as Orders) // as the test wrote it
    break
  }
  process.stdin.destroy()
}
