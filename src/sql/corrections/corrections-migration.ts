import type { Migration } from 'kysely/migration'
import { newTable } from '../migrations/new-table.ts'
import { sideTable } from '../tables.ts'

/** Makes the table of the corrections that were taken over. */
export function correctionsMigration(prefix: string): Migration {
  return newTable(sideTable(prefix, 'corrections'), {
    columns: (table, { varchar, longText }) =>
      table
        .addColumn('correction', varchar(64), (column) => column.notNull().primaryKey())
        .addColumn('employee_hash', varchar(64), (column) => column.notNull())
        .addColumn('first_date', varchar(10), (column) => column.notNull())
        .addColumn('last_date', varchar(10), (column) => column.notNull())
        .addColumn('is_last', 'integer', (column) => column.notNull())
        .addColumn('body', longText, (column) => column.notNull()),
    indexes: { employee: ['employee_hash', 'is_last', 'first_date', 'last_date'] },
  })
}
