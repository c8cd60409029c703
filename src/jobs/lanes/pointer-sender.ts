import { CallTimeoutError } from '../../errors.ts'
import { withDeadline } from '../../run/units/deadline.ts'
import type { JobSettings } from '../job-settings.ts'
import type { LanePointer } from './lane-store.ts'
import type { SharedLanes } from './shared-lanes.ts'

/** The longest that sending may take, in milliseconds; shorter as long as it does not work. */
const LONGEST_MS = 5_000
const LONGEST_WHEN_AWAY_MS = 500

/**
 * Sends pointers, one message at a time: what comes meanwhile goes into the next one. What cannot be sent is calculated here, so
 * that nobody waits for a dispatcher that is away.
 */
export class PointerSender {
  readonly #shared: Pick<SharedLanes<never>, 'dispatcher' | 'calculateHere'>
  readonly #settings: Pick<JobSettings<never>, 'clock' | 'logger' | 'callTimeoutMs'>
  #waiting: LanePointer[] = []
  #isSending = false
  #isAway = false

  constructor(
    shared: Pick<SharedLanes<never>, 'dispatcher' | 'calculateHere'>,
    settings: Pick<JobSettings<never>, 'clock' | 'logger' | 'callTimeoutMs'>,
  ) {
    this.#shared = shared
    this.#settings = settings
  }

  send(pointer: LanePointer): void {
    this.#waiting.push(pointer)
    if (!this.#isSending) void this.#sendAll()
  }

  /** Never rejects. */
  async #sendAll(): Promise<void> {
    this.#isSending = true
    // What is sent in one go goes into one message.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const pointers = this.#waiting
      this.#waiting = []
      await this.#dispatch(pointers)
    }
    this.#isSending = false
  }

  async #dispatch(pointers: readonly LanePointer[]): Promise<void> {
    const { clock, logger, callTimeoutMs } = this.#settings
    const { dispatcher } = this.#shared
    const timeoutMs = Math.min(this.#isAway ? LONGEST_WHEN_AWAY_MS : LONGEST_MS, callTimeoutMs)
    const late = () => new CallTimeoutError('the dispatcher', timeoutMs)
    try {
      await withDeadline(async () => await dispatcher.dispatch(pointers), { clock, timeoutMs, late })
      if (this.#isAway) logger.info({}, 'The dispatcher takes lanes again')
      this.#isAway = false
    } catch (err) {
      if (!this.#isAway) logger.warn({ err }, 'The dispatcher takes no lanes, so they are calculated here')
      this.#isAway = true
      for (const pointer of pointers) this.#shared.calculateHere(pointer)
    }
  }
}
