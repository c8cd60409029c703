import { randomUUID } from 'node:crypto'
import type { Timer } from '../../calendar/clock.ts'
import { LeaseLostError } from '../../errors.ts'
import { outsideCalculation } from '../../run/units/nested-calls.ts'
import type { JobSettings } from '../job-settings.ts'
import { ClaimedLane } from './claimed-lane.ts'
import type { LaneAnswer, LaneDispatcher } from './lane-dispatcher.ts'
import { LaneJobs, type Select } from './lane-jobs.ts'
import type { LanePointer, LaneStore } from './lane-store.ts'
import type { SharedLanes } from './shared-lanes.ts'

/** Lanes beyond those that have a unit of work open: they are claimed meanwhile, so that no slot waits for that. */
const AHEAD = 1

/**
 * Calculates lanes that others have opened: takes pointers from the dispatcher, claims what they point to, and keeps the claims for
 * as long as that takes.
 *
 * Claims last as long as a lease, and are renewed every third of it, with one statement per job.
 */
export class LaneWorker<Tx> implements SharedLanes<Tx> {
  readonly lanes: LaneStore<Tx>
  readonly dispatcher: LaneDispatcher
  readonly #settings: JobSettings<Tx>
  readonly #jobs: LaneJobs<Tx>
  readonly #claimed = new Set<ClaimedLane<Tx>>()
  readonly #handling = new Set<Promise<unknown>>()
  readonly #listeners = new Set<() => void>()
  /** To be calculated here because nobody else may be there; by lane, so that none waits twice. */
  readonly #own = new Map<string, LanePointer>()
  #ownRunning = 0
  #isStarted = false
  #stopped: { readonly cause: unknown } | undefined
  #timer: Timer | undefined

  constructor(
    settings: JobSettings<Tx>,
    options: { readonly lanes: LaneStore<Tx>; readonly dispatcher: LaneDispatcher; readonly select: Select<Tx> },
  ) {
    this.#settings = settings
    this.lanes = options.lanes
    this.dispatcher = options.dispatcher
    this.#jobs = new LaneJobs(settings, options.select)
  }

  /** Begins to take pointers; does nothing when it has begun. */
  start(): void {
    if (this.#isStarted || this.#stopped) return
    const { concurrency, logger } = this.#settings
    const options = { concurrency: concurrency + AHEAD, logger }
    const working: unknown = this.dispatcher.work((pointer) => this.#handle(pointer), options)
    this.#isStarted = true
    // It promises nothing, but one that is written `async` rejects with what goes wrong.
    Promise.resolve(working).catch((err) => logger.error({ err }, 'The dispatcher brings no lanes'))
  }

  /** Lets blocks in flight commit, gives lanes back, and takes no more. */
  async stop(cause: unknown): Promise<void> {
    this.#stopped ??= { cause }
    this.#own.clear()
    for (const lane of this.#claimed) lane.stop(cause)
    await Promise.all([this.#dispatcherStopped(), ...this.#handling])
    this.#timer?.cancel()
  }

  /** Waits for no block in flight any more: it is given up. */
  abandon(cause: unknown): void {
    for (const lane of this.#claimed) lane.control.abandon(cause)
  }

  calculateHere(pointer: LanePointer): void {
    if (this.#stopped) return
    this.#own.set(`${pointer.laneId} ${pointer.token} ${pointer.jobId}`, pointer)
    this.#calculateOwn()
  }

  onLaneOver(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #calculateOwn(): void {
    for (const [key, pointer] of this.#own) {
      if (this.#ownRunning >= this.#settings.concurrency) return
      this.#own.delete(key)
      this.#ownRunning += 1
      void this.#handle(pointer).then(() => {
        this.#ownRunning -= 1
        this.#calculateOwn()
      })
    }
  }

  #handle(pointer: LanePointer): Promise<LaneAnswer> {
    if (this.#stopped) return Promise.resolve('refused')
    if (!isPointer(pointer)) {
      this.#settings.logger.warn({ pointer }, 'The dispatcher brought something else than a pointer to a lane')
      return Promise.resolve('done')
    }
    const handling = outsideCalculation(() => this.#take(pointer)).finally(() => {
      this.#handling.delete(handling)
      for (const listener of this.#listeners) listener()
    })
    this.#handling.add(handling)
    return handling
  }

  /** Never rejects. */
  async #take(pointer: LanePointer): Promise<LaneAnswer> {
    const { clock, leaseMs, logger } = this.#settings
    try {
      const job = await this.#jobs.of(pointer)
      if (!job) return 'done'
      if (job === 'foreign' || this.#stopped) return 'refused'
      const { jobId, token } = pointer
      const claim = { jobId, token, claimId: randomUUID() }
      const now = clock.now()
      const checkpoint = await this.lanes.claim(pointer, { claimId: claim.claimId, now, claimMs: leaseMs })
      if (!checkpoint) return 'done'
      const options = { lanes: this.lanes, settings: this.#settings, validUntil: now + leaseMs }
      const lane = new ClaimedLane(claim, checkpoint, options)
      this.#claimed.add(lane)
      this.#stopWhenStopped(lane)
      this.#scheduleRenewal()
      await lane.calculate(job)
      this.#claimed.delete(lane)
    } catch (err) {
      logger.warn({ ...pointer, err }, 'A lane could not be taken; it is sent again')
    }
    return 'done'
  }

  /** The service may have been stopped while the lane was claimed. */
  #stopWhenStopped(lane: ClaimedLane<Tx>): void {
    if (this.#stopped) lane.stop(this.#stopped.cause)
  }

  #scheduleRenewal(): void {
    const { clock, leaseMs } = this.#settings
    this.#timer ??= clock.setTimeout(() => void this.#renew(), leaseMs / 3)
    this.#timer.unref()
  }

  async #renew(): Promise<void> {
    const { clock, leaseMs, logger } = this.#settings
    const claimed = [...this.#claimed]
    const now = clock.now()
    try {
      const claims = claimed.map(({ claim }) => claim)
      const standing = claims.length === 0 ? [] : await this.lanes.renew(claims, { now, claimMs: leaseMs })
      const byId = new Map(standing.map((claim) => [claim.claimId, claim]))
      for (const lane of claimed) {
        const found = byId.get(lane.claim.claimId)
        if (!found) lane.lost()
        else lane.validUntil = now + leaseMs
        if (found?.isStopping) lane.stop(undefined)
      }
    } catch (err) {
      logger.warn({ err }, 'Claims of lanes could not be renewed')
      for (const lane of claimed) {
        if (err instanceof LeaseLostError || clock.now() >= lane.validUntil) lane.lost()
      }
    }
    this.#timer = undefined
    if (this.#claimed.size > 0) this.#scheduleRenewal()
  }

  async #dispatcherStopped(): Promise<void> {
    try {
      await this.dispatcher.stop()
    } catch (err) {
      this.#settings.logger.warn({ err }, 'The dispatcher could not be stopped')
    }
  }
}

/** Whatever else is in a queue, of a test or of another program, is nobody's lane. */
function isPointer(value: unknown): value is LanePointer {
  const { jobId, laneId, token } = (value ?? {}) as Partial<Readonly<Record<keyof LanePointer, unknown>>>
  return typeof jobId === 'string' && Number.isSafeInteger(laneId) && Number.isSafeInteger(token)
}
