interface Waiter {
  readonly enter: () => void
}

/**
 * How many units of work a service may have open at once. Whoever waits enters in the order of arrival: first those who
 * hold employees already, then synchronous calls, then jobs. So a call that somebody waits for waits for one block, not for
 * a job.
 */
export class UnitSlots {
  readonly #most: number
  readonly #queues: readonly [holders: Waiter[], synchronous: Waiter[], jobs: Waiter[]] = [[], [], []]
  #open = 0

  constructor(most: number) {
    this.#most = most
  }

  /**
   * Takes a slot; resolves when there is one.
   *
   * @throws the reason of `stopping` when that aborts while waiting; no slot is taken then.
   */
  acquire(rank: UnitRank, waiter: { readonly stopping: AbortSignal }): Promise<void> | undefined {
    if (this.#open < this.#most) {
      this.#open += 1
      return undefined
    }
    return this.#wait(this.#queues[rank], waiter.stopping)
  }

  release(): void {
    const next = this.#queues.find(({ length }) => length > 0)?.shift()
    if (next)
      next.enter() // takes this slot over
    else this.#open -= 1
  }

  /** How many units of work are open. */
  get open(): number {
    return this.#open
  }

  #wait(queue: Waiter[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const giveUp = () => {
        queue.splice(queue.indexOf(waiter), 1)
        reject(signal.reason)
      }
      const waiter = {
        enter() {
          signal.removeEventListener('abort', giveUp)
          resolve()
        },
      }
      signal.addEventListener('abort', giveUp, { once: true })
      queue.push(waiter)
    })
  }
}

/** In which order those enter who wait for a slot. */
export type UnitRank = 0 | 1 | 2

/** It holds employees already: others may be waiting for these. */
export const HOLDS_EMPLOYEES: UnitRank = 0
/** A caller waits for it. */
export const SYNCHRONOUS: UnitRank = 1
/** A block of a job. */
export const OF_JOB: UnitRank = 2
