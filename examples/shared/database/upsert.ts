import { type Kysely, sql, ValuesNode } from 'kysely'
import { type AnyDatabase, engineOf } from './engine.ts'

/** What a column can hold. */
export type Cell = string | number | null

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
  const refs = (of: readonly string[]) => sql.join(of.map((name) => sql.ref(name)))
  switch (engineOf(db)) {
    case 'mysql': {
      // The driver writes all rows for one placeholder: a fifth of the time that a placeholder per cell takes.
      const values = boundCells(db, table, rows)
      // MariaDB has no alias for the new row yet, but `values(column)`.
      const update = columns.map((column) => sql`${sql.ref(column)} = values(${sql.ref(column)})`)
      await sql`
        insert into ${sql.table(table)} (${refs(names)}) values ${values}
        on duplicate key update ${sql.join(update)}`.execute(db)
      return
    }
    case 'postgres': {
      // One parameter for all rows, and one statement for any number of them; the table itself says which types they have.
      const values = boundCells(db, table, rows)
      const json = JSON.stringify(
        values.map((cells) => Object.fromEntries(names.map((name, index) => [name, cells[index]]))),
      )
      const update = columns.map((column) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`)
      await sql`
        insert into ${sql.table(table)} (${refs(names)})
        select ${refs(names)} from json_populate_recordset(null::${sql.table(table)}, ${json})
        on conflict (${refs(key)}) do update set ${sql.join(update)}`.execute(db)
      return
    }
    case 'sqlite': {
      const update = columns.map((column) => [column, sql<string>`${sql.ref(`excluded.${column}`)}`])
      await anyTable(db)
        .insertInto(table)
        .values([...rows])
        .onConflict((conflict) => conflict.columns([...key]).doUpdateSet(Object.fromEntries(update)))
        .execute()
    }
  }
}

/** The cells as the database's plugins hand them to the driver, in the order of the first row's columns. */
function boundCells(
  db: AnyDatabase,
  table: string,
  rows: readonly Readonly<Record<string, Cell>>[],
): readonly (readonly unknown[])[] {
  const { values } = anyTable(db)
    .insertInto(table)
    .values([...rows])
    .toOperationNode()
  return values && ValuesNode.is(values) ? values.values.map((list) => list.values) : []
}
