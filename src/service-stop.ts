import type { Clock } from './calendar/clock.ts'
import { CallTimeoutError, InvalidRequestError } from './errors.ts'
import { expected, isPlainObject, unknownProperty } from './expectation.ts'
import type { Logger } from './pipeline/context.ts'
import { withDeadline } from './run/units/deadline.ts'

/** How long a stop may take, in milliseconds. @throws {InvalidRequestError} */
export function stopTimeoutOf(options: unknown): number {
  const unknown = isPlainObject(options) ? unknownProperty(options, ['timeoutMs']) : undefined
  if (!isPlainObject(options) || unknown !== undefined) {
    throw new InvalidRequestError(expected('options', 'an object { timeoutMs? }', options))
  }
  const { timeoutMs = 30_000 } = options
  if (Number.isSafeInteger(timeoutMs) && Number(timeoutMs) >= 0 && Number(timeoutMs) < 2 ** 31) return Number(timeoutMs)
  throw new InvalidRequestError(expected('timeoutMs', 'a whole number from 0', timeoutMs))
}

/** A part of a service that has work in flight. */
interface StoppingPart {
  /** Lets units of work in flight commit and begins no other. */
  stop(cause: unknown): Promise<unknown>
  /** Waits for none of them any more. */
  abandon(cause: unknown): void
}

/** The longest that is kept of the time to stop for giving up what is in flight, in milliseconds. */
const LONGEST_WIND_UP_MS = 1_000

/** Brings what is in flight to an end, gracefully as long as there is time. */
export async function stopParts(
  parts: readonly StoppingPart[],
  options: { readonly cause: unknown; readonly timeoutMs: number; readonly clock: Clock; readonly logger: Logger },
): Promise<void> {
  const { cause, timeoutMs, clock, logger } = options
  const graceful = Promise.all(parts.map((part) => part.stop(cause)))
  // Most of the time is for what is in flight, the rest for giving it up.
  const patienceMs = timeoutMs - Math.min(LONGEST_WIND_UP_MS, Math.floor(timeoutMs / 5))
  const late = () => new CallTimeoutError('what was in flight when the service was stopped', timeoutMs)
  try {
    await withDeadline(() => graceful, { clock, timeoutMs: patienceMs, late })
  } catch (err) {
    logger.warn({ err }, 'Work in flight is given up, because the service has to stop')
    for (const part of parts) part.abandon(cause)
    await withDeadline(() => graceful, { clock, timeoutMs: timeoutMs - patienceMs, late }).catch(() => {})
  }
}
