import type { IsoDate } from '../calendar/iso-date.ts'
import { describe } from '../expectation.ts'
import { StageFailure, thrownBy } from './blocks/stage-failure.ts'

/** How a run ended. All but `completed` can be resumed when the run was a job. */
export type RunStatus = 'completed' | 'completed_with_errors' | 'failed' | 'cancelled' | 'interrupted'

/** One thing that failed and was left as it was. */
export interface RecalcFailure {
  /** `null` when a tenant stage failed. */
  readonly employeeId: string | null
  /** `null` when a tenant stage failed. */
  readonly date: IsoDate | null
  /** The name of the stage, or `dailyCalc`. */
  readonly stage: string
  /** The `code` of the error that was thrown, if it has one, otherwise its name. */
  readonly code: string
  readonly message: string
  /** How often it was tried. */
  readonly attempts: number
}

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
}

/** What a run came to. */
export interface RecalcResult extends Counters {
  readonly status: RunStatus
  /** The first `maxErrorsKept` failures. */
  readonly errors: readonly RecalcFailure[]
  /** What ended the run before its time, if it was anything but a failed day or a cancellation. */
  readonly error?: RunFault
  readonly startedAt: Date
  readonly finishedAt: Date
}

/** An error that is nobody's day: a repository or the database that failed for good. */
export interface RunFault {
  readonly code: string
  readonly message: string
}

const causes = new WeakMap<RecalcFailure, unknown>()

/** The record of something that failed with `thrown`. */
export function failureOf(
  thrown: unknown,
  where: Pick<RecalcFailure, 'employeeId' | 'date' | 'stage'>,
  attempts = 1,
): RecalcFailure {
  const error = thrownBy(thrown)
  const stage = thrown instanceof StageFailure ? thrown.stage : where.stage
  const failure = { ...where, stage, code: codeOf(error), message: messageOf(error), attempts }
  causes.set(failure, error)
  return failure
}

/** The error behind a failure of this process. */
export function causeOf(failure: RecalcFailure | undefined): unknown {
  return failure && causes.get(failure)
}

/** The `code` of an error, or the next best name for its kind. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) {
    const { code } = error as { code?: unknown }
    return typeof code === 'string' ? code : error.name
  }
  return 'Error'
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return String(error.message)
  return typeof error === 'string' ? error : describe(error)
}
