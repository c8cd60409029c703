import type { RunPhase } from '../run/journal.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import type { Counters, RecalcResult, RunFault, RunStatus } from '../run/result.ts'

/**
 * Where a job stands. `queued`: it waits for its turn, or for somebody to take it. The last six end a run, and all of them but
 * `completed` can be resumed.
 */
export type JobStatus = 'queued' | 'running' | RunStatus

/** Every status there is. */
export const JOB_STATUSES = [
  'queued',
  'running',
  'completed',
  'completed_with_errors',
  'failed',
  'cancelled',
  'paused',
  'interrupted',
] as const satisfies readonly JobStatus[]

/** Statuses of a job that somebody works on, or is to. */
export const ACTIVE: readonly JobStatus[] = ['queued', 'running']

/** Statuses of a job that `resumeJob` takes up again. */
export const RESUMABLE: readonly JobStatus[] = ['completed_with_errors', 'failed', 'cancelled', 'paused', 'interrupted']

/** Statuses in which a job can be asked to end as `cancelled`. */
const CANCELLABLE: readonly JobStatus[] = [...ACTIVE, 'paused', 'interrupted']

/** Everything that is stored of a job, apart from its checkpoint, its failures and its events. */
export interface JobRecord {
  /** The job's id. */
  readonly id: string
  /** Without the employees that it may name: only who works on the job needs them, and they may be many. */
  readonly plan: Omit<RunPlan, 'employeeIds'>
  /** Why it was asked for, as the caller put it. */
  readonly reason: string | null
  /** Jobs of the same scope exclude each other; `null` excludes nobody. */
  readonly scope: string | null
  /** Distinguishes the request from others under the same idempotency key, which is what `id` is made from; `null` without a key. */
  readonly fingerprint: string | null
  /** Where it stands. */
  readonly status: JobStatus
  /** What it does, in order. */
  readonly phases: readonly RunPhase[]
  /** The number of the phase it is in, or was in when it ended; 0 before the first. */
  readonly phase: number
  /** Numbers of employee-days, over all its runs. */
  readonly counters: Counters
  /** 0..1, never falls. */
  readonly progress: number
  /** Milliseconds to its end, as estimated by its last progress event; `null` when unknown, and once it has ended. */
  readonly remainingMs: number | null
  /** Why it holds still, as the host's `throttle` puts it; `null` while it goes on. */
  readonly waitingFor: string | null
  /** When it was stored. */
  readonly createdAt: Date
  /** When its first run began. */
  readonly startedAt: Date | null
  /** When its present run began, or its last one. */
  readonly resumedAt: Date | null
  /** When its last run ended; `null` while it is active. */
  readonly finishedAt: Date | null
  /** How many runs it took so far. */
  readonly runs: number
  /** How often in a row it was taken over from a worker that died without having brought it any further. */
  readonly recoveries: number
  /** How far it was when its present run began, or its last one; `null` before the first. */
  readonly reachedAtStart: string | null
  /** The `seq` of its last event. */
  readonly lastSeq: number
  /** Somebody wants it to end. */
  readonly cancel: {
    /** Why, as they put it. */
    readonly reason: string | null
  } | null
  /** Somebody wants it to pause. */
  readonly pauseRequested: boolean
  /** What ended its last run before its time, if it was anything but a failed day or a cancellation. */
  readonly fault: RunFault | null
  /** What its last run came to. */
  readonly result: RecalcResult | null
}

/** A job as whoever works on it gets it. */
export interface JobWithPlan extends JobRecord {
  readonly plan: RunPlan
}

/** True when nobody works on the job any more, or is to. */
export function hasEnded(status: JobStatus): status is RunStatus {
  return !ACTIVE.includes(status)
}

/** True when the job may still be asked to end as `cancelled`. */
export function isCancellable(status: JobStatus): boolean {
  return CANCELLABLE.includes(status)
}
