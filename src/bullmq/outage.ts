import type { Logger } from '../pipeline/context.ts'

/** Logs that Redis is away, and that it is back, once each; BullMQ says the same with every attempt. */
export class Outage {
  #logger: Logger | undefined
  #isAway = false

  /** Nobody listens before. */
  logTo(logger: Logger): void {
    this.#logger = logger
  }

  failed(err: unknown): void {
    this.#logger?.debug({ err }, 'BullMQ reports an error')
    if (!this.#isAway) this.#logger?.warn({ err }, 'Redis does not take or give lanes; it is tried again')
    this.#isAway = true
  }

  works(): void {
    if (this.#isAway) this.#logger?.info({}, 'Redis takes and gives lanes again')
    this.#isAway = false
  }
}
