import { anything, date, decimal, id, instant, integer, oneOf, optional, text } from '../../shared/import/columns.ts'
import { importFolder } from '../../shared/import/import-folder.ts'
import type { SourceFile } from '../../shared/import/source-file.ts'
import type { RowCounts } from '../../shared/import/table-writer.ts'
import type { Database } from '../schema/tables.ts'

const employee = text(64)

/** Employees are whoever appears in a file, named after their id. */
const introduces: SourceFile['introduces'] = {
  column: 'employee_id',
  table: 'employees',
  rowFrom: (employeeId) => ({ id: employeeId, name: employeeId }),
}

const files: readonly SourceFile[] = [
  {
    table: 'role_configs',
    name: 'role-configs',
    key: ['id'],
    columns: {
      id,
      role_name: text(255),
      role_type: oneOf('continuous', 'batch'),
      multiplier: decimal(6, 2),
      expected_per_hour: optional(integer(1)),
      idle_threshold_minutes: optional(integer(0)),
    },
    problemIn: ({ role_type, expected_per_hour, idle_threshold_minutes }) => {
      if (role_type === 'batch' && expected_per_hour === null) {
        return { column: 'expected_per_hour', expectation: 'a whole number from 1 on for a batch role' }
      }
      if (role_type === 'continuous' && idle_threshold_minutes === null) {
        return { column: 'idle_threshold_minutes', expectation: 'a whole number from 0 on for a continuous role' }
      }
      return undefined
    },
  },
  {
    table: 'pay_rates',
    name: 'pay-rates',
    isOptional: true,
    key: ['employee_id', 'effective_from'],
    columns: { employee_id: employee, effective_from: date(), hourly_rate: decimal(8, 2) },
    introduces,
  },
  {
    table: 'clock_times',
    name: 'clock-times',
    key: ['id'],
    columns: {
      id,
      employee_id: employee,
      clock_in: instant(),
      clock_out: optional(instant()),
      // No shift counts for longer than a day.
      break_minutes: integer(0, 24 * 60),
    },
    introduces,
  },
  {
    table: 'activity_logs',
    name: 'activity-logs',
    key: ['id'],
    columns: {
      id,
      employee_id: employee,
      role_id: id,
      window_start: instant(),
      window_end: instant(),
      items_count: integer(0),
    },
    ignored: { case_id: anything },
    references: { role_id: 'role_configs' },
    introduces,
  },
]

/**
 * Reads `role-configs.csv`, `clock-times.csv`, `activity-logs.csv` and, if there is one, `pay-rates.csv` of a folder, packed
 * (`.gz`) or not, into the source tables. Their names may begin with anything.
 *
 * @returns What was added, changed and left, by table.
 * @throws {ImportError} when a file is missing, or not as it should be; then nothing was written.
 */
export function importFiles(db: Database, folder: string): Promise<ReadonlyMap<string, RowCounts>> {
  return importFolder(db, folder, files)
}
