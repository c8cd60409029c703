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
  const names = Object.keys(first)
  const columns = names.filter((column) => !key.includes(column))
  if (isMysql(tx)) {
    // The driver writes all rows for one placeholder: a fifth of the time that a placeholder per cell takes.
    const values = rows.map((row) => names.map((name) => row[name]))
    // MariaDB has no alias for the new row yet, but `values(column)`.
    const update = columns.map((column) => sql`${sql.ref(column)} = values(${sql.ref(column)})`)
    await sql`
      insert into ${sql.table(table)} (${sql.join(names.map((name) => sql.ref(name)))}) values ${values}
      on duplicate key update ${sql.join(update)}`.execute(tx)
  } else {
    const anyTable = tx as unknown as Transaction<Record<string, Record<string, string | number | null>>> // named by the rows
    const update = columns.map((column) => [column, sql<string>`${sql.ref(`excluded.${column}`)}`])
    await anyTable
      .insertInto(table)
      .values(rows)
      .onConflict((conflict) => conflict.columns([...key]).doUpdateSet(Object.fromEntries(update)))
      .execute()
  }
}
