import type { JobEvent } from '../../jobs/job-events.ts'
import type { Logger } from '../../pipeline/context.ts'
import type { RecalcForApi } from '../recalc-for-api.ts'
import type { DescribeFailure } from '../response/failure-text.ts'
import { frameOf } from './frame.ts'
import { JobFeed, KEPT } from './job-feed.ts'

/** A watcher's place at a feed. */
export interface Place {
  readonly feed: JobFeed
  unsubscribe(): void
}

/** The feeds of all jobs that somebody watches here. */
export class JobFeeds {
  readonly #recalc: Pick<RecalcForApi, 'openJob'>
  readonly #describe: DescribeFailure
  readonly #logger: Logger
  readonly #feeds = new Map<string, JobFeed>()

  constructor(recalc: Pick<RecalcForApi, 'openJob'>, options: { describeFailure: DescribeFailure; logger: Logger }) {
    this.#recalc = recalc
    this.#describe = options.describeFailure
    this.#logger = options.logger
  }

  /** Begins to watch a job that has come to `after`; `listener` is called for everything that the feed has not yielded yet. */
  join(jobId: string, after: number, listener: () => void): Place {
    // What the feed holds of the past is read once, and not by each who begins in front of it.
    const feed = this.#feeds.get(jobId) ?? this.#begin(jobId, Math.max(0, after - KEPT))
    const unwatch = feed.watch(listener)
    const unsubscribe = () => {
      unwatch()
      if (!feed.watched) this.#forget(jobId, feed)
    }
    return { feed, unsubscribe }
  }

  /** What was stored before a feed began, or so long ago that it holds it no more. */
  async *history(jobId: string, options: { readonly after: number; readonly signal: AbortSignal }) {
    for await (const event of await this.#read(jobId, options)) yield frameOf(event, this.#describe)
  }

  #begin(jobId: string, after: number): JobFeed {
    const feed = new JobFeed(after)
    this.#feeds.set(jobId, feed)
    feed
      .follow(
        (options) => this.#read(jobId, options),
        (event) => frameOf(event, this.#describe),
      )
      .catch((error: unknown) => this.#logger.error({ jobId, err: error }, 'Job events could not be read'))
      .finally(() => this.#forget(jobId, feed))
    return feed
  }

  async #read(
    jobId: string,
    options: { readonly after: number; readonly signal: AbortSignal },
  ): Promise<AsyncIterable<JobEvent>> {
    return (await this.#recalc.openJob(jobId)).events(options)
  }

  #forget(jobId: string, feed: JobFeed): void {
    if (this.#feeds.get(jobId) === feed) this.#feeds.delete(jobId)
  }
}
