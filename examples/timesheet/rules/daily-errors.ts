import type { IsoDate } from 'recalc-service'
import { HOUR } from './arithmetic.ts'
import type { DayPlan } from './plan.ts'
import { covers, type Span } from './span.ts'
import type { WallClock } from './wall-clock.ts'

const REST = 11 * HOUR
const MOST_MINUTES = 600
const MOST_DAYS = 6

/** Rule 10, `CORE_TIME`. @param parts Before rounding. */
export function missesCoreTime(
  parts: readonly Span[],
  date: IsoDate,
  { coreFrom, coreTo }: DayPlan,
  clock: WallClock,
): boolean {
  if (coreFrom === null || coreTo === null) return false
  return !covers(parts, { from: clock.at(date, coreFrom), to: clock.at(date, coreTo) })
}

/** `REST_PERIOD`. @param rest Since the go before; `undefined`: there was none. */
export function isRestTooShort(rest: number | undefined): boolean {
  return rest !== undefined && rest < REST
}

/** `SEVENTH_DAY`. */
export function isTooManyDays(consecutiveDays: number): boolean {
  return consecutiveDays > MOST_DAYS
}

/** `OVER_TEN_HOURS`. */
export function isTooLong(minutes: number): boolean {
  return minutes > MOST_MINUTES
}
