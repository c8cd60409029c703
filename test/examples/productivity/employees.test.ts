import { dayBounds, type IsoDate } from 'recalc-service'
import { describe, expect, it } from 'vitest'
import { employeeRepository } from '../../../examples/productivity/employees.ts'
import type { Database } from '../../../examples/productivity/schema/tables.ts'
import { HOUR, roles } from './support/arbitraries.ts'
import { warehouse } from './support/warehouse.ts'

const zone = 'America/New_York'
const query = { tenantId: 't', from: '2025-06-17' as IsoDate, to: '2025-06-18' as IsoDate }
const start = dayBounds(query.from, zone).start.getTime()
const end = dayBounds(query.to, zone).end.getTime()

const clockTime = (employee_id: string, clock_in: number) => ({
  employee_id,
  clock_in,
  clock_out: null,
  break_minutes: 0,
})
const activityLog = (employee_id: string, window_start: number) => ({
  employee_id,
  role_id: 1,
  window_start,
  window_end: window_start + HOUR,
  items_count: 1,
})

async function idsOf(db: Database): Promise<readonly string[]> {
  const employees = employeeRepository(db, zone)
  const listed = await employees.listEmployees({ ...query, limit: 100 })
  expect(await employees.countEmployees?.(query)).toBe(listed.length)
  return listed.map(({ id }) => id)
}

describe('employeeRepository', () => {
  it('lists whoever has a shift or an activity that begins in the range, by the clock of the zone', async () => {
    const db = await warehouse({
      roleConfigs: roles,
      clockTimes: [clockTime('a', start), clockTime('b', end - 1), clockTime('c', start - 1), clockTime('d', end)],
      activityLogs: [
        activityLog('e', start),
        activityLog('f', end - 1),
        activityLog('g', start - 1),
        activityLog('h', end),
      ],
    })
    expect(await idsOf(db)).toEqual(['a', 'b', 'e', 'f'])
  })

  it('lists whoever has a derived row in the range, so that it can be removed', async () => {
    const db = await warehouse({ employees: ['a', 'b', 'c', 'd'].map((id) => ({ id, name: id })) })
    const score = { items_processed: 0, points_earned: 0, clocked_minutes: 0, idle_minutes: 0, active_minutes: 0 }
    const idle = { start_time: 0, end_time: 1, duration_minutes: 0, threshold_minutes: 0 }
    await db
      .insertInto('daily_scores')
      .values([
        { employee_id: 'a', score_date: '2025-06-18', ...score, efficiency_rate: 0 },
        { employee_id: 'b', score_date: '2025-06-19', ...score, efficiency_rate: 0 },
      ])
      .execute()
    await db
      .insertInto('idle_periods')
      .values([
        { employee_id: 'c', work_date: '2025-06-17', ...idle },
        { employee_id: 'd', work_date: '2025-06-16', ...idle },
      ])
      .execute()
    expect(await idsOf(db)).toEqual(['a', 'c'])
  })

  it('lists whoever has nothing left but an alert or a cost', async () => {
    const db = await warehouse({ employees: ['a', 'b', 'c', 'd'].map((id) => ({ id, name: id })) })
    const alert = { alert_type: 'idle_detected', event_at: 0, severity: 'warning', message: '' } as const
    const cost = { hourly_rate: 1, labor_cost: 1, cost_per_item: null }
    await db
      .insertInto('alerts')
      .values([
        { employee_id: 'a', work_date: query.from, ...alert },
        { employee_id: 'b', work_date: '2025-06-16', ...alert },
      ])
      .execute()
    await db
      .insertInto('employee_hourly_costs')
      .values([
        { employee_id: 'c', work_date: query.to, ...cost },
        { employee_id: 'd', work_date: '2025-06-19', ...cost },
      ])
      .execute()
    expect(await idsOf(db)).toEqual(['a', 'c'])
  })

  it('does not ask whether somebody is active', async () => {
    const db = await warehouse({
      employees: [{ id: 'a', name: 'Anna', is_active: 0 }],
      clockTimes: [clockTime('a', start)],
    })
    expect(await idsOf(db)).toEqual(['a'])
  })

  it('finds the few who have rows among many who have none', async () => {
    const ids = Array.from({ length: 1_200 }, (_, number) => `E${String(number).padStart(4, '0')}`)
    const busy = ids.filter((_, number) => number % 397 === 396)
    const db = await warehouse({
      employees: ids.map((id) => ({ id, name: id })),
      clockTimes: busy.map((id) => clockTime(id, start)),
    })
    const employees = employeeRepository(db, zone)
    expect(await employees.countEmployees?.(query)).toBe(3)
    const pages = [
      await employees.listEmployees({ ...query, limit: 2 }),
      await employees.listEmployees({ ...query, after: busy[1]!, limit: 2 }),
    ]
    expect(pages.map((page) => page.map(({ id }) => id))).toEqual([busy.slice(0, 2), busy.slice(2)])
  })

  it('pages by id', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e']
    const db = await warehouse({ clockTimes: ids.map((id) => clockTime(id, start)) })
    const { listEmployees } = employeeRepository(db, zone)
    expect(await listEmployees({ ...query, limit: 2 })).toEqual([
      { id: 'a', name: 'a' },
      { id: 'b', name: 'b' },
    ])
    expect((await listEmployees({ ...query, after: 'b', limit: 2 })).map(({ id }) => id)).toEqual(['c', 'd'])
    expect((await listEmployees({ ...query, after: 'd', limit: 2 })).map(({ id }) => id)).toEqual(['e'])
    expect(await listEmployees({ ...query, after: 'e', limit: 2 })).toEqual([])
  })
})
