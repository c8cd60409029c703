import { addDays, dateOf, dayBounds, type TenantStage, tenantStage } from 'recalc-service'
import { grouped } from '../../shared/grouped.ts'
import type { Tx } from '../schema/tables.ts'
import { PRIMARY_ROLE_DAYS, primaryRole, type RoleItems } from '../scoring/primary-role.ts'
import type { Span } from '../scoring/span.ts'
import type { AsOf } from './as-of.ts'
import { employeePages } from './read/employee-pages.ts'
import { employeeTable } from './write/employee-table.ts'

interface Row {
  readonly role_id: number
  readonly items: number
  readonly as_of: string
}

const write = employeeTable<Row>({ table: 'employee_primary_roles', columns: ['role_id', 'items', 'as_of'] })

/** Rule 9: the role that each employee of the run did most in, in the thirty days that end today. */
export function primaryRolesStage(asOf: AsOf): TenantStage<Tx> {
  return tenantStage<Tx>({
    name: 'employee_primary_roles',
    title: 'Finding primary roles',
    reads: ['activity_logs'],
    writes: ['employee_primary_roles'],

    async run(context) {
      const { tx, zone, employeeIds, signal } = context
      const today = dateOf(new Date(asOf(context)), zone)
      const days: Span = {
        start: dayBounds(addDays(today, 1 - PRIMARY_ROLE_DAYS), zone).start.getTime(),
        end: dayBounds(today, zone).end.getTime(),
      }
      for await (const page of employeePages(tx, employeeIds)) {
        signal.throwIfAborted()
        const rows = new Map<string, Row>()
        for (const [employeeId, roles] of await itemsByRole(tx, page, days)) {
          const role = primaryRole(roles)
          if (role) rows.set(employeeId, { role_id: role.roleId, items: role.items, as_of: today })
        }
        await write(tx, page, rows)
      }
    },
  })
}

async function itemsByRole(tx: Tx, employeeIds: readonly string[], { start, end }: Span) {
  const sums = await tx
    .selectFrom('activity_logs')
    .select(({ fn }) => ['employee_id', 'role_id', fn.sum<number | string>('items_count').as('items')])
    .where('employee_id', 'in', employeeIds)
    .where('window_start', '>=', start)
    .where('window_start', '<', end)
    .groupBy(['employee_id', 'role_id'])
    .execute()
  const byEmployee = new Map<string, RoleItems[]>()
  for (const [employeeId, own] of grouped(sums, ({ employee_id }) => employee_id)) {
    byEmployee.set(
      employeeId,
      own.map(({ role_id, items }) => ({ roleId: role_id, items: Number(items) })),
    )
  }
  return byEmployee
}
