import { systemClock } from 'recalc-service'
import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import { activity, at, day, shift, tenantId, zone } from './stages/june-17.ts'
import { roles } from './support/arbitraries.ts'
import { derivedPlainly, derivedRows } from './support/derived-rows.ts'
import { warehouse } from './support/warehouse.ts'

const employeeId = 'a'

async function itemsOf(db: Awaited<ReturnType<typeof warehouse>>, date: string): Promise<number | undefined> {
  const rows = db.selectFrom('daily_scores').select('items_processed').where('score_date', '=', date)
  return (await rows.executeTakeFirst())?.items_processed
}

describe('recalculating one day', () => {
  it('finds what belongs to its night shift behind midnight', async () => {
    const db = await warehouse({
      roleConfigs: roles,
      clockTimes: [shift(at(22), at(30))],
      activityLogs: [
        activity(at(23), at(23, 5)),
        activity(at(29), at(29, 5), { items: 10 }),
        activity(at(31), at(31, 5), { items: 100 }),
      ],
    })
    const productivity = createProductivity(db, { zone })
    await productivity.triggerRecalc({ tenantId, employeeId, date: day })
    await productivity.triggerRecalc({ tenantId, employeeId, date: '2025-06-18' })
    expect(await itemsOf(db, day)).toBe(11)
    expect(await itemsOf(db, '2025-06-18')).toBe(100)
  })

  it('cuts a shift of several days after 24 hours: later activities belong to their calendar days', async () => {
    const db = await warehouse({
      roleConfigs: roles,
      clockTimes: [shift(at(-60), at(12))],
      activityLogs: [activity(at(8), at(9)), activity(at(13), at(14), { items: 10 })],
    })
    await createProductivity(db, { zone }).triggerRecalc({ tenantId, employeeId, date: day })
    expect(await itemsOf(db, day)).toBe(11)
  })

  it('finds the next day’s shift that takes an activity over', async () => {
    const db = await warehouse({
      roleConfigs: roles,
      clockTimes: [shift(at(20), at(34)), shift(at(30), null)],
      activityLogs: [activity(at(29), at(29, 5)), activity(at(31), at(31, 5), { items: 10 })],
    })
    await createProductivity(db, { zone }).triggerRecalc({ tenantId, employeeId, date: day })
    expect(await itemsOf(db, day)).toBe(1)
  })

  it('finds a window that began days before and still covers the shift', async () => {
    const db = await warehouse({
      roleConfigs: roles,
      clockTimes: [shift(at(8), at(12))],
      activityLogs: [activity(at(-70), at(12)), activity(at(9), at(9))],
    })
    await createProductivity(db, { zone }).triggerRecalc({ tenantId, employeeId, date: day })
    expect((await derivedRows(db)).idlePeriods).toEqual([])
  })

  it('ends an open shift now, by the service’s clock, and at midnight once the day is over', async () => {
    const db = await warehouse({ roleConfigs: roles, clockTimes: [shift(at(8), null)] })
    const clockedAt = async (now: number) => {
      const productivity = createProductivity(db, { zone, clock: { ...systemClock, now: () => now } })
      await productivity.triggerRecalc({ tenantId, employeeId, date: day })
      return (await derivedRows(db)).dailyScores[0]?.clocked_minutes
    }
    expect(await clockedAt(at(7))).toBe(0)
    expect(await clockedAt(at(10, 30))).toBe(150)
    expect(await clockedAt(at(100))).toBe(16 * 60)
  })
})

