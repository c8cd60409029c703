import type { EmployeePage } from '../net/api-types.ts'
import { type GridRow, gridRow } from './cell.ts'
import type { Position, Span } from './layout.ts'

/** What to read next: up to `limit` employees after `after`, the first of whom is row `at`. */
export interface RowRequest {
  readonly at: number
  readonly after: string | null
  readonly limit: number
}

/** The most that the API gives at a time. */
const PAGE = 200

/**
 * The rows that are known. Employees are read in order, for only the one before leads to the next; once known, any of them
 * can be read anew by itself.
 */
export class GridRows {
  readonly #rows: GridRow[] = []
  #complete = false

  /** True once the last employee is known. */
  get complete(): boolean {
    return this.#complete
  }

  /** How many are known; all before them are, too. */
  get known(): number {
    return this.#rows.length
  }

  at(index: number): GridRow | undefined {
    return this.#rows[index]
  }

  indexOf(employeeId: string): number {
    return this.#rows.findIndex(({ id }) => id === employeeId)
  }

  /** The first row from `from` on, and before `to`, whose id or name holds `text`; -1: none. */
  find(text: string, from: number, to = this.known): number {
    const wanted = text.toLowerCase()
    const found = this.#rows
      .slice(from, to)
      .findIndex(({ id, name }) => `${id}\n${name}`.toLowerCase().includes(wanted))
    return found === -1 ? -1 : from + found
  }

  /** The failed day before or after a cell, in the order in which one reads; `null`: none is known. */
  failureBeside({ row, column }: Position, step: 1 | -1, dates: readonly string[]): Position | null {
    for (let index = row; index >= 0 && index < this.known; index += step) {
      const columns = [...(this.#rows[index]?.failed ?? [])].map((date) => dates.indexOf(date)).filter((at) => at >= 0)
      const beyond = columns.filter((at) => index !== row || (at - column) * step > 0).sort((a, b) => (a - b) * step)
      if (beyond[0] !== undefined) return { row: index, column: beyond[0] }
    }
    return null
  }

  /** What is to be read so that all of `span` is known, and none of it is older than `version`; `null`: nothing. */
  wanted(span: Span, version: number): RowRequest | null {
    if (!this.#complete && span.to > this.known) return { at: this.known, after: this.#before(this.known), limit: PAGE }
    const rows = this.#rows.slice(span.from, span.to)
    const from = rows.findIndex((row) => row.version < version)
    if (from === -1) return null
    const to = rows.findLastIndex((row) => row.version < version) + 1
    const at = span.from + from
    return { at, after: this.#before(at), limit: Math.min(PAGE, to - from) }
  }

  /** What a request gave. */
  add(request: RowRequest, page: EmployeePage, version: number): void {
    for (const [index, employee] of page.employees.entries())
      this.#rows[request.at + index] = gridRow(employee, version)
    const end = request.at + page.employees.length
    // Nobody follows: whoever was known beyond is gone. A page of nobody leads nowhere, whatever it says.
    if (page.next === null || page.employees.length === 0) {
      this.#rows.length = end
      this.#complete = true
    }
  }

  #before(index: number): string | null {
    return this.#rows[index - 1]?.id ?? null
  }
}
