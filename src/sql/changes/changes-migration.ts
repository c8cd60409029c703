import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { engineOf } from '../engines/engine-of.ts'
import { recalcDb } from '../tables.ts'
import { changesTableName } from './changes-table.ts'

/** Makes the table of changes. */
export function changesMigration(prefix: string): Migration {
  const name = changesTableName(prefix)
  return {
    // Neither database takes a cut-short migration back, so each statement may meet its own work.
    async up(host: Kysely<never>) {
      const db = recalcDb(host)
      const engine = engineOf(db)
      const collated = (type: RawBuilder<unknown>) => sql`${type}${engine.textCollation}`
      await db.schema
        .createTable(name)
        .ifNotExists()
        .addColumn('id', engine.rowNumber, (column) => engine.countUp(column.notNull().primaryKey()))
        .addColumn('state', 'integer', (column) => column.notNull())
        .addColumn('tenant_hash', collated(sql`varchar(64)`), (column) => column.notNull())
        .addColumn('employee_hash', collated(sql`varchar(64)`), (column) => column.notNull())
        .addColumn('noted_at', 'bigint', (column) => column.notNull())
        .addColumn('due_at', 'bigint', (column) => column.notNull())
        .addColumn('body', collated(engine.longText), (column) => column.notNull())
        .modifyEnd(engine.tableOptions)
        .execute()
      const indexes: [string, string[]][] = [
        [`${name}_lane`, ['state', 'tenant_hash', 'employee_hash']],
        [`${name}_due`, ['due_at']],
      ]
      for (const [index, columns] of indexes) {
        await engine.createIndex(db.schema.createIndex(index).on(name).columns(columns))
      }
    },
    async down(host: Kysely<never>) {
      await recalcDb(host).schema.dropTable(name).ifExists().execute()
    },
  }
}
