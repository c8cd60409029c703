import type { EmployeeRow, FailedDay } from '../net/api-types.ts'

export type CellState = 'done' | 'failed' | 'blocked' | 'waiting'

/** An employee's row, made fit for asking about its days. */
export interface GridRow {
  readonly id: string
  readonly label: string
  readonly datesDone: number
  readonly failed: ReadonlyMap<string, FailedDay>
  readonly blockedFrom: string | null
  /** Of the grid's knowledge when it was read; an older one is read anew when it comes to be seen. */
  readonly version: number
}

export function gridRow(row: EmployeeRow, version: number): GridRow {
  return {
    id: row.employee_id,
    label: row.name ?? row.employee_id,
    datesDone: row.dates_done,
    failed: new Map(row.failed.map((day) => [day.date, day])),
    blockedFrom: row.blocked_from,
    version,
  }
}

export function cellState(row: GridRow, dateIndex: number, date: string): CellState {
  if (row.failed.has(date)) return 'failed'
  if (row.blockedFrom !== null && date >= row.blockedFrom) return 'blocked'
  return dateIndex < row.datesDone ? 'done' : 'waiting'
}

/** What is said of a cell: `Ada, 2025-03-04: failed: message`. */
export function cellText(row: GridRow | undefined, dateIndex: number, date: string): string {
  if (!row) return `${date}: not read yet`
  const failure = row.failed.get(date)
  const what = failure ? `failed: ${failure.message}` : cellState(row, dateIndex, date)
  return `${row.label}, ${date}: ${what}`
}
