import { type DateInterval, dayBefore } from '../../../calendar/date-range.ts'
import { periodOf, periodsBetween } from '../../../calendar/period.ts'
import { PeriodBlockedError, PipelineError } from '../../../errors.ts'
import type { StageContext } from '../../../pipeline/context.ts'
import {
  type EmployeePeriod,
  type PeriodBlock,
  type PeriodStage,
  readsOwnPrevious,
} from '../../../pipeline/period-stage.ts'
import { dayBehind } from '../../../pipeline/reading-periods.ts'
import type { Selection } from '../../../pipeline/selection.ts'
import { ofDay } from '../../failure.ts'
import type { StageCall } from '../../telemetry.ts'
import { type BlockCalculator, type BlockShape, type BlockUnit, FailedAfterSave } from '../block-calculator.ts'
import type { BlockDays } from '../block-days.ts'
import { callStage, type StageLimits } from '../stage-call.ts'
import { asFatal } from '../stage-failure.ts'
import type { BlockPeriods } from './block-periods.ts'
import { checkStoredPeriods, PeriodValues } from './period-values.ts'

/** Calculates the days of a block, by somebody else, and then the periods that are due in it. */
export class PeriodCalculator<Tx> implements BlockCalculator<Tx> {
  readonly shape: BlockShape
  readonly blocksLater: boolean
  readonly periodStages: readonly PeriodStage<Tx>[]
  readonly periodsBeforeDays: readonly PeriodStage<Tx>[]
  readonly #days: BlockCalculator<Tx> | undefined
  readonly #limits: StageLimits

  /** @param days Undefined: nothing is calculated but periods. */
  constructor(
    { periodStages, periodsBeforeDays }: Pick<Selection<Tx>, 'periodStages' | 'periodsBeforeDays'>,
    days: BlockCalculator<Tx> | undefined,
    shape: BlockShape,
    limits: StageLimits,
  ) {
    this.periodStages = periodStages
    this.periodsBeforeDays = periodsBeforeDays
    this.shape = days?.shape ?? shape
    this.blocksLater = days?.blocksLater ?? false
    this.#days = days
    this.#limits = limits
  }

