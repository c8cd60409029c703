import type { DateInterval } from '../../calendar/date-range.ts'
import { fromEpochDay, toEpochDay } from '../../calendar/epoch-day.ts'
import type { IsoDate } from '../../calendar/iso-date.ts'
import { daysReadingPeriods } from '../../pipeline/days-behind-periods.ts'
import type { PeriodStage } from '../../pipeline/period-stage.ts'
import { outputsOf, readsOwnYesterday } from '../../pipeline/pipeline.ts'
import { DAILY_CALC } from '../../pipeline/stage-shape.ts'
import type { DayStage } from '../../pipeline/stages.ts'
import type { BlockDays } from './block-days.ts'
import type { StageValues } from './stage-values.ts'

/** Consecutive days of one employee, as numbers since 1970-01-01. */
export interface FollowingDays {
  readonly employeeId: string
  /** The first stage that is to calculate them. */
  readonly stage: string
  readonly first: number
  readonly last: number
}

/** A stage that reads another one, and how far a change reaches into later days. */
interface LaterReader {
  readonly position: number
  readonly first: number
  readonly last: number
}

/**
 * Follows values that did change to the days that read them. Days of the same block are opened at once, so that the stages
 * behind calculate them in the same unit of work; days behind the block are remembered, for whoever does these.
 *
 * Changes only ever reach later days and later stages. So when the stages of a pass are done in their order and each in the
 * order of its dates, no day of a stage is calculated twice.
 */
export class Cascade {
  readonly #days: BlockDays
  readonly #stages: readonly DayStage<never>[]
  /** The first day behind the block. */
  readonly #behind: number
  /** The last day that a value without an end of its own is carried to. */
  readonly #horizon: number
  readonly #changed = new Set<string>()
  readonly #ranges: FollowingDays[] = []

  /** @param horizon Values that are carried without end are followed up to this day, inclusive. */
  constructor(days: BlockDays, stages: readonly DayStage<never>[], horizon: IsoDate) {
    this.#days = days
    this.#stages = stages
    this.#behind = toEpochDay(days.block.to) + 1
    this.#horizon = toEpochDay(horizon)
  }

  /** A value that is carried on did change: the day behind it is to be calculated. */
  carriedPast(day: number, position: number): void {
    const { dates, employeeIds } = this.#days.block
    const place = (day + 1) % dates.length
    if (place !== 0) {
      if (this.#behind - dates.length + place <= this.#horizon) this.#days.open(day + 1, position)
    } else {
      const employeeId = employeeIds[Math.floor(day / dates.length)] as string
      this.#follow(employeeId, position, this.#behind, this.#behind, true)
    }
  }

  /** A stage has calculated its days: what reads them is to be calculated, too. */
  calculated(values: StageValues<never>): void {
    const { stage } = values.member
    const readers = this.#laterReaders(stage)
    const { dates, employeeIds } = this.#days.block
    for (const [employee, employeeId] of employeeIds.entries()) {
      const start = this.#days.firstOf(employee)
      for (let i = 0; i < dates.length; i++) {
        if (!values.isChanged(start + i)) continue
        this.#changed.add(stage.name)
        this.#days.periods?.dayChanged(employee, dates[i] as IsoDate, stage.writes)
        if (readers.length > 0 && values.isChangedForLater(start + i)) this.#reach(employeeId, start, i, readers)
      }
    }
  }

  /** A `dailyCalc` has changed a day; what it wrote is not known. */
  changedDay(day: number): void {
    this.#changed.add(DAILY_CALC)
    const { dates } = this.#days.block
    const date = dates[day % dates.length] as IsoDate
    this.#days.periods?.dayChanged(Math.floor(day / dates.length), date, undefined)
  }

  /** A period hands another value on: the days behind it that read it are to be calculated, up to the horizon. */
  carriedBehindPeriod(employeeId: string, stage: PeriodStage<never>, period: DateInterval): void {
    const to = fromEpochDay(Math.max(this.#horizon, toEpochDay(period.to)))
    for (const [position, reader] of this.#stages.entries()) {
      const days = daysReadingPeriods(reader, stage, period, { from: period.to, to })
      if (days) this.#follow(employeeId, position, toEpochDay(days.from), toEpochDay(days.to), true)
    }
  }

  /** A period stage has changed values. */
  changedStage(name: string): void {
    this.#changed.add(name)
  }

  /** True when a day of the employee behind the block, up to `through`, reads a value that did change. */
  reaches(employeeId: string, through: IsoDate): boolean {
    const last = toEpochDay(through)
    return this.#ranges.some((range) => range.employeeId === employeeId && range.first <= last)
  }

  /** The names of stages of which a value did change. */
  get changedStages(): ReadonlySet<string> {
    return this.#changed
  }

  /** Days behind the block that read a value that did change, in no order; they may overlap. */
  get following(): readonly FollowingDays[] {
    return this.#ranges
  }

  #reach(employeeId: string, start: number, i: number, readers: readonly LaterReader[]): void {
    const size = this.#days.block.dates.length
    for (const { position, first, last } of readers) {
      const day = this.#behind - size + i
      const isEndless = last === Number.POSITIVE_INFINITY
      const lastDay = isEndless ? this.#horizon : day + last
      const end = Math.min(size - 1, i + lastDay - day)
      for (let later = i + first; later <= end; later++) this.#days.open(start + later, position)
      if (lastDay >= this.#behind) {
        this.#follow(employeeId, position, Math.max(this.#behind, day + first), lastDay, isEndless)
      }
    }
  }

  #follow(employeeId: string, position: number, first: number, last: number, isEndless: boolean): void {
    const bounded = isEndless ? Math.min(last, this.#horizon) : last
    if (bounded < first) return
    const stage = this.#stages[position]?.name ?? ''
    const before = this.#ranges.at(-1)
    // Changes of neighbouring days reach the same days, but for one.
    const isSame = before?.employeeId === employeeId && before.stage === stage
    if (isSame && first >= before.first && first <= before.last + 1) {
      this.#ranges[this.#ranges.length - 1] = { ...before, last: Math.max(before.last, bounded) }
    } else this.#ranges.push({ employeeId, stage, first, last: bounded })
  }

  /** How the other stages that read this one reach into later days. */
  #laterReaders(stage: DayStage<never>): readonly LaterReader[] {
    const outputs = outputsOf(stage)
    return this.#stages.flatMap((reader, position) =>
      outputs.flatMap((output) => {
        const offsets = reader === stage ? undefined : reader.reads[output]
        if (!offsets || offsets[0] >= 0) return []
        return { position, first: Math.max(1, 0 - offsets[1]), last: 0 - offsets[0] }
      }),
    )
  }
}

/** True when a stage is handed what an earlier day of the same block has come to. */
export function reachesLaterDays(stages: readonly DayStage<never>[]): boolean {
  const outputs = new Set(stages.flatMap((stage) => outputsOf(stage)))
  return stages.some(
    (stage) =>
      readsOwnYesterday(stage) ||
      Object.entries(stage.reads).some(([table, [first]]) => first < 0 && outputs.has(table)),
  )
}
