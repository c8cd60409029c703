import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../calendar/clock.ts'
import type { JobEvent } from './job-events.ts'
import type { JobRecord } from './job-record.ts'
import type { JobStore } from './job-store.ts'

/** How long a reader waits before it reads again what could not be read, in milliseconds. */
const PAUSE_MS = 1_000

/** How the handles of a service read jobs: a service that stops lets reads in flight end, and wakes whoever waits for news. */
export class JobReader {
  readonly #jobs: JobStore<never>
  readonly #clock: Clock
  readonly #reads = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()
  #isAbandoned = false

  constructor(jobs: JobStore<never>, clock: Clock) {
    this.#jobs = jobs
    this.#clock = clock
  }

  /** Aborts when nobody is to wait for news any more. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  get(jobId: string): Promise<JobRecord | undefined> {
    return this.#track(this.#jobs.get(jobId))
  }

  events(jobId: string, page: { readonly after: number; readonly limit: number }): Promise<readonly JobEvent[]> {
    return this.#track(this.#jobs.events(jobId, page))
  }

  watch(jobId: string, listener: () => void): () => void {
    return this.#jobs.watch(jobId, listener)
  }

  /** Resolves when something was stored for the job, after a while, or when the reader is closed. */
  news(jobId: string): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        unwatch()
        timer.cancel()
        this.closed.removeEventListener('abort', wake)
        resolve()
      }
      const timer = this.#clock.setTimeout(wake, PAUSE_MS)
      timer.unref()
      const unwatch = this.#jobs.watch(jobId, wake)
      this.closed.addEventListener('abort', wake, { once: true })
    })
  }

  /** Resolves when everybody has read what is stored by now, and nobody waits any more. */
  async close(): Promise<void> {
    // Whoever was just told of news begins to read within this turn of the event loop, and one read leads to the next. Who
    // reads again and again without waiting is not waited for.
    for (let turns = 0; turns < 1_000 && !this.#isAbandoned; turns++) {
      await Promise.allSettled(this.#reads)
      await setImmediate()
      if (this.#reads.size === 0) break
    }
    this.#closing.abort()
  }

  /** Waits for no read in flight any more. */
  abandon(): void {
    this.#isAbandoned = true
    this.#closing.abort()
  }

  #track<T>(read: Promise<T>): Promise<T> {
    this.#reads.add(read)
    const done = () => this.#reads.delete(read)
    read.then(done, done)
    return read
  }
}
