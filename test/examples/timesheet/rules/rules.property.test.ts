import { expect, test } from 'vitest'
import { calculateDay } from '../../../../examples/timesheet/rules/calculate-day.ts'
import type { DailyValue } from '../../../../examples/timesheet/rules/daily-value.ts'
import { EmployeeFacts } from '../../../../examples/timesheet/rules/employee-facts.ts'
import {
  absenceFrom,
  assignmentFrom,
  bookingFrom,
  breakRuleFrom,
  planFrom,
} from '../../../../examples/timesheet/stages/records.ts'
import { addDays, type IsoDate, parseIsoDate } from '../../../../src/index.ts'
import { runs } from '../../../support/runs.ts'
import { seed } from '../../../support/seed.ts'
import { type DailyRow, deriveAll } from '../oracle/derive.ts'
import { type Scenario, scenarioOf } from '../oracle/scenario.ts'

const SCENARIOS = runs(100, 500)

test(`the rules give the same days as the second implementation, in ${SCENARIOS} companies`, () => {
  for (let i = 0; i < SCENARIOS; i++) {
    const scenario = scenarioOf(seed + i)
    const expected = deriveAll(scenario.company, scenario.zone, scenario.now)
    const { days, errors } = daysByRules(scenario)
    const where = `company ${seed + i}`
    expect({ where, days }).toEqual({ where, days: expected.daily_values })
    expect({ where, errors }).toEqual({ where, errors: expected.daily_errors })
  }
})

function daysByRules({ company, zone, now, today }: Scenario) {
  const days: DailyRow[] = []
  const errors: { employee_id: string; work_date: string; code: string }[] = []
  const rules = {
    plans: new Map(
      company.day_plans.map((plan) => {
        const own = company.break_rules.filter((rule) => rule.plan_id === plan.id)
        return [plan.id, planFrom(plan, own.map(breakRuleFrom))]
      }),
    ),
    holidays: new Map(company.holidays.map((one) => [one.date as IsoDate, one.credit_percent])),
  }
  for (const employee of company.employees) {
    const own = <Row extends { employee_id: string }>(rows: readonly Row[]) =>
      rows.filter((row) => row.employee_id === employee.id)
    const facts = new EmployeeFacts(
      {
        entryDate: employee.entry_date as IsoDate,
        exitDate: employee.exit_date as IsoDate | null,
        assignments: own(company.plan_assignments)
          .map(assignmentFrom)
          .sort((a, b) => (a.validFrom < b.validFrom ? -1 : 1)),
        absences: own(company.absences).map((row) =>
          absenceFrom(
            row,
            company.absence_kinds.find(({ kind }) => kind === row.kind),
          ),
        ),
        bookings: own(company.bookings).map(bookingFrom),
      },
      rules,
      { zone, now },
    )
    let yesterday: DailyValue | null = null
    for (
      let date = addDays(parseIsoDate(employee.entry_date, 'date'), -2);
      date <= addDays(parseIsoDate(today, 'date'), 2);
      date = addDays(date, 1)
    ) {
      const value: DailyValue | null = calculateDay(date, facts, yesterday)
      yesterday = value
      if (!value) continue
      const { planId, firstCome, lastGo, consecutiveDays, errors: codes, ...rest } = value
      const key = { employee_id: employee.id, work_date: date }
      days.push({
        ...key,
        ...rest,
        plan_id: planId,
        first_come: firstCome,
        last_go: lastGo,
        consecutive_days: consecutiveDays,
      })
      errors.push(...codes.map((code) => ({ ...key, code })))
    }
  }
  return { days, errors }
}
