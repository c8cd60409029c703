import { dayBounds, type IsoDate } from 'recalc-service'
import { describe, expect, it } from 'vitest'
import { generateSources } from '../../../examples/productivity/generator/generate.ts'

const zone = 'Europe/Berlin'
const options = { zone, from: '2025-03-24' as IsoDate, days: 12, employees: 50, seed: 1 }

function rowsOf(seed: number) {
  const { employees, clockTimes, activityLogs } = generateSources({ ...options, seed })
  return {
    // The generator makes them one by one, not asynchronously.
    employees: [...(employees as Iterable<{ id: string }>)],
    clockTimes: [...(clockTimes as Iterable<{ employee_id: string; clock_in: number; clock_out: number | null }>)],
    activityLogs: [...(activityLogs as Iterable<{ employee_id: string; window_start: number; window_end: number }>)],
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
})
