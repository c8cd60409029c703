import { sql } from 'kysely'
import type { JobEvent } from '../jobs/job-events.ts'
import type { JobRecord } from '../jobs/job-record.ts'
import type { Checkpoint, RecordedFailure } from '../run/checkpoint.ts'
import { employeeHash } from './hash.ts'
import type { TablesIn } from './job-database.ts'
import {
  COUNTER_COLUMNS,
  countersFrom,
  eventOf,
  type LaneColumns,
  laneOf,
  type RecordColumns,
  recordOf,
} from './job-rows.ts'
import { bytesOf, statements } from './statements.ts'
import { jobKey, type RecalcDb, rawTable } from './tables.ts'

interface Page {
  readonly after: number
  readonly limit: number
}

interface Counted {
  /** What open lanes have counted, in the order of the columns; undefined or empty without lanes. */
  readonly lanes_counted: string | null
}

const RECORD_COLUMNS = [
  'id',
  'status',
  'body',
  'total_days',
  ...COUNTER_COLUMNS,
  'last_seq',
  'cancel',
  'pause_requested',
] as const satisfies readonly (keyof RecordColumns)[]

/**
 * Jobs with what their lanes have counted, in one statement: both are of the same moment. The failures that a result
 * lists are not read.
 */
export function jobsWithLanes({ names, engine }: TablesIn, db: RecalcDb) {
  const { jobs, lanes } = names
  const sums = COUNTER_COLUMNS.map((column) => sql`coalesce(sum(${sql.ref(`${lanes}.${column}`)}), 0)`)
  return db
    .selectFrom(jobs)
    .select(RECORD_COLUMNS.map((column) => `${jobs}.${column}` as const))
    .select((eb) =>
      // One look at the lanes, whatever is counted.
      eb
        .selectFrom(lanes)
        .whereRef(`${lanes}.job_id`, '=', `${jobs}.id`)
        .select(engine.listed(sums).as('counted'))
        .as('lanes_counted'),
    )
}

/** A record from a row of {@link jobsWithLanes}. */
export function recordFrom(row: RecordColumns & Counted): JobRecord {
  const counted = row.lanes_counted?.split(',') ?? []
  return recordOf(
    row,
    countersFrom((column) => Number(counted[COUNTER_COLUMNS.indexOf(column)] ?? 0)),
  )
}

export async function readRecord(database: TablesIn, db: RecalcDb, jobId: string): Promise<JobRecord | undefined> {
  const row = await jobsWithLanes(database, db).select('errors').where('id', '=', jobKey(jobId)).executeTakeFirst()
  // MySQL compares without spaces at the end.
  return row?.id === jobId ? recordFrom(row) : undefined
}

export async function readEvents(
  { db, names }: TablesIn,
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
  { db, names }: TablesIn,
  jobId: string,
  { after, limit }: Page,
): Promise<readonly RecordedFailure[]> {
  const rows = await db
    .selectFrom(names.failures)
    .select(['number', 'body'])
    .where('job_id', '=', jobId)
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit)
    .execute()
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
  { db, names, engine }: TablesIn,
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
  { names }: TablesIn,
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
  { db, names }: TablesIn,
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
  { names }: TablesIn,
  db: RecalcDb,
  jobId: string,
): Promise<Checkpoint | undefined> {
  const { jobs, lanes } = names
  const rows = await db
    .selectFrom(jobs)
    .leftJoin(lanes, (join) => join.onRef(`${lanes}.job_id`, '=', `${jobs}.id`).on(`${lanes}.finished`, '=', 0))
    .select(['id', 'dispatched_through', 'all_dispatched', 'next_lane_id', 'tenant_stages_done'])
    .select([`${lanes}.lane_id`, `${lanes}.kind`, `${lanes}.employee_ids`])
    .select([`${lanes}.from_date`, `${lanes}.to_date`, `${lanes}.dates_done`, `${lanes}.stage`])
    .where('id', '=', jobId)
    .orderBy('lane_id')
    .execute()
  const [job] = rows
  // MySQL compares without spaces at the end.
  if (job?.id !== jobId) return undefined
  return {
    dispatchedThrough: JSON.parse(job.dispatched_through) as string | null, // as it was stored
    allDispatched: Number(job.all_dispatched) === 1,
    nextLaneId: Number(job.next_lane_id),
    openLanes: rows.filter(({ lane_id }) => lane_id !== null).map((row) => laneOf(row as LaneColumns)), // joined: it is whole
    tenantStagesDone: JSON.parse(job.tenant_stages_done) as readonly string[], // as it was stored
  }
}
