import type { RecalcFailure } from './failure.ts'

/** How a run ended. All but `completed` can be resumed when the run was a job. */
export type RunStatus = 'completed' | 'completed_with_errors' | 'failed' | 'cancelled' | 'paused' | 'interrupted'

/** Numbers of employee-days. `processedDays + skippedDays + failedDays <= totalDays`, with equality when nothing stopped the run. */
export interface Counters {
  /** Employees × dates of the request. */
  readonly totalDays: number
  /** Brought up to date. */
  readonly processedDays: number
  /** The part of `processedDays` that needed no write. */
  readonly unchangedDays: number
  /** Left alone because their period is closed. */
  readonly skippedDays: number
  /** Failed, or blocked by an earlier failed day of the same employee. */
  readonly failedDays: number
  /** Failures, of which `errors` holds the first ones; blocked days are not counted here. */
  readonly errorCount: number
  /** Numbers of periods; absent where no period stage takes part. */
  readonly periods?: PeriodCounters
}

/** Numbers of employees' periods, one for each period stage. */
export interface PeriodCounters {
  /** Brought up to date. */
  readonly processed: number
  /** The part of `processed` that needed no write. */
  readonly unchanged: number
  /** Left alone because all their days are closed. */
  readonly skipped: number
  /** Failures, each with its extent: periods that failed, or that wait for days that did. */
  readonly failed: number
}

/** What a run came to. */
export interface RecalcResult extends Counters {
  /** How it ended. */
  readonly status: RunStatus
  /** The first `maxErrorsKept` failures. */
  readonly errors: readonly RecalcFailure[]
  /** What ended the run before its time, if it was anything but a failed day or a cancellation. */
  readonly error?: RunFault
  /** When its first run began. */
  readonly startedAt: Date
  /** When its last run ended. */
  readonly finishedAt: Date
}

/** What a run inside the host's own transaction came to. It is true once that has committed. */
export interface JoinedResult extends RecalcResult {
  /**
   * Makes the calls that calculators asked for by `context.afterCommit`. Call it once your transaction has committed, and not
   * at all when it was rolled back. Calls are made once, in order; an error is logged.
   */
  afterCommit(): Promise<void>
}

/** An error that is nobody's day: a repository or the database that failed for good. */
export interface RunFault {
  /** The error's `code`, or the name of its class. */
  readonly code: string
  /** The error's message. */
  readonly message: string
}

/** How a run ends that nothing stopped. */
export function endStatus({ failedDays, errorCount }: Counters): RunStatus {
  return failedDays + errorCount > 0 ? 'completed_with_errors' : 'completed'
}
