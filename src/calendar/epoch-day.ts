import type { IsoDate } from './iso-date.ts'

/** Milliseconds of a day in UTC. A day in a zone may be shorter or longer. */
export const msPerDay = 86_400_000

/** The number of 1900-01-01, the first day of the calendar. */
export const firstEpochDay = Date.UTC(1900, 0, 1) / msPerDay

/** The number of 9999-12-31, the last day of the calendar. */
export const lastEpochDay = Date.UTC(9999, 11, 31) / msPerDay

/** A date as the number of days since 1970-01-01, negative before it: consecutive days are consecutive integers. */
export function toEpochDay(date: IsoDate): number {
  return Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)) - 1, Number(date.slice(8))) / msPerDay
}

/**
 * The inverse of {@link toEpochDay}.
 *
 * @throws {RangeError} when `day` is no integer, or outside 1900-01-01 to 9999-12-31.
 */
export function fromEpochDay(day: number): IsoDate {
  if (!Number.isInteger(day) || day < firstEpochDay || day > lastEpochDay) {
    throw new RangeError(`Day ${day} since 1970-01-01 is no date from 1900-01-01 to 9999-12-31`)
  }
  const date = new Date(day * msPerDay)
  // Put together by hand: `toISOString` takes several times as long, and calculators come through here once per row. The
  // bounds above leave exactly the years that have four digits.
  return `${date.getUTCFullYear()}-${twoDigits[date.getUTCMonth() + 1]}-${twoDigits[date.getUTCDate()]}` as IsoDate
}

const twoDigits = Array.from({ length: 32 }, (_, number) => String(number).padStart(2, '0'))
