import type { RecalcResult } from 'recalc-service'
import type { Database } from './tables.ts'
import { textTable } from './text-table.ts'

/** A range of work dates, both ends included. */
export interface DateRange {
  readonly from: string
  readonly to: string
}

/** A job's result in words. */
export function describeResult(result: RecalcResult): string {
  const { status, totalDays, processedDays, unchangedDays, skippedDays, failedDays } = result
  const seconds = Math.max(1, result.finishedAt.getTime() - result.startedAt.getTime()) / 1000
  const lines = [
    `${status}: ${count(processedDays)} of ${count(totalDays)} employee-days brought up to date ` +
      `(${count(unchangedDays)} needed no write), ${count(skippedDays)} closed, ${count(failedDays)} failed`,
    `${seconds.toFixed(2)} s, ${count(Math.round(processedDays / seconds))} employee-days a second`,
  ]
  if (result.error) lines.push(`${result.error.code}: ${result.error.message}`)
  for (const { employeeId, date, stage, message } of result.errors) {
    lines.push(`${[stage, employeeId, date].filter((part) => part !== null).join(' ')}: ${message}`)
  }
  return lines.join('\n')
}

/** How many rows were derived, and what they add up to. */
export async function describeTotals(db: Database, { from, to }: DateRange): Promise<string> {
  const scores = await db
    .selectFrom('daily_scores')
    .select(({ fn }) => [
      fn.countAll<number>().as('rows'),
      fn.sum<number | null>('items_processed').as('items'),
      fn.sum<number | null>('points_earned').as('points'),
    ])
    .where('score_date', '>=', from)
    .where('score_date', '<=', to)
    .executeTakeFirstOrThrow()
  const idle = await db
    .selectFrom('idle_periods')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .where('work_date', '>=', from)
    .where('work_date', '<=', to)
    .executeTakeFirstOrThrow()
  return (
    `${count(scores.rows)} rows in daily_scores: ${count(scores.items ?? 0)} items, ${points(scores.points ?? 0)} points\n` +
    `${count(idle.rows)} rows in idle_periods`
  )
}

/** The days with the most points. */
export async function bestDays(db: Database, { from, to }: DateRange, limit = 10): Promise<string> {
  const rows = await db
    .selectFrom('daily_scores')
    .innerJoin('employees', 'employees.id', 'employee_id')
    .selectAll('daily_scores')
    .select('name')
    .where('score_date', '>=', from)
    .where('score_date', '<=', to)
    .orderBy('points_earned', 'desc')
    .orderBy('employee_id')
    .orderBy('score_date')
    .limit(limit)
    .execute()
  return textTable(
    ['date', 'employee', 'points', 'items', 'clocked', 'active', 'efficiency'],
    rows.map((row) => [
      row.score_date,
      row.name,
      points(row.points_earned),
      count(row.items_processed),
      duration(row.clocked_minutes),
      duration(row.active_minutes),
      `${(Number(row.efficiency_rate) * 100).toFixed(1)}%`,
    ]),
  )
}

/** Who lost most time in idle periods, and in how many. */
export async function idleTime(db: Database, { from, to }: DateRange, limit = 10): Promise<string> {
  const rows = await db
    .selectFrom('idle_periods')
    .innerJoin('employees', 'employees.id', 'employee_id')
    .select(({ fn }) => [
      'employee_id',
      'name',
      fn.countAll<number>().as('periods'),
      fn.sum<number>('duration_minutes').as('minutes'),
      fn.max('duration_minutes').as('longest'),
    ])
    .where('work_date', '>=', from)
    .where('work_date', '<=', to)
    .groupBy(['employee_id', 'name'])
    .orderBy('minutes', 'desc')
    .orderBy('employee_id')
    .limit(limit)
    .execute()
  return textTable(
    ['employee', 'idle', 'periods', 'longest', 'average'],
    rows.map(({ name, minutes, periods, longest }) => [
      name,
      duration(Number(minutes)),
      count(periods),
      duration(longest),
      duration(Math.round(Number(minutes) / Number(periods))),
    ]),
  )
}

function count(number: number | string): string {
  return Number(number).toLocaleString('en')
}

function points(number: number | string): string {
  return Number(number).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
}

function duration(minutes: number): string {
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}
