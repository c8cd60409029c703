import type { RecalcResult } from 'recalc-service'
import { describe, expect, it } from 'vitest'
import { bestDays, describeResult, describeTotals, idleTime } from '../../../examples/productivity/report.ts'
import { warehouse } from './support/warehouse.ts'

const range = { from: '2025-06-17', to: '2025-06-18' }

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
  return db
}

describe('the report', () => {
  it('adds up the rows of the range', async () => {
    expect(await describeTotals(await scored(), range)).toBe(
      '3 rows in daily_scores: 3,000 items, 1,432.50 points\n3 rows in idle_periods',
    )
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

  it('says so when there is nothing', async () => {
    const db = await warehouse()
    expect(await describeTotals(db, range)).toBe('0 rows in daily_scores: 0 items, 0.00 points\n0 rows in idle_periods')
    expect(await bestDays(db, range)).toBe('  (none)')
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
      errors: [{ employeeId: 'a', date: null, stage: 's', code: 'X', message: 'no such role', attempts: 1 }],
      startedAt: new Date(0),
      finishedAt: new Date(2000),
    }
    expect(describeResult(result).split('\n')).toEqual([
      'completed_with_errors: 11,000 of 12,000 employee-days brought up to date (5 needed no write), 999 closed, 1 failed',
      '2.00 s, 5,500 employee-days a second',
      's a: no such role',
    ])
  })
})
