import { type RecalcError, RecoveryLimitError } from '../../errors.ts'
import type { ActiveRun } from '../../run/active-run.ts'
import type { RecalcFailure } from '../../run/failure.ts'
import type { Lane } from '../../run/lanes/lane.ts'
import type { LanePool } from '../../run/lanes/lane-pool.ts'
import type { Employee } from '../../run/plan/host-contracts.ts'
import { attempt } from '../../run/units/attempts.ts'
import { sleep } from '../../run/units/backoff.ts'
import type { JobSettings } from '../job-settings.ts'
import type { Lease } from '../job-store.ts'
import { InterruptibleSleep } from './interruptible-sleep.ts'
import { LaneFault } from './lane-fault.ts'
import type { LanePointer, LanesProgress, LaneView } from './lane-store.ts'
import { PointerSender } from './pointer-sender.ts'
import { SentLanes } from './sent-lanes.ts'
import type { SharedLanes } from './shared-lanes.ts'

/** How many lanes are opened at a time. */
const LANES_PER_PAGE = 64

/** No page is opened while so many lanes are open: enough for many workers, and all that is remembered of a job. */
const MOST_OPEN = 192

/** How often the store is polled, in milliseconds, and how soon again when this process knows that lanes are done. */
const POLL_MS = 100
const NEXT_POLL_MS = 20

/** A lane that was sent so often in vain is calculated by this process as well: nobody else may be there. */
const TIMES_IN_VAIN = 2

/** Gets what the polls of the store find. */
export interface LanesListener {
  /** @returns the failures that are new. */
  progressed(progress: LanesProgress): Promise<readonly RecalcFailure[]>
  /** One of these employees' lanes is done. */
  advanced(last: Employee | undefined): void
}

/**
 * The lanes of a job, which any process may calculate: they are opened in the store, pointers to them are sent, and what comes
 * of that is read from the store, with one statement for all.
 *
 * A lane that nobody is heard of is sent again. One that is sent in vain, because messages are lost or nobody is there, is
 * calculated here: a job needs no other process to come to its end.
 */
export class DispatchedLanes<Tx> implements LanePool {
  readonly lanesPerPage = LANES_PER_PAGE
  readonly #run: ActiveRun<Tx>
  readonly #settings: JobSettings<Tx>
  readonly #lease: Lease
  readonly #shared: SharedLanes<Tx>
  readonly #listener: LanesListener
  readonly #sent = new SentLanes()
  readonly #sender: PointerSender
  readonly #sleep: InterruptibleSleep
  #held: Promise<void> | undefined
  /** How many lanes were over in this process since the last poll. */
  #over = 0

  constructor(
    run: ActiveRun<Tx>,
    settings: JobSettings<Tx>,
    lease: Lease,
    shared: SharedLanes<Tx>,
    listener: LanesListener,
  ) {
    this.#run = run
    this.#settings = settings
    this.#lease = lease
    this.#shared = shared
    this.#listener = listener
    this.#sender = new PointerSender(shared, settings)
    this.#sleep = new InterruptibleSleep(settings.clock)
  }

  async run(lanes: AsyncIterable<Lane> | Iterable<Lane>): Promise<boolean> {
    const { control } = this.#run
    const ending = this.#shared.onLaneOver(() => this.#laneOver())
    let isFirst = true
    try {
      for await (const lane of lanes) {
        if (control.stopped) break
        // What failed before anything is sent has been told by whoever wrote it down.
        if (isFirst) await this.#poll()
        isFirst = false
        this.#send(lane)
        while (this.#sent.size >= MOST_OPEN && !control.stopped) await this.#pollLater()
      }
      while (this.#sent.size > 0 && !control.stopped) await this.#pollLater()
    } catch (error) {
      control.fail(error)
    }
    ending()
    if (control.stopped && !isFirst) await this.#drain()
    return !control.stopped || this.#sent.size === 0
  }

  #send(lane: Lane): void {
    this.#sent.add(lane.id, this.#now())
    this.#sender.send(this.#pointerTo(lane.id))
    this.#listener.advanced(lane.employees.at(-1))
  }

  #laneOver(): void {
    this.#over += 1
    if (this.#isPollDue) this.#sleep.wake(NEXT_POLL_MS)
  }

  /** A poll costs as much as a lane does. To come early it must open another page, or may find that all are done. */
  get #isPollDue(): boolean {
    return this.#over >= Math.min(LANES_PER_PAGE, this.#sent.size)
  }

  async #pollLater(): Promise<void> {
    const { control, throttle, journal } = this.#run
    // Each worker of a lane asks the throttle itself. Here the job only shows that they wait.
    this.#held ??= throttle
      ?.pass(control, (reason) => journal.waiting(reason))
      ?.finally(() => {
        this.#held = undefined
      })
    await this.#sleep.sleep(this.#isPollDue ? NEXT_POLL_MS : POLL_MS, control.stopping)
    if (!control.stopped) await this.#poll()
  }

  async #poll(): Promise<void> {
    this.#over = 0
    const progress = await attempt('lanes', this.#run, () => this.#shared.lanes.progress(this.#lease))
    if (!progress) return
    const now = this.#now()
    const open = this.#sent.update(progress.lanes, now)
    await this.#report(progress)
    for (const lane of open) this.#updateLane(lane, now)
  }

  async #report(progress: LanesProgress): Promise<void> {
    const failures = await this.#listener.progressed(progress)
    if (failures.length > 0) this.#run.onFailures(failures)
  }

  #updateLane(lane: LaneView, now: number): void {
    const { control, journal } = this.#run
    const { notice } = lane
    if (notice && 'fault' in notice) {
      control.fail(new LaneFault(notice.fault))
    } else if (notice && this.#sent.isNewRetry(lane.id, notice.number)) {
      journal.retrying(notice.retry, new LaneFault(notice.retry))
    }
    if (lane.claimedUntil > now || !this.#sent.isSilent(lane.id, now, this.#settings.leaseMs / 3)) return
    if (lane.claims > this.#settings.maxRecoveries) {
      control.fail(this.#recoveryLimit(lane))
      return
    }
    const pointer = this.#pointerTo(lane.id)
    this.#settings.logger.debug({ laneId: lane.id }, 'Nobody was heard of who calculates a lane, so it is sent again')
    if (this.#sent.sendAgain(lane.id, now) >= TIMES_IN_VAIN) this.#shared.calculateHere(pointer)
    this.#sender.send(pointer)
  }

  #recoveryLimit({ claims }: LaneView): RecalcError {
    return new RecoveryLimitError(this.#lease.jobId, claims)
  }

  /** Has nobody begin another block, and waits for those in flight: until nobody holds a lane, or its claim has run out. */
  async #drain(): Promise<void> {
    const { control } = this.#run
    const { lanes } = this.#shared
    const { clock, logger } = this.#settings
    try {
      if (!control.abandoned) await lanes.stop(this.#lease)
      while (!control.abandoned) {
        const progress = await lanes.progress(this.#lease)
        this.#sent.update(progress.lanes, this.#now())
        await this.#listener.progressed(progress)
        if (!progress.lanes.some(({ claimedUntil }) => claimedUntil > this.#now())) return
        await sleep(clock, POLL_MS, control.signal)
      }
    } catch (err) {
      logger.warn(
        { err },
        'Lanes that others calculate could not be waited for; what they write from now on is refused',
      )
    }
  }

  #pointerTo(laneId: number): LanePointer {
    const { jobId, token } = this.#lease
    return { jobId, laneId, token }
  }

  #now(): number {
    return this.#settings.clock.now()
  }
}
