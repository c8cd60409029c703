import { type Block, type DayChanges, type DayKey, dayKey, type EmployeeDay, type StageContext } from 'recalc-service'
import { batches } from '../../../shared/database/batches.ts'
import { anyTable, type Cell, upsert } from '../../../shared/database/upsert.ts'
import type { Tx } from '../../schema/tables.ts'
import { type RowShapeDefinition, rowShape } from './row-shape.ts'

/** The derived tables that have rows per employee and work date. */
type TableName = 'daily_scores' | 'idle_periods' | 'alerts' | 'employee_hourly_costs'

/** How a day's rows lie in their table. */
interface DerivedTableDefinition<Row> extends RowShapeDefinition<Row> {
  readonly table: TableName
  /** The column of the work date. */
  readonly date: 'work_date' | 'score_date'
  /** What tells a day's rows apart, in the order of the primary key; none for a table with one row per day. */
  readonly key: readonly (keyof Row & string)[]
}

/** What a day stage needs to read its table and to write what differs; a day's value is its rows, in the order of their key. */
interface DerivedTable<Row> {
  stored(block: Block, context: StageContext<Tx>): Promise<ReadonlyMap<DayKey, readonly Row[]>>
  isEqual(a: readonly Row[], b: readonly Row[]): boolean
  save(changes: DayChanges<readonly Row[]>, context: StageContext<Tx>): Promise<void>
}

interface FittingRows<Row> {
  /** For the stage's `calculate`, so that what does not fit is the failure of its day. @throws {Error} as a row's shape. */
  fitting(rows: readonly Row[] | null): readonly Row[] | null
}

export function derivedTable<Row extends Readonly<Record<keyof Row, Cell>>>(
  definition: DerivedTableDefinition<Row>,
): DerivedTable<Row> & FittingRows<Row> {
  const { table, date } = definition
  const key: readonly string[] = definition.key
  const columns: readonly string[] = definition.columns
  const shape = rowShape(definition)
  const hasSameKey = (a: Row, b: Row) => definition.key.every((column) => a[column] === b[column])

  return {
    async stored({ employeeIds, from, to }, { tx }) {
      const stored = anyTable(tx)
        .selectFrom(table)
        .select(['employee_id', date, ...columns])
        .where('employee_id', 'in', employeeIds)
        .where(date, '>=', from)
        .where(date, '<=', to)
      const rows = await ['employee_id', date, ...key]
        .reduce((query, column) => query.orderBy(column), stored)
        .execute()
      const byDay = new Map<DayKey, Row[]>()
      let day:
        | { readonly employeeId: Cell | undefined; readonly date: Cell | undefined; readonly own: Row[] }
        | undefined
      for (const row of rows) {
        // Rows of one day are neighbours: a key is made for each day, not for each row.
        if (!day || day.employeeId !== row.employee_id || day.date !== row[date]) {
          day = { employeeId: row.employee_id, date: row[date], own: [] }
          byDay.set(dayKey({ employeeId: String(day.employeeId), date: String(day.date) }), day.own)
        }
        day.own.push(shape.fromTable(row))
      }
      return byDay
    },

    fitting: (rows) => rows?.map(shape.fitting) ?? null,

    isEqual(a, b) {
      return a.length === b.length && a.every((row, index) => shape.isEqual(row, b[index] as Row))
    },

    async save({ upserts, deletes }, { tx }) {
      const gone = upserts.flatMap(({ day, value, stored = [] }) =>
        stored.filter((old) => !value.some((row) => hasSameKey(row, old))).map((old) => keyOf(day, old)),
      )
      for (const batch of batches([...deletes.map((day) => keyOf(day)), ...gone])) {
        await anyTable(tx)
          .deleteFrom(table)
          .where((row) =>
            row.or(batch.map((one) => row.and(Object.entries(one).map(([column, cell]) => row(column, '=', cell))))),
          )
          .execute()
      }
      const written = upserts.flatMap(({ day, value, stored = [] }) =>
        value
          .filter((row) => !stored.some((old) => shape.isEqual(row, old)))
          .map((row) => ({ ...keyOf(day), ...shape.toTable(row) })),
      )
      for (const batch of batches(written)) await upsert(tx, table, ['employee_id', date, ...key], batch)
    },
  }

  /** The columns that find a row of the day, or all of them. */
  function keyOf({ employeeId, date: value }: EmployeeDay, row?: Row): Record<string, Cell> {
    const own = row ? definition.key.map((column) => [column, row[column]]) : []
    return { employee_id: employeeId, [date]: value, ...Object.fromEntries(own) }
  }
}
