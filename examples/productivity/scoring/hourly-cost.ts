import { divideHalfUp } from './arithmetic.ts'
import type { DayScore } from './score-day.ts'

/** What an hour of somebody costs from some date on. */
export interface PayRate {
  /** `YYYY-MM-DD` */
  readonly from: string
  /** In hundredths. */
  readonly hourlyRate: number
}

/** What a day cost. */
export interface HourlyCost {
  /** In hundredths. */
  readonly hourlyRate: number
  /** In hundredths. */
  readonly laborCost: number
  /** In ten-thousandths; null for a day without items. */
  readonly costPerItem: number | null
}

/** Rule 8. `rates`: one employee's, by date. `null`: no rate holds yet. */
export function hourlyCost(date: string, score: DayScore, rates: readonly PayRate[]): HourlyCost | null {
  const rate = rates.findLast(({ from }) => from <= date)
  if (!rate) return null
  const laborCost = divideHalfUp(rate.hourlyRate * score.clockedMinutes, 60)
  const costPerItem = score.items === 0 ? null : divideHalfUp(laborCost * 100, score.items)
  return { hourlyRate: rate.hourlyRate, laborCost, costPerItem }
}
