import type { IsoDate } from '../calendar/iso-date.ts'
import type { JobEvent } from '../jobs/job-events.ts'
import { hasEnded, type JobRecord, type JobStatus } from '../jobs/job-record.ts'
import type { LaneCheckpoint, RecordedFailure } from '../run/checkpoint.ts'
import { daysDone } from '../run/counters.ts'
import type { RecalcFailure } from '../run/failure.ts'
import type { Counters, RecalcResult } from '../run/result.ts'
import { asciiJson } from './ascii-json.ts'
import { unclaimed } from './lane-rows.ts'
import { bytesOf } from './statements.ts'
import type { JobsTable, LanesTable } from './tables.ts'

/** The columns of {@link Counters} in which a job and its lanes count. */
export type CounterColumns = Pick<JobsTable, (typeof COUNTER_COLUMNS)[number]>

export const COUNTER_COLUMNS = [
  'processed_days',
  'unchanged_days',
  'skipped_days',
  'failed_days',
  'error_count',
  'processed_periods',
  'unchanged_periods',
  'skipped_periods',
  'failed_periods',
] as const satisfies readonly (keyof JobsTable)[]

/** The counters that `countOf` gives for each column. */
export function countersFrom(countOf: (column: keyof CounterColumns) => number): CounterColumns {
  const entries = COUNTER_COLUMNS.map((column) => [column, countOf(column)] as const)
  return Object.fromEntries(entries) as CounterColumns // of all columns
}

/** A job before anything is counted. */
export const nothingCounted: CounterColumns = countersFrom(() => 0)

// Dates become strings in JSON; these are the names under which records and events have them.
const INSTANTS = new Set(['at', 'createdAt', 'startedAt', 'resumedAt', 'finishedAt'])

function parse(json: string): unknown {
  return JSON.parse(json, (key, value: unknown) =>
    INSTANTS.has(key) && typeof value === 'string' ? new Date(value) : value,
  )
}

/** Messages are cut after so many characters: an error that quotes a whole file would not fit into a statement. */
const MAX_MESSAGE = 2_000

/** A result lists failures only as far as they fit into so many bytes; all of them can be read by themselves. */
const MAX_ERRORS_BYTES = 128 * 1024

function bounded(key: string, value: unknown): unknown {
  if (key === 'message' && typeof value === 'string') return cutMessage(value)
  return key === 'errors' && Array.isArray(value) ? fitting(value) : value
}

/** The failures that a result lists, as they are stored. */
function errorsJson(errors: readonly RecalcFailure[]): string {
  return asciiJson(fitting(errors), bounded)
}

function cutMessage(message: string): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message
}

function fitting(errors: readonly RecalcFailure[]): readonly RecalcFailure[] {
  let bytes = 0
  const end = errors.findIndex((error) => {
    bytes += bytesOf(asciiJson(error, bounded))
    return bytes > MAX_ERRORS_BYTES
  })
  return end === -1 ? errors : errors.slice(0, end)
}

/** What of a record goes into `body`. */
function bodyOf(record: JobRecord): string {
  const { id: _, status: __, counters: ___, lastSeq: ____, cancel: _____, ...others } = record
  const { pauseRequested: ______, plan, result, ...rest } = others
  const { kind, tenantId, from, to, zone, dayStartsAt, stages, clearExisting, onError, actor } = plan
  const body: Body = {
    ...rest,
    plan: {
      ...{ kind, tenantId, from, to, zone, ...(dayStartsAt && { dayStartsAt }), stages, clearExisting, onError },
      ...(actor !== undefined && { actor }),
    },
    result: result && { ...result, errors: undefined },
  }
  return asciiJson(body, bounded)
}

/** What `body` holds of a record. */
interface Body
  extends Omit<JobRecord, 'id' | 'status' | 'counters' | 'lastSeq' | 'cancel' | 'pauseRequested' | 'result'> {
  readonly result: (Omit<RecalcResult, 'errors'> & { readonly errors?: undefined }) | null
}

/** An event as it is stored. */
export function eventBody(event: JobEvent): string {
  return asciiJson(event, bounded)
}

