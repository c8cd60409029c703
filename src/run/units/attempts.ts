import { BackendUnavailableError, CallTimeoutError, UnitOfWorkTimeoutError } from '../../errors.ts'
import { StageFailure, thrownBy } from '../blocks/stage-failure.ts'
import { codeOf, messageOf } from '../failure.ts'
import type { LaneJournal } from '../journal.ts'
import type { RunControl } from '../run-control.ts'
import type { RunSettings } from '../run-settings.ts'
import { backoffMs, sleep } from './backoff.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** What is tried again and again. */
export interface Attempted<Tx> {
  readonly settings: RunSettings<Tx>
  readonly control: RunControl
  readonly journal: Pick<LaneJournal<Tx>, 'retrying'>
}

/**
 * Does something until it succeeds or fails for good: after a transient error it waits and tries again. Undefined when the
 * run was stopped in between.
 *
 * @throws {BackendUnavailableError} when every attempt met a transient error.
 */
export async function attempt<Tx, T>(
  what: string,
  run: Attempted<Tx>,
  work: (attempt: number) => Promise<T>,
): Promise<T | undefined> {
  for (let number = 1; !run.control.stopped; number++) {
    try {
      return await work(number)
    } catch (thrown) {
      await backOff(what, run, number, thrown)
    }
  }
  return undefined
}

/**
 * Waits after an attempt that met a transient error.
 *
 * @throws what was thrown when that is no such error.
 * @throws {BackendUnavailableError} when it was the last attempt.
 */
export async function backOff<Tx>(what: string, run: Attempted<Tx>, number: number, thrown: unknown): Promise<void> {
  const { settings, control, journal } = run
  if (!isTransient(settings.unitOfWork, thrown)) throw thrown
  const error = thrownBy(thrown)
  if (number >= settings.retry.attempts) throw new BackendUnavailableError(number, error)
  const delayMs = backoffMs(settings.retry, number)
  const stage = thrown instanceof StageFailure ? thrown.stage : what
  const code = codeOf(error)
  journal.retrying({ stage, attempt: number, delayMs, code, message: messageOf(error) }, error)
  settings.telemetry?.record({ type: 'retry', stage, code })
  await sleep(settings.clock, delayMs, control.stopping)
}

/**
 * True when the same work may succeed the next time. Whatever a stage's own code throws while its transaction lives is no
 * reason to try again, whichever error of another system it looks like.
 */
function isTransient(unitOfWork: Pick<UnitOfWork, 'isTransient'>, thrown: unknown): boolean {
  if (thrown instanceof StageFailure && thrown.isCalculators) return false
  return (
    thrown instanceof UnitOfWorkTimeoutError ||
    thrown instanceof CallTimeoutError ||
    unitOfWork.isTransient(thrownBy(thrown))
  )
}
