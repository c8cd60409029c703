import { type DateInterval, isCovered } from '../calendar/date-range.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { BackendUnavailableError } from '../errors.ts'
import { keyOf as dayKeyOf } from '../pipeline/employee-day.ts'
import { type BlockCalculator, FailedAfterSave } from '../run/blocks/block-calculator.ts'
import { blockOf } from '../run/blocks/block-days.ts'
import { calculateBlock, daysOf } from '../run/blocks/block-runner.ts'
import { type CalcOwner, calcContext } from '../run/blocks/calc-context.ts'
import { askClosed, closedIntervals, isClosedUnknown } from '../run/blocks/closed-periods.ts'
import { BlockPeriods, type FailingPeriods } from '../run/blocks/periods/block-periods.ts'
import { callStage } from '../run/blocks/stage-call.ts'
import type { UnchangedValues, ValueChange } from '../run/blocks/value-change.ts'
import type { Booking, CorrectionStore } from '../run/corrections/correction-store.ts'
import { failureOf, type RecalcFailure } from '../run/failure.ts'
import type { RunJournal } from '../run/journal.ts'
import { Lane } from '../run/lanes/lane.ts'
import { endsRun, failingPeriodsOf } from '../run/lanes/lane-runner.ts'
import type { ClosedPeriods, Employee } from '../run/plan/host-contracts.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import { attempt } from '../run/units/attempts.ts'
import type { OpenUnit, UnitRun } from '../run/units/unit-runner.ts'
import { type DayDifference, datesOf, differenceOf, inOrder } from './difference.ts'
import { bookingKey, joined, nothingFound, type PreviewedLane } from './previewed-lane.ts'
import { inRolledBackUnit } from './rolled-back-unit.ts'

/** A preview that goes on. */
export interface ActivePreview<Tx> extends CalcOwner<Tx>, UnitRun<Tx> {
  readonly plan: RunPlan
  readonly calculator: BlockCalculator<Tx>
  readonly journal: Pick<RunJournal<Tx>, 'retrying'>
  /** Only differences of days and periods that these close; undefined: all differences. */
  readonly closedBy: ClosedPeriods<Tx> | undefined
  /** Tells of which values corrections were taken over; these are told as well where they are right. */
  readonly corrections: CorrectionStore<Tx> | undefined
}

/** Some employees, whose days are looked at in one transaction that is rolled back. */
export interface PreviewLane {
  readonly employees: readonly Employee[]
  readonly dates: readonly IsoDate[]
}

interface Found extends PreviewedLane {
  readonly closed: ReadonlyMap<string, readonly DateInterval[]>
}

/** What is known to fail, and how much is looked at at once. */
interface Known {
  readonly days: ReadonlyMap<string, RecalcFailure>
  readonly periods: readonly FailingPeriods[]
  readonly limit: number
}

/**
 * Calculates and saves the days of some employees in one transaction, as a run does, and rolls it back. So later blocks see what
 * earlier ones have saved.
 *
 * What fails is found as a run finds it, by halving; but each try begins anew, because nothing of it may stay.
 */
export async function previewLane<Tx>(preview: ActivePreview<Tx>, lane: PreviewLane): Promise<PreviewedLane> {
  const limit = Math.max(preview.calculator.shape.days, lane.dates.length)
  return await previewKnown(preview, lane, { days: new Map(), periods: [], limit })
}

