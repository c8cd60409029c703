import type { Clock, Timer } from '../calendar/clock.ts'
import type { Logger } from '../pipeline/context.ts'
import type { JobStore } from './job-store.ts'
import { takingOrder } from './queue-order.ts'

/** How many queues are looked at together. */
const PAGE = 100

/** What came of an attempt to take a job: it runs here, others were faster, or this service does not have its stages. */
export type Taking = 'taken' | 'not taken' | 'foreign'

interface JobQueueOptions {
  readonly jobs: Pick<JobStore<never>, 'listWaiting' | 'get'>
  readonly clock: Clock
  readonly logger: Logger
  readonly queuePollMs: number
  /** Whether one more job may be taken. */
  hasRoom(): boolean
  /** Takes up jobs that are nobody's: they were begun before those that wait. */
  recover(): Promise<void>
  take(jobId: string): Promise<Taking>
}

/**
 * Takes jobs that wait, as long as there is room: fair between tenants, and of a tenant the oldest first.
 *
 * It looks when the service is started, when a job that was worked on here has ended, and every `queuePollMs`. A service that was
 * not started takes only jobs that it has asked for itself, and looks only while there are some. Each look takes a page of
 * queues and goes on where the last one ended, so that none is left out however many there are.
 */
export class JobQueue {
  readonly #options: JobQueueOptions
  /** Waiting jobs of a service that was not started. */
  readonly #own = new Set<string>()
  /** Jobs whose stages this service does not have. */
  readonly #foreign = new Set<string>()
  /** When each tenant was served last, as a number that grows; the one that was served longest ago comes first. */
  readonly #served = new Map<string, number>()
  #servings = 0
  #after: string | null = null
  #isStarted = false
  #isStopped = false
  #timer: Timer | undefined
  #looking: Promise<void> | undefined
  #isNews = false

  constructor(options: JobQueueOptions) {
    this.#options = options
  }

  start(): void {
    this.#isStarted = true
    this.#own.clear()
    this.look()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  /** Resolves when the look that is under way, if there is one, is over. */
  async idle(): Promise<void> {
    await this.#looking
  }

  /** A job that this service has asked for waits. */
  add(jobId: string): void {
    if (!this.#isStarted) this.#own.add(jobId)
    this.look()
  }

  /** Looks at once, or again when a look is under way. */
  look(): void {
    if (this.#isStopped || !(this.#isStarted || this.#own.size > 0)) return
    this.#isNews = true
    this.#schedule()
    this.#looking ??= this.#lookWhileThereIsNews().finally(() => {
      this.#looking = undefined
      this.#schedule()
    })
  }

  /** The next look is due `queuePollMs` after the last one has ended. */
  #schedule(): void {
    this.#timer?.cancel()
    if (this.#isStopped || !(this.#isStarted || this.#own.size > 0)) return
    this.#timer = this.#options.clock.setTimeout(() => this.look(), this.#options.queuePollMs)
    // Whoever has asked for a job waits for it; a service that was merely started keeps no process alive.
    if (this.#own.size === 0) this.#timer.unref()
  }

  async #lookWhileThereIsNews(): Promise<void> {
    while (this.#isNews && !this.#isStopped) {
      this.#isNews = false
      try {
        if (!this.#isStarted) await this.#forgetTakenByOthers()
        if (await this.#takeRound()) this.#isNews = true
      } catch (err) {
        this.#options.logger.error({ err }, 'Waiting jobs could not be taken')
      }
    }
  }

  async #forgetTakenByOthers(): Promise<void> {
    for (const jobId of this.#own) {
      const record = await this.#options.jobs.get(jobId)
      if (record?.status !== 'queued') this.#own.delete(jobId)
    }
  }

  /**
   * From where the last look ended, to the last queue or until there is no room.
   *
   * @returns whether there may be more to take.
   */
  async #takeRound(): Promise<boolean> {
    let isMore = this.#after !== null
    do {
      if (this.#isStopped || !this.#options.hasRoom()) return false
      // Behind a job that was taken another of its queue may stand.
      if (await this.#takePage()) isMore = true
    } while (this.#after !== null)
    return isMore
  }

  /** @returns whether something was taken, or is to be skipped from now on. */
  async #takePage(): Promise<boolean> {
    const { jobs, clock, hasRoom, recover, take } = this.#options
    const page = await jobs.listWaiting({ limit: PAGE, after: this.#after, except: [...this.#foreign] })
    this.#after = page.next
    const wanted = this.#isStarted ? page.jobs : page.jobs.filter(({ jobId }) => this.#own.has(jobId))
    if (wanted.length > 0 && this.#isStarted) await recover()
    let isProgress = false
    for (const { jobId, tenantKey } of takingOrder(wanted, clock.now(), (key) => this.#served.get(key) ?? 0)) {
      if (this.#isStopped || !hasRoom()) break
      const taking = await take(jobId)
      if (taking === 'foreign' && this.#addForeign(jobId)) isProgress = true
      if (taking !== 'taken') continue
      isProgress = true
      this.#own.delete(jobId)
      this.#serve(tenantKey)
    }
    return isProgress
  }

  #serve(tenantKey: string): void {
    this.#servings += 1
    this.#served.delete(tenantKey)
    this.#served.set(tenantKey, this.#servings)
    const [longestAgo] = this.#served.keys()
    if (this.#served.size > MOST_REMEMBERED && longestAgo !== undefined) this.#served.delete(longestAgo)
  }

  /** @returns false when the one that was found first had to be forgotten for it. */
  #addForeign(jobId: string): boolean {
    this.#options.logger.warn({ jobId }, 'A waiting job has stages that this service does not have')
    this.#foreign.add(jobId)
    const [first] = this.#foreign
    if (this.#foreign.size <= PAGE || first === undefined) return true
    this.#foreign.delete(first)
    return false
  }
}

/** How many tenants' turns are remembered. */
const MOST_REMEMBERED = 10_000
