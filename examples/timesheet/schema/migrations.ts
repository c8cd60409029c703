import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { ColumnTypes } from '../../shared/database/column-types.ts'
import { createIndex, createTable, migrate, required, type Table } from '../../shared/database/tables.ts'

/** Brings the back end's tables, and the library's own, up to date, on MySQL, MariaDB, PostgreSQL and SQLite. */
export async function createTables<Schema>(db: Kysely<Schema>): Promise<void> {
  const own: Readonly<Record<string, Migration>> = {
    timesheet_0001_sources: { up: createSourceTables },
    timesheet_0002_derived: { up: createDerivedTables },
  }
  await migrate(db, own)
}

async function createSourceTables(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'employees', (table, type) =>
    table
      .addColumn('id', type.text(64), (id) => id.notNull().primaryKey())
      .addColumn('name', type.text(255), required)
      .addColumn('entry_date', 'date', required)
      .addColumn('exit_date', 'date')
      .addColumn('flextime_start', 'integer', required),
  )
  await createTable(db, 'day_plans', (table, type) =>
    table
      .addColumn('id', 'integer', (id) => id.notNull().primaryKey())
      .addColumn('name', type.text(255), required)
      .addColumn('target_minutes', 'integer', required)
      .addColumn('frame_from', type.text(5), required)
      .addColumn('frame_to', type.text(5), required)
      .addColumn('core_from', type.text(5))
      .addColumn('core_to', type.text(5))
      .addColumn('tolerance_minutes', 'integer', required)
      .addColumn('round_come', 'integer', required)
      .addColumn('round_go', 'integer', required)
      .addColumn('max_net_minutes', 'integer')
      .addColumn('overnight', 'integer', required)
      .addColumn('no_booking', type.text(8), required)
      .addCheckConstraint('day_plans_rounding', sql`round_come >= 1 and round_go >= 1`),
  )
  await createTable(db, 'break_rules', (table) =>
    table
      .addColumn('plan_id', 'integer', required)
      .addColumn('after_minutes', 'integer', required)
      .addColumn('break_minutes', 'integer', required)
      .addPrimaryKeyConstraint('break_rules_key', ['plan_id', 'after_minutes'] as never),
  )
  await createTable(db, 'plan_assignments', (table, type) =>
    ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].reduce<Table>(
      (week, day) => week.addColumn(day, 'integer'),
      table
        .addColumn('employee_id', type.text(64), required)
        .addColumn('valid_from', 'date', required)
        .addPrimaryKeyConstraint('plan_assignments_key', ['employee_id', 'valid_from'] as never),
    ),
  )
  await createTable(db, 'holidays', (table, type) =>
    table
      .addColumn('date', 'date', (date) => date.notNull().primaryKey())
      .addColumn('name', type.text(255), required)
      .addColumn('credit_percent', 'integer', required),
  )
  await createTable(db, 'absence_kinds', (table, type) =>
    table
      .addColumn('kind', type.text(32), (kind) => kind.notNull().primaryKey())
      .addColumn('credit_percent', 'integer', required)
      .addColumn('is_vacation', 'integer', required),
  )
  await createTable(db, 'absences', (table, type) =>
    table
      .addColumn('id', 'integer', type.numbered)
      .addColumn('employee_id', type.text(64), required)
      .addColumn('from_date', 'date', required)
      .addColumn('to_date', 'date', required)
      .addColumn('kind', type.text(32), required)
      .addColumn('half_day', 'integer', required),
  )
  await createIndex(db, 'absences', 'by_employee', ['employee_id', 'from_date'])
  await createTable(db, 'bookings', (table, type) =>
    table
      .addColumn('id', 'integer', type.numbered)
      .addColumn('employee_id', type.text(64), required)
      .addColumn('at', type.instant, required)
      .addColumn('kind', type.text(16), required),
  )
  await createIndex(db, 'bookings', 'by_employee', ['employee_id', 'at', 'kind'])
  await createTable(db, 'flextime_rules', (table) =>
    table
      .addColumn('id', 'integer', (id) => id.notNull().primaryKey())
      .addColumn('max_credit_per_month', 'integer')
      .addColumn('cap', 'integer')
      .addColumn('floor', 'integer'),
  )
  await createTable(db, 'closed_months', (table, type) =>
    table
      .addColumn('employee_id', type.text(64), required)
      .addColumn('month', type.text(7), required)
      .addPrimaryKeyConstraint('closed_months_key', ['employee_id', 'month'] as never),
  )
}

const minutes = (table: Table, names: readonly string[]) =>
  names.reduce<Table>((columns, name) => columns.addColumn(name, 'integer', required), table)

const ofDay = (table: Table, type: ColumnTypes) =>
  table.addColumn('employee_id', type.text(64), required).addColumn('work_date', 'date', required)

async function createDerivedTables(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'daily_values', (table, type) =>
    minutes(
      ofDay(table, type)
        .addColumn('plan_id', 'integer')
        .addColumn('first_come', type.instant)
        .addColumn('last_go', type.instant),
      ['gross', 'breaks', 'net', 'target', 'credited', 'overtime', 'consecutive_days'],
    )
      .addColumn('status', type.text(16), required)
      .addPrimaryKeyConstraint('daily_values_key', ['employee_id', 'work_date'] as never),
  )
  await createTable(db, 'daily_errors', (table, type) =>
    ofDay(table, type)
      .addColumn('code', type.text(16), required)
      .addPrimaryKeyConstraint('daily_errors_key', ['employee_id', 'work_date', 'code'] as never),
  )
  await createTable(db, 'work_time_averages', (table, type) =>
    ofDay(table, type)
      .addColumn('days', 'integer', required)
      .addColumn('average', 'decimal(8, 2)', required)
      .addColumn('over_limit', 'integer', required)
      .addPrimaryKeyConstraint('work_time_averages_key', ['employee_id', 'work_date'] as never),
  )
  await createTable(db, 'monthly_values', (table, type) =>
    minutes(table.addColumn('employee_id', type.text(64), required).addColumn('month', type.text(7), required), [
      'net',
      'target',
      'credited',
      'overtime',
      'flextime_start',
      'flextime_change',
      'flextime_end',
      'error_days',
    ])
      .addColumn('vacation_days', 'decimal(4, 1)', required)
      .addPrimaryKeyConstraint('monthly_values_key', ['employee_id', 'month'] as never),
  )
}
