import { setImmediate } from 'node:timers/promises'
import type { JobEvent } from './job-events.ts'
import type { JobRecord } from './job-record.ts'
import type { JobStore } from './job-store.ts'

/** How the handles of a service read jobs: a service that stops lets reads in flight end, and wakes whoever waits for news. */
export class JobReader {
  readonly #jobs: JobStore<never>
  readonly #reads = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()

  constructor(jobs: JobStore<never>) {
    this.#jobs = jobs
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

  /** Resolves when everybody has read what is stored by now, and nobody waits any more. */
  async close(): Promise<void> {
    // Whoever was just told of news begins to read within this turn of the event loop, and one read leads to the next.
    do {
      await Promise.allSettled(this.#reads)
      await setImmediate()
    } while (this.#reads.size > 0)
    this.#closing.abort()
  }

  #track<T>(read: Promise<T>): Promise<T> {
    this.#reads.add(read)
    const done = () => this.#reads.delete(read)
    read.then(done, done)
    return read
  }
}
