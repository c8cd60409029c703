import fc from 'fast-check'
import { dayBounds, type IsoDate } from 'recalc-service'
import type { Row } from './rows.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export const zone = 'Europe/Berlin'

/** Around the two days of the year that have 23 and 25 hours, and around one that has 24. */
export const threeDays: readonly (readonly IsoDate[])[] = [
  ['2025-03-29', '2025-03-30', '2025-03-31'],
  ['2025-10-25', '2025-10-26', '2025-10-27'],
  ['2025-06-16', '2025-06-17', '2025-06-18'],
] as IsoDate[][]

/** A row of `role_configs` that can be written as well as read. */
type RoleConfig = Row<'role_configs'> & { readonly multiplier: number }

export const roles: readonly RoleConfig[] = [
  role(1, { multiplier: 1, idle_threshold_minutes: 5 }),
  role(2, { multiplier: 0.07, idle_threshold_minutes: 0 }),
  role(3, { multiplier: 1.25, idle_threshold_minutes: 60 }),
  role(4, { multiplier: 3.33, expected_per_hour: 64 }),
  role(5, { multiplier: 2, expected_per_hour: 7 }),
]

/** Mostly every five minutes, so that instants coincide, and sometimes a little beside. */
function instant(from: number, to: number): fc.Arbitrary<number> {
  const grid = fc
    .integer({ min: 0, max: Math.floor((to - from) / (5 * MINUTE)) })
    .map((step) => from + step * 5 * MINUTE)
  const beside = fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(-1, 1) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 5 * MINUTE }) },
  )
  return fc.tuple(grid, beside).map(([start, offset]) => start + offset)
}

function length(usual: number, long: number): fc.Arbitrary<number> {
  const grid = (most: number) => fc.integer({ min: 0, max: most / (5 * MINUTE) }).map((step) => step * 5 * MINUTE)
  return fc.oneof(
    { weight: 10, arbitrary: grid(usual) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: usual }) },
    { weight: 1, arbitrary: fc.integer({ min: -HOUR, max: -1 }) },
    { weight: 1, arbitrary: grid(long) },
  )
}

/** Source rows of one employee, from a day before the dates to a day behind them, ids from `firstId` on. */
export function sourceRows(dates: readonly IsoDate[], employeeId = 'a', firstId = 1) {
  const from = dayBounds(dates[0]!, zone).start.getTime() - 24 * HOUR
  const to = dayBounds(dates.at(-1)!, zone).end.getTime() + 24 * HOUR
  const clockTime = fc.record({
    clock_in: instant(from, to),
    length: fc.oneof(
      { weight: 6, arbitrary: length(14 * HOUR, 60 * HOUR) },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    break_minutes: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(0, 30, 45) },
      { weight: 1, arbitrary: fc.constant(900) },
    ),
  })
  const activityLog = fc.record({
    role_id: fc.constantFrom(...roles.map(({ id }) => id)),
    window_start: instant(from, to),
    length: length(HOUR, 72 * HOUR),
    items_count: fc.integer({ min: 0, max: 30 }),
  })
  return fc.record({
    clockTimes: fc.array(clockTime, { maxLength: 8 }).map((rows) =>
      rows.map(
        ({ clock_in, length, break_minutes }, index): Row<'clock_times'> => ({
          id: firstId + index,
          employee_id: employeeId,
          clock_in,
          clock_out: length === null ? null : clock_in + length,
          break_minutes,
        }),
      ),
    ),
    activityLogs: fc.array(activityLog, { maxLength: 40, size: 'max' }).map((rows) =>
      rows.map(
        ({ role_id, window_start, length, items_count }, index): Row<'activity_logs'> => ({
          id: firstId + index,
          employee_id: employeeId,
          role_id,
          window_start,
          window_end: window_start + length,
          items_count,
        }),
      ),
    ),
    now: instant(from, to),
  })
}

function role(
  id: number,
  columns: { multiplier: number; idle_threshold_minutes?: number; expected_per_hour?: number },
): RoleConfig {
  return {
    id,
    role_name: `Role ${id}`,
    role_type: columns.expected_per_hour === undefined ? 'continuous' : 'batch',
    multiplier: columns.multiplier,
    expected_per_hour: columns.expected_per_hour ?? null,
    idle_threshold_minutes: columns.idle_threshold_minutes ?? null,
  }
}
