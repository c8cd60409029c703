import type { IsoDate, RecalcResult } from 'recalc-service'
import { describe, expect, it } from 'vitest'
import {
  bestDays,
  type DateRange,
  describeResult,
  describeTotals,
  idleTime,
  whoIsHere,
} from '../../../../examples/productivity/demo/report.ts'
import { warehouse } from '../support/warehouse.ts'

const range: DateRange = { from: '2025-06-17' as IsoDate, to: '2025-06-18' as IsoDate }

async function scored() {
  const db = await warehouse({ employees: ['a', 'b'].map((id) => ({ id, name: `Employee ${id}` })) })
  const score = (employee_id: string, score_date: string, points_earned: number) => ({
    employee_id,
    score_date,
    points_earned,
    items_processed: 1000,
    clocked_minutes: 125,
    idle_minutes: 0,
    active_minutes: 60,
    efficiency_rate: 0.48,
  })
  const idle = (employee_id: string, work_date: string, duration_minutes: number) => ({
    employee_id,
    work_date,
    start_time: duration_minutes,
    end_time: duration_minutes * 60_000,
    duration_minutes,
    threshold_minutes: 5,
  })
  await db
    .insertInto('daily_scores')
    .values([
      score('a', range.from, 1234.5),
      score('b', range.to, 99),
      score('b', range.from, 99),
      score('a', '2025-06-16', 5000),
    ])
    .execute()
  await db
    .insertInto('idle_periods')
    .values([idle('a', range.from, 20), idle('a', range.to, 31), idle('b', range.to, 70), idle('b', '2025-06-19', 500)])
    .execute()
  const alert = { alert_type: 'idle_detected', event_at: 1, severity: 'warning', message: 'Idle' } as const
  await db
    .insertInto('alerts')
    .values([
      { employee_id: 'a', work_date: range.from, ...alert },
      { employee_id: 'a', work_date: '2025-06-19', ...alert },
    ])
    .execute()
  const cost = { hourly_rate: 20, labor_cost: 1000.25, cost_per_item: null }
  await db
    .insertInto('employee_hourly_costs')
    .values([
      { employee_id: 'a', work_date: range.from, ...cost },
      { employee_id: 'b', work_date: range.to, ...cost },
      { employee_id: 'b', work_date: '2025-06-16', ...cost },
    ])
    .execute()
  await db
    .insertInto('employee_primary_roles')
    .values({ employee_id: 'b', role_id: 1, items: 1, as_of: range.to })
    .execute()
  const status = { since: 0, last_activity_at: 0, role_id: 1, items_today: 1000, points_today: 1.5 }
  await db
    .insertInto('employee_current_status')
    .values([
      { employee_id: 'a', status: 'working', ...status },
      { employee_id: 'b', status: 'off', ...status, items_today: 0 },
    ])
    .execute()
  return db
}

describe('the report', () => {
  it('adds up the rows of the range', async () => {
    expect((await describeTotals(await scored(), range)).split('\n')).toEqual([
      '3 rows in daily_scores: 3,000 items, 1,432.50 points',
      '3 rows in idle_periods',
      '1 rows in alerts',
      '2 rows in employee_hourly_costs: 2,000.50 in wages',
      '1 rows in employee_primary_roles',
      '2 rows in employee_current_status',
    ])
  })

  it('lists the days with the most points', async () => {
    expect((await bestDays(await scored(), range, 2)).split('\n')).toEqual([
      '  date        employee      points  items     clocked      active  efficiency',
      '  2025-06-17  Employee a  1,234.50  1,000  2 h 05 min  1 h 00 min       48.0%',
      '  2025-06-17  Employee b     99.00  1,000  2 h 05 min  1 h 00 min       48.0%',
    ])
  })

  it('lists who lost most time', async () => {
    expect((await idleTime(await scored(), range)).split('\n')).toEqual([
      '  employee          idle  periods     longest     average',
      '  Employee b  1 h 10 min        1  1 h 10 min  1 h 10 min',
      '  Employee a  0 h 51 min        2  0 h 31 min  0 h 26 min',
    ])
  })

  it('tells how many are here, those at work first', async () => {
    expect((await whoIsHere(await scored())).split('\n')).toEqual([
      '  status   employees  items today  points today',
      '  working          1        1,000          1.50',
      '  off              1            0          1.50',
    ])
  })

  it('says so when there is nothing', async () => {
    const db = await warehouse()
    expect((await describeTotals(db, range)).split('\n')).toEqual([
      '0 rows in daily_scores: 0 items, 0.00 points',
      '0 rows in idle_periods',
      '0 rows in alerts',
      '0 rows in employee_hourly_costs: 0.00 in wages',
      '0 rows in employee_primary_roles',
      '0 rows in employee_current_status',
    ])
    expect(await bestDays(db, range)).toBe('  (none)')
    expect(await whoIsHere(db)).toBe('  (none)')
  })

  it('tells what a job came to, with what went wrong', () => {
    const result: RecalcResult = {
      status: 'completed_with_errors',
      totalDays: 12_000,
      processedDays: 11_000,
      unchangedDays: 5,
      skippedDays: 999,
      failedDays: 1,
      errorCount: 1,
      errors: [
        { employeeId: 'a', date: null, through: null, stage: 's', code: 'X', message: 'no such role', attempts: 1 },
      ],
      startedAt: new Date(0),
      finishedAt: new Date(2000),
    }
    expect(describeResult(result, range).split('\n')).toEqual([
      'completed_with_errors: 11,000 of 12,000 employee-days brought up to date (5 needed no write), 999 closed, 1 failed',
      "2.00 s, 5,500 employee-days a second, 0.9 days of everybody's data a second (one in 1 to 2 minutes was planned for)",
      's a: no such role',
    ])
  })
})
