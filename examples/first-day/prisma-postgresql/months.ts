import { periodKey, periodStage } from 'recalc-service'
import { isoDate, type Tx, toDate } from './database.ts'
import { Prisma } from './generated/client.ts'

export interface Month {
  readonly overtime: number
  readonly paidOut: number
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
    const days = await tx.balance.findMany({
      where: { tenantId, employeeId: { in: [...employeeIds] }, date: { gte: toDate(from), lte: toDate(to) } },
    })
    const overtime = new Map<string, number>()
    for (const { employeeId, date, worked, target } of days) {
      const key = `${employeeId} ${isoDate(date).slice(0, 7)}`
      overtime.set(key, (overtime.get(key) ?? 0) + worked - target)
    }
    return overtime
  },

  calculate({ employeeId, from }, sums, before) {
    const overtime = sums.get(`${employeeId} ${from.slice(0, 7)}`)
    if (overtime === undefined) return null // a month without days has no row
    const account = (before?.carried ?? 0) + overtime
    const paidOut = Math.max(0, account - MOST_CARRIED)
    return { overtime, paidOut, carried: account - paidOut }
  },

  // The next month sees no more than this: other differences move nothing behind them.
  carries: ({ carried }) => carried,

  async stored({ tenantId, employeeIds, from, to }, { tx }) {
    const rows = await tx.month.findMany({
      where: { tenantId, employeeId: { in: [...employeeIds] }, month: { gte: toDate(from), lte: toDate(to) } },
    })
    return new Map(
      rows.map(({ employeeId, month, overtime, paidOut, carried }) => [
        periodKey({ employeeId, from: isoDate(month) }),
        { overtime, paidOut, carried },
      ]),
    )
  },

  async save({ upserts, deletes }, { tx }) {
    const rows = upserts.map(
      ({ period: { tenantId, employeeId, from }, value: { overtime, paidOut, carried } }) =>
        Prisma.sql`(${tenantId}, ${employeeId}, ${toDate(from)}::date, ${overtime}::int, ${paidOut}::int, ${carried}::int)`,
    )
    if (rows.length > 0) {
      await tx.$executeRaw`insert into months values ${Prisma.join(rows)} on conflict (tenant_id, employee_id, month)
        do update set overtime = excluded.overtime, paid_out = excluded.paid_out, carried = excluded.carried`
    }
    for (const { tenantId, employeeId, from } of deletes) {
      await tx.month.deleteMany({ where: { tenantId, employeeId, month: toDate(from) } })
    }
  },
})
