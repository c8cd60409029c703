import type { EmployeeRow, Job, JobEvent, ProgressEvent, RetryEvent } from '../net/api-types.ts'
import { hasEnded } from './job-status.ts'
import { addSample, type RateSample } from './rate.ts'

export type Connection = 'connecting' | 'live' | 'reconnecting' | 'ended' | 'given-up'

/** The job that is looked at, as far as it is known. */
export interface WatchedJob {
  readonly id: string
  readonly job: Job | null
  readonly connection: Connection
  /** When `job` was true, by the page's own clock. */
  readonly knownAtMs: number
  readonly samples: readonly RateSample[]
  /** What the job tried again, if anything since it was looked at. */
  readonly retry: RetryEvent | null
  /** What employees are called, by their ids, as far as they were read. */
  readonly names: ReadonlyMap<string, string>
  /** Ascends whenever days may have changed, so that what shows them is read anew. */
  readonly version: number
  /** Why it cannot be shown. */
  readonly problem: string | null
}

export type WatchAction =
  | { readonly type: 'job-read'; readonly job: Job; readonly nowMs: number }
  | { readonly type: 'job-happened'; readonly event: JobEvent; readonly nowMs: number }
  | { readonly type: 'employees-read'; readonly employees: readonly EmployeeRow[] }
  | { readonly type: 'connection'; readonly connection: Connection; readonly problem: string | null }

export function unknownJob(id: string): WatchedJob {
  return {
    id,
    job: null,
    connection: 'connecting',
    knownAtMs: 0,
    samples: [],
    retry: null,
    names: new Map(),
    version: 0,
    problem: null,
  }
}

/** The job after something was heard of it. Nothing that is older than what is known moves it backwards. */
export function reduceWatched(watched: WatchedJob, action: WatchAction): WatchedJob {
  switch (action.type) {
    case 'connection':
      return { ...watched, connection: action.connection, problem: action.problem }
    case 'job-read':
      return reread(watched, action.job, action.nowMs)
    case 'job-happened':
      return happened(watched, action.event, action.nowMs)
    case 'employees-read':
      return named(watched, action.employees)
  }
}

function reread(watched: WatchedJob, job: Job, nowMs: number): WatchedJob {
  const before = watched.job
  // Read earlier, arrived later.
  if (before && job.last_seq < before.last_seq) return watched
  const changed = !before || job.last_seq !== before.last_seq || daysDone(job) !== daysDone(before)
  const version = watched.version + (changed ? 1 : 0)
  const known = { ...watched, job, knownAtMs: nowMs, version }
  // Another run has a speed of its own.
  return job.runs === before?.runs && !hasEnded(job.status) ? known : { ...known, samples: [], retry: null }
}

function happened(watched: WatchedJob, event: JobEvent, nowMs: number): WatchedJob {
  const { job } = watched
  if (!job || event.seq <= job.last_seq) return watched
  const known = { ...watched, job: { ...job, last_seq: event.seq }, version: watched.version + 1 }
  if (isRetry(event)) return { ...known, retry: event }
  if (!isProgress(event)) return known
  const days = daysDone(event)
  return {
    ...known,
    job: progressed(known.job, event),
    knownAtMs: nowMs,
    samples: addSample(watched.samples, { atMs: Date.parse(event.at), days }),
    retry: null,
  }
}

function named(watched: WatchedJob, employees: readonly EmployeeRow[]): WatchedJob {
  const fresh = employees.flatMap(({ employee_id: id, name }) =>
    name === null || watched.names.get(id) === name ? [] : [[id, name] as const],
  )
  // The grid reads the same rows again and again while a job runs.
  return fresh.length === 0 ? watched : { ...watched, names: new Map([...watched.names, ...fresh]) }
}

function progressed(job: Job, event: ProgressEvent): Job {
  const { progress, processed_days, total_days, unchanged_days, skipped_days, failed_days, error_count } = event
  const counters = { progress, processed_days, total_days, unchanged_days, skipped_days, failed_days, error_count }
  return {
    ...job,
    ...counters,
    stage: event.stage,
    waiting_for: event.waiting_for,
    elapsed_seconds: event.elapsed_ms / 1_000,
    remaining_seconds: event.remaining_ms === null ? null : event.remaining_ms / 1_000,
  }
}

/** A list knows of a job what its watcher knows. */
export function withNewest(jobs: readonly Job[], watched: Job | null): readonly Job[] {
  return jobs.map((job) => (watched && isNewer(watched, job) ? watched : job))
}

function isNewer(job: Job, listed: Job): boolean {
  if (job.job_id !== listed.job_id) return false
  return job.last_seq > listed.last_seq || (job.last_seq === listed.last_seq && hasEnded(job.status))
}

/** Employee-days that are dealt with, one way or another. */
export function daysDone(counters: Pick<Job, 'processed_days' | 'skipped_days' | 'failed_days'>): number {
  return counters.processed_days + counters.skipped_days + counters.failed_days
}

function isProgress(event: JobEvent): event is ProgressEvent {
  return event.type === 'progress'
}

function isRetry(event: JobEvent): event is RetryEvent {
  return event.type === 'retry'
}
