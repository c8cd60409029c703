import { type DayKey, dayKey, dayStage } from 'recalc-service'
import { isoDate, type Tx, toDate } from './database.ts'
import { Prisma } from './generated/client.ts'

export interface Balance {
  readonly worked: number
  readonly target: number
  readonly balance: number
}

interface Inputs {
  readonly worked: ReadonlyMap<DayKey, number>
  readonly employments: ReadonlyMap<string, { readonly hiredOn: Date; readonly leftOn: Date | null }>
}

/** The minutes above what was due, carried on from day to day. */
export const balances = dayStage<Balance, Inputs, Tx>({
  name: 'balances',
  // A day reads its own bookings, its employee's record, which has no day, and the balance of the day before.
  reads: { bookings: [0, 0], employees: [-Infinity, Infinity], balances: [-1, 0] },
  writes: ['balances'],

  async load({ tenantId, employeeIds, from, to }, { tx }) {
    const worked = await tx.booking.groupBy({
      by: ['employeeId', 'date'],
      where: { tenantId, employeeId: { in: [...employeeIds] }, date: { gte: toDate(from), lte: toDate(to) } },
      _sum: { minutes: true },
    })
    const employments = await tx.employee.findMany({ where: { tenantId, id: { in: [...employeeIds] } } })
    return {
      worked: new Map(worked.map((row) => [keyOf(row), row._sum.minutes ?? 0])),
      employments: new Map(employments.map((row) => [row.id, row])),
    }
  },

  calculate(day, { worked, employments }, yesterday) {
    const employment = employments.get(day.employeeId)
    if (!employment || day.date < isoDate(employment.hiredOn)) return null
    // Without a row the carrying ends: nothing is calculated behind the last day of work.
    if (employment.leftOn !== null && day.date > isoDate(employment.leftOn)) return null
    const today = { worked: worked.get(dayKey(day)) ?? 0, target: isWorkday(day.date) ? 480 : 0 }
    return { ...today, balance: (yesterday?.balance ?? 0) + today.worked - today.target }
  },

  async stored({ tenantId, employeeIds, from, to }, { tx }) {
    const rows = await tx.balance.findMany({
      where: { tenantId, employeeId: { in: [...employeeIds] }, date: { gte: toDate(from), lte: toDate(to) } },
    })
    return new Map(rows.map((row) => [keyOf(row), { worked: row.worked, target: row.target, balance: row.balance }]))
  },

  async save({ upserts, deletes }, { tx }) {
    // Prisma has no upsert of many rows: this is one statement for a block.
    const rows = upserts.map(
      ({ day: { tenantId, employeeId, date }, value: { worked, target, balance } }) =>
        Prisma.sql`(${tenantId}, ${employeeId}, ${toDate(date)}::date, ${worked}::int, ${target}::int, ${balance}::int)`,
    )
    if (rows.length > 0) {
      await tx.$executeRaw`insert into balances values ${Prisma.join(rows)} on conflict (tenant_id, employee_id, date)
        do update set worked = excluded.worked, target = excluded.target, balance = excluded.balance`
    }
    for (const { tenantId, employeeId, date } of deletes) {
      await tx.balance.deleteMany({ where: { tenantId, employeeId, date: toDate(date) } })
    }
  },
})

function keyOf({ employeeId, date }: { employeeId: string; date: Date }): DayKey {
  return dayKey({ employeeId, date: isoDate(date) })
}

function isWorkday(date: string): boolean {
  return new Date(date).getUTCDay() % 6 !== 0
}
