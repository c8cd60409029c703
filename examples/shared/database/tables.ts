import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { recalcMigrations } from 'recalc-service/sql'
import { type ColumnTypes, columnTypes } from './column-types.ts'
import { exactCollation } from './exact-collation.ts'

export type Table = CreateTableBuilder<string, never>
export type Columns = (table: Table, type: ColumnTypes) => Table

export const required = (column: ColumnDefinitionBuilder) => column.notNull()

/** Brings a back end's tables, and the library's own, up to date. */
export async function migrate<Schema>(db: Kysely<Schema>, own: Readonly<Record<string, Migration>>): Promise<void> {
  const migrator = new Migrator({
    db: db as unknown as Kysely<unknown>, // whatever it holds by now
    provider: { getMigrations: async () => ({ ...own, ...recalcMigrations() }) },
    // A host's migrations and the library's may come in any order.
    allowUnorderedMigrations: true,
  })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

/** A table whose text is compared byte by byte, as ids are. */
export async function createTable(db: Kysely<unknown>, name: string, columns: Columns): Promise<void> {
  const table = columns(db.schema.createTable(name), columnTypes(db))
  const collation = await exactCollation(db)
  const options = sql`engine = InnoDB default charset = utf8mb4 collate = ${sql.raw(collation ?? '')}`
  await (collation === undefined ? table : table.modifyEnd(options)).execute()
}

export async function createIndex(
  db: Kysely<unknown>,
  table: string,
  name: string,
  columns: readonly string[],
): Promise<void> {
  await db.schema
    .createIndex(`${table}_${name}`)
    .on(table)
    .columns([...columns])
    .execute()
}
