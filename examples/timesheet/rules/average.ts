import { divideHalfUp, total } from './arithmetic.ts'
import type { DailyValue } from './daily-value.ts'

/** How many days an average looks back, the day itself included. */
export const AVERAGED_DAYS = 168

/** The average may not be longer, in hundredths of a minute. */
const LIMIT = 48_000

export interface WorkTimeAverage {
  /** Those with a target. */
  readonly days: number
  /** In hundredths of a minute. */
  readonly average: number
  readonly isOverLimit: boolean
}

/** Rule 12. `null`: no day has a target. @param rows Those of the days that end with the one that is asked for. */
export function averageOf(rows: readonly Pick<DailyValue, 'net' | 'credited' | 'target'>[]): WorkTimeAverage | null {
  const days = rows.filter(({ target }) => target > 0).length
  if (days === 0) return null
  const average = divideHalfUp(100 * total(rows, ({ net, credited }) => net + credited), days)
  return { days, average, isOverLimit: average > LIMIT }
}
