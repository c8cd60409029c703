import { dayBounds, type IsoDate } from 'recalc-service'
import { describe, expect, it } from 'vitest'
import { generateSources } from '../../../../../examples/productivity/sources/generator/generate.ts'

const zone = 'Europe/Berlin'
const options = { zone, from: '2025-03-24' as IsoDate, days: 12, employees: 50, seed: 1 }

type ClockTime = { readonly employee_id: string; readonly clock_in: number; readonly clock_out: number | null }
type ActivityLog = { readonly employee_id: string; readonly window_start: number; readonly window_end: number }
type PayRate = { readonly employee_id: string; readonly effective_from: string; readonly hourly_rate: number }

function rowsOf(seed: number, until?: Date) {
  const sources = generateSources({ ...options, seed, ...(until && { until }) })
  return {
    // The generator makes them one by one, not asynchronously.
    employees: [...(sources.employees as Iterable<{ readonly id: string }>)],
    payRates: [...(sources.payRates as Iterable<PayRate>)],
    clockTimes: [...(sources.clockTimes as Iterable<ClockTime>)],
    activityLogs: [...(sources.activityLogs as Iterable<ActivityLog>)],
  }
}

describe('generateSources', () => {
  it('gives the same rows for the same seed, and others for another', () => {
    expect(rowsOf(1)).toEqual(rowsOf(1))
    expect(rowsOf(2).activityLogs).not.toEqual(rowsOf(1).activityLogs)
  })

  it('has in it what makes real days hard', () => {
    const { employees, clockTimes, activityLogs } = rowsOf(1)
    const { end } = dayBounds('2025-04-04', zone)
    const overMidnight = clockTimes.filter(({ clock_in, clock_out }) => {
      const midnight = dayBounds('2025-03-27', zone).end.getTime()
      return clock_out !== null && clock_in < midnight && clock_out > midnight
    })
    const lengths = activityLogs.map(({ window_start, window_end }) => window_end - window_start)
    const byEmployee = employees.map(({ id }) => clockTimes.filter(({ employee_id }) => employee_id === id).length)

    expect(employees).toHaveLength(50)
    expect(overMidnight.length).toBeGreaterThan(3)
    expect(clockTimes.filter(({ clock_out }) => clock_out === null).length).toBeGreaterThan(5)
    expect(lengths.filter((length) => length === 0).length).toBeGreaterThan(100)
    expect(lengths.filter((length) => length < 0).length).toBeGreaterThan(10)
    expect(lengths.filter((length) => length > 24 * 3_600_000).length).toBeGreaterThan(10)
    expect(byEmployee.filter((shifts) => shifts > 0 && shifts <= 4).length).toBeGreaterThan(3)
    expect(clockTimes.every(({ clock_in }) => clock_in < end.getTime())).toBe(true)
  })

  it('pays most people since long ago, some of them more from a day in the middle on, and a few not yet', () => {
    const { employees, payRates } = rowsOf(1)
    const ofEmployee = employees.map(({ id }) => payRates.filter(({ employee_id }) => employee_id === id))
    const paid = ofEmployee.filter((rates) => rates.length > 0)
    const raised = ofEmployee.filter((rates) => rates.length === 2)
    expect(paid.length).toBeGreaterThan(40)
    expect(paid.length).toBeLessThan(50)
    expect(raised.length).toBeGreaterThan(3)
    for (const [first] of paid) expect(first!.effective_from < options.from).toBe(true)
    for (const [first, second] of raised) {
      expect(second!.effective_from >= options.from && second!.effective_from <= '2025-04-04').toBe(true)
      expect(second!.hourly_rate).toBeGreaterThan(first!.hourly_rate)
    }
    for (const { hourly_rate } of payRates) expect(hourly_rate).toBe(Number(hourly_rate.toFixed(2)))
  })
})

describe('generateSources, seen at a moment,', () => {
  const all = rowsOf(1)
  const moments = ['2025-03-23T23:00:00Z', '2025-03-30T01:30:00Z', '2025-04-04T13:30:00Z']

  it.each(moments)('has no row that is later than %s', (moment) => {
    const until = new Date(moment)
    const { clockTimes, activityLogs } = rowsOf(1, until)
    const latest = (instants: readonly number[]) => Math.max(0, ...instants)
    expect(latest(clockTimes.map(({ clock_in }) => clock_in))).toBeLessThanOrEqual(until.getTime())
    expect(latest(clockTimes.map(({ clock_out }) => clock_out ?? 0))).toBeLessThanOrEqual(until.getTime())
    expect(latest(activityLogs.map(({ window_start }) => window_start))).toBeLessThanOrEqual(until.getTime())
    expect(latest(activityLogs.map(({ window_end }) => window_end))).toBeLessThanOrEqual(until.getTime())
  })

  it.each(moments)('has every other row as it is, with the shifts open that go on at %s', (moment) => {
    const { employees, payRates, clockTimes, activityLogs } = rowsOf(1, new Date(moment))
    const now = Date.parse(moment)
    expect({ employees, payRates }).toEqual({ employees: all.employees, payRates: all.payRates })
    expect(clockTimes).toEqual(
      all.clockTimes
        .filter(({ clock_in }) => clock_in <= now)
        .map((row) => (row.clock_out !== null && row.clock_out > now ? { ...row, clock_out: null } : row)),
    )
    expect(activityLogs).toEqual(
      all.activityLogs.filter(({ window_start, window_end }) => window_start <= now && window_end <= now),
    )
  })

  it('finds people at work on an afternoon', () => {
    const afternoon = new Date('2025-04-04T13:30:00Z')
    const begun = rowsOf(1, afternoon).clockTimes.filter(
      ({ clock_in }) => clock_in > Date.parse('2025-04-04T00:00:00Z'),
    )
    expect(begun.filter(({ clock_out }) => clock_out === null).length).toBeGreaterThan(5)
    expect(begun.filter(({ clock_out }) => clock_out !== null).length).toBeGreaterThan(5)
  })
})