  async calculate(days: BlockDays, unit: BlockUnit<Tx>): Promise<number> {
    const changed = (await this.#days?.calculate(days, unit)) ?? 0
    const { periods } = days
    if (!periods) return changed
    for (const [position, stage] of this.periodStages.entries()) {
      await this.#calculateStage(stage, position, periods, days, unit)
    }
    if (periods.areBeforeDays && failBeforeDays(this.periodsBeforeDays, periods, days)) throw new FailedAfterSave()
    if (periods.isRun && days.blocksLater) failBehindDays(periods, days, unit)
    if (periods.isRun) periods.deferRest()
    return changed
  }

  async #calculateStage(
    stage: PeriodStage<Tx>,
    position: number,
    periods: BlockPeriods,
    days: BlockDays,
    unit: BlockUnit<Tx>,
  ): Promise<void> {
    const due = new Map<number, readonly DateInterval[]>()
    for (const employee of days.block.employeeIds.keys()) {
      const own = periods
        .dueOf(position, employee)
        .filter((period) => isToCalculate(stage, { position, employee, period }, periods, days, unit))
      if (own.length > 0) due.set(employee, own)
    }
    if (due.size === 0) return
    const carries = readsOwnPrevious(stage)
    const block = blockOf(stage, days, due, carries && !periods.isRun)
    const context: StageContext<Tx> = { ...unit.context, valuesOf: () => refuseValues(stage.name) }
    const call = <T>(name: StageCall, work: (own: StageContext<Tx>) => Promise<T>) =>
      callStage(stage.name, name, unit, context, this.#limits, work)
    const inputs = await call('load', (own) => stage.load(block, own))
    const { stored } = stage
    const toCompare = carries ? withPeriodBefore(stage, block) : block
    const old = stored
      ? checkStoredPeriods(stage.name, await call('stored', (own) => stored(toCompare, own)), toCompare)
      : undefined
    const values = new PeriodValues(stage, old, { clearExisting: unit.clearExisting })
    for (const employee of due.keys()) {
      calculateEmployee(stage, { position, employee, due, block, inputs, carries }, values, periods, days, unit)
    }
    const wanted = unit.unchanged?.of(stage.name)
    if (wanted) unit.unchanged?.add(values.unchanged(wanted))
    const { changes } = values
    if (changes.upserts.length + changes.deletes.length === 0) return
    unit.onChanges?.(values.valueChanges)
    unit.cascade?.changedStage(stage.name)
    await call('save', (own) => stage.save(changes, own))
  }
}

/** A period of an employee, as a stage is to calculate it. */
interface DuePeriod {
  readonly position: number
  readonly employee: number
  readonly period: DateInterval
}

/** False for a period that is left as it is, or to a later block. */
function isToCalculate<Tx>(
  { name }: PeriodStage<Tx>,
  { position, employee, period }: DuePeriod,
  periods: BlockPeriods,
  days: BlockDays,
  unit: BlockUnit<Tx>,
): boolean {
  const employeeId = days.block.employeeIds[employee] as string
  const isBehindDays = days.hasFailed(employee, period)
  // One failure will stand for this period and all behind it.
  if (isBehindDays && periods.isRun && days.blocksLater) return false
  if (periods.isClosed(employee, period)) {
    periods.skip(employee, position, period)
    return false
  }
  if (periods.isForLater(employeeId, period)) {
    periods.defer(employee, position, period)
    return false
  }
  const fail = (thrown: unknown) => periods.fail(employee, position, period, thrown, unit.context.attempt)
  const failing = periods.failing.find(({ stage }) => stage === name)
  if (failing) fail(failing.thrown)
  else if (isBehindDays || periods.isBlocked(employeeId, period)) {
    fail(new PeriodBlockedError(`Days from ${period.from} to ${period.to} failed, so the period was left as it was`))
  } else if (periods.buildsOnFailed(employee, position, period)) {
    fail(new PeriodBlockedError('A period that it builds on failed, so it was left as it was'))
  } else return true
  return false
}

/** One block of whole periods, from the first that is due to the last that may become so. */
function blockOf<Tx>(
  stage: PeriodStage<Tx>,
  days: BlockDays,
  due: ReadonlyMap<number, readonly DateInterval[]>,
  toEnd: boolean,
): PeriodBlock {
  const { tenantId, employeeIds, to } = days.block
  const all = [...due.values()].flat()
  const from = all.reduce((first, period) => (period.from < first ? period.from : first), all[0]?.from ?? to)
  const last = all.reduce((end, period) => (period.to > end ? period.to : end), all[0]?.to ?? to)
  const end = toEnd ? periodOf(stage.period, to).to : last
  const periods = periodsBetween(stage.period, { from, to: end > last ? end : last })
  const busy = employeeIds.filter((_, employee) => due.has(employee))
  return { tenantId, employeeIds: busy, periods, from, to: periods.at(-1)?.to ?? last }
}

function withPeriodBefore<Tx>({ period }: PeriodStage<Tx>, block: PeriodBlock): PeriodBlock {
  const before = dayBefore(block.from)
  if (!before) return block
  const first = periodOf(period, before)
  return { ...block, periods: [first, ...block.periods], from: first.from }
}

/** The periods of one employee in their order, each with what the one before has come to. */
function calculateEmployee<Tx>(
  stage: PeriodStage<Tx>,
  task: {
    readonly position: number
    readonly employee: number
    readonly due: ReadonlyMap<number, readonly DateInterval[]>
    readonly block: PeriodBlock
    readonly inputs: unknown
    readonly carries: boolean
  },
  values: PeriodValues,
  periods: BlockPeriods,
  days: BlockDays,
  unit: BlockUnit<Tx>,
): void {
  const { position, employee, due, block, inputs, carries } = task
  const { tenantId } = block
  const employeeId = days.block.employeeIds[employee] as string
  const ofEmployee = ({ from, to }: DateInterval): EmployeePeriod => ({ tenantId, employeeId, from, to })
  const isDue = new Set(due.get(employee)?.map(({ from }) => from))
  const before = dayBefore(block.from)
  let previous = carries && before ? values.held(ofEmployee(periodOf(stage.period, before))) : null
  for (const interval of block.periods) {
    const period = ofEmployee(interval)
    if (isDue.has(interval.from)) {
      let change: ReturnType<PeriodValues['set']> | 'failed' = 'failed'
      try {
        change = values.set(period, stage.calculate(period, inputs, previous))
      } catch (error) {
        periods.fail(employee, position, interval, error, unit.context.attempt)
      }
      if (change !== 'failed') periods.calculated(employee, position, interval, change === 'unchanged')
      if (change === 'changed' || change === 'carries') periods.periodChanged(employee, position, interval)
      if (change === 'carries') {
        unit.cascade?.carriedBehindPeriod(employeeId, stage, interval)
        if (carries) carry(stage, { position, employee, period: interval }, isDue, block, periods, days, unit)
      }
    }
    if (carries) previous = values.held(period)
  }
}

/** Another value is handed on: the period behind is due, too, here or in a later block. */
function carry<Tx>(
  stage: PeriodStage<Tx>,
  changed: DuePeriod,
  isDue: Set<string>,
  block: PeriodBlock,
  periods: BlockPeriods,
  days: BlockDays,
  unit: BlockUnit<Tx>,
): void {
  const { position, employee, period } = changed
  const first = dayBehind(period.to)
  if (first === undefined || isDue.has(first)) return
  const next = periodOf(stage.period, first)
  if (!periods.carriesInto(next)) return
  const employeeId = days.block.employeeIds[employee] as string
  const isHere = next.to <= block.to && !periods.isRun && !periods.isForLater(employeeId, next)
  if (!isHere) {
    periods.defer(employee, position, next)
    return
  }
  periods.mark(employee, position, next)
  if (isToCalculate(stage, { position, employee, period: next }, periods, days, unit)) isDue.add(first)
}

/**
 * Days behind a period that failed would be calculated with what it was before. So the last day of the block stands for it: it
 * fails with the same error, and blocks all days behind it.
 *
 * @returns whether there are such days: the block is to be done again without them.
 */
function failBeforeDays<Tx>(stages: readonly PeriodStage<Tx>[], { failures }: BlockPeriods, days: BlockDays): boolean {
  const { employeeIds, dates } = days.block
  const before = days.failures.size
  for (const failure of failures) {
    if (!stages.some(({ name }) => name === failure.stage)) continue
    const last = days.firstOf(employeeIds.indexOf(failure.employeeId ?? '')) + dates.length - 1
    if (!days.failures.has(last)) days.fail(last, ofDay(failure, days.day(last).date))
  }
  return days.failures.size > before
}

/** Where a failed day takes its employee out of the run, its period and all behind it wait for it, under one failure. */
function failBehindDays<Tx>(periods: BlockPeriods, days: BlockDays, unit: BlockUnit<Tx>): void {
  const { through } = periods
  if (through === undefined) return
  for (const [day, { date }] of days.failures) {
    if (date === null) continue
    const employee = Math.floor(day / days.block.dates.length)
    for (const [position, { period: kind }] of periods.stages.entries()) {
      const { from } = periodOf(kind, date)
      const error = new PeriodBlockedError(`Days from ${date} to ${through} failed, or wait for one that did`)
      periods.fail(employee, position, { from, to: through }, error, unit.context.attempt)
    }
  }
}

function refuseValues(stage: string): never {
  const message = `Period stage "${stage}" asks for values of a day stage; it gets days from their table, in \`load\``
  throw asFatal(new PipelineError(message, [stage]))
}
