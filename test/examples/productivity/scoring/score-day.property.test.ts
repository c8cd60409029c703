import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EmployeeFacts } from '../../../../examples/productivity/scoring/employee-facts.ts'
import { scoreDay } from '../../../../examples/productivity/scoring/score-day.ts'
import { employeeIds, roles, type Scenario, scenarios } from '../support/arbitraries.ts'
import { boundsOf, shiftOf, windowOf } from '../support/facts.ts'
import { alertsOf } from '../support/plain/alerts.ts'
import { calendarOf } from '../support/plain/calendar.ts'
import { dayOf, personFrom } from '../support/plain/days.ts'

const [employeeId] = employeeIds

/** What `scoreDay` is told of the employee whom the scenarios are mostly about. */
function factsOf({ zone, now, sources }: Scenario) {
  const isTheirs = (row: { employee_id: string }) => row.employee_id === employeeId
  return {
    shifts: sources.clockTimes.filter(isTheirs).map((row) => shiftOf(row, zone, now)),
    windows: sources.activityLogs.filter(isTheirs).map((row) => windowOf(row, roles)),
  }
}

describe('scoreDay', () => {
  it('gives what the rules give when they are applied word by word', () => {
    let rows = 0
    let idlePeriods = 0
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const { zone, dates, now, sources } = scenario
        const { shifts, windows } = factsOf(scenario)
        const facts = new EmployeeFacts(shifts, windows, scenario.now)
        const calendar = calendarOf(zone)
        const person = personFrom(sources, employeeId, calendar, now)
        for (const date of dates) {
          const plain = dayOf(person, date)
          const alerts = plain ? alertsOf(person, date, plain, calendar, now) : []
          const leftOpen = alerts.filter(({ type }) => type === 'missing_clock_out').map(({ eventAt }) => eventAt)
          expect(scoreDay(facts.on(boundsOf(date, zone)))).toEqual(plain ? { ...plain, leftOpen } : null)
          rows += plain ? 1 : 0
          idlePeriods += plain?.idlePeriods.length ?? 0
        }
      }),
      { numRuns: 1_000 },
    )
    // The generated days must be worth comparing.
    expect(rows).toBeGreaterThan(1_000)
    expect(idlePeriods).toBeGreaterThan(1_000)
  })

  it('gives the same when it is told more than it needs', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const { shifts, windows } = factsOf(scenario)
        const facts = new EmployeeFacts(shifts, windows, scenario.now)
        const inOrder = windows.toSorted((a, b) => a.start - b.start || a.id - b.id)
        for (const date of scenario.dates) {
          const day = boundsOf(date, scenario.zone)
          expect(scoreDay({ day, now: scenario.now, shifts, windows: inOrder })).toEqual(scoreDay(facts.on(day)))
        }
      }),
      { numRuns: 300 },
    )
  })
})
