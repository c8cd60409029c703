/** How long to wait before a connection is tried again: longer after each failure, and never all clients at once. */
export class Backoff {
  readonly #firstMs: number
  readonly #longestMs: number
  readonly #random: () => number
  #failures = 0

  constructor(firstMs = 500, longestMs = 30_000, random: () => number = Math.random) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
    this.#random = random
  }

  /** The wait after one more failure. */
  next(): number {
    const longest = Math.min(this.#longestMs, this.#firstMs * 2 ** this.#failures)
    this.#failures += 1
    return longest * (0.5 + this.#random() / 2)
  }

  /** Something got through. */
  reset(): void {
    this.#failures = 0
  }
}
