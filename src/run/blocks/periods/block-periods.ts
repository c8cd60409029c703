import { type DateInterval, isCovered } from '../../../calendar/date-range.ts'
import type { IsoDate } from '../../../calendar/iso-date.ts'
import { periodOf, periodsBetween } from '../../../calendar/period.ts'
import type { Block } from '../../../pipeline/employee-day.ts'
import { offsetsOf, type PeriodReads, type PeriodStage } from '../../../pipeline/period-stage.ts'
import { periodsReading, readsOfTable } from '../../../pipeline/reading-periods.ts'
import { failureOf, ofPeriod, type RecalcFailure } from '../../failure.ts'
import type { PeriodCounters } from '../../result.ts'

/** A period of one employee, as one stage keeps it. */
export interface StagePeriod {
  readonly employeeId: string
  readonly stage: string
  readonly period: DateInterval
}

/** How far the periods of a run go, and what is known of them. */
export interface RunPeriods {
  /** The first requested date: what ends before it is none of the run's. */
  readonly since: IsoDate
  /** The last requested date: a period is due with the last of its dates up to here. */
  readonly through: IsoDate
  /** Employee id → where days have failed in earlier blocks, or wait for such. */
  readonly failedDays: ReadonlyMap<string, readonly DateInterval[]>
  /** Only this stage and those behind it. */
  readonly fromStage?: string | undefined
}

/** What is known of the days outside of the block, where changes are settled. */
export interface SettlePeriods {
  /** A day behind the block, up to `through`, is to be calculated, too: its period waits for it. */
  isDirtyBehind(employeeId: string, through: IsoDate): boolean
  /** A day of the period has failed before, and is not tried again yet. */
  isFailing(employeeId: string, period: DateInterval): boolean
  /** What has no end of its own is followed up to here. */
  readonly horizon: DateInterval
}

/** A stage whose `load`, `stored` or `save` fails for this employee: its periods are left as they are. */
export interface FailingPeriods {
  readonly stage: string
  readonly thrown: unknown
}

/**
 * The periods of one block and what becomes of each. In a run they are due with its dates. Where changes are settled they are
 * due when a day that they read did change, or when a note says so.
 */
export class BlockPeriods {
  readonly stages: readonly PeriodStage<never>[]
  readonly failing: readonly FailingPeriods[]
  readonly #block: Block
  readonly #run: RunPeriods | undefined
  #settle: SettlePeriods | undefined
  /** By stage and employee, then by first date: what somebody has asked for. */
  readonly #marked = new Map<string, Map<IsoDate, DateInterval>>()
  /** By stage: what is due with the dates of a run, for whichever employee. */
  readonly #dueInRun: (readonly DateInterval[])[] = []
  readonly #closed: (readonly DateInterval[])[] = []
  /** Periods that were left as they are, by stage, employee and first date. */
  readonly #failed = new Set<string>()
  readonly #done = new Set<string>()
  readonly failures: RecalcFailure[] = []
  /** Closed ones that somebody has asked for. */
  readonly held: StagePeriod[] = []
  /** Those that are left to whoever calculates the days behind this block. */
  readonly deferred: StagePeriod[] = []
  processed = 0
  unchanged = 0
  skipped = 0

  /** @param options.run Undefined: periods become due by what has changed alone. */
  constructor(
    stages: readonly PeriodStage<never>[],
    block: Block,
    options: { readonly run?: RunPeriods | undefined; readonly failing?: readonly FailingPeriods[] },
  ) {
    this.stages = stages
    this.failing = options.failing ?? []
    this.#block = block
    this.#run = options.run
  }

  /** Has changes followed: those of days to their periods, and of periods to later ones. */
  follow(settle: SettlePeriods): void {
    this.#settle = settle
  }

  get counters(): PeriodCounters {
    const { processed, unchanged, skipped, failures } = this
    return { processed, unchanged, skipped, failed: failures.length }
  }

