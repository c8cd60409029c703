import type { Clock } from '../../calendar/clock.ts'

/** How often, and how far apart, a unit of work is tried when it meets transient errors. */
export interface RetryPolicy {
  /** Tries in all, the first one included. */
  readonly attempts: number
  /** Wait after the first failure, in milliseconds; doubles each time. */
  readonly minDelayMs: number
  /** The longest wait, in milliseconds. */
  readonly maxDelayMs: number
}

/**
 * The wait after the given failed attempt (from 1): exponential backoff, of which the upper half is left to chance, so
 * that two who collided do not collide again.
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: () => number = Math.random): number {
  const doublings = Math.min(attempt - 1, 31) // more than the longest delay that there can be
  const longest = Math.min(policy.maxDelayMs, policy.minDelayMs * 2 ** doublings)
  return Math.round(longest / 2 + (random() * longest) / 2)
}

/** Resolves after `delayMs`, or at once when the signal aborts. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const wake = () => {
      timer.cancel()
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = clock.setTimeout(wake, delayMs)
    signal.addEventListener('abort', wake, { once: true })
  })
}
