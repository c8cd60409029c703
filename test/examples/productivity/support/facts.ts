import { dateOf, dayBounds, type IsoDate } from 'recalc-service'
import { type ActivityWindow, windowEnd } from '../../../../examples/productivity/scoring/activity-window.ts'
import { type Role, roleFrom } from '../../../../examples/productivity/scoring/role.ts'
import { type Shift, shiftEnd } from '../../../../examples/productivity/scoring/shift.ts'
import type { Span } from '../../../../examples/productivity/scoring/span.ts'
import type { Row } from './rows.ts'

/** A day's bounds in milliseconds. */
export function boundsOf(date: IsoDate | string, zone: string): Span {
  const { start, end } = dayBounds(date, zone)
  return { start: start.getTime(), end: end.getTime() }
}

/** Where the calendar day of an instant ends. */
function endOfDay(instant: number, zone: string): number {
  return boundsOf(dateOf(new Date(instant), zone), zone).end
}

export function shiftOf(row: Row<'clock_times'>, zone: string, now: number): Shift {
  const end = shiftEnd(row.clock_in, row.clock_out, endOfDay(row.clock_in, zone), now)
  return { start: row.clock_in, end, breakMinutes: row.break_minutes, isOpen: row.clock_out === null }
}

export function windowOf(row: Row<'activity_logs'>, roles: readonly Row<'role_configs'>[]): ActivityWindow {
  const role: Role = roleFrom(roles.find(({ id }) => id === row.role_id)!)
  const end = windowEnd(row.window_start, row.window_end)
  return { id: row.id, start: row.window_start, end, items: row.items_count, role }
}
