import { type ExpressionBuilder, sql } from 'kysely'
import type { JobEvent } from '../jobs/job-events.ts'
import { ACTIVE, type JobRecord } from '../jobs/job-record.ts'
import type { JobQuery } from '../jobs/job-store.ts'
import type { Checkpoint, RecordedFailure } from '../run/checkpoint.ts'
import { hash } from './hash.ts'
import type { JobDatabase } from './job-database.ts'
import { type CounterColumns, eventOf, laneOf, recordOf } from './job-rows.ts'
import type { JobsTable, RecalcDb, RecalcTables } from './tables.ts'

interface Page {
  readonly after: number
  readonly limit: number
}

type Counted = { readonly [Column in keyof CounterColumns as `lanes_${Column}`]: number | string | null }

/** Jobs with what their lanes have counted, in one statement: both are of the same moment. */
function jobsWithLanes({ names }: JobDatabase, db: RecalcDb) {
  const { jobs, lanes } = names
  const sum = (eb: ExpressionBuilder<RecalcTables, 'jobs'>, column: keyof CounterColumns) =>
    eb
      .selectFrom(lanes)
      .whereRef(`${lanes}.job_id`, '=', `${jobs}.id`)
      .select((lane) => lane.fn.sum<number | string | null>(`${lanes}.${column}`).as('sum'))
  return db
    .selectFrom(jobs)
    .selectAll(jobs)
    .select((eb) => [
      sum(eb, 'processed_days').as('lanes_processed_days'),
      sum(eb, 'unchanged_days').as('lanes_unchanged_days'),
      sum(eb, 'skipped_days').as('lanes_skipped_days'),
      sum(eb, 'failed_days').as('lanes_failed_days'),
      sum(eb, 'error_count').as('lanes_error_count'),
    ])
}

function recordFrom(row: JobsTable & Counted): JobRecord {
  return recordOf(row, {
    processed_days: Number(row.lanes_processed_days ?? 0),
    unchanged_days: Number(row.lanes_unchanged_days ?? 0),
    skipped_days: Number(row.lanes_skipped_days ?? 0),
    failed_days: Number(row.lanes_failed_days ?? 0),
    error_count: Number(row.lanes_error_count ?? 0),
  })
}

export async function readRecord(database: JobDatabase, db: RecalcDb, jobId: string): Promise<JobRecord | undefined> {
  const row = await jobsWithLanes(database, db).where('id', '=', jobId).executeTakeFirst()
  // MySQL compares without spaces at the end.
  return row?.id === jobId ? recordFrom(row) : undefined
}

/** Jobs, newest first. */
export async function listRecords(
  database: JobDatabase,
  { tenantId, status, limit = 100 }: JobQuery,
): Promise<readonly JobRecord[]> {
  let query = jobsWithLanes(database, database.db).orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit)
  if (tenantId !== undefined) query = query.where('tenant_hash', '=', hash('tenant', tenantId))
  if (status !== undefined) query = query.where('status', '=', status)
  return (await query.execute()).map(recordFrom)
}

export async function listInterrupted({ db, names }: JobDatabase, now: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom(names.jobs)
    .select('id')
    .where((eb) =>
      eb.or([
        eb('status', '=', 'interrupted'),
        eb.and([eb('status', 'in', ACTIVE), eb('lease_expires_at', '<=', now)]),
      ]),
    )
    .orderBy('created_at')
    .execute()
  return rows.map(({ id }) => id)
}

export async function readEvents(
  { db, names }: JobDatabase,
  jobId: string,
  { after, limit }: Page,
): Promise<readonly JobEvent[]> {
  const rows = await db
    .selectFrom(names.events)
    .select('body')
    .where('job_id', '=', jobId)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(limit)
    .execute()
  return rows.map(({ body }) => eventOf(body))
}

export async function readFailures(
  { db, names, engine }: JobDatabase,
  jobId: string,
  { after, limit }: Page,
): Promise<readonly RecordedFailure[]> {
  // Without the hint MySQL may walk along the failures of all jobs, in the hope of meeting enough of this one soon.
  const query = sql<{ number: number | string; body: string }>`
    select number, body from ${sql.table(names.failures)} ${engine.indexHint(`${names.failures}_page`)}
    where job_id = ${jobId} and number > ${after} order by number limit ${limit}`
  const { rows } = await query.execute(db)
  // As it was stored.
  return rows.map(({ number, body }) => ({ ...(JSON.parse(body) as RecordedFailure), number: Number(number) }))
}

/** The employees that the job names; `null` when it means whom the repository lists. */
export async function readEmployeeIds(
  { names }: JobDatabase,
  db: RecalcDb,
  { id, plan }: JobRecord,
): Promise<readonly string[] | null> {
  if (plan.kind === 'all') return null
  const parts = await db
    .selectFrom(names.job_employees)
    .select('employee_ids')
    .where('job_id', '=', id)
    .orderBy('part')
    .execute()
  return parts.flatMap(({ employee_ids }) => JSON.parse(employee_ids) as readonly string[]) // as it was stored
}

/** Where a job goes on. */
export async function readCheckpoint(
  { names }: JobDatabase,
  db: RecalcDb,
  jobId: string,
): Promise<{ readonly checkpoint: Checkpoint; readonly lastFailure: number }> {
  const job = await db
    .selectFrom(names.jobs)
    .select(['handed_out', 'all_handed_out', 'next_lane_id'])
    .where('id', '=', jobId)
    .executeTakeFirstOrThrow()
  const lanes = await db
    .selectFrom(names.lanes)
    .select(['lane_id', 'employee_ids', 'dates_done', 'tenant_stages_done'])
    .where('job_id', '=', jobId)
    .where('finished', '=', 0)
    .orderBy('lane_id')
    .execute()
  const failure = await db
    .selectFrom(names.failures)
    .select(({ fn }) => fn.max('number').as('last'))
    .where('job_id', '=', jobId)
    .executeTakeFirst()
  const withoutLane = lanes.find(({ lane_id }) => Number(lane_id) === 0)
  const checkpoint: Checkpoint = {
    after: JSON.parse(job.handed_out) as string | null, // as it was stored
    allHandedOut: Number(job.all_handed_out) === 1,
    nextLaneId: Number(job.next_lane_id),
    openLanes: lanes.filter((lane) => lane !== withoutLane).map(laneOf),
    tenantStagesDone: Number(withoutLane?.tenant_stages_done ?? 0),
  }
  return { checkpoint, lastFailure: Number(failure?.last ?? 0) }
}
