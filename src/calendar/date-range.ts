import { firstEpochDay, fromEpochDay, lastEpochDay, toEpochDay } from './epoch-day.ts'
import type { IsoDate } from './iso-date.ts'

/** Consecutive dates, both ends inclusive. */
export interface DateInterval {
  /** The first date, `YYYY-MM-DD`. */
  readonly from: IsoDate
  /** The last date, inclusive. */
  readonly to: IsoDate
}

/**
 * The date `n` days later, or earlier when `n` is negative.
 *
 * It throws at the ends of the calendar, because both alternatives do silent harm: stopping there gives a day itself as its
 * own neighbour (and a loop up to the last date no end), and `10000-01-01` sorts before `9999-12-31`. Where that is a
 * case of its own, compare with `1900-01-01` or `9999-12-31` first.
 *
 * @throws {RangeError} when `n` is no integer, or the result is outside 1900-01-01 to 9999-12-31.
 *
 * @example
 * addDays(parseIsoDate('2024-02-28', 'date'), 2)   // '2024-03-01'
 */
export function addDays(date: IsoDate, n: number): IsoDate {
  const day = toEpochDay(date) + n
  if (!Number.isInteger(day) || day < firstEpochDay || day > lastEpochDay) {
    throw new RangeError(`${date} plus ${n} days is no date from 1900-01-01 to 9999-12-31`)
  }
  return fromEpochDay(day)
}

/** The day before, or `undefined` for 1900-01-01: nothing can be stored for an earlier day. */
export function dayBefore(date: IsoDate): IsoDate | undefined {
  const day = toEpochDay(date)
  return day > firstEpochDay ? fromEpochDay(day - 1) : undefined
}

/** How many dates there are from `from` to `to`, both included; 0 when `to` is before `from`. */
export function countDays(from: IsoDate, to: IsoDate): number {
  return Math.max(0, toEpochDay(to) - toEpochDay(from) + 1)
}

/**
 * Every date from `from` to `to`, both included, ascending; none when `to` is before `from`.
 *
 * Takes about a millisecond and 100 kB for ten years, so check a range that comes from outside with {@link countDays} first.
 */
export function datesBetween(from: IsoDate, to: IsoDate): readonly IsoDate[] {
  const dates: IsoDate[] = []
  const last = toEpochDay(to)
  for (let day = toEpochDay(from); day <= last; day++) dates.push(fromEpochDay(day))
  return dates
}

/** True when some intervals, which may overlap, hold every day of another one. */
export function isCovered({ from, to }: DateInterval, intervals: readonly DateInterval[]): boolean {
  let open: DateInterval['from'] = from
  for (const interval of intervals.toSorted((a, b) => (a.from < b.from ? -1 : 1))) {
    if (interval.from > open) return false
    if (interval.to >= to) return true
    if (interval.to >= open) open = addDays(interval.to, 1)
  }
  return false
}
