import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'

/** The longest that a run may keep the event loop from timers, sockets and signals, in milliseconds. */
const LONGEST_HOLD_MS = 10

/**
 * Yields to the event loop now and then. A calculator and a backend that never really wait would otherwise keep the whole
 * process busy until the run ends: no progress, no cancelling, no heartbeat.
 */
export class EventLoop {
  #lastTurn = performance.now()
  #turn: Promise<void> | undefined

  /** A turn of the event loop to wait for, if one is due; the same for all, so that no lane gets ahead of the others. */
  yieldIfDue(): Promise<void> | undefined {
    if (performance.now() - this.#lastTurn < LONGEST_HOLD_MS) return undefined
    this.#turn ??= setImmediate().then(() => {
      this.#lastTurn = performance.now()
      this.#turn = undefined
    })
    return this.#turn
  }
}
