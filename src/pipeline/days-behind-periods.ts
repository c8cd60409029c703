import type { DateInterval } from '../calendar/date-range.ts'
import { countDays } from '../calendar/date-range.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { periodOf } from '../calendar/period.ts'
import type { PeriodStage } from './period-stage.ts'
import { periodsReading } from './reading-periods.ts'
import type { DayStage } from './stages.ts'

type Reader = Pick<DayStage<never>, 'reads'>

/**
 * The period stages of which some day stages read earlier periods. Days behind such a period build on it, so that no block
 * may hold days of two of them.
 */
export function periodsBeforeDays<Tx>(
  periodStages: readonly PeriodStage<Tx>[],
  dayStages: readonly Reader[],
): readonly PeriodStage<Tx>[] {
  return periodStages.filter(({ writes }) => dayStages.some(({ reads }) => writes.some((table) => table in reads)))
}

/** The first of some consecutive dates, up to where a period of one of the stages ends. */
export function withinPeriods(
  dates: readonly IsoDate[],
  stages: readonly Pick<PeriodStage<never>, 'period'>[],
): readonly IsoDate[] {
  const [first] = dates
  if (first === undefined) return dates
  return stages.reduce((left, { period }) => left.slice(0, countDays(first, periodOf(period, first).to)), dates)
}

/**
 * The days of a stage that read some periods of a period stage; undefined when it does not read that one. What has no end of
 * its own ends with `bounds`.
 *
 * @param days Those of the periods that are read.
 */
export function daysReadingPeriods(
  { reads }: Reader,
  { period, writes }: Pick<PeriodStage<never>, 'period' | 'writes'>,
  days: DateInterval,
  bounds: DateInterval,
): DateInterval | undefined {
  const found = writes.flatMap((table) => (reads[table] ? periodsReading(period, reads[table], days, bounds) : []))
  const [first] = found
  if (!first) return undefined
  return found.reduce(
    ({ from, to }, other) => ({
      from: other.from < from ? other.from : from,
      to: other.to > to ? other.to : to,
    }),
    { from: first.from, to: first.to },
  )
}
