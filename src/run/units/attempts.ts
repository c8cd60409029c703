import { BackendUnavailableError, CallTimeoutError, UnitOfWorkTimeoutError } from '../../errors.ts'
import { StageFailure, thrownBy } from '../blocks/stage-failure.ts'
import { codeOf, messageOf } from '../failure.ts'
import type { RunJournal } from '../journal.ts'
import type { RunControl } from '../run-control.ts'
import type { RunSettings } from '../run-settings.ts'
import { backoffMs, pause } from './backoff.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/**
 * Does something until it succeeds or fails for good: after a transient error it waits and tries again. Undefined when the
 * run was stopped in between.
 *
 * @throws {BackendUnavailableError} when every attempt met a transient error.
 */
export async function attempt<Tx, T>(
  what: string,
  run: {
    readonly settings: RunSettings<Tx>
    readonly control: RunControl
    readonly journal: Pick<RunJournal<Tx>, 'retrying'>
  },
  work: (attempt: number) => Promise<T>,
): Promise<T | undefined> {
  const { settings, control, journal } = run
  for (let number = 1; ; number++) {
    if (control.stopped) return undefined
    try {
      return await work(number)
    } catch (thrown) {
      if (!isTransient(settings.unitOfWork, thrown)) throw thrown
      const error = thrownBy(thrown)
      if (number >= settings.retry.attempts) throw new BackendUnavailableError(number, error)
      const delayMs = backoffMs(settings.retry, number)
      const stage = thrown instanceof StageFailure ? thrown.stage : what
      journal.retrying({ stage, attempt: number, delayMs, code: codeOf(error), message: messageOf(error) })
      await pause(settings.clock, delayMs, control.stopping)
    }
  }
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
