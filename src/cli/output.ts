import { jsonFormOf, jsonFormOfParts } from '../run/json-form.ts'
import { printable } from './printable.ts'
import type { Screen } from './progress-bar.ts'
import { textTable } from './text-table.ts'

/** A value in a table or a list, as people read it. */
export type Cell = string | number | boolean | Date | null | undefined

/** Where a command writes to: tables for people, JSON for programs. */
export class Output {
  readonly isJson: boolean
  readonly out: Screen
  readonly err: Screen

  constructor(options: { readonly isJson: boolean; readonly out: Screen; readonly err: Screen }) {
    this.isJson = options.isJson
    this.out = options.out
    this.err = options.err
  }

  /** One value per line, so that a program can read them one by one. */
  json(value: object): void {
    this.out.write(`${Array.isArray(value) ? jsonFormOf(value) : jsonFormOfParts(value, 'notTold')}\n`)
  }

  /** Rows of the same kind; `columns` gives the heads and what stands below them. */
  rows<Row>(rows: readonly Row[], columns: Readonly<Record<string, (row: Row) => Cell>>): void {
    const cells = () => rows.map((row) => Object.values(columns).map((cell) => textOf(cell(row))))
    if (this.isJson) this.json(rows)
    else this.out.write(`${textTable(Object.keys(columns), cells())}\n`)
  }

  /** One thing, a line for each of its members; `value` is what a program gets. */
  record(value: object, members: Readonly<Record<string, Cell>>): void {
    const known = Object.entries(members).filter(([, cell]) => cell !== null && cell !== undefined)
    const width = Math.max(...known.map(([name]) => name.length))
    if (this.isJson) this.json(value)
    else for (const [name, cell] of known) this.out.write(`${name.padEnd(width)}  ${textOf(cell)}\n`)
  }

  /** A sentence for people. Programs do not get it. */
  say(text: string): void {
    if (!this.isJson) this.out.write(`${printable(text)}\n`)
  }

  error(error: unknown): void {
    const { message, code } = errorOf(error)
    if (this.isJson) this.err.write(`${JSON.stringify({ error: { code, message } })}\n`)
    else this.err.write(`${printable(message)}\n`)
  }
}

function errorOf(error: unknown): { readonly message: string; readonly code: string } {
  if (!(error instanceof Error)) return { message: String(error), code: 'ERROR' }
  const { code } = error as { readonly code?: unknown }
  return { message: error.message, code: typeof code === 'string' ? code : error.name }
}

function textOf(cell: Cell): string {
  if (cell === null || cell === undefined) return ''
  return printable(cell instanceof Date ? cell.toISOString() : String(cell))
}
