import type { Migration } from 'kysely/migration'
import { newTable } from '../migrations/new-table.ts'
import { sideTable } from '../tables.ts'

/** Makes the table of changes. */
export function changesMigration(prefix: string): Migration {
  return newTable(sideTable(prefix, 'changes'), {
    columns: (table, { engine, varchar, longText }) =>
      table
        .addColumn('id', engine.rowNumber, (column) => engine.countUp(column.notNull().primaryKey()))
        .addColumn('state', 'integer', (column) => column.notNull())
        .addColumn('tenant_hash', varchar(64), (column) => column.notNull())
        .addColumn('employee_hash', varchar(64), (column) => column.notNull())
        .addColumn('noted_at', 'bigint', (column) => column.notNull())
        .addColumn('due_at', 'bigint', (column) => column.notNull())
        .addColumn('body', longText, (column) => column.notNull()),
    indexes: { lane: ['state', 'tenant_hash', 'employee_hash'], due: ['due_at'] },
  })
}
