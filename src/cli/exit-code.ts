import {
  BackendUnavailableError,
  CooldownError,
  IdempotencyConflictError,
  InvalidRequestError,
  JobConflictError,
  JobNotFoundError,
  NotResumableError,
  TenantNotFoundError,
} from '../errors.ts'
import type { RunStatus } from '../run/result.ts'

/** What a command ends with, for scripts. */
export const EXIT = {
  done: 0,
  /** Some days failed; the job can be resumed. */
  someFailed: 1,
  /** The command line, or a value in it, was refused. */
  badUsage: 2,
  /** The job failed or was interrupted, or something went wrong that has no code of its own. */
  failed: 3,
  /** There is no such job or tenant, another job is active, or the job cannot be resumed. */
  refused: 4,
  /** The database is away or busy: the same command may succeed later. */
  unavailable: 5,
  /** The job was cancelled or paused, or the command was ended by a signal. */
  cancelled: 130,
} as const

const OF_STATUS = {
  completed: EXIT.done,
  completed_with_errors: EXIT.someFailed,
  failed: EXIT.failed,
  interrupted: EXIT.failed,
  paused: EXIT.cancelled,
  cancelled: EXIT.cancelled,
} as const satisfies Readonly<Record<RunStatus, number>>

/** The exit code of a run. */
export function exitCodeOf(status: RunStatus): number {
  return OF_STATUS[status]
}

const REFUSALS = [
  CooldownError,
  IdempotencyConflictError,
  JobConflictError,
  JobNotFoundError,
  NotResumableError,
  TenantNotFoundError,
]

/** The exit code of an error. */
export function exitCodeOfError(error: unknown, isTransient: (error: unknown) => boolean): number {
  if (error instanceof InvalidRequestError) return EXIT.badUsage
  if (REFUSALS.some((refusal) => error instanceof refusal)) return EXIT.refused
  return error instanceof BackendUnavailableError || isTransient(error) ? EXIT.unavailable : EXIT.failed
}
