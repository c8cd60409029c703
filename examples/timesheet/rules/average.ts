import { divideHalfUp } from './arithmetic.ts'
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

/** Rule 12 for consecutive days of one employee: each row is added once, however many averages it is part of. */
export class RollingAverage {
  readonly #minutes: number[] = [0]
  readonly #days: number[] = [0]

  /** @param rows Of consecutive days; undefined: a day without a row. */
  constructor(rows: readonly (Pick<DailyValue, 'net' | 'credited' | 'target'> | undefined)[]) {
    for (const [i, row] of rows.entries()) {
      this.#minutes.push((this.#minutes[i] ?? 0) + (row ? row.net + row.credited : 0))
      this.#days.push((this.#days[i] ?? 0) + (row && row.target > 0 ? 1 : 0))
    }
  }

  /** `null`: no day has a target. @param index Of the day with which the averaged days end. */
  endingWith(index: number): WorkTimeAverage | null {
    const first = Math.max(0, index + 1 - AVERAGED_DAYS)
    const within = (sums: readonly number[]) => (sums[index + 1] ?? 0) - (sums[first] ?? 0)
    const days = within(this.#days)
    if (days === 0) return null
    const average = divideHalfUp(100 * within(this.#minutes), days)
    return { days, average, isOverLimit: average > LIMIT }
  }
}
