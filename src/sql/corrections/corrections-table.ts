import type { Kysely } from 'kysely'

/** A correction that was taken over. */
export interface CorrectionsTable {
  /** The correction: a digest of ASCII characters. */
  correction: string
  /** SHA-256 of the ids of tenant and employee. */
  employee_hash: string
  first_date: string
  last_date: string
  /** 1 for the last correction of a value, otherwise 0. */
  is_last: number
  /** JSON of the ids and the booking. */
  body: string
}

/** A Kysely, or a transaction, that sees the table. */
export type CorrectionsDb = Kysely<{ corrections: CorrectionsTable }>
