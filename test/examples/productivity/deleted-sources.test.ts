import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import type { Database } from '../../../examples/productivity/schema/tables.ts'
import { allEngines } from './stages/all-engines.ts'
import { activity, at, day, payRate, people, shift, tenantId, zone } from './stages/june-17.ts'
import { roles } from './support/arbitraries.ts'
import { derivedPlainly } from './support/derived-rows.ts'

/** The evening of the day: it is the only one about which the status and the roles are. */
const asOf = new Date(at(20))
const all = { tenantId, from: '2025-06-15', to: '2025-06-19' }
const nextDay = '2025-06-18'

function recalculate(db: Database) {
  return createProductivity(db, { zone, asOf }).triggerRecalcAll(all)
}

/** Whose rows of which day are in each table. */
async function rowsIn(db: Database) {
  const derived = await derivedPlainly(db)
  const ofDays = (rows: readonly { readonly employeeId: string; readonly date: string }[]) =>
    [...new Set(rows.map(({ employeeId, date }) => `${employeeId} ${date}`))].join(', ')
  const ofEmployees = (rows: readonly { readonly employeeId: string }[]) =>
    rows.map(({ employeeId }) => employeeId).join(', ')
  return {
    scores: ofDays(derived.dailyScores),
    idle: ofDays(derived.idlePeriods),
    alerts: ofDays(derived.alerts),
    costs: ofDays(derived.hourlyCosts),
    roles: ofEmployees(derived.primaryRoles),
    statuses: ofEmployees(derived.currentStatus),
  }
}

/** The alerts as [employee, day, type, when in hours of the 17th], with who has seen to them. */
async function alertsIn(db: Database) {
  const { alerts } = await derivedPlainly(db)
  return alerts.map((row) => [
    row.employeeId,
    row.date,
    row.type,
    (row.eventAt - at(0)) / 3_600_000,
    row.acknowledgedBy,
  ])
}

const acknowledgeAll = (db: Database) =>
  db
    .updateTable('alerts')
    .set({ acknowledged_at: at(21), acknowledged_by: 'boss' })
    .execute()

const nothing = { scores: '', idle: '', alerts: '', costs: '', roles: '', statuses: '' }
const ofBob = {
  scores: 'bob 2025-06-17',
  idle: 'bob 2025-06-17',
  alerts: 'bob 2025-06-17',
  costs: 'bob 2025-06-17',
  roles: 'bob',
  statuses: 'bob',
}

