import type { DateInterval } from '../../calendar/date-range.ts'
import type { IsoDate } from '../../calendar/iso-date.ts'
import { withinPeriods } from '../../pipeline/days-behind-periods.ts'
import type { PeriodStage } from '../../pipeline/period-stage.ts'
import type { BlockOutcome } from '../blocks/block-runner.ts'
import type { RunPeriods } from '../blocks/periods/block-periods.ts'
import { emptyStep, type FailureKey, type LaneCheckpoint, type Step } from '../checkpoint.ts'
import { blocking, ofPeriod } from '../failure.ts'
import type { Employee } from '../plan/host-contracts.ts'
import { lockKeys } from '../units/employee-locks.ts'
import { halfIds } from './half-ids.ts'

/**
 * The blocks of one group of employees, in date order. Lanes run side by side, days of one employee never do.
 *
 * A lane that meets an error it cannot pin on a day is split in two, down to a single employee, and then takes fewer dates
 * at a time, down to a single one.
 *
 * Where days build on earlier ones, a failed day takes its employee out of the lane: everything up to the lane's last date
 * counts as failed, under the one failure that says so. A `repair` lane does what had failed, or was blocked, in an earlier
 * run; its days are counted as failed already. There the failure stays recorded while some of its days are to be done, and
 * moves on to the first of them: that is where a next run begins.
 */
export class Lane {
  readonly id: number
  readonly kind: LaneCheckpoint['kind']
  readonly tenantId: string
  readonly #dates: readonly IsoDate[]
  readonly #blocksLater: boolean
  #employees: readonly Employee[]
  #employeeIds: readonly string[]
  #lockKeys: readonly string[]
  #datesDone: number
  readonly #periodsBeforeDays: readonly PeriodStage<never>[]
  readonly #since: IsoDate
  readonly #stage: string | undefined
  readonly #failedDays = new Map<string, readonly DateInterval[]>()

  constructor(options: {
    readonly id: number
    readonly kind: LaneCheckpoint['kind']
    readonly tenantId: string
    readonly employees: readonly Employee[]
    /** Consecutive. */
    readonly dates: readonly IsoDate[]
    readonly datesDone?: number
    /** A failed day blocks the later ones of its employee. */
    readonly blocksLater: boolean
    /** A block ends where a period of one of these does. */
    readonly periodsBeforeDays: readonly PeriodStage<never>[]
    /** The first date of the run. */
    readonly since: IsoDate
    /** The first stage of a lane of kind `period`. */
    readonly stage?: string | undefined
    /** Employee id → where days are known to have failed, or to wait for such. */
    readonly failedDays?: ReadonlyMap<string, readonly DateInterval[]> | undefined
  }) {
    this.id = options.id
    this.kind = options.kind
    this.tenantId = options.tenantId
    this.#employees = options.employees
    this.#employeeIds = options.employees.map(({ id }) => id)
    this.#lockKeys = lockKeys(options.tenantId, this.#employeeIds)
    this.#dates = options.dates
    this.#datesDone = options.datesDone ?? 0
    this.#blocksLater = options.blocksLater
    this.#periodsBeforeDays = options.periodsBeforeDays
    this.#since = options.since
    this.#stage = options.stage
    for (const [id, failed] of options.failedDays ?? []) this.#failedDays.set(id, failed)
  }

  get employees(): readonly Employee[] {
    return this.#employees
  }

  get employeeIds(): readonly string[] {
    return this.#employeeIds
  }

  get lockKeys(): readonly string[] {
    return this.#lockKeys
  }

  get finished(): boolean {
    return this.#datesDone >= this.#dates.length || this.#employees.length === 0
  }

