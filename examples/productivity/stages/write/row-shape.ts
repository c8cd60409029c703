/** What a column can hold. */
export type Cell = string | number | null

/** The columns that a stage calculates, and how they are counted with. */
export interface RowShapeDefinition<Row> {
  /** Others, such as who has seen an alert, are left alone. */
  readonly columns: readonly (keyof Row & string)[]
  /** Decimal columns and their places: rows hold 12.34 as 1234, so that they can be counted with and compared. */
  readonly decimals?: Readonly<Partial<Record<keyof Row & string, number>>>
}

/** Rows between their table and the code. */
export interface RowShape<Row> {
  /** A row as the code has it, from one that was read. */
  fromTable(stored: Readonly<Record<string, Cell>>): Row
  /** The columns to write. */
  toTable(row: Row): Record<string, Cell>
  isEqual(a: Row, b: Row): boolean
}

export function rowShape<Row extends Readonly<Record<keyof Row, Cell>>>({
  columns,
  decimals,
}: RowShapeDefinition<Row>): RowShape<Row> {
  const places = new Map<string, number | undefined>(Object.entries(decimals ?? {}))
  const cells = columns.map((column) => ({ column, unit: 10 ** (places.get(column) ?? 0) }))
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
    isEqual: (a, b) => columns.every((column) => a[column] === b[column]),
  }
}