describe.each(await allEngines())('when sources go, on $name,', ({ open }) => {
  /** Anna, with a shift that was left open the day before and a night shift, and Bob, who had a quiet afternoon. */
  async function twoPeople() {
    const anna = { employee: 'anna' }
    const bob = { employee: 'bob' }
    const db = await open({
      employees: people('anna', 'bob'),
      roleConfigs: roles,
      payRates: [payRate('2025-01-01', 20, anna), payRate('2025-01-01', 18, bob)],
      clockTimes: [shift(at(-12), null, anna), shift(at(8), at(12), anna), shift(at(13), at(17), bob)],
      activityLogs: [
        activity(at(-12), at(-6), anna),
        activity(at(8), at(9), anna),
        activity(at(10), at(11), anna),
        activity(at(13), at(14), bob),
      ],
    })
    await recalculate(db)
    await acknowledgeAll(db)
    return db
  }

  it('everything is there as long as they are', async () => {
    const db = await twoPeople()
    const both = 'anna 2025-06-16, anna 2025-06-17, bob 2025-06-17'
    expect(await rowsIn(db)).toEqual({
      scores: both,
      idle: both,
      alerts: both,
      costs: both,
      roles: 'anna, bob',
      statuses: 'anna, bob',
    })
    expect(await alertsIn(db)).toEqual([
      ['anna', '2025-06-16', 'idle_detected', -6, 'boss'],
      ['anna', '2025-06-16', 'missing_clock_out', -12, 'boss'],
      ['anna', day, 'idle_detected', 9, 'boss'],
      ['anna', day, 'idle_detected', 11, 'boss'],
      ['bob', day, 'idle_detected', 14, 'boss'],
    ])
  })

  it('a shift’s go with it, and what its activities still support stays', async () => {
    const db = await twoPeople()
    await db.deleteFrom('clock_times').where('employee_id', '=', 'anna').execute()
    await recalculate(db)
    expect(await rowsIn(db)).toEqual({
      ...ofBob,
      scores: 'anna 2025-06-16, anna 2025-06-17, bob 2025-06-17',
      costs: 'anna 2025-06-16, anna 2025-06-17, bob 2025-06-17',
      roles: 'anna, bob',
      statuses: 'anna, bob',
    })
    expect(await alertsIn(db)).toEqual([['bob', day, 'idle_detected', 14, 'boss']])
  })

  it('an activity’s go with it, and alerts that are still due are still acknowledged', async () => {
    const db = await twoPeople()
    await db.deleteFrom('activity_logs').where('employee_id', '=', 'anna').where('window_start', '=', at(10)).execute()
    await recalculate(db)
    expect(await alertsIn(db)).toEqual([
      ['anna', '2025-06-16', 'idle_detected', -6, 'boss'],
      ['anna', '2025-06-16', 'missing_clock_out', -12, 'boss'],
      // Longer now, and from the same moment.
      ['anna', day, 'idle_detected', 9, 'boss'],
      ['bob', day, 'idle_detected', 14, 'boss'],
    ])
  })

  it('nothing is left of somebody who is gone entirely, who can then be deleted', async () => {
    const db = await twoPeople()
    await db.updateTable('employees').set({ is_active: 0 }).where('id', '=', 'anna').execute()
    for (const table of ['clock_times', 'activity_logs', 'pay_rates'] as const) {
      await db.deleteFrom(table).where('employee_id', '=', 'anna').execute()
    }
    await expect(db.deleteFrom('employees').where('id', '=', 'anna').execute()).rejects.toThrow(/foreign key/i)
    const { totalDays } = await recalculate(db)
    expect(totalDays).toBe(2 * 5)
    expect(await rowsIn(db)).toEqual(ofBob)
    expect(await alertsIn(db)).toEqual([['bob', day, 'idle_detected', 14, 'boss']])
    await db.deleteFrom('employees').where('id', '=', 'anna').execute()
    expect((await recalculate(db)).totalDays).toBe(5)
  })

  it('nothing is left at all when everybody is gone', async () => {
    const db = await twoPeople()
    await db.deleteFrom('clock_times').execute()
    await db.deleteFrom('activity_logs').execute()
    await recalculate(db)
    expect(await rowsIn(db)).toEqual(nothing)
  })

  it('somebody who is inactive keeps their history, and it is kept up to date', async () => {
    const db = await twoPeople()
    await db.updateTable('employees').set({ is_active: 0 }).execute()
    const before = await rowsIn(db)
    await recalculate(db)
    expect(await rowsIn(db)).toEqual(before)
    await db.deleteFrom('clock_times').where('employee_id', '=', 'bob').execute()
    await db.deleteFrom('activity_logs').where('employee_id', '=', 'bob').execute()
    await recalculate(db)
    expect((await rowsIn(db)).scores).toBe('anna 2025-06-16, anna 2025-06-17')
  })

  it('a shift that moves to another day takes its rows along', async () => {
    const db = await twoPeople()
    const tomorrow = { clock_in: at(13 + 24), clock_out: at(17 + 24) }
    await db.updateTable('clock_times').set(tomorrow).where('employee_id', '=', 'bob').execute()
    await db
      .updateTable('activity_logs')
      .set({ window_start: at(13 + 24), window_end: at(14 + 24) })
      .where('employee_id', '=', 'bob')
      .execute()
    await recalculate(db)
    expect(await rowsIn(db)).toMatchObject({
      scores: 'anna 2025-06-16, anna 2025-06-17, bob 2025-06-18',
      idle: 'anna 2025-06-16, anna 2025-06-17, bob 2025-06-18',
      costs: 'anna 2025-06-16, anna 2025-06-17, bob 2025-06-18',
      roles: 'anna',
      statuses: 'anna',
    })
    // Another day's alert is another one. What is still to come takes no time yet.
    expect((await alertsIn(db)).filter(([employee]) => employee === 'bob')).toEqual([
      ['bob', nextDay, 'idle_detected', 37, null],
    ])
  })

  it('a shift that moves to somebody else does, too', async () => {
    const db = await twoPeople()
    await db.updateTable('clock_times').set({ employee_id: 'anna' }).where('employee_id', '=', 'bob').execute()
    await db.updateTable('activity_logs').set({ employee_id: 'anna' }).where('employee_id', '=', 'bob').execute()
    await recalculate(db)
    const { scores, alerts, statuses, roles: primary } = await rowsIn(db)
    expect([scores, alerts]).toEqual(Array(2).fill('anna 2025-06-16, anna 2025-06-17'))
    expect([statuses, primary]).toEqual(['anna', 'anna'])
    expect((await alertsIn(db)).at(-1)).toEqual(['anna', day, 'idle_detected', 14, null])
  })

  it('a night shift that ends before midnight gives its morning back to the next day', async () => {
    const db = await open({
      roleConfigs: roles,
      payRates: [payRate('2025-01-01', 20)],
      clockTimes: [shift(at(20), at(30))],
      activityLogs: [activity(at(20), at(24)), activity(at(26), at(30))],
    })
    await recalculate(db)
    expect((await rowsIn(db)).scores).toBe(`a ${day}`)
    await db
      .updateTable('clock_times')
      .set({ clock_out: at(24) })
      .execute()
    await recalculate(db)
    expect((await rowsIn(db)).scores).toBe(`a ${day}, a ${nextDay}`)
    await db.deleteFrom('activity_logs').where('window_start', '=', at(26)).execute()
    await recalculate(db)
    expect((await rowsIn(db)).scores).toBe(`a ${day}`)
  })

  it('days that nobody asked for keep their rows', async () => {
    const db = await twoPeople()
    await db.deleteFrom('clock_times').execute()
    await db.deleteFrom('activity_logs').execute()
    await createProductivity(db, { zone, asOf }).triggerRecalcAll({ tenantId, from: day, to: day })
    expect(await rowsIn(db)).toEqual({
      ...nothing,
      scores: 'anna 2025-06-16',
      idle: 'anna 2025-06-16',
      alerts: 'anna 2025-06-16',
      costs: 'anna 2025-06-16',
    })
  })
})
