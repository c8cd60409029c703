import type { ClosedInterval, ClosedPeriods } from 'recalc-service'
import type { Tx } from './schema/tables.ts'

/** Any months of any employee, as `closed_months` lists them. */
export const closedMonths: ClosedPeriods<Tx> = {
  async closed({ employeeIds, from, to }, tx) {
    const rows = await tx
      .selectFrom('closed_months')
      .selectAll()
      .where('employee_id', 'in', employeeIds)
      .where('month', '>=', from.slice(0, 7))
      .where('month', '<=', to.slice(0, 7))
      .execute()
    const closed = new Map<string, ClosedInterval[]>()
    for (const { employee_id, month } of rows) {
      const interval = { from: `${month}-01`, to: lastOf(month) }
      closed.set(employee_id, [...(closed.get(employee_id) ?? []), interval])
    }
    return closed
  },
}

function lastOf(month: string): string {
  const [year, number] = month.split('-').map(Number)
  return new Date(Date.UTC(year ?? 0, number ?? 0, 0)).toISOString().slice(0, 10)
}
