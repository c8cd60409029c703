import { InvalidRequestError } from '../errors.ts'
import { expected } from '../expectation.ts'

declare const isoDate: unique symbol

/** A calendar day as `YYYY-MM-DD`, proven to exist, from 1900-01-01 to 9999-12-31. Sorts as it reads. */
export type IsoDate = string & {
  /** Exists only in the type. */
  readonly [isoDate]: true
}

/** Only days 29 to 31 are left to doubt. Without the `m` flag `$` is the very end, and `\d` is ASCII only. */
const shape = /^(?:19|[2-9]\d)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/

/** True for a calendar day that exists, written `YYYY-MM-DD`, from 1900-01-01 to 9999-12-31; false for anything else. */
export function isIsoDate(value: unknown): value is IsoDate {
  if (typeof value !== 'string' || !shape.test(value)) return false
  const day = Number(value.slice(8))
  return day <= 28 || day <= daysInMonth(Number(value.slice(0, 4)), Number(value.slice(5, 7)))
}

/**
 * The same date, proven: what comes in from outside is checked once, here, and carries the type from then on.
 *
 * @param name What the value is called in the request; it names the culprit in the error.
 * @throws {InvalidRequestError} when `value` is no existing day written `YYYY-MM-DD`, or outside 1900-01-01 to 9999-12-31.
 * A `Date` is refused too: it is an instant, and which day that is depends on a zone; see `dateOf`.
 *
 * @example
 * parseIsoDate('2024-02-29', 'date')   // '2024-02-29'
 * parseIsoDate('2025-02-29', 'date')   // throws: Expected `date` to be a calendar date as YYYY-MM-DD …, got "2025-02-29"
 */
export function parseIsoDate(value: unknown, name: string): IsoDate {
  if (isIsoDate(value)) return value
  throw new InvalidRequestError(expected(name, 'a calendar date as YYYY-MM-DD from 1900-01-01 to 9999-12-31', value))
}

/** `month` is 1 to 12. Day 0 of the month after is the last day of this one. */
function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}
