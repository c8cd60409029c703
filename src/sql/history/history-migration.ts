import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { engineOf } from '../engines/engine-of.ts'
import { recalcDb } from '../tables.ts'
import { historyTableName } from './history-table.ts'

/** Makes the table of what runs change. */
export function historyMigration(prefix: string): Migration {
  const name = historyTableName(prefix)
  return {
    // Not every database takes a cut-short migration back, so each statement may meet its own work.
    async up(host: Kysely<never>) {
      const db = recalcDb(host)
      const engine = engineOf(db)
      const collated = (type: RawBuilder<unknown>) => sql`${type}${engine.textCollation}`
      await db.schema
        .createTable(name)
        .ifNotExists()
        .addColumn('id', engine.rowNumber, (column) => engine.countUp(column.notNull().primaryKey()))
        .addColumn('employee_hash', collated(sql`varchar(64)`), (column) => column.notNull())
        .addColumn('run_id', collated(sql`varchar(36)`), (column) => column.notNull())
        .addColumn('first_date', collated(sql`varchar(10)`), (column) => column.notNull())
        .addColumn('last_date', collated(sql`varchar(10)`), (column) => column.notNull())
        .addColumn('kept_at', 'bigint', (column) => column.notNull())
        .addColumn('body', collated(engine.longText), (column) => column.notNull())
        .modifyEnd(engine.tableOptions)
        .execute()
      const indexes: [string, string[]][] = [
        // With the dates behind the number, rows of other days are passed over in the index.
        [`${name}_employee`, ['employee_hash', 'id', 'first_date', 'last_date']],
        [`${name}_run`, ['run_id', 'id']],
        [`${name}_kept`, ['kept_at']],
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
