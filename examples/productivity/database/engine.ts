import { type Kysely, MysqlAdapter, sql, type Transaction } from 'kysely'
import type { Tables, Tx } from '../schema/tables.ts'

/** MariaDB speaks MySQL's dialect; the other engine is SQLite. */
export function isMysql<Schema>(db: Pick<Kysely<Schema>, 'getExecutor'>): boolean {
  return db.getExecutor().adapter instanceof MysqlAdapter
}

/**
 * Inserts rows, or updates those whose key is there already. Columns that the rows do not name keep what they hold.
 *
 * @param key The columns of the primary key.
 */
export async function upsert(
  tx: Tx,
  table: keyof Tables,
  key: readonly string[],
  rows: readonly Readonly<Record<string, string | number | null>>[],
): Promise<void> {
  const [first] = rows
  if (!first) return
  const columns = Object.keys(first).filter((column) => !key.includes(column))
  const anyTable = tx as unknown as Transaction<Record<string, Record<string, string | number | null>>> // named by the rows
  const insert = anyTable.insertInto(table).values(rows)
  if (isMysql(tx)) {
    // MariaDB has no alias for the new row yet, but `values(column)`.
    const update = columns.map((column) => [column, sql<string>`values(${sql.ref(column)})`])
    await insert.onDuplicateKeyUpdate(Object.fromEntries(update)).execute()
  } else {
    const update = columns.map((column) => [column, sql<string>`${sql.ref(`excluded.${column}`)}`])
    await insert.onConflict((conflict) => conflict.columns([...key]).doUpdateSet(Object.fromEntries(update))).execute()
  }
}
