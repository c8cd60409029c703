import type { Clock, Timer } from '../calendar/clock.ts'
import type { Logger } from '../pipeline/context.ts'
import type { JobStore } from './job-store.ts'
import { claimOrder } from './queue-order.ts'

/** How many queues are read at a time. */
const PAGE = 100

/** What became of an attempt to claim a job: it runs here, others were faster, or this service does not have its stages. */
export type ClaimOutcome = 'claimed' | 'not claimed' | 'foreign'

interface JobQueueOptions {
  readonly jobs: Pick<JobStore<never>, 'listWaiting' | 'get'>
  readonly clock: Clock
  readonly logger: Logger
  readonly queuePollMs: number
  /** Whether one more job may be claimed. */
  hasRoom(): boolean
  /** Recovers abandoned jobs: they were begun before those that wait. */
  recover(): Promise<void>
  claim(jobId: string): Promise<ClaimOutcome>
}

/**
 * Claims waiting jobs, as long as there is room: fair between tenants, and of one tenant the oldest first.
 *
 * It polls when the service is started, when a job that ran here has ended, and every `queuePollMs`. A service that was not
 * started claims only the jobs that it has asked for itself, and polls only while there are any. Each poll reads pages of queues
 * from where the last poll ended, so that no queue is left out, however many there are.
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
  #polling: Promise<void> | undefined
  #isPollDue = false

  constructor(options: JobQueueOptions) {
    this.#options = options
  }

  start(): void {
    this.#isStarted = true
    this.#own.clear()
    this.poll()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  /** Resolves when the poll in flight, if there is one, has ended. */
  async idle(): Promise<void> {
    await this.#polling
  }

  /** A job that this service has asked for waits. */
  add(jobId: string): void {
    if (!this.#isStarted) this.#own.add(jobId)
    this.poll()
  }

  /** Polls at once, or again when a poll is in flight. */
  poll(): void {
    if (this.#isStopped || !(this.#isStarted || this.#own.size > 0)) return
    this.#isPollDue = true
    this.#schedule()
    this.#polling ??= this.#pollWhileDue().finally(() => {
      this.#polling = undefined
      this.#schedule()
    })
  }

  /** The next poll is due `queuePollMs` after the last one has ended. */
  #schedule(): void {
    this.#timer?.cancel()
    if (this.#isStopped || !(this.#isStarted || this.#own.size > 0)) return
    this.#timer = this.#options.clock.setTimeout(() => this.poll(), this.#options.queuePollMs)
    // Whoever has asked for a job waits for it; a service that was merely started keeps no process alive.
    if (this.#own.size === 0) this.#timer.unref()
  }

  async #pollWhileDue(): Promise<void> {
    while (this.#isPollDue && !this.#isStopped) {
      this.#isPollDue = false
      try {
        if (!this.#isStarted) await this.#forgetClaimedByOthers()
        if (await this.#claimRound()) this.#isPollDue = true
      } catch (err) {
        this.#options.logger.error({ err }, 'Waiting jobs could not be claimed')
      }
    }
  }

  async #forgetClaimedByOthers(): Promise<void> {
    for (const jobId of this.#own) {
      const record = await this.#options.jobs.get(jobId)
      if (record?.status !== 'queued') this.#own.delete(jobId)
    }
  }

  /**
   * From where the last poll ended, to the last queue or until there is no room.
   *
   * @returns whether there may be more to claim.
   */
  async #claimRound(): Promise<boolean> {
    let isMore = this.#after !== null
    do {
      if (this.#isStopped || !this.#options.hasRoom()) return false
      // Behind a claimed job another one of its queue may wait.
      if (await this.#claimPage()) isMore = true
    } while (this.#after !== null)
    return isMore
  }

  /** @returns whether a job was claimed, or will be skipped from now on. */
  async #claimPage(): Promise<boolean> {
    const { jobs, clock, hasRoom, recover, claim } = this.#options
    const page = await jobs.listWaiting({ limit: PAGE, after: this.#after, except: [...this.#foreign] })
    this.#after = page.next
    const wanted = this.#isStarted ? page.jobs : page.jobs.filter(({ jobId }) => this.#own.has(jobId))
    if (wanted.length > 0 && this.#isStarted) await recover()
    let isProgress = false
    for (const { jobId, tenantKey } of claimOrder(wanted, clock.now(), (key) => this.#served.get(key) ?? 0)) {
      if (this.#isStopped || !hasRoom()) break
      const outcome = await claim(jobId)
      if (outcome === 'foreign' && this.#addForeign(jobId)) isProgress = true
      if (outcome !== 'claimed') continue
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
