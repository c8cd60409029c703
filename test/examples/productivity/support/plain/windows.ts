import { ascending, greatest, MINUTE, roundHalfUp } from './arithmetic.ts'
import type { PlainCalendar } from './calendar.ts'
import type { PlainShift, PlainSpan } from './shifts.ts'
import type { PlainActivity, PlainRole } from './sources.ts'

export interface PlainWindow extends PlainSpan {
  readonly id: number
  readonly items: number
  readonly role: PlainRole
  /** The day that its items count for. */
  readonly workDate: string
  /** The calendar day of its start. */
  readonly startDate: string
}

/** Rule 2; `shifts` are all of the employee's, of whatever day. */
export function windowFrom(
  row: PlainActivity,
  roles: readonly PlainRole[],
  shifts: readonly PlainShift[],
  calendar: PlainCalendar,
  now: number,
): PlainWindow {
  const startDate = calendar.dateOf(row.window_start)
  const around = shifts.filter(({ start, end }) => start <= row.window_start && row.window_start < end)
  return {
    id: row.id,
    start: row.window_start,
    end: [row.window_end, now].some((end) => end < row.window_start)
      ? row.window_start
      : ascending([row.window_end, now])[0]!,
    items: row.items_count,
    role: roles.find(({ id }) => id === row.role_id)!,
    workDate: greatest(around, ({ start }) => start)?.date ?? startDate,
    startDate,
  }
}

/** The windows of rule 4 that a merged shift sees, cut off where it begins and ends. */
export function windowsWithin(shift: PlainSpan, windows: readonly PlainWindow[]): readonly PlainWindow[] {
  const touches = ({ start, end }: PlainSpan) =>
    start === end ? shift.start <= start && start < shift.end : start < shift.end && end > shift.start
  return windows.filter(touches).map((window) => clippedTo(shift, window))
}

export function clippedTo(shift: PlainSpan, window: PlainWindow): PlainWindow {
  return { ...window, start: Math.max(window.start, shift.start), end: Math.min(window.end, shift.end) }
}

/** The window that gives the latest end; of several the one that began last, and of those the one with the highest id. */
export function latestOf(windows: readonly PlainWindow[]): PlainWindow | undefined {
  return greatest(
    windows,
    ({ end }) => end,
    ({ start }) => start,
    ({ id }) => id,
  )
}

/** How long nothing may follow a window before that is idle time, in milliseconds. */
export function thresholdAfter({ items, role }: Pick<PlainWindow, 'items' | 'role'>): number {
  if (role.role_type === 'continuous') return role.idle_threshold_minutes! * MINUTE
  // items × 60 / expected × 1.05 minutes
  const allowed = roundHalfUp(BigInt(items) * 63n * BigInt(MINUTE), BigInt(role.expected_per_hour!))
  return Math.max(3 * MINUTE, allowed)
}
