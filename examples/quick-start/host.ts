// What a host has already: its database, with some bookings of two employees, and the list of these.
import type { EmployeeRepository } from 'recalc-service'
import { openSqlite } from '../shared/database/sqlite.ts'

export interface Tables {
  bookings: { id: number; tenant_id: string; employee_id: string; date: string; minutes: number }
  balances: { tenant_id: string; employee_id: string; date: string; minutes: number }
}

export const db = openSqlite<Tables>(':memory:')

await db.schema
  .createTable('bookings')
  .addColumn('id', 'integer', (column) => column.primaryKey())
  .addColumn('tenant_id', 'text', (column) => column.notNull())
  .addColumn('employee_id', 'text', (column) => column.notNull())
  .addColumn('date', 'text', (column) => column.notNull())
  .addColumn('minutes', 'integer', (column) => column.notNull())
  .execute()
await db.schema
  .createTable('balances')
  .addColumn('tenant_id', 'text', (column) => column.notNull())
  .addColumn('employee_id', 'text', (column) => column.notNull())
  .addColumn('date', 'text', (column) => column.notNull())
  .addColumn('minutes', 'integer', (column) => column.notNull())
  .addPrimaryKeyConstraint('balances_pk', ['tenant_id', 'employee_id', 'date'])
  .execute()
await db
  .insertInto('bookings')
  .values([
    { id: 1, tenant_id: 'acme', employee_id: 'ada', date: '2025-03-03', minutes: 480 },
    { id: 2, tenant_id: 'acme', employee_id: 'ada', date: '2025-03-04', minutes: 450 },
    { id: 3, tenant_id: 'acme', employee_id: 'bob', date: '2025-03-03', minutes: 510 },
  ])
  .execute()

export const employees: EmployeeRepository = {
  async listEmployees({ after = '', limit }) {
    return [{ id: 'ada' }, { id: 'bob' }].filter(({ id }) => id > after).slice(0, limit)
  },
}
