import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import type { Database } from '../../../../examples/productivity/schema/tables.ts'
import { roles } from '../support/arbitraries.ts'
import { derivedPlainly } from '../support/derived-rows.ts'
import { allEngines } from './all-engines.ts'
import { activity, at, payRate, shift, tenantId, zone } from './june-17.ts'

const all = { tenantId, from: '2025-06-16', to: '2025-06-19' }

/** The costs as [date, rate, labor cost, cost per item], and how many days were left as they were. */
async function recalculate(db: Database) {
  const { unchangedDays } = await createProductivity(db, { zone }).triggerRecalcAll(all)
  const { hourlyCosts } = await derivedPlainly(db)
  return { unchangedDays, costs: hourlyCosts.map((row) => [row.date, row.rate, row.laborCost, row.costPerItem]) }
}

describe.each(await allEngines())('hourly costs on $name', ({ open }) => {
  /** An hour of work on the 16th to 19th, with 3 items on the 17th. */
  const fourHours = (...payRates: ReturnType<typeof payRate>[]) =>
    open({
      roleConfigs: roles,
      payRates,
      clockTimes: [-24, 0, 24, 48].map((hours) => shift(at(8 + hours), at(9 + hours))),
      activityLogs: [activity(at(8), at(9), { items: 3 })],
    })

  it('are at the rate of the day, which may change in the middle of a range', async () => {
    const db = await fourHours(payRate('2025-06-18', 22.5), payRate('2020-01-01', 20), payRate('2025-06-20', 99))
    expect((await recalculate(db)).costs).toEqual([
      ['2025-06-16', 2_000, 2_000, null],
      ['2025-06-17', 2_000, 2_000, 66_667],
      ['2025-06-18', 2_250, 2_250, null],
      ['2025-06-19', 2_250, 2_250, null],
    ])
  })

  it('have no row before the first rate, and none for those without any', async () => {
    const db = await fourHours(payRate('2025-06-19', 20), payRate('2025-01-01', 50, { employee: 'somebody else' }))
    expect((await recalculate(db)).costs).toEqual([['2025-06-19', 2_000, 2_000, null]])
  })

  it('change, come and go with the rates, and nothing is written for the days that they do not concern', async () => {
    const db = await fourHours(payRate('2025-06-17', 20), payRate('2025-06-19', 30))
    await recalculate(db)
    expect((await recalculate(db)).unchangedDays).toBe(4)

    await db.updateTable('pay_rates').set({ hourly_rate: 20.01 }).where('effective_from', '=', '2025-06-17').execute()
    expect(await recalculate(db)).toEqual({
      unchangedDays: 2,
      costs: [
        ['2025-06-17', 2_001, 2_001, 66_700],
        ['2025-06-18', 2_001, 2_001, null],
        ['2025-06-19', 3_000, 3_000, null],
      ],
    })
    await db.deleteFrom('pay_rates').where('effective_from', '=', '2025-06-17').execute()
    expect(await recalculate(db)).toEqual({ unchangedDays: 2, costs: [['2025-06-19', 3_000, 3_000, null]] })

    await db.insertInto('pay_rates').values(payRate('2025-06-16', 0.01)).execute()
    expect((await recalculate(db)).costs.map(([date]) => date)).toEqual([
      '2025-06-16',
      '2025-06-17',
      '2025-06-18',
      '2025-06-19',
    ])
    await db.deleteFrom('pay_rates').execute()
    expect(await recalculate(db)).toEqual({ unchangedDays: 0, costs: [] })
  })

  it('have no cost per item once the items are gone', async () => {
    const db = await fourHours(payRate('2025-06-17', 20))
    await recalculate(db)
    await db.updateTable('activity_logs').set({ items_count: 0 }).execute()
    expect((await recalculate(db)).costs[0]).toEqual(['2025-06-17', 2_000, 2_000, null])
  })

  it('keep every place of large and small amounts', async () => {
    const db = await open({
      roleConfigs: roles,
      payRates: [payRate('2025-01-01', 999_999.99)],
      clockTimes: [shift(at(0), at(23, 7))],
      activityLogs: [activity(at(8), at(9), { items: 24 })],
    })
    // 999,999.99 × 1,387 / 60 = 23,116,666.435…; by 24: 963,194.435
    expect((await recalculate(db)).costs).toEqual([['2025-06-17', 99_999_999, 2_311_666_644, 9_631_944_350]])
    expect((await recalculate(db)).unchangedDays).toBe(4)
  })
})
