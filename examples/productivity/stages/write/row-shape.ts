import type { Cell } from '../../../shared/database/upsert.ts'

/** The columns that a stage calculates, and how they are counted with. */
export interface RowShapeDefinition<Row> {
  /** Others, such as who has seen an alert, are left alone. */
  readonly columns: readonly (keyof Row & string)[]
  /** Decimal columns: rows hold 12.34 as 1234, so that they can be counted with and compared. */
  readonly decimals?: Readonly<Partial<Record<keyof Row & string, Decimal>>>
}

/** A column's type, as in DECIMAL(12, 2). */
type Decimal = readonly [precision: number, places: number]

/** Rows between their table and the code. */
export interface RowShape<Row> {
  /** A row as the code has it, from one that was read. */
  fromTable(stored: Readonly<Record<string, Cell>>): Row
  /** The columns to write. */
  toTable(row: Row): Record<string, Cell>
  isEqual(a: Row, b: Row): boolean
  /** The row. @throws {Error} when a number does not fit into its column: SQLite would keep it, and a server would not. */
  fitting(row: Row): Row
}

export function rowShape<Row extends Readonly<Record<keyof Row, Cell>>>({
  columns,
  decimals,
}: RowShapeDefinition<Row>): RowShape<Row> {
  const types = new Map(Object.entries<Decimal | undefined>(decimals ?? {}))
  const cells = columns.map((column) => {
    const type = types.get(column)
    const most = type ? 10 ** type[0] - 1 : Number.MAX_SAFE_INTEGER
    return { column, unit: 10 ** (type?.[1] ?? 0), most: Math.min(most, Number.MAX_SAFE_INTEGER) }
  })
  return {
    fromTable(stored) {
      const row: Record<string, Cell> = {}
      for (const { column, unit } of cells) {
        const cell = stored[column] ?? null
        // Drivers give decimals as text or as binary fractions.
        row[column] = cell === null || unit === 1 ? cell : Math.round(Number(cell) * unit)
      }
      return row as Row // it has the columns of the definition
    },
    toTable(row) {
      const written: Record<string, Cell> = {}
      for (const { column, unit } of cells) {
        const cell: Cell = row[column]
        written[column] = typeof cell === 'number' ? cell / unit : cell
      }
      return written
    },
    fitting(row) {
      for (const { column, unit, most } of cells) {
        const cell: Cell = row[column]
        if (typeof cell !== 'number' || Math.abs(cell) <= most) continue
        throw new Error(
          `Expected \`${column}\` to be ${most / unit} at most, which is what its column holds, got ${cell / unit}`,
        )
      }
      return row
    },
    isEqual: (a, b) => columns.every((column) => a[column] === b[column]),
  }
}
