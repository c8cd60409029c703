import type { Clock } from '../../calendar/clock.ts'

/** A sleep that can be cut short. */
export class InterruptibleSleep {
  readonly #clock: Clock
  #sleptAt = 0
  #wake: ((withinMs: number) => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves after `delayMs`, at once when the signal aborts, or when somebody wakes it. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    if (signal.aborted) return Promise.resolve()
    this.#sleptAt = this.#clock.now()
    const done = () => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      this.#wake = undefined
      resolve()
    }
    let timer = this.#clock.setTimeout(done, delayMs)
    signal.addEventListener('abort', done, { once: true })
    this.#wake = (withinMs) => {
      this.#wake = undefined
      timer.cancel()
      timer = this.#clock.setTimeout(done, Math.max(0, this.#sleptAt + withinMs - this.#clock.now()))
    }
    return promise
  }

  /** Ends a wait once it has lasted for so long; nothing when nobody waits. */
  wake(afterMs: number): void {
    this.#wake?.(afterMs)
  }
}
