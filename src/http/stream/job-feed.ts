import type { JobEvent } from '../../jobs/job-events.ts'
import type { Frame } from './frame.ts'

/** How many of its newest events a feed holds ready; who is further behind reads from the store. */
export const KEPT = 256

/**
 * What happens to one job from a certain event on, read once for all who watch it here: a thousand clients cost the
 * database what one does. It ends with the job's present run, or when nobody watches any more.
 */
export class JobFeed {
  readonly #after: number
  readonly #watchers = new Set<() => void>()
  readonly #nobody = new AbortController()
  readonly #frames: Frame[] = []
  #newestProgress = 0
  #ended = false

  /** @param after The `seq` that it begins behind. */
  constructor(after: number) {
    this.#after = after
  }

  /** It has told everything. */
  get ended(): boolean {
    return this.#ended
  }

  /** The `seq` of the newest progress that it has read. */
  get newestProgress(): number {
    return this.#newestProgress
  }

  get watched(): boolean {
    return this.#watchers.size > 0
  }

  /** True when {@link next} tells what follows `seq`; false when that is too long ago. */
  reaches(seq: number): boolean {
    return seq >= (this.#frames[0]?.seq ?? this.#after + 1) - 1
  }

  /** True when it has an event after `seq` ready. */
  hasAfter(seq: number): boolean {
    return (this.#frames.at(-1)?.seq ?? 0) > seq
  }

  /** The first event after `seq`, if it has happened. */
  next(seq: number): Frame | undefined {
    if (!this.hasAfter(seq)) return undefined
    // Numbers ascend, but some are missing when a backend forgets events faster than they are read.
    const guess = seq + 1 - (this.#frames[0]?.seq ?? 0)
    let place = Math.min(Math.max(0, guess), this.#frames.length - 1)
    while (place > 0 && (this.#frames[place - 1]?.seq ?? 0) > seq) place -= 1
    return this.#frames[place]
  }

  /** Calls `listener` whenever there is something new, or it has ended; returns what ends that. */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener)
    return () => {
      this.#watchers.delete(listener)
      if (!this.watched) this.#nobody.abort()
    }
  }

  /** Reads until the end; rejects when reading failed, and has ended then, too. */
  async follow(
    read: (options: { readonly after: number; readonly signal: AbortSignal }) => Promise<AsyncIterable<JobEvent>>,
    frameOf: (event: JobEvent) => Frame,
  ): Promise<void> {
    const { signal } = this.#nobody
    try {
      for await (const event of await read({ after: this.#after, signal })) {
        const frame = frameOf(event)
        this.#frames.push(frame)
        if (this.#frames.length > KEPT) this.#frames.shift()
        if (frame.isProgress) this.#newestProgress = frame.seq
        this.#notify()
      }
    } finally {
      this.#ended = true
      this.#notify()
    }
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}
