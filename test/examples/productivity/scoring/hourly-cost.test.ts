import { describe, expect, it } from 'vitest'
import { hourlyCost } from '../../../../examples/productivity/scoring/hourly-cost.ts'

const rest = { points: 0, idleMinutes: 0, activeMinutes: 0, efficiency: 0 }
const score = (clockedMinutes: number, items: number) => ({ ...rest, clockedMinutes, items })
const rates = [
  { from: '2025-01-01', hourlyRate: 2_000 },
  { from: '2025-06-17', hourlyRate: 2_100 },
]

describe('hourlyCost', () => {
  it('takes the rate that began last, on the day itself at the latest', () => {
    const rateOn = (date: string) => hourlyCost(date, score(60, 0), rates)?.hourlyRate
    expect(rateOn('2024-12-31')).toBeUndefined()
    expect(rateOn('2025-01-01')).toBe(2_000)
    expect(rateOn('2025-06-16')).toBe(2_000)
    expect(rateOn('2025-06-17')).toBe(2_100)
    expect(rateOn('2026-01-01')).toBe(2_100)
  })

  it('is nothing without a rate', () => {
    expect(hourlyCost('2025-06-17', score(60, 1), [])).toBeNull()
  })

  it('rounds the cost half up to the hundredth, and from there the cost per item to the ten-thousandth', () => {
    const cost = (hourlyRate: number, minutes: number, items: number) =>
      hourlyCost('2025-06-17', score(minutes, items), [{ from: '2025-01-01', hourlyRate }])
    // 10.01 × 3 / 60 = 0.5005
    expect(cost(1_001, 3, 0)?.laborCost).toBe(50)
    // 10.10 × 3 / 60 = 0.505
    expect(cost(1_010, 3, 0)?.laborCost).toBe(51)
    // 0.51 / 8 = 0.06375, where 0.505 / 8 would be 0.063125
    expect(cost(1_010, 3, 8)?.costPerItem).toBe(638)
    // 1.00 / 3
    expect(cost(2_000, 3, 3)?.costPerItem).toBe(3_333)
  })

  it('has no cost per item on a day without items, and costs nothing on a day without time', () => {
    expect(hourlyCost('2025-06-17', score(60, 0), rates)).toEqual({
      hourlyRate: 2_100,
      laborCost: 2_100,
      costPerItem: null,
    })
    expect(hourlyCost('2025-06-17', score(0, 5), rates)).toMatchObject({ laborCost: 0, costPerItem: 0 })
  })
})
