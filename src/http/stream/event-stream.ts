import type { Clock } from '../../calendar/clock.ts'
import type { Logger } from '../../pipeline/context.ts'
import { Problem } from '../response/problem.ts'
import { type Frame, heartbeat } from './frame.ts'
import type { JobFeed } from './job-feed.ts'
import type { JobFeeds, Place } from './job-feeds.ts'
import type { Permission } from './permission.ts'

/** About how much is handed over at once. */
const CHUNK_BYTES = 16_384

/** Who has not caught up for this long is slow: of several progress events only the newest is told. */
const SLOW_MS = 2_000

/** Where a stream begins and what it needs. */
export interface EventStreamOptions {
  readonly jobId: string
  /** What it begins with. */
  readonly opening: Uint8Array
  /** The `seq` of the last event that the client has. */
  readonly after: number
  /** The `seq` of the last event that is told of in `opening`. */
  readonly lastSeq: number
  readonly feeds: JobFeeds
  /** Without it nothing is sent. */
  readonly permission: Permission
  readonly heartbeatMs: number
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * A job's events for one client, as bytes. Nothing is done but when the client asks for more, so one that does not read
 * costs its place in a list: what it has missed is in the store. While it asks, the timer of the heartbeat runs.
 */
export function eventStream(options: EventStreamOptions): ReadableStream<Uint8Array> {
  // Nothing is read ahead.
  return new ReadableStream(new FrameSource(options), { highWaterMark: 0 })
}

class FrameSource {
  readonly #options: EventStreamOptions
  readonly #gone = new AbortController()
  #place: Place | undefined
  #history: AsyncGenerator<Frame, void> | undefined
  #after: number
  #caughtUpAt: number
  #wake: (() => void) | undefined

  constructor(options: EventStreamOptions) {
    this.#options = options
    this.#after = options.after
    this.#caughtUpAt = options.clock.now()
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const chunk = this.#place ? await this.#next(this.#place.feed) : this.#begin()
    const goesOn = chunk !== undefined && !this.#gone.signal.aborted && (await this.#isAllowed())
    if (this.#gone.signal.aborted) return
    if (goesOn) {
      controller.enqueue(chunk)
      return
    }
    this.#unsubscribe()
    controller.close()
  }

  cancel(): void {
    this.#unsubscribe()
  }

  #begin(): Uint8Array {
    const { feeds, jobId, lastSeq, opening } = this.#options
    this.#place = feeds.join(jobId, lastSeq, () => this.#wake?.())
    return opening
  }

  /** What to send next, waiting for it if need be; `undefined` when that was all. */
  async #next(feed: JobFeed): Promise<Uint8Array | undefined> {
    try {
      for (;;) {
        const frames = await this.#stored(feed)
        if (frames.length > 0) return Buffer.concat(frames)
        if (this.#gone.signal.aborted) return undefined
        this.#caughtUpAt = this.#options.clock.now()
        // It may have happened in between, when nobody listened.
        if (feed.hasAfter(this.#after)) continue
        if (feed.ended) return undefined
        if (!(await this.#nextChange())) return heartbeat
      }
    } catch (error) {
      // The client comes back by itself and goes on where it was.
      const { jobId, logger } = this.#options
      logger.error({ jobId, err: error }, 'Job events could not be read')
      return undefined
    }
  }

  /** Whoever is refused here comes back by itself, and is told why. */
  async #isAllowed(): Promise<boolean> {
    const { permission, jobId, logger } = this.#options
    try {
      await permission.check()
      return true
    } catch (error) {
      if (error instanceof Problem) logger.info({ jobId, err: error }, 'A stream ended with its credentials')
      else logger.error({ jobId, err: error }, 'A stream ended, its credentials could not be checked')
      return false
    }
  }

  /** What has happened and is not sent yet, a chunk of it. */
  async #stored(feed: JobFeed): Promise<Uint8Array[]> {
    const chunk: Uint8Array[] = []
    let bytes = 0
    while (bytes < CHUNK_BYTES && !this.#gone.signal.aborted) {
      const frame = await this.#follower(feed)
      if (!frame) break
      this.#after = frame.seq
      if (this.#isOutdated(frame, feed)) continue
      chunk.push(frame.bytes)
      bytes += frame.bytes.byteLength
    }
    return chunk
  }

  /** The event after the last one that was sent. */
  async #follower(feed: JobFeed): Promise<Frame | undefined> {
    if (feed.reaches(this.#after)) {
      await this.#endHistory()
      return feed.next(this.#after)
    }
    const opened = this.#history === undefined
    this.#history ??= this.#options.feeds.history(this.#options.jobId, {
      after: this.#after,
      signal: this.#gone.signal,
    })
    const { value } = await this.#history.next()
    if (value) return value
    this.#history = undefined
    // A history that was opened before the job was resumed ends with the run before.
    return opened ? feed.next(this.#after) : await this.#follower(feed)
  }

  /** Only of what happened while a slow client was connected; whoever connects anew gets every event that is stored. */
  #isOutdated({ seq, isProgress }: Frame, feed: JobFeed): boolean {
    const { clock, lastSeq } = this.#options
    if (!isProgress || seq <= lastSeq || seq >= feed.newestProgress) return false
    return clock.now() - this.#caughtUpAt > SLOW_MS
  }

  /** True when something happened, false after a long silence, or when the permission is to be renewed. */
  #nextChange(): Promise<boolean> {
    const { clock, heartbeatMs, permission } = this.#options
    const waitMs = Math.min(heartbeatMs, permission.remainingMs)
    return new Promise((resolve) => {
      const settle = (news: boolean) => {
        timer.cancel()
        this.#wake = undefined
        resolve(news)
      }
      const timer = clock.setTimeout(() => settle(false), waitMs)
      timer.unref()
      this.#wake = () => settle(true)
    })
  }

  #unsubscribe(): void {
    this.#gone.abort()
    this.#wake?.()
    this.#place?.unsubscribe()
    void this.#endHistory()
  }

  async #endHistory(): Promise<void> {
    const history = this.#history
    this.#history = undefined
    await history?.return()
  }
}