  /** The dates of the block, extended to whole periods: which of them are closed is asked for together. */
  get extent(): DateInterval {
    let { from, to } = this.#block
    for (const { period } of this.stages) {
      const [first, last] = [periodOf(period, this.#block.from), periodOf(period, this.#block.to)]
      if (first.from < from) from = first.from
      if (last.to > to) to = last.to
    }
    return { from, to }
  }

  /** Where an employee's closed days lie. */
  close(employee: number, intervals: readonly DateInterval[]): void {
    this.#closed[employee] = intervals
  }

  /** Has the period of a stage calculated that holds a date. */
  mark(employee: number, position: number, period: DateInterval): void {
    const key = `${position} ${employee}`
    const marked = this.#marked.get(key) ?? new Map<IsoDate, DateInterval>()
    this.#marked.set(key, marked)
    marked.set(period.from, period)
  }

  /** A day is another one now, in these tables or, undefined, in some: so are the periods that read it. */
  dayChanged(employee: number, date: IsoDate, tables: readonly string[] | undefined): void {
    this.#changed(employee, { from: date, to: date }, tables, 0)
  }

  /** A period is another one now: so are those of later stages that read it. */
  periodChanged(employee: number, position: number, period: DateInterval): void {
    this.#changed(employee, period, this.stages[position]?.writes, position + 1)
  }

  /** The periods of a stage that are due for an employee, ascending. */
  dueOf(position: number, employee: number): readonly DateInterval[] {
    if (this.#run) {
      this.#dueInRun[position] ??= this.#dueWithDates(position, this.#run)
      return this.#dueInRun[position]
    }
    const marked = this.#marked.get(`${position} ${employee}`)?.values() ?? []
    return [...marked].toSorted((a, b) => (a.from < b.from ? -1 : 1))
  }

  #dueWithDates(position: number, run: RunPeriods): readonly DateInterval[] {
    const stage = this.stages[position] as PeriodStage<never>
    const first = run.fromStage === undefined ? 0 : this.stages.findIndex(({ name }) => name === run.fromStage)
    if (position < first) return []
    return periodsBetween(stage.period, this.#block).filter((period) => {
      const last = period.to < run.through ? period.to : run.through
      return last >= this.#block.from && last <= this.#block.to && period.to >= run.since
    })
  }

