import { type Kysely, MysqlAdapter, sql } from 'kysely'

/** What a column can hold. */
export type Cell = string | number | null

/** A database or a transaction, of whatever tables. */
export type AnyDatabase = Pick<Kysely<unknown>, 'getExecutor'>

/** MariaDB speaks MySQL's dialect; the other engine is SQLite. */
export function isMysql(db: AnyDatabase): boolean {
  return db.getExecutor().adapter instanceof MysqlAdapter
}

/** Any of the tables, as far as their columns are named by whoever asks. */
export function anyTable(db: AnyDatabase): Kysely<Record<string, Record<string, Cell>>> {
  return db as unknown as Kysely<Record<string, Record<string, Cell>>>
}

/**
 * Inserts rows, or updates those whose key is there already. Columns that the rows do not name keep what they hold.
 *
 * @param key The columns of the primary key.
 */
export async function upsert(
  db: AnyDatabase,
  table: string,
  key: readonly string[],
  rows: readonly Readonly<Record<string, Cell>>[],
): Promise<void> {
  const [first] = rows
  if (!first) return
  const names = Object.keys(first)
  const columns = names.filter((column) => !key.includes(column))
  if (isMysql(db)) {
    // The driver writes all rows for one placeholder: a fifth of the time that a placeholder per cell takes.
    const values = rows.map((row) => names.map((name) => row[name]))
    // MariaDB has no alias for the new row yet, but `values(column)`.
    const update = columns.map((column) => sql`${sql.ref(column)} = values(${sql.ref(column)})`)
    await sql`
      insert into ${sql.table(table)} (${sql.join(names.map((name) => sql.ref(name)))}) values ${values}
      on duplicate key update ${sql.join(update)}`.execute(db)
  } else {
    const update = columns.map((column) => [column, sql<string>`${sql.ref(`excluded.${column}`)}`])
    await anyTable(db)
      .insertInto(table)
      .values([...rows])
      .onConflict((conflict) => conflict.columns([...key]).doUpdateSet(Object.fromEntries(update)))
      .execute()
  }
}
