import type { Clock, Timer } from '../calendar/clock.ts'
import { BackendUnavailableError } from '../errors.ts'
import type { Logger } from '../pipeline/context.ts'
import type { JobRecord } from './job-record.ts'
import type { JobEnd } from './job-runner.ts'
import type { AbandonedJob, JobStore } from './job-store.ts'

/** What becomes of a job whose worker died: it is taken up, or marked as `interrupted` for somebody to decide. */
export type Recovery = 'resume' | 'mark'

/** How many abandoned jobs are looked at together. */
const PAGE = 100

/** The most waits, in looks, before a job is tried again that the database did not let run. */
const LONGEST_PAUSE = 32

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
 * Looks for jobs that nobody works on, every third of a lease, and takes them up: at most `most` at once, the others as soon
 * as one of these has ended.
 *
 * A job that somebody asked to cancel is ended as `cancelled`, one that somebody asked to pause as `paused`. One whose stages this service does not have is left to a
 * service that has them; when its worker died it is marked `interrupted`, so that it stands in nobody's way. One that the
 * database did not let run is tried again after a pause, which doubles each time.
 */
export class JobRecovery {
  readonly #options: RecoveryOptions
  /** Jobs whose stages this service does not have. */
  readonly #foreign = new Set<string>()
  /** Jobs that the database did not let run: how long they wait, in looks, and how many are left. */
  readonly #pauses = new Map<string, { readonly looks: number; left: number }>()
  #timer: Timer | undefined
  #scanning: Promise<void> | undefined
  #stopped = false

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  /** Begins to look; resolves once what can run was taken up, or after a moment when that takes longer. */
  async start(): Promise<void> {
    const first = await this.#page(null)
    this.#scanning = this.#takeUp(first).catch((err: unknown) => {
      this.#options.logger.error({ err }, 'Recovery of abandoned jobs failed')
    })
    this.#scheduleLook()
    const { promise: moment, resolve } = Promise.withResolvers<void>()
    const timer = this.#options.clock.setTimeout(resolve, START_MS)
    await Promise.race([this.#scanning, moment])
    timer.cancel()
  }

  /** Looks now. */
  look(): Promise<void> {
    return this.#scan()
  }

  /** Looks no more. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  /** Jobs that end meanwhile are followed by others at once, and do not move this timer: pauses are counted in its looks. */
  #scheduleLook(): void {
    const { clock, leaseMs } = this.#options
    if (this.#stopped) return
    this.#timer = clock.setTimeout(() => {
      for (const pause of this.#pauses.values()) pause.left -= 1
      void this.#scan().then(() => this.#scheduleLook())
    }, leaseMs / 3)
    this.#timer.unref()
  }

  /** One scan at a time. */
  #scan(): Promise<void> {
    const before = this.#scanning
    this.#scanning = (async () => {
      await before
      if (this.#stopped) return
      try {
        await this.#takeUp(await this.#page(null))
      } catch (error) {
        this.#options.logger.error({ err: error }, 'Recovery of abandoned jobs failed')
      }
    })()
    return this.#scanning
  }

  #page(after: string | null): Promise<readonly AbandonedJob[]> {
    const { jobs, clock } = this.#options
    return jobs.listAbandoned({ now: clock.now(), limit: PAGE, after })
  }

  async #takeUp(first: readonly AbandonedJob[]): Promise<void> {
    const unseen = new Set([...this.#pauses.keys(), ...this.#foreign])
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
    this.#pauses.delete(jobId)
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
      if (this.#options.taken.size >= this.#options.most || (this.#pauses.get(jobId)?.left ?? 0) > 0) return
      if (isInterrupted && this.#foreign.has(jobId)) return
      const record = await this.#options.get(jobId)
      if (!record) return
      if (this.#options.isKnown(record.plan)) return await this.#resume(record)
      this.#foreign.add(jobId)
      logger.warn({ jobId }, 'A job has stages that this service does not have; it is left to one that has them')
      if (!isInterrupted) await this.#close(jobId, 'Job of a dead worker marked')
    } catch (error) {
      if (error instanceof BackendUnavailableError) this.#pause(jobId)
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
    if (result.status === 'interrupted' && (result.error || !isStored)) this.#pause(jobId)
    else this.#pauses.delete(jobId)
    void this.#scan()
  }

  #pause(jobId: string): void {
    const looks = Math.min(LONGEST_PAUSE, (this.#pauses.get(jobId)?.looks ?? 0) * 2 || 1)
    this.#pauses.set(jobId, { looks, left: looks })
  }
}
