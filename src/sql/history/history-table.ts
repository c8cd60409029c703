import type { Generated, Kysely } from 'kysely'

/**
 * What one unit of work has changed of one employee. A row holds many values, so that a block adds a row per employee, not one
 * per day and stage. Rows are numbered while their employee is held: of one employee a higher number is a later change.
 */
export interface HistoryTable {
  id: Generated<number>
  /** SHA-256 of the ids of tenant and employee. */
  employee_hash: string
  run_id: string
  /** The first day of the values in it. */
  first_date: string
  /** The last day of the values in it. */
  last_date: string
  /** Milliseconds since 1970. */
  kept_at: number
  /** JSON of the ids, the run and the values. */
  body: string
}

export type NewHistoryRow = Omit<HistoryTable, 'id'>

/** A Kysely, or a transaction, that sees the table. */
export type HistoryDb = Kysely<{ history: HistoryTable }>
