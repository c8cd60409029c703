import type { Row } from './rows.ts'

/** What the rules are applied to: rows as they are in the tables, of one employee, and the rows of the roles. */
export interface PlainInput {
  readonly day: { readonly start: number; readonly end: number }
  readonly now: number
  /** Where the calendar day of an instant ends. */
  endOfDayOf(instant: number): number
  readonly clockTimes: readonly Row<'clock_times'>[]
  readonly activityLogs: readonly Row<'activity_logs'>[]
  readonly roles: readonly Row<'role_configs'>[]
}

/**
 * Rules 1 to 6 once more, written down as they read, for the tests to compare with: everything is looked at from every
 * side, nothing is sorted or searched cleverly, and divisions are exact. Time is cut at every instant that occurs, and each
 * piece is asked whether it is covered.
 */
export function plainScore(input: PlainInput) {
  const { day, now, endOfDayOf, clockTimes, activityLogs, roles } = input
  const inDay = (instant: number) => day.start <= instant && instant < day.end

  // Rule 1
  const shifts = clockTimes.map((row) => ({
    start: row.clock_in,
    end: Math.max(row.clock_in, row.clock_out ?? Math.min(now, endOfDayOf(row.clock_in))),
    breakMinutes: row.break_minutes,
  }))
  const ownShifts = shifts.filter((shift) => inDay(shift.start))
  const windows = activityLogs.map((row) => ({
    id: row.id,
    items: row.items_count,
    role: roles.find((role) => role.id === row.role_id)!,
    start: row.window_start,
    end: Math.max(row.window_start, row.window_end),
  }))

  // Rule 2
  const activities = windows.filter((window) => {
    const containing = shifts.filter((shift) => shift.start <= window.start && window.start < shift.end)
    return inDay(containing.length > 0 ? Math.max(...containing.map((shift) => shift.start)) : window.start)
  })

  // Rule 6
  if (ownShifts.length === 0 && activities.length === 0) return null

  // Rules 1 and 4
  const merged = components(ownShifts.filter((shift) => shift.start < shift.end))
  const idlePeriods = merged.flatMap((shift) => idleIn(shift, windows))

  // Rules 3 and 5
  const breaks = sum(ownShifts.map((shift) => shift.breakMinutes * 60_000))
  const clocked = Math.max(0, sum(merged.map((shift) => shift.end - shift.start)) - breaks)
  const excess = sum(idlePeriods.map((period) => period.end - period.start - period.threshold))
  const clockedMinutes = Math.floor(clocked / 60_000)
  const activeMinutes = Math.floor(Math.max(0, clocked - excess) / 60_000)
  return {
    score: {
      items: sum(activities.map((window) => window.items)),
      points: sum(activities.map((window) => window.items * Math.round(Number(window.role.multiplier) * 100))),
      clockedMinutes,
      idleMinutes: Math.floor(sum(idlePeriods.map((period) => period.end - period.start)) / 60_000),
      activeMinutes,
      efficiency: clockedMinutes === 0 ? 0 : halfUp(activeMinutes * 10_000, clockedMinutes),
    },
    idlePeriods,
  }
}

interface PlainSpan {
  readonly start: number
  readonly end: number
}

interface PlainWindow extends PlainSpan {
  readonly id: number
  readonly items: number
  readonly role: Row<'role_configs'>
}

/** Joins any two that overlap, until none do. */
function components(spans: readonly PlainSpan[]): readonly PlainSpan[] {
  for (const a of spans) {
    const b = spans.find((other) => other !== a && other.start < a.end && a.start < other.end)
    if (b) {
      const others = spans.filter((span) => span !== a && span !== b)
      return components([...others, { start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) }])
    }
  }
  return [...spans].sort((a, b) => a.start - b.start)
}

function idleIn(shift: PlainSpan, windows: readonly PlainWindow[]) {
  const clipped = windows
    .filter(({ start, end }) =>
      start === end ? shift.start <= start && start < shift.end : start < shift.end && end > shift.start,
    )
    .map((window) => ({ ...window, start: Math.max(window.start, shift.start), end: Math.min(window.end, shift.end) }))
  const cuts = [...new Set([shift, ...clipped].flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b)

  return cuts.slice(1).flatMap((end, index) => {
    const start = cuts[index]!
    if (clipped.some((window) => window.start <= start && window.end >= end && window.start < window.end)) return []
    const threshold = thresholdOf({ start, end }, shift, clipped)
    return end - start > threshold ? [{ start, end, threshold }] : []
  })
}

/** No window covers the gap, so each lies either before or behind it. */
function thresholdOf(gap: PlainSpan, shift: PlainSpan, windows: readonly PlainWindow[]): number {
  let before = windows.filter((window) => window.start <= gap.start)
  if (before.length === 0 || gap.end === shift.end) return 15 * 60_000
  before = before.filter((window) => window.end === Math.max(...before.map(({ end }) => end)))
  before = before.filter((window) => window.start === Math.max(...before.map(({ start }) => start)))
  const { role, items } = before.find((window) => window.id === Math.max(...before.map(({ id }) => id)))!
  if (role.role_type === 'continuous') return role.idle_threshold_minutes! * 60_000
  return Math.max(3 * 60_000, halfUp(items * 60 * 105 * 600, role.expected_per_hour!))
}

function halfUp(numerator: number, denominator: number): number {
  return Number((BigInt(numerator) * 2n + BigInt(denominator)) / (BigInt(denominator) * 2n))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