async function previewKnown<Tx>(preview: ActivePreview<Tx>, lane: PreviewLane, known: Known): Promise<PreviewedLane> {
  const at: { failed: ReadonlyMap<string, RecalcFailure>; dates: readonly IsoDate[] } = {
    failed: known.days,
    dates: lane.dates,
  }
  try {
    const found = await attempt('preview', preview, (number) => tryLane(preview, lane, known, number, at))
    return found ?? nothingFound
  } catch (thrown) {
    if (preview.control.stopped) return nothingFound
    if (thrown instanceof FailedAfterSave) return await previewKnown(preview, lane, { ...known, days: at.failed })
    if (endsRun(thrown)) throw thrown
    const { employees, dates } = lane
    if (employees.length > 1) return await previewHalves(preview, lane)
    const failing = failingPeriodsOf(preview.calculator, thrown, known.periods)
    if (failing) return await previewKnown(preview, lane, { ...known, periods: [...known.periods, failing] })
    if (known.limit > 1 && at.dates.length > 1)
      return await previewKnown(preview, { employees, dates }, { ...known, limit: 1 })
    const [employee] = employees
    // What is thrown without these days as well is no fault of theirs.
    if (!employee || at.dates.every((date) => known.days.has(keyOf(employee.id, date)))) throw thrown
    const attempts = thrown instanceof BackendUnavailableError ? thrown.attempts : 1
    // Before the first block these are all dates of the lane.
    const failed = at.dates.map((date) => {
      const failure = failureOf(thrown, { employeeId: employee.id, date, stage: 'commit' }, attempts)
      return [keyOf(employee.id, date), failure] as const
    })
    return await previewKnown(preview, lane, { ...known, days: new Map([...known.days, ...failed]) })
  }
}

async function previewHalves<Tx>(
  preview: ActivePreview<Tx>,
  { employees, dates }: PreviewLane,
): Promise<PreviewedLane> {
  const middle = Math.ceil(employees.length / 2)
  const first = await previewLane(preview, { employees: employees.slice(0, middle), dates })
  const second = await previewLane(preview, { employees: employees.slice(middle), dates })
  return joined(first, second)
}

/** One try, in one unit of work that ends with a rollback. */
async function tryLane<Tx>(
  preview: ActivePreview<Tx>,
  lane: PreviewLane,
  known: Known,
  number: number,
  at: { failed: ReadonlyMap<string, RecalcFailure>; dates: readonly IsoDate[] },
): Promise<PreviewedLane> {
  const { tenantId, from: since } = preview.plan
  const { blocksLater, periodsBeforeDays = [] } = preview.calculator
  const laneOf = () => new Lane({ ...lane, id: 0, kind: 'initial', tenantId, since, blocksLater, periodsBeforeDays })
  const { closed, ...found } = await inRolledBackUnit<Tx, Found>(preview, laneOf().lockKeys, async (unit) => {
    // A lane of its own for each time that the transaction begins.
    const days = laneOf()
    const closed = isClosedUnknown(known.days) ? new Map() : await closedOf(preview, lane, unit, number)
    const bookings = await bookingsOf(preview, lane, unit)
    return { ...(await calculateLane(preview, days, { ...known, bookings }, unit, number, at)), bookings, closed }
  })
  const wanted = preview.closedBy ? found.differences.filter(isClosed(closed)) : found.differences
  const employeeIds = lane.employees.map(({ id }) => id)
  return { ...found, differences: inOrder(wanted, employeeIds) }
}

