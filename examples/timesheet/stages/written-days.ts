import type { EmployeeDay } from 'recalc-service'
import { batches } from '../../shared/database/batches.ts'
import { anyTable, type Cell, upsert } from '../../shared/database/upsert.ts'
import type { Tables, Tx } from '../schema/tables.ts'

type DayTable = 'daily_values' | 'daily_errors' | 'work_time_averages'

export async function deleteDays(tx: Tx, table: DayTable, days: readonly EmployeeDay[]): Promise<void> {
  for (const batch of batches(days)) {
    await anyTable(tx)
      .deleteFrom(table)
      .where((row) =>
        row.or(
          batch.map(({ employeeId, date }) =>
            row.and([row('employee_id', '=', employeeId), row('work_date', '=', date)]),
          ),
        ),
      )
      .execute()
  }
}

/** In the order of their keys, so that two writers do not wait for each other in a circle. */
export async function upsertRows(
  tx: Tx,
  table: keyof Tables,
  key: readonly string[],
  rows: readonly Readonly<Record<string, Cell>>[],
): Promise<void> {
  for (const batch of batches(rows)) await upsert(tx, table, key, batch)
}
