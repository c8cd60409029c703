import type { DateInterval } from '../calendar/date-range.ts'
import { fromEpochDay, toEpochDay } from '../calendar/epoch-day.ts'
import { periodOf, periodsBetween } from '../calendar/period.ts'
import type { PeriodStage } from '../pipeline/period-stage.ts'
import { periodsReading, readsOfTable } from '../pipeline/reading-periods.ts'
import type { BlockDays } from '../run/blocks/block-days.ts'
import type { Cascade } from '../run/blocks/cascade.ts'
import type { BlockPeriods } from '../run/blocks/periods/block-periods.ts'
import type { RecalcFailure } from '../run/failure.ts'
import type { ChangeContent, StoredChange } from './change-ledger.ts'
import type { DaySet, DaySpan } from './day-set.ts'
import { datesOf, type Place, spansOf } from './dirty-days.ts'
import type { DirtyEmployee } from './dirty-employee.ts'

/** The day on which a period is dirty: its last, so that it is calculated behind its days. */
export function lastDayOf({ to }: Pick<DateInterval, 'to'>): DaySpan {
  const day = toEpochDay(to)
  return { first: day, last: day }
}

/** Where the periods are dirty that a failure stands for. */
export function dirtyAfter({ stage, date, through }: RecalcFailure, { stages }: BlockPeriods): readonly DaySpan[] {
  const kind = stages.find(({ name }) => name === stage)?.period
  if (kind === undefined || date === null || through === null) return []
  return periodsBetween(kind, { from: date, to: through }).map(lastDayOf)
}

/** The periods of a stage that a change makes dirty at first hand. */
export function dirtyPeriodsOf(
  stage: PeriodStage<never>,
  content: Extract<ChangeContent, { table: string }>,
  place: Place,
  horizon: DaySpan,
): readonly DaySpan[] {
  const reads = readsOfTable(stage, content.table)
  if (reads === undefined) return []
  return spansOf(content, place, horizon).flatMap((span) =>
    periodsReading(stage.period, reads, datesOf(span), datesOf(horizon)).map(lastDayOf),
  )
}

/** Has the periods of a stage calculated that are dirty in a block. */
export function markPeriods(
  { periods, block }: BlockDays,
  employee: number,
  position: number,
  { period }: PeriodStage<never>,
  dirty: DaySet,
): void {
  for (const day of dirty.between(toEpochDay(block.from), toEpochDay(block.to))) {
    periods?.mark(employee, position, periodOf(period, fromEpochDay(day)))
  }
}

/** Days that had failed may succeed now, without a change: periods that were left as they were because of them are due. */
export function markRepaired({ block, periods }: BlockDays, employee: number, due: readonly StoredChange[]): void {
  if (!periods) return
  for (const { state, content } of due) {
    if (state !== 'failing' || !('days' in content)) continue
    const date = fromEpochDay(content.days[0])
    if (date < block.from || date > block.to) continue
    for (const [position, { period }] of periods.stages.entries()) {
      periods.mark(employee, position, periodOf(period, date))
    }
  }
}

/** Follows changes of a block to the periods that hold them. */
export function followPeriods(
  days: BlockDays,
  cascade: Cascade,
  dirtyOf: (employeeId: string) => DirtyEmployee | undefined,
  horizon: DaySpan,
): void {
  const behind = toEpochDay(days.block.to) + 1
  days.periods?.follow({
    isDirtyBehind(employeeId, through) {
      const sets = dirtyOf(employeeId)?.byStage.values()
      const isNoted = sets?.some((set) => !set.between(behind, toEpochDay(through)).next().done)
      return isNoted === true || cascade.reaches(employeeId, through)
    },
    isFailing: (employeeId, period) =>
      (dirtyOf(employeeId)?.parked ?? []).some((change) => keepsFromBeingRight(change, period, days)),
    horizon: datesOf(horizon),
  })
}

/** True when a day of the period has failed, and is not calculated in this block. */
function keepsFromBeingRight(
  { state, content, employeeId }: StoredChange,
  period: DateInterval,
  days: BlockDays,
): boolean {
  if (state !== 'failing' || !('days' in content)) return false
  const isOfPeriod = 'from' in content && days.periods?.stages.some(({ name }) => name === content.from)
  const [first, last] = content.days
  if (isOfPeriod || first > toEpochDay(period.to) || last < toEpochDay(period.from)) return false
  const { employeeIds, from, to } = days.block
  const start = toEpochDay(from)
  const employee = employeeIds.indexOf(employeeId ?? '')
  if (employee < 0 || first < start || last > toEpochDay(to)) return true
  for (let day = first; day <= last; day++) if (!days.isOpen(days.firstOf(employee) + day - start)) return true
  return false
}
