import type { Clock, Timer } from '../calendar/clock.ts'
import { BackendUnavailableError, NotResumableError } from '../errors.ts'
import type { Logger } from '../pipeline/context.ts'
import type { JobRecord } from './job-record.ts'
import type { JobEnd } from './job-runner.ts'
import type { AbandonedJob, JobStore } from './job-store.ts'

/** What becomes of a job whose worker died: it is taken up, or marked as `interrupted` for somebody to decide. */
export type Recovery = 'resume' | 'mark'

/** How many abandoned jobs are read at a time. */
const PAGE = 100

/** The longest backoff, in polls, of a job that the database did not let run. */
const LONGEST_BACKOFF = 32

/** The longest that `start()` waits for the first jobs to be taken up, in milliseconds. */
const START_MS = 500

interface RecoveryOptions {
  readonly jobs: Pick<JobStore<never>, 'listAbandoned'>
  readonly clock: Clock
  readonly logger: Logger
  readonly leaseMs: number
  readonly recovery: Recovery
  /** Jobs that were taken up and run. */
  readonly taken: Set<string>
  /** The most of them at once. */
  readonly most: number
  get(jobId: string): Promise<JobRecord | undefined>
  /** Whether this service has the stages of a plan. */
  isKnown(plan: JobRecord['plan']): boolean
  resume(record: JobRecord): Promise<{ readonly ended: Promise<JobEnd> }>
  /** Ends a job as `cancelled` or `paused` when somebody asked for that, else as `interrupted`. */
  close(jobId: string): Promise<void>
}

/**
 * Polls for abandoned jobs every third of a lease, and resumes them: at most `most` at once, the others as soon as one of
 * these has ended.
 *
 * - A job that somebody asked to cancel ends as `cancelled`. One that somebody asked to pause ends as `paused`.
 * - A job whose stages this service does not have is left to a service that has them. If its worker died, it is marked
 *   `interrupted`, so that it blocks no other job.
 * - A job that the database did not let run is tried again after a backoff, which doubles each time.
 */
export class JobRecovery {
  readonly #options: RecoveryOptions
  /** Jobs whose stages this service does not have. */
  readonly #foreign = new Set<string>()
  /** Jobs that the database did not let run: for how many polls they wait, and how many of these are left. */
  readonly #backoffs = new Map<string, { readonly polls: number; left: number }>()
  #timer: Timer | undefined
  #polling: Promise<void> | undefined
  #stopped = false

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  /** Begins to poll. Resolves once it has taken up what can run, or after a moment if that takes longer. */
  async start(): Promise<void> {
    const first = await this.#page(null)
    this.#polling = this.#takeUp(first).catch((err: unknown) => {
      this.#options.logger.error({ err }, 'Recovery of abandoned jobs failed')
    })
    this.#schedulePoll()
    const { promise: moment, resolve } = Promise.withResolvers<void>()
    const timer = this.#options.clock.setTimeout(resolve, START_MS)
    await Promise.race([this.#polling, moment])
    timer.cancel()
  }

  /** Polls no more. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  /** A job that ends does not move this timer, although the next job is taken up at once: backoffs are counted in its polls. */
  #schedulePoll(): void {
    const { clock, leaseMs } = this.#options
    if (this.#stopped) return
    this.#timer = clock.setTimeout(() => {
      for (const backoff of this.#backoffs.values()) backoff.left -= 1
      void this.poll().then(() => this.#schedulePoll())
    }, leaseMs / 3)
    this.#timer.unref()
  }

  /** Looks for abandoned jobs now, once the poll before has ended. */
  poll(): Promise<void> {
    const before = this.#polling
    this.#polling = (async () => {
      await before
      if (this.#stopped) return
      try {
        await this.#takeUp(await this.#page(null))
      } catch (error) {
        this.#options.logger.error({ err: error }, 'Recovery of abandoned jobs failed')
      }
    })()
    return this.#polling
  }

  #page(after: string | null): Promise<readonly AbandonedJob[]> {
    const { jobs, clock } = this.#options
    return jobs.listAbandoned({ now: clock.now(), limit: PAGE, after })
  }

  async #takeUp(first: readonly AbandonedJob[]): Promise<void> {
    const unseen = new Set([...this.#backoffs.keys(), ...this.#foreign])
    for (let page = first; ; ) {
      for (const job of page) {
        if (this.#stopped) return
        unseen.delete(job.jobId)
        await this.#recover(job)
      }
      const last = page.at(-1)
      if (page.length < PAGE || !last) break
      page = await this.#page(last.jobId)
    }
    for (const jobId of unseen) this.#forget(jobId)
  }

  /** Nobody has to take a job up any more, unless it runs here and fails again. */
  #forget(jobId: string): void {
    if (this.#options.taken.has(jobId)) return
    this.#backoffs.delete(jobId)
    this.#foreign.delete(jobId)
  }

  async #recover({ jobId, status, cancelRequested, pauseRequested }: AbandonedJob): Promise<void> {
    const { recovery, logger } = this.#options
    const isInterrupted = status === 'interrupted'
    try {
      if (cancelRequested) return await this.#close(jobId, 'Job of a dead worker cancelled')
      if (pauseRequested) return await this.#close(jobId, 'Job of a dead worker paused')
      if (recovery === 'mark')
        return isInterrupted ? undefined : await this.#close(jobId, 'Job of a dead worker marked')
      if (this.#options.taken.size >= this.#options.most || (this.#backoffs.get(jobId)?.left ?? 0) > 0) return
      if (isInterrupted && this.#foreign.has(jobId)) return
      const record = await this.#options.get(jobId)
      if (!record) return
      if (this.#options.isKnown(record.plan)) return await this.#resume(record)
      this.#foreign.add(jobId)
      logger.warn({ jobId }, 'A job has stages that this service does not have; it is left to one that has them')
      if (!isInterrupted) await this.#close(jobId, 'Job of a dead worker marked')
    } catch (error) {
      if (error instanceof NotResumableError) return logger.debug({ jobId }, 'Another process took the job up first')
      if (error instanceof BackendUnavailableError) this.#backOff(jobId)
      logger.warn({ jobId, err: error }, 'An abandoned job could not be recovered')
    }
  }

  async #close(jobId: string, message: string): Promise<void> {
    await this.#options.close(jobId)
    this.#options.logger.info({ jobId }, message)
  }

  async #resume(record: JobRecord): Promise<void> {
    const jobId = record.id
    this.#options.taken.add(jobId)
    try {
      const { ended } = await this.#options.resume(record)
      this.#options.logger.info({ jobId }, 'Abandoned job taken up')
      void ended.then((end) => this.#ended(jobId, end))
    } catch (error) {
      this.#options.taken.delete(jobId)
      throw error
    }
  }

  #ended(jobId: string, { result, isStored }: JobEnd): void {
    this.#options.taken.delete(jobId)
    if (result.status === 'interrupted' && (result.error || !isStored)) this.#backOff(jobId)
    else this.#backoffs.delete(jobId)
    void this.poll()
  }

  #backOff(jobId: string): void {
    const polls = Math.min(LONGEST_BACKOFF, (this.#backoffs.get(jobId)?.polls ?? 0) * 2 || 1)
    this.#backoffs.set(jobId, { polls, left: polls })
  }
}
