import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Insertable } from 'kysely'
import type { ActivityLogsTable, ClockTimesTable, Database, PayRatesTable, RoleConfigsTable } from '../schema/tables.ts'
import { type CsvRecord, ImportError, readCsv } from './csv.ts'
import { insertSources, type RowCounts } from './insert-sources.ts'

/**
 * Fills the source tables from files in `folder`, whose names end with `role-configs.csv`, `clock-times.csv`,
 * `activity-logs.csv` and, if there is one, `pay-rates.csv`, packed (`.gz`) or not. Employees are whoever appears in them.
 *
 * @throws {ImportError} when a file is missing or cannot be read; then nothing was written.
 */
export async function importFiles(db: Database, folder: string): Promise<RowCounts> {
  const names = await namesIn(folder)
  const roleConfigs = join(folder, theOne(names, 'role-configs.csv', folder))
  const clockTimes = join(folder, theOne(names, 'clock-times.csv', folder))
  const activityLogs = join(folder, theOne(names, 'activity-logs.csv', folder))
  const hasPayRates = names.some((name) => isNamed(name, 'pay-rates.csv'))
  return insertSources(db, {
    employees: [],
    roleConfigs: records(roleConfigs, roleConfigFrom),
    payRates: hasPayRates ? records(join(folder, theOne(names, 'pay-rates.csv', folder)), payRateFrom) : [],
    clockTimes: records(clockTimes, clockTimeFrom),
    activityLogs: records(activityLogs, activityLogFrom),
  })
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw new ImportError(`The folder ${folder} cannot be read`, { cause: error })
  }
}

function theOne(names: readonly string[], ending: string, folder: string): string {
  const [name, ...others] = names.filter((candidate) => isNamed(candidate, ending))
  if (name !== undefined && others.length === 0) return name
  const found = name === undefined ? 'none' : [name, ...others].join(', ')
  throw new ImportError(`Expected one file in ${folder} whose name ends with ${ending} or ${ending}.gz, found ${found}`)
}

function isNamed(name: string, ending: string): boolean {
  return name.endsWith(ending) || name.endsWith(`${ending}.gz`)
}

async function* records<Row>(path: string, rowFrom: (record: CsvRecord) => Row): AsyncGenerator<Row> {
  for await (const record of readCsv(path)) yield rowFrom(record)
}

function roleConfigFrom(record: CsvRecord): Insertable<RoleConfigsTable> {
  return {
    id: record.integer('id'),
    role_name: record.text('role_name'),
    role_type: record.oneOf('role_type', ['continuous', 'batch']),
    multiplier: record.decimal('multiplier'),
    expected_per_hour: record.isEmpty('expected_per_hour') ? null : record.integer('expected_per_hour'),
    idle_threshold_minutes: record.isEmpty('idle_threshold_minutes') ? null : record.integer('idle_threshold_minutes'),
  }
}

function payRateFrom(record: CsvRecord): Insertable<PayRatesTable> {
  return {
    employee_id: record.text('employee_id'),
    effective_from: record.date('effective_from'),
    hourly_rate: record.decimal('hourly_rate'),
  }
}

function clockTimeFrom(record: CsvRecord): Insertable<ClockTimesTable> {
  return {
    id: record.integer('id'),
    employee_id: record.text('employee_id'),
    clock_in: record.instant('clock_in'),
    clock_out: record.isEmpty('clock_out') ? null : record.instant('clock_out'),
    break_minutes: record.integer('break_minutes'),
  }
}

function activityLogFrom(record: CsvRecord): Insertable<ActivityLogsTable> {
  return {
    id: record.integer('id'),
    employee_id: record.text('employee_id'),
    role_id: record.integer('role_id'),
    window_start: record.instant('window_start'),
    window_end: record.instant('window_end'),
    items_count: record.integer('items_count'),
  }
}
