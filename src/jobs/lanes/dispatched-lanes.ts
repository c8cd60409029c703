import { type RecalcError, RecoveryLimitError } from '../../errors.ts'
import type { ActiveRun } from '../../run/active-run.ts'
import type { RecalcFailure } from '../../run/failure.ts'
import type { Lane } from '../../run/lanes/lane.ts'
import type { LanePool } from '../../run/lanes/lane-pool.ts'
import type { Employee } from '../../run/plan/host-contracts.ts'
import { attempt } from '../../run/units/attempts.ts'
import { pause } from '../../run/units/backoff.ts'
import type { JobSettings } from '../job-settings.ts'
import type { Lease } from '../job-store.ts'
import { LaneFault } from './lane-fault.ts'
import type { LanePointer, LanesLook, LaneView } from './lane-store.ts'
import { PointerSender } from './pointer-sender.ts'
import { SentLanes } from './sent-lanes.ts'
import type { SharedLanes } from './shared-lanes.ts'
import { Wakeable } from './wakeable.ts'

/** How many lanes are opened at a time. */
const LANES_PER_PAGE = 64

/** No page is opened while so many lanes are open: enough for many workers, and all that is remembered of a job. */
const MOST_OPEN = 192

/** How often the store is looked at, in milliseconds, and how soon again when this process knows that lanes are done. */
const LOOK_MS = 100
const NEXT_LOOK_MS = 20

/** A lane that was sent so often in vain is calculated by this process as well: nobody else may be there. */
const TIMES_IN_VAIN = 2

/** What the looks at the store bring to light. */
export interface LanesListener {
  /** @returns the failures that are new. */
  looked(look: LanesLook): Promise<readonly RecalcFailure[]>
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
  readonly #wakeable: Wakeable
  #held: Promise<void> | undefined
  /** How many lanes were over in this process since the last look. */
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
    this.#wakeable = new Wakeable(settings.clock)
  }

  async run(lanes: AsyncIterable<Lane> | Iterable<Lane>): Promise<boolean> {
    const { control } = this.#run
    const ending = this.#shared.onLaneOver(() => this.#laneOver())
    let isFirst = true
    try {
      for await (const lane of lanes) {
        if (control.stopped) break
        // What failed before anything is sent has been told by whoever wrote it down.
        if (isFirst) await this.#look()
        isFirst = false
        this.#send(lane)
        while (this.#sent.size >= MOST_OPEN && !control.stopped) await this.#lookLater()
      }
      while (this.#sent.size > 0 && !control.stopped) await this.#lookLater()
    } catch (error) {
      control.fail(error)
    }
    ending()
    if (control.stopped && !isFirst) await this.#windUp()
    return !control.stopped || this.#sent.size === 0
  }

  #send(lane: Lane): void {
    this.#sent.add(lane.id, this.#now())
    this.#sender.send(this.#pointerTo(lane.id))
    this.#listener.advanced(lane.employees.at(-1))
  }

  #laneOver(): void {
    this.#over += 1
    if (this.#isLookDue) this.#wakeable.wake(NEXT_LOOK_MS)
  }

  /** A look costs as much as a lane does. To come early it must open another page, or may find that all are done. */
  get #isLookDue(): boolean {
    return this.#over >= Math.min(LANES_PER_PAGE, this.#sent.size)
  }

  async #lookLater(): Promise<void> {
    const { control, throttle, journal } = this.#run
    // Whoever calculates lanes asks for himself; here it is told that they hold still.
    this.#held ??= throttle
      ?.pass(control, (reason) => journal.waiting(reason))
      ?.finally(() => {
        this.#held = undefined
      })
    await this.#wakeable.sleep(this.#isLookDue ? NEXT_LOOK_MS : LOOK_MS, control.stopping)
    if (!control.stopped) await this.#look()
  }

  async #look(): Promise<void> {
    this.#over = 0
    const look = await attempt('lanes', this.#run, () => this.#shared.lanes.look(this.#lease))
    if (!look) return
    const now = this.#now()
    const open = this.#sent.look(look.lanes, now)
    await this.#tell(look)
    for (const lane of open) this.#heed(lane, now)
  }

  async #tell(look: LanesLook): Promise<void> {
    const failures = await this.#listener.looked(look)
    if (failures.length > 0) this.#run.onFailures(failures)
  }

  #heed(lane: LaneView, now: number): void {
    const { control, journal } = this.#run
    const { notice } = lane
    if (notice && 'fault' in notice) {
      control.fail(new LaneFault(notice.fault))
    } else if (notice && this.#sent.isNews(lane.id, notice.number)) {
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
  async #windUp(): Promise<void> {
    const { control } = this.#run
    const { lanes } = this.#shared
    const { clock, logger } = this.#settings
    try {
      if (!control.abandoned) await lanes.stop(this.#lease)
      while (!control.abandoned) {
        const look = await lanes.look(this.#lease)
        this.#sent.look(look.lanes, this.#now())
        await this.#listener.looked(look)
        if (!look.lanes.some(({ claimedUntil }) => claimedUntil > this.#now())) return
        await pause(clock, LOOK_MS, control.signal)
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
