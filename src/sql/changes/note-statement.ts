import { CompiledQuery, WithSchemaPlugin } from 'kysely'
import type { Engine, NotingQuery } from '../engines/engine.ts'
import type { ChangesDb, NewChangeRow } from './changes-table.ts'

/** A statement, and the column of each of its bound values. */
interface NoteText {
  readonly sql: string
  readonly columns: readonly (keyof NewChangeRow)[]
}

/** In place of a row: the value of each column is its name. */
const NAMES = Object.fromEntries(
  (['state', 'tenant_hash', 'employee_hash', 'noted_at', 'due_at', 'body'] satisfies (keyof NewChangeRow)[]).map(
    (column) => [column, column],
  ),
) as unknown as NewChangeRow // only ever bound to a statement that is not run

const NO_SCHEMA = {}

/**
 * The statement that notes one change. Hosts run it in their own transactions, so its text is made once for each schema that
 * they have chosen: to build it anew costs as much as the server's part of it.
 */
export class NoteStatement {
  readonly #table: 'changes'
  readonly #noting: NonNullable<Engine['noting']>
  /** By what tells the schema, which all transactions of a Kysely share. */
  readonly #texts = new WeakMap<object, NoteText>()

  constructor(table: 'changes', engine: Engine) {
    this.#table = table
    this.#noting = engine.noting ?? inserting
  }

  of(db: ChangesDb, row: NewChangeRow): CompiledQuery {
    const { sql, columns } = this.#textFor(db)
    return CompiledQuery.raw(
      sql,
      columns.map((column) => row[column]),
    )
  }

  #textFor(db: ChangesDb): NoteText {
    const schema = db.getExecutor().plugins.find((plugin) => plugin instanceof WithSchemaPlugin) ?? NO_SCHEMA
    const known = this.#texts.get(schema)
    if (known) return known
    const { sql, parameters } = this.#noting(db, this.#table, [NAMES]).compile()
    const text = { sql, columns: parameters as readonly (keyof NewChangeRow)[] } // as `NAMES` says
    this.#texts.set(schema, text)
    return text
  }
}

export const inserting = (db: ChangesDb, table: 'changes', rows: readonly NewChangeRow[]): NotingQuery =>
  db.insertInto(table).values(rows)
