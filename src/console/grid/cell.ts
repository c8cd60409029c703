import type { Days, EmployeeRow } from '../net/api-types.ts'

export type CellState = 'done' | 'failed' | 'blocked' | 'closed' | 'waiting'

/** An employee's row, made fit for asking about its days. */
export interface GridRow {
  readonly id: string
  readonly name: string | null
  readonly datesDone: number
  readonly failed: ReadonlySet<string>
  readonly blockedFrom: string | null
  readonly closed: readonly Days[]
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
    closed: row.closed ?? [],
    version,
  }
}

export function cellState(row: GridRow, dateIndex: number, date: string): CellState {
  if (row.failed.has(date)) return 'failed'
  if (row.closed.some(({ from, to }) => date >= from && date <= to)) return 'closed'
  if (row.blockedFrom !== null && date >= row.blockedFrom) return 'blocked'
  return dateIndex < row.datesDone ? 'done' : 'waiting'
}

/** `Ada (17)`, or the id alone. */
function nameOf({ id, name }: Pick<GridRow, 'id' | 'name'>): string {
  return name === null || name === id ? id : `${name} (${id})`
}

/** What is said of a cell beyond its row. */
export interface CellWords {
  /** What a done day is called: some may be closed where the server does not tell which. */
  readonly done: string
  /** What a failure said, where that is known. */
  messageOf(employeeId: string, date: string): string | undefined
}

/** What is said of a cell: `Ada (17), 2025-03-04: failed: message`. */
export function cellText(row: GridRow | undefined, dateIndex: number, date: string, words: CellWords): string {
  if (!row) return `${date}: not read yet`
  const state = cellState(row, dateIndex, date)
  const message = state === 'failed' ? words.messageOf(row.id, date) : undefined
  return `${nameOf(row)}, ${date}: ${state === 'done' ? words.done : state}${message ? `: ${message}` : ''}`
}
