import type { Migration } from 'kysely/migration'
import { newTable } from '../migrations/new-table.ts'
import { sideTable } from '../tables.ts'

/** Makes the table of what runs change. */
export function historyMigration(prefix: string): Migration {
  return newTable(sideTable(prefix, 'history'), {
    columns: (table, { engine, varchar, longText }) =>
      table
        .addColumn('id', engine.rowNumber, (column) => engine.countUp(column.notNull().primaryKey()))
        .addColumn('employee_hash', varchar(64), (column) => column.notNull())
        .addColumn('run_id', varchar(36), (column) => column.notNull())
        .addColumn('first_date', varchar(10), (column) => column.notNull())
        .addColumn('last_date', varchar(10), (column) => column.notNull())
        .addColumn('kept_at', 'bigint', (column) => column.notNull())
        .addColumn('body', longText, (column) => column.notNull()),
    indexes: {
      // With the dates behind the number, rows of other days are passed over in the index.
      employee: ['employee_hash', 'id', 'first_date', 'last_date'],
      run: ['run_id', 'id'],
      kept: ['kept_at'],
    },
  })
}
