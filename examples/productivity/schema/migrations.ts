import { type ColumnDataType, type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Columns, createIndex, createTable, migrate, required } from '../../shared/database/tables.ts'
import { refuseInexactIds } from './id-columns.ts'

/** A window that lasts longer is looked up by its end; see `productivityMigrations`. */
export const LONG = 24 * 60 * 60_000

/**
 * The back end's schema, for MySQL, MariaDB, PostgreSQL and SQLite.
 *
 * "What touches this day" is a question that an index on the start alone cannot answer: a window may have begun any time
 * before. So whatever lasts longer than 24 hours is in an index by its end too (a few rows), and for everything else it is
 * enough to look 24 hours farther back. Both are short ranges, however many years the table holds. Shifts count for 24 hours
 * at most, so they need no such index.
 *
 * Every row references its employee, so whoever has rows can be found in `employees`. Who leaves stays there, inactive.
 */
const productivityMigrations: Readonly<Record<string, Migration>> = {
  productivity_0001_sources: { up: createSourceTables },
  productivity_0002_derived: { up: createDerivedTables },
}

/**
 * Brings the back end's tables, and the library's own, up to date.
 *
 * @throws {DatabaseError} when the database has the tables already, with ids that are not compared byte by byte.
 */
export async function createTables<Schema>(db: Kysely<Schema>): Promise<void> {
  await refuseInexactIds(db)
  await migrate(db, productivityMigrations)
}

const decimal = (precision: number, scale: number): ColumnDataType => `decimal(${precision}, ${scale})`

async function createSourceTables(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'employees', (table, type) =>
    table
      .addColumn('id', type.text(64), (id) => id.notNull().primaryKey())
      .addColumn('name', type.text(255), required)
      .addColumn('is_active', 'integer', (active) => active.notNull().defaultTo(1)),
  )
  await createTable(db, 'role_configs', (table, type) =>
    table
      .addColumn('id', 'integer', (id) => id.notNull().primaryKey())
      .addColumn('role_name', type.text(255), required)
      .addColumn('role_type', type.text(16), required)
      .addColumn('multiplier', decimal(6, 2), required)
      .addColumn('expected_per_hour', 'integer')
      .addColumn('idle_threshold_minutes', 'integer')
      .addCheckConstraint(
        'role_has_what_its_type_needs',
        sql`(role_type = 'batch' and coalesce(expected_per_hour, 0) > 0)
          or (role_type = 'continuous' and coalesce(idle_threshold_minutes, -1) >= 0)`,
      )
      .addCheckConstraint('role_configs_multiplier', isAmount('multiplier')),
  )
  await createOfEmployees(db, 'pay_rates', (table) =>
    table
      .addColumn('effective_from', 'date', required)
      .addColumn('hourly_rate', decimal(8, 2), required)
      .addPrimaryKeyConstraint('pay_rates_key', ['employee_id', 'effective_from'] as never)
      .addCheckConstraint('pay_rates_rate', isAmount('hourly_rate')),
  )
  await createOfEmployees(db, 'clock_times', (table, type) =>
    table
      .addColumn('id', 'integer', type.numbered)
      .addColumn('clock_in', type.instant, required)
      .addColumn('clock_out', type.instant)
      .addColumn('break_minutes', 'integer', (minutes) => minutes.notNull().defaultTo(0))
      .addCheckConstraint('clock_times_break', isNotNegative('break_minutes')),
  )
  await createIndex(db, 'clock_times', 'by_employee', ['employee_id', 'clock_in'])
  await createIndex(db, 'clock_times', 'by_time', ['clock_in'])
  await createOfEmployees(db, 'activity_logs', (table, type) =>
    table
      .addColumn('id', 'integer', type.numbered)
      .addColumn('role_id', 'integer', required)
      .addColumn('window_start', type.instant, required)
      .addColumn('window_end', type.instant, required)
      .addColumn('items_count', 'integer', required)
      .addColumn('long_window_end', type.instant, type.whenLonger(LONG, 'window_start', 'window_end'))
      .addForeignKeyConstraint('activity_logs_role', ['role_id'] as never, 'role_configs', ['id'])
      .addCheckConstraint('activity_logs_items', isNotNegative('items_count')),
  )
  // Everything that is read of an activity is in the index: no look into the table, which is in another order, per row.
  const read = ['window_end', 'role_id', 'items_count']
  await createIndex(db, 'activity_logs', 'by_employee', ['employee_id', 'window_start', ...read])
  await createIndex(db, 'activity_logs', 'by_time', ['window_start'])
  await createIndex(db, 'activity_logs', 'long', ['employee_id', 'long_window_end'])
}

