import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import { activity, at, day, payRate, shift, tenantId, zone } from './stages/june-17.ts'
import { roles } from './support/arbitraries.ts'
import { derivedRows } from './support/derived-rows.ts'
import { warehouse } from './support/warehouse.ts'

const tables = [
  ['dailyScores', 'daily_scores'],
  ['idlePeriods', 'idle_periods'],
  ['alerts', 'alerts'],
  ['hourlyCosts', 'employee_hourly_costs'],
  ['primaryRoles', 'employee_primary_roles'],
  ['currentStatus', 'employee_current_status'],
] as const

const all = { tenantId, from: day, to: day }

/** A day from which every table gets rows, and a service that counts how often it refreshes the caches. */
async function workingDay() {
  const db = await warehouse({
    roleConfigs: roles,
    payRates: [payRate('2025-01-01', 20)],
    clockTimes: [shift(at(8), null)],
    activityLogs: [activity(at(9), at(10))],
  })
  let refreshed = 0
  const cache = {
    replace: async () => {
      refreshed += 1
    },
    close: async () => {},
  }
  const productivity = createProductivity(db, { zone, cache, asOf: new Date(at(12)) })
  const filled = async () => {
    const rows = await derivedRows(db)
    return tables.filter(([name]) => rows[name].length > 0).map(([, table]) => table)
  }
  return { db, productivity, filled, refreshed: () => refreshed }
}

describe('the tables that are asked for', () => {
  it.each(tables)('%s: nothing but %s is written', async (name, table) => {
    const everything = await workingDay()
    await everything.productivity.triggerRecalcAll(all)
    const one = await workingDay()
    await one.productivity.triggerRecalcAll(all, { tables: [table] })
    expect(await one.filled()).toEqual([table])
    expect(one.refreshed()).toBe(0)
    expect((await derivedRows(one.db))[name]).toEqual((await derivedRows(everything.db))[name])
  })

  it('may be the cache alone', async () => {
    const { productivity, filled, refreshed } = await workingDay()
    const result = await productivity.triggerRecalcAll(all, { tables: ['cache'] })
    expect(result).toMatchObject({ status: 'completed', totalDays: 0 })
    expect(await filled()).toEqual([])
    expect(refreshed()).toBe(1)
  })

  it('are all of them by default', async () => {
    const { productivity, filled, refreshed } = await workingDay()
    await productivity.triggerRecalcAll(all)
    expect(await filled()).toEqual(tables.map(([, table]) => table))
    expect(refreshed()).toBe(1)
  })

  it('lose rows that have no source any more, and the others do not', async () => {
    const { db, productivity, filled } = await workingDay()
    await productivity.triggerRecalcAll(all)
    await db.deleteFrom('activity_logs').execute()
    await db.deleteFrom('clock_times').execute()
    await productivity.triggerRecalcAll(all, { tables: ['alerts', 'employee_current_status'] })
    expect(await filled()).toEqual(['daily_scores', 'idle_periods', 'employee_hourly_costs', 'employee_primary_roles'])
  })

  it('are refused when there is none of that name', async () => {
    const { productivity } = await workingDay()
    await expect(productivity.triggerRecalcAll(all, { tables: ['scored_days'] })).rejects.toThrow(
      'Expected `tables` to be made of "daily_scores", "idle_periods"',
    )
  })
})
