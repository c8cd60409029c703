import { BackendUnavailableError, LeaseLostError } from '../errors.ts'
import { codeOf, messageOf } from '../run/failure.ts'
import { type Counters, endStatus, type RecalcResult, type RunFault } from '../run/result.ts'
import type { Stop } from '../run/run-control.ts'
import type { JobEventDraft } from './job-events.ts'

/** How a run ended whose worker died, or lost its lease. */
export function cutOff(jobId: string): Stop {
  return { status: 'interrupted', cause: new LeaseLostError(jobId) }
}

/** What a run has come to when it ends now. */
export function resultOf(
  counters: Counters,
  end: {
    readonly stopped: Stop | undefined
    /** There was nothing left to do. */
    readonly isDone: boolean
    readonly errors: RecalcResult['errors']
    readonly startedAt: Date
    readonly finishedAt: Date
  },
): RecalcResult {
  const { stopped, isDone, errors, startedAt, finishedAt } = end
  // A run that was interrupted, or paused, when there was nothing left to do is complete.
  const isLeft = stopped?.status === 'interrupted' || stopped?.status === 'paused'
  const early = isLeft && isDone ? undefined : stopped
  const isFault =
    (early?.status === 'failed' && !early.failure) || (early?.status === 'interrupted' && isTrouble(early.cause))
  return frozen({
    status: early?.status ?? endStatus(counters),
    ...counters,
    errors,
    ...(isFault && { error: faultOf(early?.cause) }),
    startedAt,
    finishedAt,
  })
}

/** True for what interrupted a run although nobody wanted it. */
function isTrouble(cause: unknown): boolean {
  return cause instanceof LeaseLostError || cause instanceof BackendUnavailableError
}

/** An error as results tell of it. */
export function faultOf(error: unknown): RunFault {
  return { code: codeOf(error), message: messageOf(error) }
}

/** Results are given to callers and kept: nobody may change one. */
export function frozen(result: RecalcResult): RecalcResult {
  for (const error of result.errors) Object.freeze(error)
  Object.freeze(result.errors)
  return Object.freeze(result)
}

/** The event with which a run ends. */
export function endEvent(result: RecalcResult, cause: unknown): JobEventDraft {
  switch (result.status) {
    case 'completed':
    case 'completed_with_errors':
      return { type: 'completed', result }
    case 'cancelled':
      return { type: 'cancelled', result, reason: typeof cause === 'string' ? cause : null }
    case 'failed':
    case 'paused':
    case 'interrupted':
      return { type: result.status, result }
  }
}
