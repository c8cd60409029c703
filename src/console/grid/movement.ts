import type { Extent, Position } from './layout.ts'

export interface Press {
  readonly key: string
  readonly ctrl: boolean
}

/** Where a key leads from a cell; `null` when the key means nothing here. */
export function moved({ row, column }: Position, { key, ctrl }: Press, extent: Extent, page: number): Position | null {
  const [lastRow, lastColumn] = [extent.rows - 1, extent.columns - 1]
  const target = {
    ArrowLeft: { row, column: column - 1 },
    ArrowRight: { row, column: column + 1 },
    ArrowUp: { row: row - 1, column },
    ArrowDown: { row: row + 1, column },
    PageUp: { row: row - page, column },
    PageDown: { row: row + page, column },
    Home: { row: ctrl ? 0 : row, column: 0 },
    End: { row: ctrl ? lastRow : row, column: lastColumn },
  }[key]
  if (!target) return null
  return { row: clamp(target.row, lastRow), column: clamp(target.column, lastColumn) }
}

export function clamp(value: number, last: number): number {
  return Math.max(0, Math.min(value, last))
}
