type Waiting = (() => void)[]

/** Who waits for a name that is held, as long as nobody does. */
const NOBODY: Waiting = []

/** What a name that is free has in place of those who wait. */
const FREE = null

/** At most so many free names are kept: the next block of a lane takes those of the one before. */
const MOST_FREE = 1_000

/**
 * Locks by name within one process, first come, first served.
 *
 * Whoever takes several takes them in sorted order, so no two can wait for each other. A name costs memory only while it
 * is held, and a little longer.
 */
export class KeyedLocks {
  // Names are not deleted one by one: a Map that is deleted from again and again is made anew again and again.
  #names = new Map<string, Waiting | typeof FREE>()
  #most = MOST_FREE

  /**
   * Takes all of `keys`, which must be sorted and without duplicates.
   *
   * @throws the reason of `stopping` when that aborts while waiting; nothing is held then.
   */
  acquire(keys: readonly string[], waiter: { readonly stopping: AbortSignal }): Promise<void> | undefined {
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string
      if (this.#names.get(key)) return this.#acquireFrom(i, keys, waiter.stopping)
      this.#hold(key)
    }
    return undefined
  }

  /** Takes all of `keys` if nobody holds any of them; otherwise none. */
  tryAcquire(keys: readonly string[]): boolean {
    for (const key of keys) if (this.#names.get(key)) return false
    for (const key of keys) this.#hold(key)
    return true
  }

  release(keys: readonly string[]): void {
    for (const key of keys) {
      const next = this.#names.get(key)?.shift()
      if (next) next()
      else this.#names.set(key, FREE)
    }
  }

  /** How many names are held. */
  get size(): number {
    return [...this.#names.values()].filter((waiting) => waiting !== FREE).length
  }

  /** How many names are kept, held or free. */
  get kept(): number {
    return this.#names.size
  }

  #hold(key: string): void {
    this.#names.set(key, NOBODY)
    if (this.#names.size > this.#most) this.#forgetFree()
  }

  #forgetFree(): void {
    const held = new Map<string, Waiting | typeof FREE>()
    for (const [key, waiting] of this.#names) if (waiting !== FREE) held.set(key, waiting)
    this.#names = held
    this.#most = 2 * this.#names.size + MOST_FREE
  }

  async #acquireFrom(start: number, keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (let i = start; i < keys.length; i++) {
      try {
        await this.#take(keys[i] as string, signal)
      } catch (reason) {
        this.release(keys.slice(0, i))
        throw reason
      }
    }
  }

  #take(key: string, signal: AbortSignal): Promise<void> {
    const waiting = this.#names.get(key)
    if (!waiting) {
      this.#hold(key)
      return Promise.resolve()
    }
    const queue = waiting === NOBODY ? [] : waiting
    this.#names.set(key, queue)
    return new Promise((resolve, reject) => {
      const turn = () => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = () => {
        queue.splice(queue.indexOf(turn), 1)
        reject(signal.reason)
      }
      if (signal.aborted) return reject(signal.reason)
      signal.addEventListener('abort', giveUp, { once: true })
      queue.push(turn)
    })
  }
}
