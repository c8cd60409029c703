import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EmployeeFacts } from '../../../../examples/productivity/scoring/employee-facts.ts'
import { scoreDay } from '../../../../examples/productivity/scoring/score-day.ts'
import { roles, sourceRows, threeDays, zone } from '../support/arbitraries.ts'
import { boundsOf, endOfDay, shiftOf, windowOf } from '../support/facts.ts'
import { plainScore } from '../support/plain-score.ts'

const cases = fc.constantFrom(...threeDays).chain((dates) => sourceRows(dates).map((rows) => ({ dates, ...rows })))

describe('scoreDay', () => {
  it('gives what the rules give when they are applied word by word', () => {
    let rows = 0
    let idlePeriods = 0
    fc.assert(
      fc.property(cases, ({ dates, clockTimes, activityLogs, now }) => {
        const facts = new EmployeeFacts(
          clockTimes.map((row) => shiftOf(row, zone, now)),
          activityLogs.map((row) => windowOf(row, roles)),
        )
        for (const date of dates) {
          const day = boundsOf(date, zone)
          const plain = plainScore({
            day,
            now,
            endOfDayOf: (instant) => endOfDay(instant, zone),
            clockTimes,
            activityLogs,
            roles,
          })
          expect(scoreDay(facts.on(day))).toEqual(plain)
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
      fc.property(cases, ({ dates, clockTimes, activityLogs, now }) => {
        const shifts = clockTimes.map((row) => shiftOf(row, zone, now))
        const windows = activityLogs.map((row) => windowOf(row, roles)).sort((a, b) => a.start - b.start || a.id - b.id)
        const facts = new EmployeeFacts(shifts, windows)
        for (const date of dates) {
          const day = boundsOf(date, zone)
          expect(scoreDay({ day, shifts, windows })).toEqual(scoreDay(facts.on(day)))
        }
      }),
      { numRuns: 300 },
    )
  })
})
