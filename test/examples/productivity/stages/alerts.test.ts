import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import type { AlertsTable, Database } from '../../../../examples/productivity/schema/tables.ts'
import { roles } from '../support/arbitraries.ts'
import { allEngines } from './all-engines.ts'
import { activity, at, day, shift, tenantId, zone } from './june-17.ts'

const employeeId = 'a'
const acknowledgement = { acknowledged_at: at(50), acknowledged_by: 'boss' }

function recalculate(db: Database, asOf = at(100)) {
  return createProductivity(db, { zone, asOf: new Date(asOf) }).triggerRecalc({ tenantId, employeeId, date: day })
}

/** The alerts as [type, when in minutes of the day, severity, acknowledged by]. */
async function alertsIn(db: Database) {
  const rows = await db.selectFrom('alerts').selectAll().orderBy('alert_type').orderBy('event_at').execute()
  return rows.map((row) => [row.alert_type, (row.event_at - at(0)) / 60_000, row.severity, row.acknowledged_by])
}

function acknowledge(db: Database, event_at: number, alert_type: AlertsTable['alert_type'] = 'idle_detected') {
  return db
    .updateTable('alerts')
    .set(acknowledgement)
    .where('alert_type', '=', alert_type)
    .where('event_at', '=', event_at)
    .execute()
}