/** A failure as it is stored. */
export function failureBody(failure: Omit<RecordedFailure, 'number'>): string {
  const { employeeId, date, through, stage, period, code, message, attempts, moved } = failure
  return asciiJson({ employeeId, date, through, stage, period, code, message, attempts, moved }, bounded)
}

/** The columns of a job that its record is made of. */
export type RecordColumns = CounterColumns &
  Pick<JobsTable, 'id' | 'status' | 'body' | 'total_days' | 'last_seq' | 'cancel' | 'pause_requested'> & {
    /** Undefined where it was not read. */
    readonly errors?: string | null
  }

/** A record from its row and what its open lanes have counted beyond it. */
export function recordOf(row: RecordColumns, lanes: CounterColumns): JobRecord {
  // As bodyOf wrote it; before there were throttles without `waitingFor`.
  const { result: end, waitingFor = null, ...body } = parse(row.body) as Body
  const errors = row.errors ? (JSON.parse(row.errors) as RecalcResult['errors']) : [] // as it was stored
  const sum = countersFrom((column) => Number(row[column]) + Number(lanes[column]))
  const counted: Counters = {
    totalDays: Number(row.total_days),
    processedDays: sum.processed_days,
    unchangedDays: sum.unchanged_days,
    skippedDays: sum.skipped_days,
    failedDays: sum.failed_days,
    errorCount: sum.error_count,
    ...(body.plan.stages.some(({ kind }) => kind === 'period') && {
      periods: {
        processed: sum.processed_periods,
        unchanged: sum.unchanged_periods,
        skipped: sum.skipped_periods,
        failed: sum.failed_periods,
      },
    }),
  }
  // Steps may be ahead of what was counted beforehand.
  const counters = { ...counted, totalDays: Math.max(counted.totalDays, daysDone(counted)) }
  const cancel = cancelOf(row.cancel)
  const status = row.status as JobStatus // written by bodyOf's caller only
  const result = end && { ...end, errors }
  const pauseRequested = Number(row.pause_requested) === 1
  const lastSeq = Number(row.last_seq)
  return { ...body, id: row.id, status, waitingFor, counters, lastSeq, cancel, pauseRequested, result }
}

/** The request to end a job. */
export function cancelOf(cancel: JobsTable['cancel']): JobRecord['cancel'] {
  return cancel === null ? null : { reason: JSON.parse(cancel) as string | null } // as it was stored
}

/** The columns of a job that a record determines. */
export function columnsOf(
  record: JobRecord,
): Pick<JobsTable, 'status' | 'finished_at' | 'body' | 'errors' | 'total_days'> {
  return {
    status: record.status,
    finished_at: hasEnded(record.status) ? (record.finishedAt?.getTime() ?? null) : null,
    body: bodyOf(record),
    errors: record.result && errorsJson(record.result.errors),
    total_days: record.counters.totalDays,
  }
}

/** An event as it was stored. */
export function eventOf(body: string): JobEvent {
  return parse(body) as JobEvent // as it was when it was stored
}

/** A lane as it goes on. */
export function laneOf(row: LaneColumns): LaneCheckpoint {
  return {
    id: Number(row.lane_id),
    kind: row.kind as LaneCheckpoint['kind'], // these four as they were stored
    employeeIds: JSON.parse(row.employee_ids) as readonly string[],
    from: row.from_date as IsoDate,
    to: row.to_date as IsoDate,
    datesDone: Number(row.dates_done),
    ...(row.stage !== null && { stage: JSON.parse(row.stage) as string }),
  }
}

/** The columns of a lane that it goes on from. */
export type LaneColumns = Pick<
  LanesTable,
  'lane_id' | 'kind' | 'employee_ids' | 'from_date' | 'to_date' | 'dates_done' | 'stage'
>

/** A new lane's row. */
export function laneRow(jobId: string, leaseToken: number, lane: LaneCheckpoint): LanesTable {
  return {
    job_id: jobId,
    lane_id: lane.id,
    kind: lane.kind,
    from_date: lane.from,
    to_date: lane.to,
    lease_token: leaseToken,
    steps: 0,
    employee_ids: asciiJson(lane.employeeIds),
    dates_done: lane.datesDone,
    stage: lane.stage === undefined ? null : asciiJson(lane.stage),
    finished: 0,
    ...unclaimed,
    ...nothingCounted,
  }
}
