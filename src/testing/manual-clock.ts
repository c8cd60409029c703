import type { Clock, Timer } from '../calendar/clock.ts'

/** A {@link Clock} that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** How many timers are waiting; 0 when nothing was left behind. */
  readonly pending: number
  /**
   * Moves the time on by `ms` milliseconds, from timer to timer: each that falls due is called at its own moment, in the
   * order of their times (of equal times, the one that was set first), and what its callback set going has come to rest
   * before the next one is called. `advance(0)` only lets things come to rest.
   *
   * Coming to rest covers promises and `setImmediate`, not the outside world: wait for sockets and files yourself.
   *
   * @throws {RangeError} when `ms` is negative or no number.
   */
  advance(ms: number): Promise<void>
}

/**
 * A clock for tests: time passes only in {@link ManualClock.advance}.
 *
 * @param options.start what it shows at first, default 2025-01-01T00:00:00Z.
 * @throws {RangeError} when `start` is no valid time.
 * @example
 * const clock = manualClock({ start: '2025-03-30' })
 * const recalc = new RecalcService({ dailyCalc, employees, clock })
 * await clock.advance(30_000) // leases run out, retries are due
 */
export function manualClock(options: { readonly start?: Date | string | number } = {}): ManualClock {
  return new SteppedClock(new Date(options.start ?? '2025-01-01T00:00:00Z').getTime())
}

/** How often the event loop turns before what a timer set going counts as at rest. */
const TURNS = 5

interface PendingTimer {
  readonly dueAt: number
  readonly callback: () => void
}

class SteppedClock implements ManualClock {
  #now: number
  // In the order in which they were set.
  readonly #timers = new Set<PendingTimer>()

  constructor(start: number) {
    if (!Number.isFinite(start)) throw new RangeError('Expected `start` to be a valid time')
    this.#now = start
  }

  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = { dueAt: this.#now + Math.max(0, delayMs), callback }
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer), unref: () => {} }
  }

  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`Expected \`ms\` to be a number from 0, got ${ms}`)
    const end = this.#now + ms
    await settleMicrotasks()
    for (let timer = this.#nextDue(end); timer; timer = this.#nextDue(end)) {
      this.#timers.delete(timer)
      this.#now = Math.max(this.#now, timer.dueAt)
      timer.callback()
      await settleMicrotasks()
    }
    this.#now = Math.max(this.#now, end)
  }

  #nextDue(end: number): PendingTimer | undefined {
    let next: PendingTimer | undefined
    for (const timer of this.#timers) {
      if (timer.dueAt <= end && (!next || timer.dueAt < next.dueAt)) next = timer
    }
    return next
  }
}

async function settleMicrotasks(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
}