async function calculateLane<Tx>(
  preview: ActivePreview<Tx>,
  lane: Lane,
  known: Known & Pick<PreviewedLane, 'bookings'>,
  unit: OpenUnit<Tx>,
  number: number,
  at: { failed: ReadonlyMap<string, RecalcFailure>; dates: readonly IsoDate[] },
): Promise<Pick<PreviewedLane, 'differences' | 'outcomes'>> {
  const { calculator, control } = preview
  const periodStages = new Set(calculator.periodStages?.map(({ name }) => name))
  const differences: DayDifference[] = []
  const onChanges = (changes: readonly ValueChange[]) => {
    for (const change of changes) differences.push(differenceOf(change, periodStages.has(change.stage)))
  }
  const outcomes: PreviewedLane['outcomes'][number][] = []
  while (!lane.finished) {
    control.signal.throwIfAborted()
    const dates = lane.nextDates(known.limit)
    at.dates = dates
    const { tenantId, employeeIds, periods, isPeriodsOnly } = lane
    const task = { block: blockOf(tenantId, employeeIds, dates), periods, failingPeriods: known.periods, isPeriodsOnly }
    const days = daysOf(calculator, task)
    const knownDays = new Map<number, RecalcFailure>()
    for (const [employee, id] of employeeIds.entries()) {
      for (const [i, date] of dates.entries()) {
        const failure = known.days.get(keyOf(id, date))
        if (failure) knownDays.set(days.firstOf(employee) + i, failure)
      }
    }
    try {
      const { outcome } = await calculateBlock(
        preview,
        calculator,
        days,
        { known: knownDays, isPeriodsOnly },
        unit,
        number,
        { onChanges, unchanged: watch(known.bookings, onChanges) },
      )
      outcomes.push({ outcome, failedBehind: lane.stepOf(dates, outcome).failed - outcome.failed })
      lane.advance(dates, outcome)
    } catch (thrown) {
      const failed = [...days.failures].map(([day, failure]) => {
        const { employeeId, date } = days.day(day)
        return [keyOf(employeeId, date), failure] as const
      })
      at.failed = new Map([...known.days, ...failed])
      throw thrown
    }
  }
  return { differences, outcomes }
}

async function bookingsOf<Tx>(
  preview: ActivePreview<Tx>,
  { employees, dates }: PreviewLane,
  { tx }: OpenUnit<Tx>,
): Promise<ReadonlyMap<string, Booking>> {
  const { corrections, plan } = preview
  if (!corrections) return nothingFound.bookings
  const { from, to } = extentOf(preview, dates)
  const employeeIds = employees.map(({ id }) => id)
  const found = await corrections.bookings(tx, { tenantId: plan.tenantId, employeeIds, from, to })
  return new Map(found.map((booking) => [bookingKey(booking.stage, booking.employeeId, booking.date), booking]))
}

/** Collects the values that were corrected before and are right by now. */
function watch(bookings: ReadonlyMap<string, Booking>, add: UnchangedValues['add']): UnchangedValues | undefined {
  if (bookings.size === 0) return undefined
  const byStage = Map.groupBy(bookings.values(), ({ stage }) => stage)
  const keys = new Map([...byStage].map(([stage, own]) => [stage, new Set<string>(own.map(dayKeyOf))]))
  return { of: (stage) => keys.get(stage), add }
}

async function closedOf<Tx>(
  preview: ActivePreview<Tx>,
  { employees, dates }: PreviewLane,
  unit: OpenUnit<Tx>,
  number: number,
): Promise<ReadonlyMap<string, readonly DateInterval[]>> {
  const { closedBy, plan, settings } = preview
  if (!closedBy) return new Map()
  const { from, to } = extentOf(preview, dates)
  const query = { tenantId: plan.tenantId, employeeIds: employees.map(({ id }) => id), from, to }
  const context = calcContext(preview, unit, number)
  const answer = await callStage('closedPeriods', 'closed', { monitor: unit }, context, settings, ({ tx }) =>
    askClosed(closedBy, query, tx),
  )
  return new Map(employees.map(({ id }) => [id, closedIntervals(closedBy, answer, id)]))
}

/** The dates, extended to whole periods. */
function extentOf<Tx>({ calculator, plan }: ActivePreview<Tx>, dates: readonly IsoDate[]): DateInterval {
  const block = blockOf(plan.tenantId, ['-'], dates)
  return calculator.periodStages ? new BlockPeriods(calculator.periodStages, block, {}).extent : block
}

function isClosed(closed: ReadonlyMap<string, readonly DateInterval[]>) {
  return (difference: DayDifference) => isCovered(datesOf(difference), closed.get(difference.employeeId) ?? [])
}

/** By employee as the repository has them, then by date; stages in the order in which they run. */
function keyOf(employeeId: string, date: string): string {
  return `${date}/${employeeId}`
}
