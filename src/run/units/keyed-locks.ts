/** After how many keys the map is made anew. */
const KEYS_PER_MAP = 1_000

/**
 * Locks by name within one process, first come, first served.
 *
 * Whoever takes several takes them in sorted order, so no two can wait for each other. A name costs memory only while it
 * is held.
 */
export class KeyedLocks {
  #waiting = new Map<string, (() => void)[]>()
  #takenSinceRenewal = 0

  /**
   * Takes all of `keys`, which must be sorted and without duplicates.
   *
   * @throws the reason of `stopping` when that aborts while waiting; nothing is held then.
   */
  acquire(keys: readonly string[], waiter: { readonly stopping: AbortSignal }): Promise<void> | undefined {
    this.#renew(keys.length)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string
      if (this.#waiting.has(key)) return this.#acquireFrom(i, keys, waiter.stopping)
      this.#waiting.set(key, [])
    }
    return undefined
  }

  /** Takes all of `keys` if nobody holds any of them; otherwise none. */
  tryAcquire(keys: readonly string[]): boolean {
    for (const key of keys) if (this.#waiting.has(key)) return false
    this.#renew(keys.length)
    for (const key of keys) this.#waiting.set(key, [])
    return true
  }

  release(keys: readonly string[]): void {
    for (const key of keys) {
      const next = this.#waiting.get(key)?.shift()
      if (next) next()
      else this.#waiting.delete(key)
    }
  }

  /** How many names are held. */
  get size(): number {
    return this.#waiting.size
  }

  // V8 chains the tables that a Map outgrows. Once one of them has grown old, all later ones are kept until the next full
  // collection, with millions of dead keys; a new Map begins a new chain.
  #renew(taken: number): void {
    this.#takenSinceRenewal += taken
    if (this.#takenSinceRenewal < KEYS_PER_MAP) return
    this.#takenSinceRenewal = 0
    this.#waiting = new Map(this.#waiting)
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
    const queue = this.#waiting.get(key)
    if (!queue) {
      this.#waiting.set(key, [])
      return Promise.resolve()
    }
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
