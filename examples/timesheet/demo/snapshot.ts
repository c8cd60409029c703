import { anyTable, type Cell } from '../../shared/database/upsert.ts'
import type { Database } from '../schema/tables.ts'

const TABLES = {
  daily_values: ['work_date'],
  daily_errors: ['work_date', 'code'],
  work_time_averages: ['work_date'],
  monthly_values: ['month'],
} as const

export type DerivedTable = keyof typeof TABLES

/** The rows of a derived table, by their key: employee, then date or month. */
export type Snapshot = Readonly<Record<DerivedTable, ReadonlyMap<string, string>>>

export async function takeSnapshot(db: Database): Promise<Snapshot> {
  const read = async (table: DerivedTable) => {
    const rows = await anyTable(db).selectFrom(table).selectAll().execute()
    const keyOf = (row: Readonly<Record<string, Cell>>) =>
      [row.employee_id, ...TABLES[table].map((column) => row[column])].join(' ')
    return new Map(rows.map((row) => [keyOf(row), JSON.stringify(row)]))
  }
  return {
    daily_values: await read('daily_values'),
    daily_errors: await read('daily_errors'),
    work_time_averages: await read('work_time_averages'),
    monthly_values: await read('monthly_values'),
  }
}

/** The keys of rows that are there in one of two snapshots only, or differ, ascending. */
export function changedKeys(before: Snapshot, after: Snapshot, table: DerivedTable): readonly string[] {
  const keys = new Set([...before[table].keys(), ...after[table].keys()])
  return [...keys].filter((key) => before[table].get(key) !== after[table].get(key)).sort()
}
