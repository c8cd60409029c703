import type { Generated, Kysely } from 'kysely'

/** A change. Rows are appended, and removed by those who hold its employee. */
export interface ChangesTable {
  id: Generated<number>
  /** 0 waiting, 1 failing, 2 held. */
  state: number
  /** The key of the tenant's id (`Engine.ledgerKey`), so that ids of any length are told apart by any collation. */
  tenant_hash: string
  /** The key of the employee's id; of changes of the tenant as a whole {@link WHOLE_TENANT}, which sorts before any other. */
  employee_hash: string
  /** Milliseconds since 1970, as all instants here. */
  noted_at: number
  /** When it is to be looked at; 0: at once. */
  due_at: number
  /** JSON of the ids and of everything that is never asked for. */
  body: string
}

export type NewChangeRow = Omit<ChangesTable, 'id'>

/** A Kysely, or a transaction, that sees the table of changes. */
export type ChangesDb = Kysely<{ changes: ChangesTable }>

/** In place of an employee's hash. */
export const WHOLE_TENANT = '-'
