import { type PeriodKey, periodKey, periodStage } from 'recalc-service'
import { upsert } from 'recalc-service/sql'
import type { Tx } from './database.ts'

export interface Month {
  readonly overtime: number
  readonly paid_out: number
  readonly carried: number
}

/** So many minutes are carried into the next month at most. */
const MOST_CARRIED = 1_200

/** A month's overtime. What is above twenty hours is paid out, the rest is carried into the next month. */
export const months = periodStage<Month, ReadonlyMap<string, number>, Tx>({
  name: 'months',
  period: 'month',
  reads: { balances: 'period', months: [-1, 0] }, // the days of the month itself, and the month before
  writes: ['months'],

  async load({ tenantId, employeeIds, from, to }, { tx }) {
    const days = await tx
      .selectFrom('balances')
      .select(['employee_id', 'date', 'worked', 'target'])
      .where('tenant_id', '=', tenantId)
      .where('employee_id', 'in', employeeIds)
      .where('date', '>=', from)
      .where('date', '<=', to)
      .execute()
    const overtime = new Map<string, number>()
    for (const { employee_id, date, worked, target } of days) {
      const key = `${employee_id} ${date.slice(0, 7)}`
      overtime.set(key, (overtime.get(key) ?? 0) + worked - target)
    }
    return overtime
  },

  calculate({ employeeId, from }, sums, before) {
    const overtime = sums.get(`${employeeId} ${from.slice(0, 7)}`)
    if (overtime === undefined) return null // a month without days has no row
    const account = (before?.carried ?? 0) + overtime
    const paid_out = Math.max(0, account - MOST_CARRIED)
    return { overtime, paid_out, carried: account - paid_out }
  },

  // The next month sees no more than this: other differences move nothing behind them.
  carries: ({ carried }) => carried,

  async stored({ tenantId, employeeIds, from, to }, { tx }) {
    const rows = await tx
      .selectFrom('months')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('employee_id', 'in', employeeIds)
      .where('month', '>=', from)
      .where('month', '<=', to)
      .execute()
    return new Map(
      rows.map(({ employee_id, month, overtime, paid_out, carried }): [PeriodKey, Month] => [
        periodKey({ employeeId: employee_id, from: month }),
        { overtime, paid_out, carried },
      ]),
    )
  },

  async save({ upserts, deletes }, { tx }) {
    const rows = upserts.map(({ period, value }) => ({
      tenant_id: period.tenantId,
      employee_id: period.employeeId,
      month: period.from,
      ...value,
    }))
    await upsert(tx, 'months', ['tenant_id', 'employee_id', 'month'], rows)
    for (const { tenantId, employeeId, from } of deletes) {
      await tx
        .deleteFrom('months')
        .where('tenant_id', '=', tenantId)
        .where('employee_id', '=', employeeId)
        .where('month', '=', from)
        .execute()
    }
  },
})
