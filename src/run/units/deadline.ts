import type { Clock } from '../../calendar/clock.ts'

/**
 * What `call` resolves with, unless it takes longer than `timeoutMs`, or a signal aborts meanwhile: then nobody waits for it
 * any more, whatever becomes of it.
 *
 * @throws what `late` gives when the time is over, or the reason of `signal`.
 */
export function withDeadline<T>(
  call: () => Promise<T>,
  limits: {
    readonly clock: Clock
    readonly timeoutMs: number
    readonly signal?: AbortSignal
    /** The process may end while this is awaited. */
    readonly inBackground?: boolean
    late(): unknown
  },
): Promise<T> {
  const { clock, timeoutMs, signal, inBackground, late } = limits
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const timer = clock.setTimeout(() => end(() => reject(late())), timeoutMs)
    if (inBackground) timer.unref()
    const abort = () => end(() => reject(signal?.reason))
    const end = (settle: () => void) => {
      timer.cancel()
      signal?.removeEventListener('abort', abort)
      settle()
    }
    signal?.addEventListener('abort', abort, { once: true })
    new Promise<T>((settleCall) => settleCall(call())).then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    )
  })
}
