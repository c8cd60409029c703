import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { engineOf } from '../engines/engine-of.ts'
import { recalcDb } from '../tables.ts'
import { correctionsTableName } from './corrections-table.ts'

/** Makes the table of the corrections that were taken over. */
export function correctionsMigration(prefix: string): Migration {
  const name = correctionsTableName(prefix)
  return {
    // Not every database takes a cut-short migration back, so each statement may meet its own work.
    async up(host: Kysely<never>) {
      const db = recalcDb(host)
      const engine = engineOf(db)
      const collated = (type: RawBuilder<unknown>) => sql`${type}${engine.textCollation}`
      await db.schema
        .createTable(name)
        .ifNotExists()
        .addColumn('correction', collated(sql`varchar(64)`), (column) => column.notNull().primaryKey())
        .addColumn('employee_hash', collated(sql`varchar(64)`), (column) => column.notNull())
        .addColumn('first_date', collated(sql`varchar(10)`), (column) => column.notNull())
        .addColumn('last_date', collated(sql`varchar(10)`), (column) => column.notNull())
        .addColumn('is_last', 'integer', (column) => column.notNull())
        .addColumn('body', collated(engine.longText), (column) => column.notNull())
        .modifyEnd(engine.tableOptions)
        .execute()
      const columns = ['employee_hash', 'is_last', 'first_date', 'last_date']
      await engine.createIndex(db.schema.createIndex(`${name}_employee`).on(name).columns(columns))
    },
    async down(host: Kysely<never>) {
      await recalcDb(host).schema.dropTable(name).ifExists().execute()
    },
  }
}