async function createDerivedTables(db: Kysely<unknown>): Promise<void> {
  await createOfEmployees(db, 'daily_scores', (table) =>
    table
      .addColumn('score_date', 'date', required)
      .addColumn('items_processed', 'bigint', required)
      .addColumn('points_earned', decimal(12, 2), required)
      .addColumn('clocked_minutes', 'integer', required)
      .addColumn('idle_minutes', 'integer', required)
      .addColumn('active_minutes', 'integer', required)
      .addColumn('efficiency_rate', decimal(5, 4), required)
      .addPrimaryKeyConstraint('daily_scores_key', ['employee_id', 'score_date'] as never),
  )
  await createIndex(db, 'daily_scores', 'by_date', ['score_date'])
  // The work date is part of this key and the next: a day's rows are found, and go, by it.
  await createOfEmployees(db, 'idle_periods', (table, type) =>
    table
      .addColumn('work_date', 'date', required)
      .addColumn('start_time', type.instant, required)
      .addColumn('end_time', type.instant, required)
      .addColumn('duration_minutes', 'integer', required)
      .addColumn('threshold_minutes', decimal(8, 2), required)
      .addPrimaryKeyConstraint('idle_periods_key', ['employee_id', 'work_date', 'start_time'] as never),
  )
  await createIndex(db, 'idle_periods', 'by_date', ['work_date'])
  await createOfEmployees(db, 'alerts', (table, type) =>
    table
      .addColumn('work_date', 'date', required)
      .addColumn('alert_type', type.text(32), required)
      .addColumn('event_at', type.instant, required)
      .addColumn('severity', type.text(16), required)
      .addColumn('message', type.text(255), required)
      .addColumn('acknowledged_at', type.instant)
      .addColumn('acknowledged_by', type.text(64))
      .addPrimaryKeyConstraint('alerts_key', ['employee_id', 'work_date', 'alert_type', 'event_at'] as never),
  )
  await createIndex(db, 'alerts', 'by_date', ['work_date'])
  await createOfEmployees(db, 'employee_hourly_costs', (table) =>
    table
      .addColumn('work_date', 'date', required)
      .addColumn('hourly_rate', decimal(8, 2), required)
      .addColumn('labor_cost', decimal(14, 2), required)
      .addColumn('cost_per_item', decimal(16, 4))
      .addPrimaryKeyConstraint('employee_hourly_costs_key', ['employee_id', 'work_date'] as never),
  )
  await createIndex(db, 'employee_hourly_costs', 'by_date', ['work_date'])
  await createOfEmployees(db, 'employee_primary_roles', (table) =>
    table
      .addColumn('role_id', 'integer', required)
      .addColumn('items', 'bigint', required)
      .addColumn('as_of', 'date', required)
      .addPrimaryKeyConstraint('employee_primary_roles_key', ['employee_id'] as never),
  )
  await createOfEmployees(db, 'employee_current_status', (table, type) =>
    table
      .addColumn('status', type.text(16), required)
      .addColumn('since', type.instant)
      .addColumn('last_activity_at', type.instant)
      .addColumn('role_id', 'integer')
      .addColumn('items_today', 'bigint', required)
      .addColumn('points_today', decimal(16, 2), required)
      .addPrimaryKeyConstraint('employee_current_status_key', ['employee_id'] as never),
  )
}

function isNotNegative(column: string) {
  return sql<boolean>`${sql.ref(column)} >= 0`
}

/** SQLite would keep a third place, which a server rounds away. */
function isAmount(column: string) {
  return sql<boolean>`${isNotNegative(column)} and round(${sql.ref(column)}, 2) = ${sql.ref(column)}`
}

/** A table of rows that each belong to an employee. */
function createOfEmployees(db: Kysely<unknown>, name: string, columns: Columns): Promise<void> {
  return createTable(db, name, (table, type) =>
    columns(table.addColumn('employee_id', type.text(64), required), type).addForeignKeyConstraint(
      `${name}_employee`,
      ['employee_id'] as never,
      'employees',
      ['id'],
    ),
  )
}
