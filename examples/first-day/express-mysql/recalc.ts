import type { Kysely } from 'kysely'
import { type ClosedPeriods, parseIsoDate, periodOf, RecalcService } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { balances } from './balances.ts'
import type { Tables, Tx } from './database.ts'
import { months } from './months.ts'

/** Days of closed months are never touched. It is asked in the transaction that would write them. */
const closedMonths: ClosedPeriods<Tx> = {
  async closed({ tenantId, employeeIds, from, to }, tx) {
    const rows = await tx
      .selectFrom('closed_months')
      .select(['employee_id', 'month'])
      .where('tenant_id', '=', tenantId)
      .where('employee_id', 'in', employeeIds)
      .where('month', '>=', periodOf('month', from).from) // a month may have begun before `from`
      .where('month', '<=', to)
      .execute()
    return Map.groupBy(
      rows.map(({ employee_id, month }) => ({ employee_id, ...periodOf('month', parseIsoDate(month, 'month')) })),
      ({ employee_id }) => employee_id,
    )
  },
}

/** The service of this process. `migrate` makes its tables: run it once, when you deploy. */
export function openRecalc(db: Kysely<Tables>) {
  const backend = sqlBackend(db)
  const recalc = new RecalcService({
    backend,
    stages: [balances, months],
    closedPeriods: closedMonths,
    zone: 'Europe/Berlin',
    employees: {
      // Everybody who is employed on one of the days, ascending by id.
      listEmployees: ({ tenantId, from, to, after = '', limit }) =>
        db
          .selectFrom('employees')
          .select(['id', 'name'])
          .where('tenant_id', '=', tenantId)
          .where('hired_on', '<=', to)
          .where(({ eb, or }) => or([eb('left_on', 'is', null), eb('left_on', '>=', from)]))
          .where('id', '>', after)
          .orderBy('id')
          .limit(limit)
          .execute(),
    },
    logger: console,
  })
  return { backend, recalc }
}