describe.each(await allEngines())('alerts on $name', ({ open }) => {
  /** Work with a gap of 20 minutes from 9:00 and one of 7 minutes from 10:00, where 5 are usual. */
  const twoGaps = () =>
    open({
      roleConfigs: roles,
      clockTimes: [shift(at(8), at(11))],
      activityLogs: [activity(at(8), at(9)), activity(at(9, 20), at(10)), activity(at(10, 7), at(11))],
    })

  it('are critical above one and a half times the threshold, and warnings up to it', async () => {
    const db = await open({
      roleConfigs: roles,
      clockTimes: [shift(at(8), at(11))],
      activityLogs: [
        activity(at(8), at(9)),
        activity(at(9, 7, 30), at(10)),
        activity(at(10, 7, 31), at(10, 40)),
        activity(at(10, 45), at(11)),
      ],
    })
    await recalculate(db)
    expect(await alertsIn(db)).toEqual([
      ['idle_detected', 9 * 60, 'warning', null],
      ['idle_detected', 10 * 60, 'critical', null],
    ])
  })

  it('keep their acknowledgement when nothing changes', async () => {
    const db = await twoGaps()
    await recalculate(db)
    await acknowledge(db, at(9))
    expect((await recalculate(db)).unchangedDays).toBe(1)
    expect(await db.selectFrom('alerts').selectAll().where('event_at', '=', at(9)).execute()).toMatchObject([
      acknowledgement,
    ])
  })

  it('keep it when severity and message change', async () => {
    const db = await twoGaps()
    await recalculate(db)
    await acknowledge(db, at(9))
    await db
      .updateTable('activity_logs')
      .set({ window_start: at(9, 6) })
      .where('window_start', '=', at(9, 20))
      .execute()
    await recalculate(db)
    expect(await alertsIn(db)).toEqual([
      ['idle_detected', 9 * 60, 'warning', 'boss'],
      ['idle_detected', 10 * 60, 'warning', null],
    ])
    const messages = await db.selectFrom('alerts').select('message').orderBy('event_at').execute()
    expect(messages).toEqual([
      { message: 'Idle for 6 min, 5 min are usual here' },
      { message: 'Idle for 7 min, 5 min are usual here' },
    ])
  })

  it('keep it when another alert of the day goes, or comes', async () => {
    const db = await twoGaps()
    await recalculate(db)
    await acknowledge(db, at(9))
    const gap = activity(at(10), at(10, 7))
    await db.insertInto('activity_logs').values(gap).execute()
    await recalculate(db)
    expect(await alertsIn(db)).toEqual([['idle_detected', 9 * 60, 'critical', 'boss']])

    await db.deleteFrom('activity_logs').where('window_start', '=', gap.window_start).execute()
    await db
      .updateTable('clock_times')
      .set({ clock_in: at(7) })
      .execute()
    await recalculate(db)
    expect(await alertsIn(db)).toEqual([
      ['idle_detected', 7 * 60, 'critical', null],
      ['idle_detected', 9 * 60, 'critical', 'boss'],
      ['idle_detected', 10 * 60, 'warning', null],
    ])
  })

  it('are others when the idle time begins at another moment', async () => {
    const db = await twoGaps()
    await recalculate(db)
    await acknowledge(db, at(9))
    await db
      .updateTable('activity_logs')
      .set({ window_end: at(9, 1) })
      .where('window_start', '=', at(8))
      .execute()
    await recalculate(db)
    expect(await alertsIn(db)).toEqual([
      ['idle_detected', 9 * 60 + 1, 'critical', null],
      ['idle_detected', 10 * 60, 'warning', null],
    ])
  })

  it('tell of a missing clock-out after 16 hours, and keep its acknowledgement until somebody clocks out', async () => {
    const db = await open({
      roleConfigs: roles,
      clockTimes: [shift(at(8), null)],
      activityLogs: [activity(at(8), at(24))],
    })
    await recalculate(db, at(24))
    expect(await alertsIn(db)).toEqual([])
    await recalculate(db, at(24) + 1)
    const missing = ['missing_clock_out', 8 * 60, 'warning']
    expect(await alertsIn(db)).toEqual([[...missing, null]])

    await acknowledge(db, at(8), 'missing_clock_out')
    await recalculate(db, at(500))
    expect(await alertsIn(db)).toEqual([[...missing, 'boss']])
    await db
      .updateTable('clock_times')
      .set({ clock_out: at(16) })
      .execute()
    await recalculate(db)
    expect(await alertsIn(db)).toEqual([])
  })

  it('tell of an implausible shift, and keep its acknowledgement until it is mended', async () => {
    const db = await open({ roleConfigs: roles, clockTimes: [shift(at(8), at(8) - 1)] })
    await recalculate(db)
    await acknowledge(db, at(8), 'implausible_shift')
    await db
      .updateTable('clock_times')
      .set({ clock_out: at(32) + 1 })
      .execute()
    await recalculate(db)
    expect(await alertsIn(db)).toEqual([
      ['idle_detected', 8 * 60, 'critical', null],
      ['implausible_shift', 8 * 60, 'critical', 'boss'],
    ])
    await db
      .updateTable('clock_times')
      .set({ clock_out: at(8, 10) })
      .execute()
    await recalculate(db)
    expect(await alertsIn(db)).toEqual([])
  })

  it('of both kinds may be of one moment, and are acknowledged one by one', async () => {
    const db = await open({ roleConfigs: roles, clockTimes: [shift(at(8), null), shift(at(8), null)] })
    await recalculate(db)
    await acknowledge(db, at(8), 'missing_clock_out')
    await recalculate(db)
    expect(await alertsIn(db)).toEqual([
      ['idle_detected', 8 * 60, 'critical', null],
      ['missing_clock_out', 8 * 60, 'warning', 'boss'],
    ])
  })

  it('are of the day before where its shift still runs, and of the day from there on', async () => {
    const db = await open({
      roleConfigs: roles,
      clockTimes: [shift(at(22), at(34)), shift(at(30), at(38))],
      activityLogs: [activity(at(22), at(32)), activity(at(37), at(38))],
    })
    const productivity = createProductivity(db, { zone })
    const all = { tenantId, from: day, to: '2025-06-18' }
    await productivity.triggerRecalcAll(all)
    await db.updateTable('alerts').set(acknowledgement).where('work_date', '=', day).execute()
    await productivity.triggerRecalcAll(all)
    const rows = await db.selectFrom('alerts').selectAll().orderBy('work_date').execute()
    expect(rows.map((row) => [row.work_date, row.event_at, row.acknowledged_by])).toEqual([
      [day, at(32), 'boss'],
      ['2025-06-18', at(34), null],
    ])
  })
})
