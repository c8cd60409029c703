import type { Insertable, Kysely, Transaction } from 'kysely'
import { InvalidRequestError } from '../errors.ts'
import { describe } from '../expectation.ts'
import type { HostTables } from './engines/engine.ts'
import { engineOf } from './engines/engine-of.ts'
import { bytesOf, statements } from './statements.ts'

/** Bound values of one statement: below every engine's limit, of which SQLite's, 32,766, is the smallest. */
const MAX_VALUES = 30_000

/**
 * Inserts rows, or updates those whose key is there already: what a stage's `save` does with its `upserts`, on every
 * engine. Columns that the rows do not name keep what they hold.
 *
 * @param db The unit of work's transaction, `context.tx`.
 * @param key The columns of the table's primary key, or of a unique index.
 * @param rows Any number; all name the same columns, and no two have the same key. They are sent in as few statements as
 *   the engine's limits allow.
 * @example
 * await upsert(tx, 'balances', ['tenant_id', 'employee_id', 'date'], rows)
 * @throws {InvalidRequestError} when rows name different columns, or a column of the key is missing.
 */
export async function upsert<Database, Table extends keyof Database & string>(
  db: Transaction<Database> | Kysely<Database>,
  table: Table,
  key: readonly (keyof Database[Table] & string)[],
  rows: readonly Insertable<Database[Table]>[],
): Promise<void> {
  const [first] = rows
  if (!first) return
  const engine = engineOf(db)
  // The builder's types ask for the table's own; whoever calls this has been asked for them.
  const tables = db as unknown as Kysely<HostTables>
  const name: string = table
  const columns = Object.keys(first)
  checkColumns(columns, key, rows)
  const others = columns.filter((column) => !key.some((name) => name === column))
  const maxRows = Math.max(1, Math.floor(MAX_VALUES / columns.length))
  for (const group of statements(rows as readonly object[], bytesOfRow, Math.min(maxRows, 500))) {
    const insert = tables.insertInto(name).values(group as readonly HostTables[string][])
    await engine.orUpdate(insert, key, others).execute()
  }
}

function checkColumns(columns: readonly string[], key: readonly string[], rows: readonly object[]): void {
  if (key.length === 0 || !key.every((name) => columns.includes(name))) {
    refuse(`Expected every row to have the columns of the key (${key.join(', ')})`, columns)
  }
  const names = new Set(columns)
  for (const row of rows) {
    const own = Object.keys(row)
    if (own.length === names.size && own.every((name) => names.has(name))) continue
    refuse(`Expected every row to have the columns ${columns.join(', ')}`, own)
  }
}

function refuse(expectation: string, columns: readonly string[]): never {
  throw new InvalidRequestError(`${expectation}, got ${describe(columns.join(', '))}`)
}

function bytesOfRow(row: object): number {
  return Object.values(row).reduce<number>((bytes, value) => bytes + bytesOfValue(value), 0)
}

function bytesOfValue(value: unknown): number {
  if (typeof value === 'string') return bytesOf(value)
  return value instanceof Uint8Array ? 2 * value.byteLength + 16 : 32
}
