import { type ExpressionBuilder, sql } from 'kysely'
import type { JobEvent } from '../jobs/job-events.ts'
import { ACTIVE, type JobRecord } from '../jobs/job-record.ts'
import type { Checkpoint, RecordedFailure } from '../run/checkpoint.ts'
import { employeeHash } from './hash.ts'
import type { JobDatabase } from './job-database.ts'
import { type CounterColumns, eventOf, laneOf, recordOf } from './job-rows.ts'
import { bytesOf, statements } from './statements.ts'
import { type JobsTable, jobKey, type LanesTable, type RecalcDb, type RecalcTables, rawTable } from './tables.ts'

interface Page {
  readonly after: number
  readonly limit: number
}

type Counted = { readonly [Column in keyof CounterColumns as `lanes_${Column}`]: number | string | null }

/** Jobs with what their lanes have counted, in one statement: both are of the same moment. */
export function jobsWithLanes({ names }: JobDatabase, db: RecalcDb) {
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

/** A record from a row of {@link jobsWithLanes}. */
export function recordFrom(row: JobsTable & Counted): JobRecord {
  return recordOf(row, {
    processed_days: Number(row.lanes_processed_days ?? 0),
    unchanged_days: Number(row.lanes_unchanged_days ?? 0),
    skipped_days: Number(row.lanes_skipped_days ?? 0),
    failed_days: Number(row.lanes_failed_days ?? 0),
    error_count: Number(row.lanes_error_count ?? 0),
  })
}

export async function readRecord(database: JobDatabase, db: RecalcDb, jobId: string): Promise<JobRecord | undefined> {
  const row = await jobsWithLanes(database, db).where('id', '=', jobKey(jobId)).executeTakeFirst()
  // MySQL compares without spaces at the end.
  return row?.id === jobId ? recordFrom(row) : undefined
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
  const query = sql<FailureRow>`
    select number, body from ${rawTable(db, names.failures)} ${engine.indexHint(`${names.failures}_page`)}
    where job_id = ${jobId} and number > ${after} order by number limit ${limit}`
  const { rows } = await query.execute(db)
  return rows.map(failureOf)
}

interface FailureRow {
  readonly number: number | string
  readonly body: string
}

function failureOf({ number, body }: FailureRow): RecordedFailure {
  return { ...(JSON.parse(body) as RecordedFailure), number: Number(number) } // as it was stored
}

export async function readFailuresOf(
  { db, names, engine }: JobDatabase,
  jobId: string,
  employeeIds: readonly string[],
): Promise<readonly RecordedFailure[]> {
  const found: RecordedFailure[] = []
  for (const hashes of statements(
    employeeIds.map((id) => employeeHash(id)),
    bytesOf,
  )) {
    // Without the hint MySQL may read every failure of the job, where it takes the employees to be most of them.
    const query = sql<FailureRow>`
      select number, body from ${rawTable(db, names.failures)} ${engine.indexHint(`${names.failures}_employee`)}
      where job_id = ${jobId} and employee_hash in (${sql.join(hashes)})`
    const { rows } = await query.execute(db)
    for (const row of rows) found.push(failureOf(row))
  }
  return found.sort((a, b) => a.number - b.number)
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

/** Of the employees that the job names, those behind `after`; a part at a time, so that they need not all be held. */
export async function readEmployeePage(
  { db, names }: JobDatabase,
  jobId: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly string[]> {
  const page: string[] = []
  for (let part = 1; page.length < limit; part++) {
    const row = await db
      .selectFrom(names.job_employees)
      .select('employee_ids')
      .where('job_id', '=', jobId)
      .where('part', '=', part)
      .executeTakeFirst()
    if (!row) break
    const ids = JSON.parse(row.employee_ids) as readonly string[] // as it was stored
    const start = ids.findIndex((id) => after === null || id > after)
    if (start !== -1) page.push(...ids.slice(start, start + limit - page.length))
  }
  return page
}

/** Where a job goes on: in one statement, so that lanes which change meanwhile are all of one moment. */
export async function readCheckpoint(
  { names }: JobDatabase,
  db: RecalcDb,
  jobId: string,
): Promise<Checkpoint | undefined> {
  const { jobs, lanes } = names
  const rows = await db
    .selectFrom(jobs)
    .leftJoin(lanes, (join) => join.onRef(`${lanes}.job_id`, '=', `${jobs}.id`).on(`${lanes}.finished`, '=', 0))
    .select(['id', 'handed_out', 'all_handed_out', 'next_lane_id'])
    .select([`${lanes}.lane_id`, `${lanes}.employee_ids`, `${lanes}.dates_done`, `${lanes}.tenant_stages_done`])
    .where('id', '=', jobId)
    .orderBy('lane_id')
    .execute()
  const [job] = rows
  // MySQL compares without spaces at the end.
  if (job?.id !== jobId) return undefined
  const isLane = (row: (typeof rows)[number]) => row.lane_id !== null && Number(row.lane_id) !== 0
  return {
    after: JSON.parse(job.handed_out) as string | null, // as it was stored
    allHandedOut: Number(job.all_handed_out) === 1,
    nextLaneId: Number(job.next_lane_id),
    openLanes: rows.filter(isLane).map((row) => laneOf(row as LaneColumns)), // joined, so nothing of it is missing
    tenantStagesDone: Number(rows.find((row) => !isLane(row))?.tenant_stages_done ?? 0),
  }
}

type LaneColumns = Pick<LanesTable, 'lane_id' | 'employee_ids' | 'dates_done'>

/** The highest number of a failure of the job; 0 when nothing failed. */
export async function readLastFailure({ names }: JobDatabase, db: RecalcDb, jobId: string): Promise<number> {
  const failure = await db
    .selectFrom(names.failures)
    .select(({ fn }) => fn.max('number').as('last'))
    .where('job_id', '=', jobId)
    .executeTakeFirst()
  return Number(failure?.last ?? 0)
}
