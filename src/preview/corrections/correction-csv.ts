import { datesOf, numbersOf } from '../difference.ts'
import type { Correction } from './correction.ts'

/** The columns, in their order. */
const COLUMNS = [
  'employee_id',
  'start_date',
  'end_date',
  'stage',
  'field',
  'stored',
  'right',
  'taken',
  'difference',
  'id',
]

/** What a spreadsheet takes for a formula, also behind spaces, and in full width. */
const FORMULA = /^\s*[=+\-@\t\r\n＝＋－＠]/

/**
 * Corrections as CSV by RFC 4180, a row for each numeric field of which something is left; one without a field for a
 * correction of something else than numbers. A text that a spreadsheet would take for a formula gets an apostrophe in front.
 */
export async function* csvOf(corrections: AsyncIterable<Correction>): AsyncGenerator<string, void, undefined> {
  yield line(COLUMNS)
  for await (const correction of corrections) yield rowsOf(correction)
}

function rowsOf(correction: Correction): string {
  const { employeeId, stage, stored, right, taken, difference, id } = correction
  const { from, to } = datesOf(correction)
  const [old, now] = [numbersOf(stored), numbersOf(right)]
  const before = new Map(Object.entries(taken))
  const numberOf = (numbers: ReadonlyMap<string, number>, field: string) => numbers.get(field) ?? 0
  const rows = Object.entries(difference).map(([field, left]) => {
    const numbers = [numberOf(old, field), numberOf(now, field), numberOf(before, field), left]
    return line([employeeId, from, to, stage, field, ...numbers, id])
  })
  return rows.length > 0 ? rows.join('') : line([employeeId, from, to, stage, '', '', '', '', '', id])
}

function line(cells: readonly (string | number)[]): string {
  return `${cells.map(cellOf).join()}\r\n`
}

function cellOf(cell: string | number): string {
  if (typeof cell === 'number') return String(cell)
  const text = FORMULA.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
