import type { LogConfig } from 'kysely'
import { batches } from '../../../../examples/shared/database/batches.ts'
import { withInstants } from '../../../../examples/shared/database/instants.ts'
import { postgresTypes } from '../../../../examples/shared/database/postgres.ts'
import { openSqlite } from '../../../../examples/shared/database/sqlite.ts'
import { anyTable } from '../../../../examples/shared/database/upsert.ts'
import { createTables } from '../../../../examples/timesheet/schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from '../../../../examples/timesheet/schema/tables.ts'
import { createTimesheet } from '../../../../examples/timesheet/timesheet.ts'
import { type Clock, systemClock } from '../../../../src/index.ts'
import { testDatabase } from '../../../support/mariadb.ts'
import { postgresDatabase } from '../../../support/postgres.ts'
import type { Company } from '../oracle/company.ts'
import type { Derived } from '../oracle/derive.ts'

export const TENANT = 'office'

function clockAt(now: number): Clock {
  return { ...systemClock, now: () => now }
}

export async function openOffice(log: LogConfig = []): Promise<Database> {
  return withTables(openSqlite<Tables>(':memory:', log))
}

/** For the test file that asks. The sessions are in other time zones than the machine, and than one another. */
export async function openServers(
  log: LogConfig = [],
): Promise<{ readonly MariaDB: Database; readonly PostgreSQL: Database }> {
  const mariadb = await testDatabase()
  const postgres = await postgresDatabase()
  const types = { types: postgresTypes, options: '-c TimeZone=America/St_Johns' }
  return {
    MariaDB: await withTables(withInstants(mariadb.kysely<Tables>({ dateStrings: true }, { log }), INSTANTS)),
    PostgreSQL: await withTables(withInstants(postgres.kysely<Tables>(types, { log }), INSTANTS)),
  }
}

async function withTables(db: Database): Promise<Database> {
  await createTables(db)
  return db
}

/** Replaces whatever is in the tables by a company without derived rows. */
export async function fillOffice(db: Database, company: Company): Promise<void> {
  const derived = ['daily_values', 'daily_errors', 'work_time_averages', 'monthly_values', 'closed_months']
  for (const table of [...derived, ...Object.keys(company)]) await anyTable(db).deleteFrom(table).execute()
  for (const [table, rows] of Object.entries(company)) {
    for (const batch of batches(rows))
      await anyTable(db)
        .insertInto(table)
        .values(batch as never)
        .execute()
  }
}

export function office(db: Database, zone: string, now: number, block = { employees: 25, days: 31 }) {
  return createTimesheet(db, { zone, clock: clockAt(now), block })
}

/** The derived tables, in the order of their keys. */
export async function derivedRows(db: Database): Promise<Derived> {
  const days = await db.selectFrom('daily_values').selectAll().orderBy('employee_id').orderBy('work_date').execute()
  const errors = await db.selectFrom('daily_errors').selectAll().execute()
  const averages = await db
    .selectFrom('work_time_averages')
    .selectAll()
    .orderBy('employee_id')
    .orderBy('work_date')
    .execute()
  const months = await db.selectFrom('monthly_values').selectAll().orderBy('employee_id').orderBy('month').execute()
  const keyOf = (row: { employee_id: string; work_date: string; code: string }) =>
    `${row.employee_id} ${row.work_date} ${row.code}`
  return {
    daily_values: days,
    daily_errors: errors.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    work_time_averages: averages.map((row) => ({ ...row, average: Number(row.average) })),
    monthly_values: months.map((row) => ({ ...row, vacation_days: Number(row.vacation_days) })),
  }
}

const SOURCES = [
  ...['employees', 'day_plans', 'break_rules', 'plan_assignments', 'holidays'],
  ...['absence_kinds', 'absences', 'bookings', 'flextime_rules'],
]

/** The source tables as they are now. */
export async function companyIn(db: Database): Promise<Company> {
  const tables = await Promise.all(
    SOURCES.map(async (table) => [table, await anyTable(db).selectFrom(table).selectAll().execute()] as const),
  )
  return Object.fromEntries(tables) as unknown as Company
}
