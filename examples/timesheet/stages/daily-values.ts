import { dayKey, dayStage } from 'recalc-service'
import { batches } from '../../shared/database/batches.ts'
import { grouped } from '../../shared/grouped.ts'
import { calculateDay } from '../rules/calculate-day.ts'
import type { DailyValue } from '../rules/daily-value.ts'
import type { Tx } from '../schema/tables.ts'
import { type BlockFacts, BOOKING_DAYS, readFacts } from './read-facts.ts'
import { deleteDays, upsertRows } from './written-days.ts'

const ALWAYS = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const

/** Rules 1 to 11: a day's row and its errors, which are one value. */
export const dailyValues = dayStage<DailyValue, BlockFacts, Tx>({
  name: 'daily_values',
  title: 'Calculating days',
  reads: {
    bookings: BOOKING_DAYS,
    absences: [0, 0],
    absence_kinds: ALWAYS,
    holidays: [0, 0],
    day_plans: ALWAYS,
    break_rules: ALWAYS,
    employees: ALWAYS,
    // The plan of the day on which a pair began says where it belongs.
    plan_assignments: [Number.NEGATIVE_INFINITY, 0],
    daily_values: [-1, 0],
  },
  writes: ['daily_values', 'daily_errors'],
  load: readFacts,

  calculate({ employeeId, date }, employees, yesterday) {
    const facts = employees.get(employeeId)
    return facts ? calculateDay(date, facts, yesterday) : null
  },

  // The averages of later days see the minutes, tomorrow sees the days in a row.
  carries: ({ consecutiveDays, net, credited, target }) => [consecutiveDays, net, credited, target],

  async stored(block, { tx }) {
    const { employeeIds, from, to } = block
    const rows = await tx
      .selectFrom('daily_values')
      .selectAll()
      .where('employee_id', 'in', employeeIds)
      .where('work_date', '>=', from)
      .where('work_date', '<=', to)
      .execute()
    const wrong = await tx
      .selectFrom('daily_errors')
      .selectAll()
      .where('employee_id', 'in', employeeIds)
      .where('work_date', '>=', from)
      .where('work_date', '<=', to)
      .execute()
    const errors = grouped(wrong, keyOf)
    return new Map(
      rows.map((row) => {
        const key = keyOf(row)
        const codes = (errors.get(key) ?? []).map(({ code }) => code)
        return [
          key,
          {
            planId: row.plan_id,
            firstCome: row.first_come,
            lastGo: row.last_go,
            gross: row.gross,
            breaks: row.breaks,
            net: row.net,
            target: row.target,
            credited: row.credited,
            overtime: row.overtime,
            consecutiveDays: row.consecutive_days,
            status: row.status,
            errors: codes.sort(),
          },
        ]
      }),
    )
  },

  async save({ upserts, deletes }, { tx }) {
    await deleteDays(tx, 'daily_values', deletes)
    const withErrors = upserts.filter(({ stored }) => stored && stored.errors.length > 0).map(({ day }) => day)
    await deleteDays(tx, 'daily_errors', [...deletes, ...withErrors])
    await upsertRows(
      tx,
      'daily_values',
      ['employee_id', 'work_date'],
      upserts.map(({ day, value }) => ({
        employee_id: day.employeeId,
        work_date: day.date,
        plan_id: value.planId,
        first_come: value.firstCome,
        last_go: value.lastGo,
        gross: value.gross,
        breaks: value.breaks,
        net: value.net,
        target: value.target,
        credited: value.credited,
        overtime: value.overtime,
        consecutive_days: value.consecutiveDays,
        status: value.status,
      })),
    )
    const errors = upserts.flatMap(({ day, value }) =>
      value.errors.map((code) => ({ employee_id: day.employeeId, work_date: day.date, code })),
    )
    for (const batch of batches(errors)) await tx.insertInto('daily_errors').values(batch).execute()
  },
})

function keyOf(row: { readonly employee_id: string; readonly work_date: string }) {
  return dayKey({ employeeId: row.employee_id, date: row.work_date })
}