  get checkpoint(): LaneCheckpoint {
    const { id, kind, employeeIds } = this
    const [from] = this.#dates as [IsoDate]
    const lane = { id, kind, employeeIds, from, to: this.#lastDate, datesDone: this.#datesDone }
    return this.#stage === undefined ? lane : { ...lane, stage: this.#stage }
  }

  /** Only periods are calculated, no day. */
  get isPeriodsOnly(): boolean {
    return this.kind === 'period'
  }

  /**
   * The periods that are calculated with a block; undefined: none. Those of a repaired day have failed with it, and are counted
   * when they are repaired: with it they are calculated only where later days build on them.
   */
  get periods(): RunPeriods | undefined {
    if (this.kind === 'repair' && this.#periodsBeforeDays.length === 0) return undefined
    return { since: this.#since, through: this.#lastDate, failedDays: this.#failedDays, fromStage: this.#stage }
  }

  /** The next dates to do, at most `limit`; all where only periods are calculated, which may build on each other. */
  nextDates(limit: number): readonly IsoDate[] {
    if (this.isPeriodsOnly) return this.#dates
    const isAll = this.#datesDone === 0 && limit >= this.#dates.length
    const dates = isAll ? this.#dates : this.#dates.slice(this.#datesDone, this.#datesDone + limit)
    return withinPeriods(dates, this.#periodsBeforeDays)
  }

  /** How a block of the next dates is written down. */
  stepOf(dates: readonly IsoDate[], outcome: BlockOutcome): Step {
    if (this.isPeriodsOnly) return this.#periodStep(outcome)
    const datesDone = this.#datesDone + dates.length
    const left = this.#blocksLater ? this.#withoutFailed(outcome) : this.#employeeIds
    const failedCount = this.#employeeIds.length - left.length
    const finished = datesDone >= this.#dates.length || left.length === 0
    const { processed, unchanged, skipped } = outcome
    const isRepair = this.kind === 'repair'
    const noted = isRepair ? outcome.failures.filter(({ period }) => !period) : outcome.failures
    const failures = this.#blocksLater
      ? noted.map((failure) => (failure.period ? failure : blocking(failure, this.#lastDate)))
      : noted
    const hasFailed = failedCount > 0 && !finished
    const lane = hasFailed
      ? { id: this.id, datesDone, finished, employeeIds: left }
      : { id: this.id, datesDone, finished }
    const { resolved, moved } = isRepair ? this.#resolved(dates, left, finished) : emptyStep
    const step: Step = {
      lane,
      processed,
      unchanged,
      skipped,
      failed: isRepair ? 0 : outcome.failed + failedCount * (this.#dates.length - datesDone),
      repaired: isRepair ? processed + skipped : 0,
      failures,
      resolved,
      moved,
    }
    return outcome.periods && !isRepair ? { ...step, periods: { ...outcome.periods, repaired: 0 } } : step
  }

  /** Who fails again, at whatever period behind the failed one, keeps one failure: that of the first. */
  #periodStep({ failures }: BlockOutcome): Step {
    const [from] = this.#dates as [IsoDate]
    const stage = this.#stage ?? ''
    const again = new Map(failures.map((failure) => [failure.employeeId, failure]))
    const repaired = this.#employeeIds.length - again.size
    return {
      ...emptyStep,
      lane: { id: this.id, datesDone: this.#dates.length, finished: true },
      resolved: this.#employeeIds.map((employeeId) => ({ employeeId, date: from, stage, period: true })),
      failures: [...again.values()].map((failure) => ofPeriod(failure, stage, { from, to: failure.through ?? from })),
      periods: { processed: repaired, unchanged: 0, skipped: 0, failed: 0, repaired },
    }
  }

  /** The block of the next dates has committed. */
  advance(dates: readonly IsoDate[], outcome: BlockOutcome): void {
    this.#datesDone += dates.length
    for (const { employeeId, date, period } of outcome.failures) {
      if (period || employeeId === null || date === null) continue
      this.#failedDays.set(employeeId, [...(this.#failedDays.get(employeeId) ?? []), { from: date, to: date }])
    }
    if (!this.#blocksLater || outcome.failures.length === 0) return
    const left = new Set(this.#withoutFailed(outcome))
    this.#employees = this.#employees.filter(({ id }) => left.has(id))
    this.#employeeIds = this.#employees.map(({ id }) => id)
    this.#lockKeys = lockKeys(this.tenantId, this.#employeeIds)
  }

  /** This lane's employees as two lanes, each where this one stands. */
  split(): readonly Lane[] {
    const middle = Math.ceil(this.#employees.length / 2)
    const { kind, tenantId } = this
    const since = this.#since
    const stage = this.#stage
    const failedDays = this.#failedDays
    const rest = {
      kind,
      tenantId,
      since,
      stage,
      failedDays,
      dates: this.#dates,
      datesDone: this.#datesDone,
      blocksLater: this.#blocksLater,
      periodsBeforeDays: this.#periodsBeforeDays,
    }
    const [first, second] = halfIds(this.id)
    return [
      new Lane({ ...rest, id: first, employees: this.#employees.slice(0, middle) }),
      new Lane({ ...rest, id: second, employees: this.#employees.slice(middle) }),
    ]
  }

  get #lastDate(): IsoDate {
    return this.#dates[this.#dates.length - 1] as IsoDate
  }

  #withoutFailed({ failures }: BlockOutcome): readonly string[] {
    if (failures.length === 0) return this.#employeeIds
    const failed = new Set(failures.filter(({ period }) => !period).map(({ employeeId }) => employeeId))
    return this.#employeeIds.filter((id) => !failed.has(id))
  }

  /** What becomes of the failures that a repair lane was made of. */
  #resolved(dates: readonly IsoDate[], left: readonly string[], finished: boolean): Pick<Step, 'resolved' | 'moved'> {
    if (!this.#blocksLater) {
      return { resolved: this.#employeeIds.flatMap((id) => dates.map((date) => dayFailure(id, date))), moved: [] }
    }
    const moving = new Set(finished ? [] : left)
    const next = this.#dates[this.#datesDone + dates.length]
    const standing = this.#employeeIds.map((id) => ({ id, failure: dayFailure(id, dates[0] as IsoDate) }))
    return {
      resolved: standing.filter(({ id }) => !moving.has(id)).map(({ failure }) => failure),
      moved: next ? standing.filter(({ id }) => moving.has(id)).map(({ failure }) => ({ failure, to: next })) : [],
    }
  }
}

function dayFailure(employeeId: string, date: IsoDate): FailureKey {
  return { employeeId, date, stage: '' }
}
