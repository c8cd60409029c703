import type { Clock } from '../calendar/clock.ts'
import { CallTimeoutError } from '../errors.ts'
import type { Logger } from '../pipeline/context.ts'
import type { RunControl } from './run-control.ts'
import { sleep } from './units/backoff.ts'
import { withDeadline } from './units/deadline.ts'

/** Why jobs are to hold still now, in a few words; `null`: they may go on. */
export type Throttle = () => string | null | Promise<string | null>

/** How long an answer holds, in milliseconds. */
const ANSWER_HOLDS_MS = 1_000

/**
 * Asks the host between blocks whether jobs may go on: once a second for all lanes of all jobs of a service, however many there
 * are. A host that cannot answer stops nobody; its error is logged.
 */
export class ThrottleGate {
  readonly #throttle: Throttle
  readonly #settings: { readonly clock: Clock; readonly logger: Logger; readonly timeoutMs: number }
  #reason: string | null = null
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<string | null> | undefined

  constructor(
    throttle: Throttle,
    settings: { readonly clock: Clock; readonly logger: Logger; readonly timeoutMs: number },
  ) {
    this.#throttle = throttle
    this.#settings = settings
  }

  /**
   * Undefined when work may go on at once; otherwise resolves when it may, or when the run stops.
   *
   * @param waiting Called with each reason to wait, and with `null` when there is none any more.
   */
  pass(control: RunControl, waiting: (reason: string | null) => void): Promise<void> | undefined {
    if (this.#reason === null && this.#isFresh) return undefined
    return this.#wait(control, waiting)
  }

  async #wait(control: RunControl, waiting: (reason: string | null) => void): Promise<void> {
    while (!control.stopped) {
      const reason = this.#isFresh ? this.#reason : await this.#ask()
      waiting(reason)
      if (reason === null) return
      await sleep(this.#settings.clock, ANSWER_HOLDS_MS, control.stopping)
    }
  }

  get #isFresh(): boolean {
    const age = this.#settings.clock.now() - this.#askedAt
    // The machine's clock may be set back.
    return age >= 0 && age < ANSWER_HOLDS_MS
  }

  /** One question at a time. */
  #ask(): Promise<string | null> {
    this.#asking ??= this.#answer().then((reason) => {
      this.#reason = reason
      this.#askedAt = this.#settings.clock.now()
      this.#asking = undefined
      return reason
    })
    return this.#asking
  }

  async #answer(): Promise<string | null> {
    const { clock, logger, timeoutMs } = this.#settings
    const late = () => new CallTimeoutError('`throttle`', timeoutMs)
    try {
      const reason: unknown = await withDeadline(async () => await this.#throttle(), { clock, timeoutMs, late })
      if (reason === null || (typeof reason === 'string' && reason !== '')) return reason
      logger.warn({ answer: reason }, 'Expected `throttle` to give a reason to wait, or null; work goes on')
    } catch (err) {
      logger.warn({ err }, '`throttle` failed; work goes on')
    }
    return null
  }
}
