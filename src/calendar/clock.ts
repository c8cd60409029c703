/** Where the library gets its time and its timers from; tests pass a manual one. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /** Calls `callback` once after `delayMs` milliseconds. */
  setTimeout(callback: () => void, delayMs: number): Timer
}

/** A pending call of {@link Clock.setTimeout}. */
export interface Timer {
  /** The timer does not go off any more; does nothing when it has gone off already. */
  cancel(): void
  /** Lets the process end although the timer is pending. */
  unref(): void
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout(callback, delayMs) {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer), unref: () => timer.unref() }
  },
}
