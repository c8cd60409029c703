/** What a {@link Pace} knows of time, in milliseconds. */
export interface Clock {
  now(): number
  /** Calls `work` after `ms`; what it gives calls that off. */
  after(ms: number, work: () => void): () => void
}

const browserClock: Clock = {
  now: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms)
    return () => clearTimeout(timer)
  },
}

/** The least time between two requests of whatever kind while anything fails. */
const SPACING_MS = 1_000

/** The longest pause. */
const LONGEST_MS = 30_000

/** What failed this long ago, and was not asked for again, is trouble no more. */
const FORGOTTEN_MS = 120_000

/**
 * The one back-off of the page. As long as nothing fails, requests go out at once. When one fails, whichever it is, all of
 * them keep a distance of a second, and those that nobody waits for are held back: for a pause that doubles with each
 * further failure. Only when everything that failed has succeeded, the pace is free again: a server that answers
 * one question and not another is in trouble all the same.
 */
export class Pace {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #failing = new Set<string>()
  /** Those that wait, in the order in which they came. */
  readonly #queue = new Set<object>()
  readonly #sleepers = new Set<() => void>()
  #failures = 0
  #sentAt = Number.NEGATIVE_INFINITY
  #failedAt = Number.NEGATIVE_INFINITY
  #pausedUntil = Number.NEGATIVE_INFINITY

  constructor(clock: Clock = browserClock, random: () => number = Math.random) {
    this.#clock = clock
    this.#random = random
  }

  /** Resolves when a request may go out. `urgent`: somebody waits for it, so that it need not wait for the pause to end. @throws the signal's reason once it aborts. */
  async turn({ urgent = false, signal }: { urgent?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    const ticket = {}
    this.#queue.add(ticket)
    try {
      for (;;) {
        signal?.throwIfAborted()
        const ms = this.#wait(urgent)
        // Who has waited longest goes first, or a request that fails every time would be the only one that is ever made.
        if (ms <= 0 && (urgent || this.#queue.values().next().value === ticket)) break
        await this.#sleep(Math.max(1, ms), signal)
      }
      this.#sentAt = this.#clock.now()
    } finally {
      this.#queue.delete(ticket)
    }
  }

  succeeded(endpoint: string): void {
    this.#failing.delete(endpoint)
    if (this.#failing.size === 0) this.#failures = 0
  }

  /** `retryAfterSeconds`: what the server asked for. */
  failed(endpoint: string, retryAfterSeconds: number | null = null): void {
    const now = this.#clock.now()
    // Requests that were under way together fail together: that is one failure.
    if (now >= this.#pausedUntil) this.#failures += 1
    const longest = Math.min(LONGEST_MS, SPACING_MS * 2 ** this.#failures)
    const askedFor = Math.min(FORGOTTEN_MS, (retryAfterSeconds ?? 0) * 1_000)
    const pause = Math.max(longest * (0.5 + this.#random() / 2), askedFor)
    this.#failing.add(endpoint)
    this.#failedAt = now
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pause)
  }

  /** Ends the pause, not the distance: the network is back, or somebody does not want to wait. */
  tryNow(): void {
    this.#pausedUntil = Number.NEGATIVE_INFINITY
    for (const wake of [...this.#sleepers]) wake()
  }

  #wait(urgent: boolean): number {
    const now = this.#clock.now()
    if (now - this.#failedAt > FORGOTTEN_MS) {
      this.#failing.clear()
      this.#failures = 0
    }
    if (this.#failing.size === 0) return 0
    return Math.max(this.#sentAt + SPACING_MS - now, urgent ? 0 : this.#pausedUntil - now)
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        callOff()
        this.#sleepers.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const callOff = this.#clock.after(ms, wake)
      this.#sleepers.add(wake)
      signal?.addEventListener('abort', wake)
    })
  }
}