  /** True when every day of the period is closed for the employee. */
  isClosed(employee: number, { from, to }: DateInterval): boolean {
    return isCovered({ from, to }, this.#closed[employee] ?? [])
  }

  /** True when the period waits for days that have failed outside of the block. */
  isBlocked(employeeId: string, period: DateInterval): boolean {
    const failed = this.#run?.failedDays.get(employeeId) ?? []
    const hasFailed = failed.some(({ from, to }) => from <= period.to && to >= period.from)
    return hasFailed || this.#settle?.isFailing(employeeId, period) === true
  }

  /** True when a later block of the same wave calculates the period once more: it is left to that one. */
  isForLater(employeeId: string, { from, to }: DateInterval): boolean {
    if (this.#run) return false
    if (from > this.#block.to) return true
    return to > this.#block.to && this.#settle?.isDirtyBehind(employeeId, to) === true
  }

  /** A value that is carried on has changed: the period behind is due, too, unless that is beyond the horizon. */
  carriesInto(period: DateInterval): boolean {
    return this.#settle !== undefined && period.from <= this.#settle.horizon.to
  }

  get isRun(): boolean {
    return this.#run !== undefined
  }

  /** True in a run of days: those behind this block may build on its periods. */
  get areBeforeDays(): boolean {
    return this.#run !== undefined && this.#run.fromStage === undefined
  }

  /** The last date up to which periods of this run go. */
  get through(): IsoDate | undefined {
    return this.#run?.through
  }

  /** True when it is settled what becomes of the period of a stage that holds a date. */
  isDone(employee: number, stage: string, date: IsoDate): boolean {
    const position = this.stages.findIndex(({ name }) => name === stage)
    const kind = this.stages[position]?.period
    return kind !== undefined && this.#done.has(keyOf(employee, position, periodOf(kind, date)))
  }

  /** Notes that a period was calculated. */
  calculated(employee: number, position: number, period: DateInterval, isUnchanged: boolean): void {
    this.#done.add(keyOf(employee, position, period))
    this.processed += 1
    if (isUnchanged) this.unchanged += 1
  }

  /** Leaves a closed period as it is. */
  skip(employee: number, position: number, period: DateInterval): void {
    const key = keyOf(employee, position, period)
    this.skipped += 1
    if (!this.#marked.get(`${position} ${employee}`)?.has(period.from)) return
    this.#done.add(key)
    const [employeeId, stage] = [this.#block.employeeIds[employee], this.stages[position]]
    if (employeeId !== undefined && stage) this.held.push({ employeeId, stage: stage.name, period })
  }

  /** Leaves periods that have become due, but not with the dates of this block, to whoever calculates them. */
  deferRest(): void {
    this.#forEachMarked((employee, position, period) => {
      if (!this.#done.has(keyOf(employee, position, period))) this.defer(employee, position, period)
    })
  }

  #forEachMarked(visit: (employee: number, position: number, period: DateInterval) => void): void {
    for (const [key, periods] of this.#marked) {
      const [position, employee] = key.split(' ').map(Number) as [number, number] // as `mark` wrote them
      for (const period of periods.values()) visit(employee, position, period)
    }
  }

  /** Leaves a period to whoever calculates it in a later block. */
  defer(employee: number, position: number, period: DateInterval): void {
    this.#done.add(keyOf(employee, position, period))
    const [employeeId, stage] = [this.#block.employeeIds[employee], this.stages[position]]
    if (employeeId !== undefined && stage) this.deferred.push({ employeeId, stage: stage.name, period })
  }

  /** Leaves all periods as they are that somebody has asked for. */
  failMarked(thrown: unknown, attempts: number): void {
    this.#forEachMarked((employee, position, period) => this.fail(employee, position, period, thrown, attempts))
  }

  /** Leaves a period as it is. */
  fail(employee: number, position: number, period: DateInterval, thrown: unknown, attempts: number): void {
    const stage = this.stages[position] as PeriodStage<never>
    const key = keyOf(employee, position, period)
    this.#failed.add(key)
    this.#done.add(key)
    const employeeId = this.#block.employeeIds[employee] as string
    const failure = failureOf(thrown, { employeeId, date: period.from, stage: stage.name }, attempts)
    this.failures.push(ofPeriod(failure, stage.name, period))
  }

  /** True when a stage that this one reads has left a period as it is that this one builds on. */
  buildsOnFailed(employee: number, position: number, { from, to }: DateInterval): boolean {
    const { reads } = this.stages[position] as PeriodStage<never>
    return this.stages.slice(0, position).some((earlier, i) => {
      if (!earlier.writes.some((table) => table in reads)) return false
      const periods = periodsBetween(earlier.period, { from, to })
      return periods.some((period) => this.#failed.has(keyOf(employee, i, period)))
    })
  }

  #changed(employee: number, days: DateInterval, tables: readonly string[] | undefined, firstPosition: number): void {
    const settle = this.#settle
    if (!settle) return
    for (let position = firstPosition; position < this.stages.length; position++) {
      const stage = this.stages[position] as PeriodStage<never>
      for (const reads of tables ? tables.map((table) => readsOfTable(stage, table)) : readsOfDays(stage)) {
        if (reads === undefined) continue
        for (const period of periodsReading(stage.period, reads, days, settle.horizon)) {
          this.mark(employee, position, period)
        }
      }
    }
  }
}

/** What a stage may read of the days of a `dailyCalc`, which does not say what it writes. */
function readsOfDays({ reads, writes }: PeriodStage<never>): readonly PeriodReads[] {
  const others = Object.entries(reads).filter(([table]) => !writes.includes(table))
  return ['period', ...others.map(([, own]) => own).filter((own) => offsetsOf(own).every(Number.isFinite))]
}

function keyOf(employee: number, position: number, { from }: DateInterval): string {
  return `${position} ${employee} ${from}`
}
