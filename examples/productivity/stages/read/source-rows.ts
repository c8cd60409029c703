import { LONG } from '../../schema/migrations.ts'
import type { Tx } from '../../schema/tables.ts'
import { LONGEST_SHIFT } from '../../scoring/shift.ts'
import type { Span } from '../../scoring/span.ts'

/** Whose rows, and from when to when. */
export interface Stretch extends Span {
  readonly employeeIds: readonly string[]
}

/** An employee whose shift runs on behind the stretch, and until when. */
export interface Overrun {
  readonly employeeId: string
  readonly until: number
}

/** The shifts that touch the stretch or a shift from within, and some that do not: none counts for longer than a day. */
export function clockTimesAround(tx: Tx, { employeeIds, start, end }: Stretch) {
  return tx
    .selectFrom('clock_times')
    .select(['employee_id', 'clock_in', 'clock_out', 'break_minutes'])
    .where('employee_id', 'in', employeeIds)
    .where('clock_in', '>=', start - LONGEST_SHIFT)
    .where('clock_in', '<', end + LONGEST_SHIFT)
    .execute()
}

/** The activities that touch the stretch or begin in an overrun, and some that do not. */
export function activityLogsTouching(tx: Tx, { employeeIds, start, end }: Stretch, overruns: readonly Overrun[]) {
  const rows = tx
    .selectFrom('activity_logs')
    .select(['id', 'employee_id', 'role_id', 'window_start', 'window_end', 'items_count'])
  const inTime = rows
    .where('employee_id', 'in', employeeIds)
    .where('window_start', '>=', start - LONG)
    .where('window_start', '<', end)
  const begunLongBefore = rows
    .where('employee_id', 'in', employeeIds)
    .where('long_window_end', '>', start)
    .where('window_start', '<', start - LONG)
  const touching = inTime.unionAll(begunLongBefore)
  if (overruns.length === 0) return touching.execute()

  const inOverruns = rows.where((column) =>
    column.or(
      overruns.map(({ employeeId, until }) =>
        column.and([
          column('employee_id', '=', employeeId),
          column('window_start', '>=', end),
          column('window_start', '<', until),
        ]),
      ),
    ),
  )
  return touching.unionAll(inOverruns).execute()
}
