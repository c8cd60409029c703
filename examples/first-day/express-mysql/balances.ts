import { type Block, type DayKey, dayKey, dayStage } from 'recalc-service'
import { upsert } from 'recalc-service/sql'
import type { Tx } from './database.ts'

export interface Balance {
  readonly worked: number
  readonly target: number
  readonly balance: number
}

interface Inputs {
  readonly worked: ReadonlyMap<DayKey, number>
  readonly employments: ReadonlyMap<string, { readonly hired_on: string; readonly left_on: string | null }>
}

/** The minutes above what was due, carried on from day to day. */
export const balances = dayStage<Balance, Inputs, Tx>({
  name: 'balances',
  // A day reads its own bookings, its employee's record, which has no day, and the balance of the day before.
  reads: { bookings: [0, 0], employees: [-Infinity, Infinity], balances: [-1, 0] },
  writes: ['balances'],

  async load({ tenantId, employeeIds, from, to }, { tx }) {
    const worked = await tx
      .selectFrom('bookings')
      .select(['employee_id', 'date'])
      .select(({ fn }) => fn.sum<string>('minutes').as('minutes'))
      .where('tenant_id', '=', tenantId)
      .where('employee_id', 'in', employeeIds)
      .where('date', '>=', from)
      .where('date', '<=', to)
      .groupBy(['employee_id', 'date'])
      .execute()
    const employments = await tx
      .selectFrom('employees')
      .select(['id', 'hired_on', 'left_on'])
      .where('tenant_id', '=', tenantId)
      .where('id', 'in', employeeIds)
      .execute()
    return {
      // A sum is a decimal, which mysql2 gives as text.
      worked: new Map(worked.map((row) => [keyOf(row), Number(row.minutes)])),
      employments: new Map(employments.map((row) => [row.id, row])),
    }
  },

  calculate(day, { worked, employments }, yesterday) {
    const employment = employments.get(day.employeeId)
    if (!employment || day.date < employment.hired_on) return null
    // Without a row the carrying ends: nothing is calculated behind the last day of work.
    if (employment.left_on !== null && day.date > employment.left_on) return null
    const today = { worked: worked.get(dayKey(day)) ?? 0, target: isWorkday(day.date) ? 480 : 0 }
    return { ...today, balance: (yesterday?.balance ?? 0) + today.worked - today.target }
  },

  async stored(block, { tx }) {
    const rows = await balancesOf(tx, block)
    return new Map(rows.map(({ worked, target, balance, ...row }) => [keyOf(row), { worked, target, balance }]))
  },

  async save({ upserts, deletes }, { tx }) {
    const rows = upserts.map(({ day, value }) => ({ ...columnsOf(day), ...value }))
    await upsert(tx, 'balances', ['tenant_id', 'employee_id', 'date'], rows)
    for (const day of deletes) {
      const { tenant_id, employee_id, date } = columnsOf(day)
      await tx
        .deleteFrom('balances')
        .where('tenant_id', '=', tenant_id)
        .where('employee_id', '=', employee_id)
        .where('date', '=', date)
        .execute()
    }
  },
})

function balancesOf(tx: Tx, { tenantId, employeeIds, from, to }: Block) {
  return tx
    .selectFrom('balances')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('employee_id', 'in', employeeIds)
    .where('date', '>=', from)
    .where('date', '<=', to)
    .execute()
}

function keyOf({ employee_id: employeeId, date }: { employee_id: string; date: string }): DayKey {
  return dayKey({ employeeId, date })
}

function columnsOf(day: { readonly tenantId: string; readonly employeeId: string; readonly date: string }) {
  return { tenant_id: day.tenantId, employee_id: day.employeeId, date: day.date }
}

function isWorkday(date: string): boolean {
  return new Date(date).getUTCDay() % 6 !== 0
}
