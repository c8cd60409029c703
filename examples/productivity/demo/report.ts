import { countDays, type IsoDate, type RecalcResult } from 'recalc-service'
import { textTable } from 'recalc-service/cli'
import type { RowCounts } from '../../shared/import/table-writer.ts'
import type { Database } from '../schema/tables.ts'

/** A range of work dates, both ends included. */
export interface DateRange {
  readonly from: IsoDate
  readonly to: IsoDate
}

/** The last of a job's runs. */
export interface LastRun {
  readonly startedAt: Date | null
  /** Employee-days that earlier runs had brought up to date. */
  readonly processedBefore: number
}

/** How many source rows there are, by table. */
export function describeSources(rows: ReadonlyMap<string, number>): string {
  return `Source rows: ${[...rows].map(([table, number]) => `${count(number)} ${table}`).join(', ')}`
}

/** How many rows the files had, and what became of them, by table. */
export function describeImport(counts: ReadonlyMap<string, RowCounts>): string {
  const sums = [...counts].map(([table, { added, changed, left }]) => [table, added + changed + left] as const)
  const cells = [...counts].map(([table, { added, changed, left }]) => [table, ...[added, changed, left].map(count)])
  return `${describeSources(new Map(sums))}\n${textTable(['', 'added', 'changed', 'left'], cells)}`
}

/** A job's result in words. */
export function describeResult(result: RecalcResult, { from, to }: DateRange, run?: LastRun): string {
  const { status, totalDays, processedDays, unchangedDays, skippedDays, failedDays } = result
  if (totalDays === 0) return `${status}: nobody has any rows from ${from} to ${to}`
  const startedAt = run?.startedAt ?? result.startedAt
  const seconds = Math.max(1, result.finishedAt.getTime() - startedAt.getTime()) / 1000
  const perSecond = (processedDays - (run?.processedBefore ?? 0)) / seconds
  const daysPerSecond = (countDays(from, to) * perSecond) / totalDays
  const lines = [
    `${status}: ${count(processedDays)} of ${count(totalDays)} employee-days brought up to date ` +
      `(${count(unchangedDays)} needed no write), ${count(skippedDays)} closed, ${count(failedDays)} failed`,
    `${seconds.toFixed(2)} s, ${count(Math.round(perSecond))} employee-days a second, ` +
      `${daysPerSecond.toFixed(1)} days of everybody's data a second (one in 1 to 2 minutes was planned for)`,
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
  const costs = await db
    .selectFrom('employee_hourly_costs')
    .select(({ fn }) => [fn.countAll<number>().as('rows'), fn.sum<number | null>('labor_cost').as('cost')])
    .where('work_date', '>=', from)
    .where('work_date', '<=', to)
    .executeTakeFirstOrThrow()
  const rowsOf = async (table: 'idle_periods' | 'alerts') => {
    const counted = db.selectFrom(table).select(({ fn }) => fn.countAll<number>().as('rows'))
    const { rows } = await counted.where('work_date', '>=', from).where('work_date', '<=', to).executeTakeFirstOrThrow()
    return `${count(rows)} rows in ${table}`
  }
  const ofEmployees = async (table: 'employee_primary_roles' | 'employee_current_status') => {
    const { rows } = await db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow()
    return `${count(rows)} rows in ${table}`
  }
  return [
    `${count(scores.rows)} rows in daily_scores: ${count(scores.items ?? 0)} items, ${points(scores.points ?? 0)} points`,
    await rowsOf('idle_periods'),
    await rowsOf('alerts'),
    `${count(costs.rows)} rows in employee_hourly_costs: ${points(costs.cost ?? 0)} in wages`,
    await ofEmployees('employee_primary_roles'),
    await ofEmployees('employee_current_status'),
  ].join('\n')
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

/** How many work, idle or have left, and what they did today. */
export async function whoIsHere(db: Database): Promise<string> {
  const rows = await db
    .selectFrom('employee_current_status')
    .select(({ fn }) => [
      'status',
      fn.countAll<number>().as('employees'),
      fn.sum<number | string>('items_today').as('items'),
      fn.sum<number | string>('points_today').as('points'),
    ])
    .groupBy('status')
    .orderBy('status', 'desc')
    .execute()
  return textTable(
    ['status', 'employees', 'items today', 'points today'],
    rows.map((row) => [row.status, count(row.employees), count(row.items), points(row.points)]),
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
