import { type PeriodKey, periodKey, periodStage } from 'recalc-service'
import { batches } from '../../shared/database/batches.ts'
import { grouped } from '../../shared/grouped.ts'
import type { Absence } from '../rules/credit.ts'
import { calculateMonth, type FlextimeRules, type MonthDay, type MonthlyValue } from '../rules/month.ts'
import type { Tx } from '../schema/tables.ts'
import { readAbsences, readHolidays } from './read-facts.ts'
import { upsertRows } from './written-days.ts'

interface Inputs {
  readonly days: ReadonlyMap<PeriodKey, readonly MonthDay[]>
  readonly absences: ReadonlyMap<string, readonly Absence[]>
  readonly holidays: ReadonlyMap<string, number>
  readonly rules: FlextimeRules
  readonly firstFlextime: ReadonlyMap<string, number>
}

const ALWAYS = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const

const NO_LIMITS: FlextimeRules = { maxCreditPerMonth: null, cap: null, floor: null }

/** Rule 13: months, and the balance that each hands on to the next. */
export const monthlyValues = periodStage<MonthlyValue, Inputs, Tx>({
  name: 'monthly_values',
  title: 'Closing months',
  period: 'month',
  reads: {
    daily_values: 'period',
    absences: 'period',
    absence_kinds: ALWAYS,
    holidays: 'period',
    employees: ALWAYS,
    flextime_rules: ALWAYS,
    monthly_values: [-1, 0],
  },
  writes: ['monthly_values'],

  async load({ employeeIds, from, to }, { tx }) {
    const rows = await tx
      .selectFrom('daily_values')
      .select(['employee_id', 'work_date as date', 'net', 'target', 'credited', 'overtime', 'status'])
      .where('employee_id', 'in', employeeIds)
      .where('work_date', '>=', from)
      .where('work_date', '<=', to)
      .execute()
    const employees = await tx
      .selectFrom('employees')
      .select(['id', 'flextime_start'])
      .where('id', 'in', employeeIds)
      .execute()
    const rules = await tx.selectFrom('flextime_rules').selectAll().where('id', '=', 1).executeTakeFirst()
    return {
      days: grouped(rows, (row) => keyOf(row.employee_id, row.date.slice(0, 7))),
      absences: await readAbsences(tx, { employeeIds, from, to }),
      holidays: await readHolidays(tx, { from, to }),
      rules: rules ? { maxCreditPerMonth: rules.max_credit_per_month, cap: rules.cap, floor: rules.floor } : NO_LIMITS,
      firstFlextime: new Map(employees.map(({ id, flextime_start }) => [id, flextime_start])),
    }
  },

  calculate({ employeeId, from }, { days, absences, firstFlextime, ...company }, before) {
    const facts = {
      ...company,
      days: days.get(keyOf(employeeId, from.slice(0, 7))) ?? [],
      absences: absences.get(employeeId) ?? [],
      firstFlextime: firstFlextime.get(employeeId) ?? 0,
    }
    return calculateMonth(facts, before)
  },

  carries: ({ flextimeEnd }) => flextimeEnd,

  async stored({ employeeIds, from, to }, { tx }) {
    const rows = await tx
      .selectFrom('monthly_values')
      .selectAll()
      .where('employee_id', 'in', employeeIds)
      .where('month', '>=', from.slice(0, 7))
      .where('month', '<=', to.slice(0, 7))
      .execute()
    return new Map(
      rows.map((row) => [
        keyOf(row.employee_id, row.month),
        {
          net: row.net,
          target: row.target,
          credited: row.credited,
          overtime: row.overtime,
          flextimeStart: row.flextime_start,
          flextimeChange: row.flextime_change,
          flextimeEnd: row.flextime_end,
          errorDays: row.error_days,
          halfVacationDays: Math.round(Number(row.vacation_days) * 2),
        },
      ]),
    )
  },

  async save({ upserts, deletes }, { tx }) {
    for (const batch of batches(deletes)) {
      await tx
        .deleteFrom('monthly_values')
        .where((row) =>
          row.or(
            batch.map(({ employeeId, from }) =>
              row.and([row('employee_id', '=', employeeId), row('month', '=', from.slice(0, 7))]),
            ),
          ),
        )
        .execute()
    }
    await upsertRows(
      tx,
      'monthly_values',
      ['employee_id', 'month'],
      upserts.map(({ period, value }) => ({
        employee_id: period.employeeId,
        month: period.from.slice(0, 7),
        net: value.net,
        target: value.target,
        credited: value.credited,
        overtime: value.overtime,
        flextime_start: value.flextimeStart,
        flextime_change: value.flextimeChange,
        flextime_end: value.flextimeEnd,
        error_days: value.errorDays,
        vacation_days: value.halfVacationDays / 2,
      })),
    )
  },
})

function keyOf(employeeId: string, month: string): PeriodKey {
  return periodKey({ employeeId, from: `${month}-01` })
}
