import { dayBounds, type IsoDate } from 'recalc-service'
import { type ActivityWindow, windowEnd } from '../../../../examples/productivity/scoring/activity-window.ts'
import { type Role, roleFrom } from '../../../../examples/productivity/scoring/role.ts'
import type { Span } from '../../../../examples/productivity/scoring/span.ts'
import type { Row } from './rows.ts'

/** A day's bounds in milliseconds. */
export function boundsOf(date: IsoDate | string, zone: string): Span {
  const { start, end } = dayBounds(date, zone)
  return { start: start.getTime(), end: end.getTime() }
}

export function windowOf(
  row: Row<'activity_logs'>,
  roles: readonly Row<'role_configs'>[],
  now: number,
): ActivityWindow {
  const role: Role = roleFrom(roles.find(({ id }) => id === row.role_id)!)
  const end = windowEnd(row.window_start, row.window_end, now)
  return { id: row.id, start: row.window_start, end, items: row.items_count, role }
}
