import { type RawBuilder, sql } from 'kysely'
import { dayBounds, type IsoDate } from 'recalc-service'
import type { Database } from '../../../../examples/productivity/schema/tables.ts'
import { roleConfigs } from '../../../../examples/productivity/sources/generator/roles.ts'

/** No clock change lies in the days: a day is so many milliseconds after the one before. */
export const ZONE = 'Europe/Berlin'
export const FIRST_DAY = '2025-04-01' as IsoDate
const DAYS = 50
/** The last one; seen from its afternoon. */
export const TODAY = '2025-05-20' as IsoDate
export const NOW = new Date('2025-05-20T13:30:00Z')
const EMPLOYEES = 500
/** Those who left before the first day: they have no source any more. */
const FORMER = 4_500
/** So many are different; the others do what one of them does, so that derived rows can be copied, too. */
const MODELS = 50
const LOGS_PER_DAY = 40

export const MODEL_IDS: readonly string[] = Array.from({ length: MODELS }, (_, model) => idOf(model))
const ALL_IDS: readonly string[] = Array.from({ length: EMPLOYEES }, (_, employee) => idOf(employee))
export const FORMER_IDS: readonly string[] = Array.from(
  { length: FORMER },
  (_, former) => `F${String(former).padStart(4, '0')}`,
)
/** How many people there are to page through. */
export const EVERYBODY = EMPLOYEES + FORMER

function idOf(employee: number): string {
  return `E${String(employee).padStart(4, '0')}`
}

const hour = 60 * 60_000
const day = 24 * hour

/** Milliseconds since 1970 as a DATETIME(3) in UTC, whatever the session's zone. */
const instant = (ms: RawBuilder<unknown>) =>
  sql`timestampadd(microsecond, (${ms}) * 1000, timestamp'1970-01-01 00:00:00')`

/** A row of numbers from 0 to below `count`, on MySQL and MariaDB alike. */
const numbers = (name: string, count: number) =>
  sql`${sql.ref(name)} (i) as (select 0 union all select i + 1 from ${sql.ref(name)} where i < ${sql.lit(count - 1)})`

/**
 * Fills the source tables with a million activity logs in two batches of SQL. One in four works nights; among the logs
 * of a week one lasts two days, and so does one shift in a month.
 */
export async function fillMillionLogs(db: Database): Promise<void> {
  await db
    .insertInto('employees')
    .values([...ALL_IDS, ...FORMER_IDS].map((id) => ({ id, name: `Employee ${id}` })))
    .execute()
  await db.insertInto('role_configs').values(roleConfigs).execute()
  const rates = ['2024-01-01', '2025-04-20'].flatMap((effective_from, raise) =>
    ALL_IDS.map((employee_id) => ({ employee_id, effective_from, hourly_rate: 15 + raise })),
  )
  await db.insertInto('pay_rates').values(rates).execute()

  const midnight = dayBounds(FIRST_DAY, ZONE).start.getTime()
  const model = sql`(e.i mod ${sql.lit(MODELS)})`
  const id = sql`concat('E', lpad(e.i, 4, '0'))`
  const shiftStart = sql`${sql.lit(midnight)} + d.i * ${sql.lit(day)} + case ${model} mod 4 when 0 then ${sql.lit(22 * hour)} else ${sql.lit(6 * hour)} end`
  const lasts = sql`case when (${model} + d.i) mod 31 = 30 then ${sql.lit(2 * day)} else ${sql.lit(8 * hour)} end`
  const shiftEnd = sql`${shiftStart} + ${lasts}`
  // The rows come in the order of the index that is biggest.
  await db.connection().execute(async (one) => {
    await sql`set foreign_key_checks = 0, unique_checks = 0`.execute(one)
    await sql`insert into clock_times (employee_id, clock_in, clock_out, break_minutes)
      with recursive ${numbers('e', EMPLOYEES)}, ${numbers('d', DAYS)}
      select ${id}, ${instant(sql`${shiftStart} + ${model} * 1000`)}, ${instant(shiftEnd)}, 30
      from e cross join d order by e.i, d.i`.execute(one)
    const spread = sql`${model} * 31 + d.i * 17 + a.i * 13`
    const start = sql`${shiftStart} + a.i * 720000`
    const worked = sql`case when (${spread}) mod 281 = 0 then ${sql.lit(2 * day)} else ((${spread}) mod 12 + 1) * 60000 end`
    await sql`insert into activity_logs (employee_id, role_id, window_start, window_end, items_count)
      with recursive ${numbers('e', EMPLOYEES)}, ${numbers('d', DAYS)}, ${numbers('a', LOGS_PER_DAY)}
      select ${id}, (${model} + d.i + a.i div 20) mod 6 + 1, ${instant(start)}, ${instant(sql`${start} + ${worked}`)},
        (${spread}) mod 7 + 1
      from e cross join d cross join a order by e.i, d.i, a.i`.execute(one)
    await sql`set foreign_key_checks = 1, unique_checks = 1`.execute(one)
  })
}

/** Gives everybody the derived rows of the one whom they do as, whose rows a job has written. */
export async function copyDerivedRows(db: Database): Promise<void> {
  const copies = EMPLOYEES / MODELS - 1
  const id = sql`concat('E', lpad(substring(employee_id, 2) + (n.i + 1) * ${sql.lit(MODELS)}, 4, '0'))`
  const columns = {
    daily_scores:
      'score_date, items_processed, points_earned, clocked_minutes, idle_minutes, active_minutes, efficiency_rate',
    idle_periods: 'work_date, start_time, end_time, duration_minutes, threshold_minutes',
    alerts: 'work_date, alert_type, event_at, severity, message',
    employee_hourly_costs: 'work_date, hourly_rate, labor_cost, cost_per_item',
  }
  for (const [table, rest] of Object.entries(columns)) {
    await sql`insert into ${sql.table(table)} (employee_id, ${sql.raw(rest)})
      with recursive ${numbers('n', copies)}
      select ${id}, ${sql.raw(rest)} from n cross join ${sql.table(table)}`.execute(db)
  }
}

/** Gives former employees what tenant stages will take away from them, so that their tables are much bigger than a page. */
export async function insertRowsOfFormer(db: Database): Promise<void> {
  await db
    .insertInto('employee_primary_roles')
    .values(FORMER_IDS.map((employee_id) => ({ employee_id, role_id: 1, items: 1, as_of: FIRST_DAY })))
    .execute()
  const status = { status: 'off', since: null, last_activity_at: null, role_id: null } as const
  await db
    .insertInto('employee_current_status')
    .values(FORMER_IDS.map((employee_id) => ({ employee_id, ...status, items_today: 0, points_today: 0 })))
    .execute()
}

/** Tells the optimizer what lies in the tables. */
export async function analyze(db: Database): Promise<void> {
  await sql`analyze table employees, role_configs, pay_rates, clock_times, activity_logs, daily_scores, idle_periods, alerts,
    employee_hourly_costs, employee_primary_roles, employee_current_status`.execute(db)
}
