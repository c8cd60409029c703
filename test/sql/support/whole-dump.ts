import { type Kysely, sql } from 'kysely'

/** Every row of every table of a database, the host's and the library's, and where its sequences stand. */
export async function wholeDump(db: Kysely<never>): Promise<Readonly<Record<string, readonly string[]>>> {
  const dump: Record<string, readonly string[]> = {}
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  for (const { name } of tables) dump[name] = await rowsOf(db, sql`select * from ${sql.table(name)}`)
  return { ...dump, sequences: await rowsOf(db, sequencesOf(db)) }
}

function sequencesOf(db: Kysely<never>) {
  switch (db.getExecutor().adapter.constructor.name) {
    case 'PostgresAdapter':
      return sql`select sequencename, last_value from pg_sequences`
    case 'MysqlAdapter':
      return sql`select table_name, auto_increment from information_schema.tables where table_schema = database()`
    default:
      return sql`select name, seq from sqlite_sequence`
  }
}

async function rowsOf(db: Kysely<never>, query: ReturnType<typeof sql>): Promise<readonly string[]> {
  const { rows } = await query.execute(db)
  return rows.map((row) => JSON.stringify(row)).toSorted()
}
