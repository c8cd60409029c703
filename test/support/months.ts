import { datesBetween, periodKey, periodStage } from '../../src/index.ts'
import { rowKey, type Transaction } from './database.ts'

/** The sum of a table's days, carried on from month to month; rows stand on the first day. */
export function months(table: string, fails: () => unknown = () => undefined) {
  const at = (tenantId: string, employeeId: string, date: string) => rowKey({ tenantId, employeeId, date })
  return periodStage<number, Transaction, Transaction>({
    name: 'months',
    period: 'month',
    reads: { [table]: 'period', months: [-1, 0] },
    writes: ['months'],
    load: async (_, { tx }) => tx,
    calculate({ tenantId, employeeId, from, to }, tx, previous) {
      fails()
      const days = datesBetween(from, to).map((date) => Number(tx.read(table, at(tenantId, employeeId, date)) ?? 0))
      return days.reduce((sum, day) => sum + day, previous ?? 0)
    },
    async stored({ tenantId, employeeIds, periods }, { tx }) {
      const rows = employeeIds.flatMap((employeeId) =>
        periods.flatMap(({ from }) => {
          const value = tx.read('months', at(tenantId, employeeId, from))
          return value === undefined ? [] : [[periodKey({ employeeId, from }), Number(value)] as const]
        }),
      )
      return new Map(rows)
    },
    async save({ upserts, deletes }, { tx }) {
      for (const { period, value } of upserts)
        tx.write('months', at(period.tenantId, period.employeeId, period.from), value)
      for (const { tenantId, employeeId, from } of deletes)
        tx.write('months', at(tenantId, employeeId, from), undefined)
    },
  })
}
