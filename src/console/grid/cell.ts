import type { Days, EmployeeRow } from '../net/api-types.ts'

export type CellState = 'done' | 'failed' | 'blocked' | 'closed' | 'waiting'

/** An employee's row, made fit for asking about its days. */
export interface GridRow {
  readonly id: string
  readonly name: string | null
  readonly datesDone: number
  readonly failed: ReadonlySet<string>
  readonly blockedFrom: string | null
  /** Null: nobody knows which of its days are. */
  readonly closed: readonly Days[] | null
  /** Of the grid's knowledge when it was read; an older one is read anew when it comes to be seen. */
  readonly version: number
}

export function gridRow(row: EmployeeRow, version: number): GridRow {
  return {
    id: row.employee_id,
    name: row.name,
    datesDone: row.dates_done,
    failed: new Set(row.failed_dates),
    blockedFrom: row.blocked_from,
    closed: row.closed,
    version,
  }
}

export function cellState(row: GridRow, dateIndex: number, date: string): CellState {
  if (row.failed.has(date)) return 'failed'
  if (row.closed?.some(({ from, to }) => date >= from && date <= to)) return 'closed'
  if (row.blockedFrom !== null && date >= row.blockedFrom) return 'blocked'
  return dateIndex < row.datesDone ? 'done' : 'waiting'
}

/** `Ada (17)`, or the id alone. */
function nameOf({ id, name }: Pick<GridRow, 'id' | 'name'>): string {
  return name === null || name === id ? id : `${name} (${id})`
}

/** What a failure said, where that is known. */
export type MessageOf = (employeeId: string, date: string) => string | undefined

/** What is said of a cell: `Ada (17), 2025-03-04: failed: message`. */
export function cellText(row: GridRow | undefined, dateIndex: number, date: string, messageOf: MessageOf): string {
  if (!row) return `${date}: not read yet`
  const state = cellState(row, dateIndex, date)
  const message = state === 'failed' ? messageOf(row.id, date) : undefined
  const said = state === 'done' && row.closed === null ? 'done or closed' : state
  return `${nameOf(row)}, ${date}: ${said}${message ? `: ${message}` : ''}`
}
