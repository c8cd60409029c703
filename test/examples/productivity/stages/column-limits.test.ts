import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import type { Database } from '../../../../examples/productivity/schema/tables.ts'
import { derivedPlainly } from '../support/derived-rows.ts'
import { warehouse } from '../support/warehouse.ts'
import { allEngines } from './all-engines.ts'
import { activity, at, day, payRate, people, shift, tenantId, zone } from './june-17.ts'

const role = {
  id: 1,
  role_name: 'Picking',
  role_type: 'continuous',
  multiplier: 9_999.99,
  expected_per_hour: null,
  idle_threshold_minutes: 5,
} as const

async function recalculate(db: Database) {
  const productivity = createProductivity(db, { zone, asOf: new Date(at(100)) })
  const job = await productivity.triggerRecalcAllAsync({ tenantId, from: '2025-06-16', to: day })
  return await job.result
}

it('SQLite, which keeps them, takes no third place', async () => {
  const db = await warehouse({ employees: people('a'), payRates: [payRate('2025-01-01', 1.05)] })
  const third = db.insertInto('pay_rates').values(payRate('2025-01-02', 1.005)).execute()
  await expect(third).rejects.toThrow(/constraint/i)
})

describe.each(await allEngines())('the columns on $name', ({ open }) => {
  it('hold the dearest item that there can be', async () => {
    const db = await open({
      roleConfigs: [role],
      payRates: [payRate('2025-01-01', 999_999.99)],
      clockTimes: [shift(at(0), at(24))],
      activityLogs: [activity(at(0), at(24))],
    })
    expect(await recalculate(db)).toMatchObject({ status: 'completed' })
    const cost = 2_399_999_976
    expect((await derivedPlainly(db)).hourlyCosts).toMatchObject([{ laborCost: cost, costPerItem: cost * 100 }])
    expect((await recalculate(db)).unchangedDays).toBe(2)
  })

  it('round half up, to the last place', async () => {
    const db = await open({
      roleConfigs: [{ ...role, multiplier: 1 }],
      payRates: [payRate('2025-01-01', 1.05)],
      // 1.05 × 2 / 60 = 0.035; 0.04 / 32 = 0.00125
      clockTimes: [shift(at(8), at(8, 2))],
      activityLogs: [activity(at(8), at(8, 2), { items: 32 })],
    })
    await recalculate(db)
    expect((await derivedPlainly(db)).hourlyCosts).toMatchObject([{ rate: 105, laborCost: 4, costPerItem: 13 }])
  })

  it('are that day\u2019s failure when they do not hold a value, and no other day\u2019s', async () => {
    const db = await open({
      roleConfigs: [role],
      clockTimes: [shift(at(-16), at(-15)), shift(at(8), at(9))],
      activityLogs: [activity(at(8), at(9), { items: 1_000_002 }), activity(at(-16), at(-15), { items: 1_000_001 })],
    })
    const result = await recalculate(db)
    expect(result).toMatchObject({ processedDays: 1, failedDays: 1 })
    expect(result.errors).toMatchObject([
      {
        employeeId: 'a',
        date: day,
        message:
          'Expected `points_earned` to be 9999999999.99 at most, which is what its column holds, got 10000009999.98',
      },
    ])
    expect((await derivedPlainly(db)).dailyScores).toMatchObject([{ date: '2025-06-16', points: 999_999_999_999 }])
  })

  it('take no negative amounts', async () => {
    const db = await open({ roleConfigs: [role], clockTimes: [shift(at(8), at(9))] })
    const insert = (table: 'role_configs' | 'pay_rates' | 'clock_times' | 'activity_logs', row: object) =>
      db
        .insertInto(table)
        .values(row as never)
        .execute()
    await expect(insert('role_configs', { ...role, id: 2, multiplier: -0.01 })).rejects.toThrow(/constraint/i)
    await expect(insert('pay_rates', payRate('2025-01-01', -1))).rejects.toThrow(/constraint/i)
    await expect(insert('clock_times', shift(at(8), at(9), { breaks: -1 }))).rejects.toThrow(/constraint/i)
    await expect(insert('activity_logs', activity(at(8), at(9), { items: -1 }))).rejects.toThrow(/constraint/i)
  })
})
