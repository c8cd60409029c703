import { InvalidOptionsError } from '../errors.ts'
import { expected } from '../expectation.ts'

/** At which time of day the days of a calendar begin. */
export interface DayStart {
  /** A time of day as `HH:MM`, from `'00:00'` to `'23:59'`. Default `'00:00'`. */
  readonly startsAt?: string
}

/** The start of days that begin when their date does. */
export const MIDNIGHT = '00:00'

/**
 * A time of day as milliseconds after midnight.
 *
 * @param name What the value is called; it names the culprit in the error.
 * @throws {InvalidOptionsError} when it is no time of day as `HH:MM`.
 */
export function parseStartTime(value: unknown, name: string): number {
  if (typeof value === 'string' && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(value)) {
    return (Number(value.slice(0, 2)) * 60 + Number(value.slice(3))) * 60_000
  }
  throw new InvalidOptionsError(expected(name, 'a time of day as HH:MM from "00:00" to "23:59"', value))
}
