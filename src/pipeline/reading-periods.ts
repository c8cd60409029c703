import { addDays, type DateInterval, dayBefore } from '../calendar/date-range.ts'
import { lastEpochDay, toEpochDay } from '../calendar/epoch-day.ts'
import { type PeriodKind, periodOf, periodsBetween } from '../calendar/period.ts'
import { offsetsOf, type PeriodReads, type PeriodStage } from './period-stage.ts'
import { outputsOf } from './pipeline.ts'

/**
 * The periods of a stage that read some days of a table, ascending. What has no end of its own ends with `bounds`.
 *
 * @param days Of the table.
 */
export function periodsReading(
  kind: PeriodKind,
  reads: PeriodReads,
  days: DateInterval,
  bounds: DateInterval,
): readonly DateInterval[] {
  const [first, last] = offsetsOf(reads)
  // A period that reads the one before is read by the one behind it.
  const begin = Number.isFinite(last) ? shifted(kind, days.from, 0 - last).from : earlier(days.from, bounds.from)
  const end = Number.isFinite(first) ? shifted(kind, days.to, 0 - first).to : later(days.to, bounds.to)
  return periodsBetween(kind, { from: begin, to: end })
}

/** How a stage reads a table that changed; undefined when that is nothing to it. Its own table it keeps itself. */
export function readsOfTable(stage: PeriodStage<never>, table: string): PeriodReads | undefined {
  return stage.reads[table] ?? (outputsOf(stage).includes(table) ? 'period' : undefined)
}

/** The period so many periods behind the one that holds `date`; the last one that there is where the calendar ends. */
function shifted(kind: PeriodKind, date: DateInterval['from'], count: number): DateInterval {
  let period = periodOf(kind, date)
  for (let left = Math.abs(count); left > 0; left--) {
    const next = count > 0 ? dayBehind(period.to) : dayBefore(period.from)
    if (next === undefined) return period
    period = periodOf(kind, next)
  }
  return period
}

/** The day after a date; undefined for the last one of the calendar. */
export function dayBehind(date: DateInterval['to']): DateInterval['to'] | undefined {
  return toEpochDay(date) < lastEpochDay ? addDays(date, 1) : undefined
}

function earlier(a: DateInterval['from'], b: DateInterval['from']): DateInterval['from'] {
  return a < b ? a : b
}

function later(a: DateInterval['to'], b: DateInterval['to']): DateInterval['to'] {
  return a > b ? a : b
}
