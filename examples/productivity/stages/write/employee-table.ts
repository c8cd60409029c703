import { anyTable, type Cell, upsert } from '../../../shared/database/upsert.ts'
import type { Tx } from '../../schema/tables.ts'
import { type RowShapeDefinition, rowShape } from './row-shape.ts'

/** The derived tables that have one row per employee. */
type TableName = 'employee_primary_roles' | 'employee_current_status'

/** Writes rows by employee: what differs, and nothing else; employees of the page that have none lose theirs. */
export function employeeTable<Row extends Readonly<Record<keyof Row, Cell>>>(
  definition: RowShapeDefinition<Row> & { readonly table: TableName },
): (tx: Tx, page: readonly string[], rows: ReadonlyMap<string, Row>) => Promise<void> {
  const { table } = definition
  const columns: readonly string[] = definition.columns
  const shape = rowShape(definition)
  return async (tx, page, rows) => {
    const found = await anyTable(tx)
      .selectFrom(table)
      .select(['employee_id', ...columns])
      .where('employee_id', 'in', [...page])
      .execute()
    const stored = new Map(found.map((row) => [String(row.employee_id), shape.fromTable(row)]))

    const gone = [...stored.keys()].filter((employeeId) => !rows.has(employeeId))
    if (gone.length > 0) await anyTable(tx).deleteFrom(table).where('employee_id', 'in', gone).execute()
    const written = [...rows].flatMap(([employeeId, row]) => {
      const old = stored.get(employeeId)
      return old && shape.isEqual(row, old) ? [] : [{ employee_id: employeeId, ...shape.toTable(shape.fitting(row)) }]
    })
    await upsert(tx, table, ['employee_id'], written)
  }
}