describe('recalculating again', () => {
  it('replaces what changed, and removes the rows of a day that no source supports any more', async () => {
    const db = await warehouse({ roleConfigs: roles, clockTimes: [shift(at(8), at(12)), shift(at(32), at(36))] })
    const productivity = createProductivity(db, { zone })
    const all = { tenantId, from: '2025-06-16', to: '2025-06-20' }
    await productivity.triggerRecalcAll(all)
    await db.deleteFrom('clock_times').where('clock_in', '=', at(32)).execute()
    await db
      .insertInto('activity_logs')
      .values(activity(at(9), at(10)))
      .execute()
    const result = await productivity.triggerRecalcAll(all)

    expect(result).toMatchObject({ totalDays: 5, processedDays: 5, unchangedDays: 3 })
    const { dailyScores, idlePeriods } = await derivedRows(db)
    expect(dailyScores.map((row) => [row.score_date, row.items_processed])).toEqual([[day, 1]])
    expect(idlePeriods.map((row) => [row.work_date, row.start_time, row.end_time])).toEqual([
      [day, at(8), at(9)],
      [day, at(10), at(12)],
    ])
  })

  it('leaves the scores alone when only the idle periods differ, and the other way round', async () => {
    const db = await warehouse({ roleConfigs: roles, clockTimes: [shift(at(8), at(12))] })
    const productivity = createProductivity(db, { zone })
    const date = { tenantId, employeeId, date: day }
    await productivity.triggerRecalc(date)
    const right = await derivedRows(db)

    // A mark that only a write would remove: what `stored` rounds away.
    await db.updateTable('daily_scores').set({ points_earned: 0.001 }).execute()
    await db.updateTable('idle_periods').set({ duration_minutes: 1 }).execute()
    expect((await productivity.triggerRecalc(date)).unchangedDays).toBe(0)
    const repaired = await derivedRows(db)
    expect(repaired.idlePeriods).toEqual(right.idlePeriods)
    expect(repaired.dailyScores[0]?.points_earned).toBe(0.001)
  })

  it('can write one table only', async () => {
    const db = await warehouse({ roleConfigs: roles, clockTimes: [shift(at(8), at(12))] })
    const productivity = createProductivity(db, { zone })
    const date = { tenantId, employeeId, date: day }
    await productivity.triggerRecalc(date, { tables: ['idle_periods'] })
    expect(await derivedRows(db)).toMatchObject({
      dailyScores: [],
      idlePeriods: [{ start_time: at(8), end_time: at(12) }],
    })
  })
})

it('time that two days’ shifts both cover counts for the day before only', async () => {
  const db = await warehouse({
    roleConfigs: roles,
    clockTimes: [shift(at(22), at(34)), shift(at(30), at(38))],
    activityLogs: [activity(at(22), at(32)), activity(at(36), at(38))],
  })
  await createProductivity(db, { zone }).triggerRecalcAll({ tenantId, from: day, to: '2025-06-18' })
  expect((await derivedRows(db)).idlePeriods.map((row) => [row.work_date, row.start_time, row.end_time])).toEqual([
    [day, at(32), at(34)],
    ['2025-06-18', at(34), at(36)],
  ])
})

it('everything is seen from `asOf`, whatever the clock says', async () => {
  const db = await warehouse({
    roleConfigs: roles,
    clockTimes: [shift(at(8), null)],
    activityLogs: [activity(at(8), at(9))],
  })
  const cached = new Map<string, string>()
  const cache = {
    async replace(entries: ReadonlyMap<string, string>) {
      for (const [key, value] of entries) cached.set(key, value)
    },
    async close() {},
  }
  const clock = { ...systemClock, now: () => at(5_000) }
  const seenFrom = async (instant: number) => {
    const productivity = createProductivity(db, { zone, clock, cache, asOf: new Date(instant) })
    await productivity.triggerRecalcAll({ tenantId, from: day, to: day })
    const { dailyScores, alerts, primaryRoles, currentStatus } = await derivedPlainly(db)
    return {
      clockedMinutes: dailyScores[0]?.clockedMinutes,
      alerts: alerts.map(({ type }) => type),
      asOf: primaryRoles[0]?.asOf,
      status: currentStatus[0]?.status,
      clockedToday: JSON.parse(cached.get('today_clock_times')!).length,
    }
  }
  expect(await seenFrom(at(9, 5))).toEqual({
    clockedMinutes: 65,
    alerts: [],
    asOf: day,
    status: 'working',
    clockedToday: 1,
  })
  expect(await seenFrom(at(9, 16))).toEqual({
    clockedMinutes: 76,
    alerts: ['idle_detected'],
    asOf: day,
    status: 'idle',
    clockedToday: 1,
  })
  // 16 hours after clock-in the shift is not forgotten yet.
  expect(await seenFrom(at(24))).toMatchObject({ alerts: ['idle_detected'], status: 'idle' })
  expect(await seenFrom(at(24, 1))).toEqual({
    clockedMinutes: 16 * 60,
    alerts: ['idle_detected', 'missing_clock_out'],
    asOf: '2025-06-18',
    status: undefined,
    clockedToday: 0,
  })
})
