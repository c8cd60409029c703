type Cell = string | number | null

/** What a spreadsheet takes for a formula, also behind spaces, and in full width. */
const FORMULA = /^\s*[=+\-@\t\r\n＝＋－＠]/

/** CSV by RFC 4180, as a spreadsheet opens it: a text that it would take for a formula begins with an apostrophe. */
export function csvOf(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return `\uFEFF${[columns, ...rows].map((row) => `${row.map(csvCell).join()}\r\n`).join('')}`
}

function csvCell(cell: Cell): string {
  if (typeof cell !== 'string') return String(cell ?? '')
  const harmless = FORMULA.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
