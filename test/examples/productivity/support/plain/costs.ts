import { roundHalfUp } from './arithmetic.ts'
import type { PlainScore } from './days.ts'
import type { PlainPayRate } from './sources.ts'

export interface PlainCost {
  /** In hundredths. */
  readonly rate: number
  /** In hundredths. */
  readonly laborCost: number
  /** In ten-thousandths. */
  readonly costPerItem: number | null
}

/** Rule 8, for a day that has a row; `payRates` are the employee's. */
export function costOf(score: PlainScore, date: string, payRates: readonly PlainPayRate[]): PlainCost | undefined {
  const inForce = payRates.filter(({ effective_from }) => effective_from <= date)
  const latest = inForce.find((rate) => inForce.every((other) => other.effective_from <= rate.effective_from))
  if (!latest) return undefined
  const laborCost = roundHalfUp(BigInt(latest.hourly_rate) * BigInt(score.clockedMinutes), 60n)
  return {
    rate: latest.hourly_rate,
    laborCost,
    costPerItem: score.items === 0 ? null : roundHalfUp(BigInt(laborCost) * 100n, BigInt(score.items)),
  }
}
