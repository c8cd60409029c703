import { describe, expect, it } from 'vitest'
import { currentStatus, statusSince } from '../../../../examples/productivity/scoring/current-status.ts'
import { EmployeeFacts } from '../../../../examples/productivity/scoring/employee-facts.ts'
import { scoreDay } from '../../../../examples/productivity/scoring/score-day.ts'
import { shiftFrom } from '../../../../examples/productivity/scoring/shift.ts'
import { fc } from '../../../support/fc.ts'
import { runs } from '../../../support/runs.ts'
import { employeeIds, roles, type Scenario, scenarios } from '../support/arbitraries.ts'
import { boundsOf, windowOf } from '../support/facts.ts'
import { alertsOf } from '../support/plain/alerts.ts'
import { calendarOf } from '../support/plain/calendar.ts'
import { statusOf } from '../support/plain/current-status.ts'
import { dayOf, personFrom } from '../support/plain/days.ts'

const [employeeId] = employeeIds

/** What `scoreDay` is told of the employee whom the scenarios are mostly about. */
function factsOf({ now, sources }: Scenario) {
  const isTheirs = (row: { employee_id: string }) => row.employee_id === employeeId
  return {
    shifts: sources.clockTimes.filter(isTheirs).map((row) => shiftFrom(row, now)),
    windows: sources.activityLogs.filter(isTheirs).map((row) => windowOf(row, roles, now)),
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
          const alerts = plain ? alertsOf(person, date, plain, now) : []
          const of = (kind: string) => alerts.filter(({ type }) => type === kind).map(({ eventAt }) => eventAt)
          const [leftOpen, implausible] = [of('missing_clock_out'), of('implausible_shift')]
          expect(scoreDay(facts.on(boundsOf(date, zone)))).toEqual(plain ? { ...plain, leftOpen, implausible } : null)
          rows += plain ? 1 : 0
          idlePeriods += plain?.idlePeriods.length ?? 0
        }
      }),
      { numRuns: runs(800, 6_000) },
    )
    // The generated days must be worth comparing.
    expect(rows).toBeGreaterThan(1_000)
    expect(idlePeriods).toBeGreaterThan(1_000)
  })

  it('and currentStatus what they say of now', () => {
    const statuses = new Map<string, number>()
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const { zone, now, sources } = scenario
        const { shifts, windows } = factsOf(scenario)
        const calendar = calendarOf(zone)
        const today = calendar.dateOf(now)
        const facts = new EmployeeFacts(shifts, windows, now).on(boundsOf(today, zone), statusSince(now))
        const plain = statusOf(personFrom(sources, employeeId, calendar, now), today, now)
        expect(currentStatus(facts)).toEqual(plain ?? null)
        const isOfYesterday = plain && plain.status !== 'off' && (plain.since ?? now) < calendar.startOf(today)
        const kind = isOfYesterday ? `${plain.status} since yesterday` : (plain?.status ?? 'none')
        statuses.set(kind, (statuses.get(kind) ?? 0) + 1)
      }),
      { numRuns: runs(800, 6_000) },
    )
    expect([...statuses.keys()].sort()).toEqual([
      'idle',
      'idle since yesterday',
      'none',
      'off',
      'working',
      'working since yesterday',
    ])
    expect(Math.min(...statuses.values())).toBeGreaterThan(5)
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
