import type { Insertable } from 'kysely'
import type { Random } from '../../../shared/random.ts'
import type { ActivityLogsTable, ClockTimesTable } from '../../schema/tables.ts'
import { MINUTE } from '../../scoring/arithmetic.ts'
import type { Span } from '../../scoring/span.ts'
import { roleConfigs } from './roles.ts'

/** How a planned shift was clocked: some minutes off, now and then twice, now and then without clocking out. */
export function* clockedTimes(
  employeeId: string,
  planned: Span,
  random: Random,
): Generator<Insertable<ClockTimesTable>> {
  const clockIn = planned.start + random.integer(-15 * 60, 15 * 60) * 1000
  const clockOut = planned.end + random.integer(-15 * 60, 30 * 60) * 1000
  const isLong = planned.end - planned.start > 6 * 60 * MINUTE
  yield {
    employee_id: employeeId,
    clock_in: clockIn,
    clock_out: random.percent(3) ? null : clockOut,
    break_minutes: isLong ? random.pick([30, 30, 45]) : 0,
  }
  if (random.percent(2)) {
    const again = clockIn + random.integer(60, 180) * MINUTE
    yield { employee_id: employeeId, clock_in: again, clock_out: clockOut + 10 * MINUTE, break_minutes: 0 }
  }
}

/** What was done in a planned shift, and in the minutes after it: activities with pauses between them, some of them long. */
export function* activities(
  employeeId: string,
  planned: Span,
  random: Random,
): Generator<Insertable<ActivityLogsTable>> {
  const roles = [random.pick(roleConfigs), random.pick(roleConfigs)] as const
  let start = planned.start + random.integer(0, 25 * 60) * 1000
  while (start < planned.end + 5 * MINUTE) {
    const role = random.pick(roles)
    const end = start + activityLength(random)
    yield {
      employee_id: employeeId,
      role_id: role.id,
      window_start: start,
      window_end: end,
      items_count: random.integer(1, role.expected_per_hour ?? 6),
    }
    const overlaps = random.percent(10)
    start = overlaps ? start + MINUTE : Math.min(Math.max(start, end), start + 30 * MINUTE) + pause(random)
  }
}

/** Mostly minutes; sometimes a mere booking, a clock that ran backwards, or something left open for two days. */
function activityLength(random: Random): number {
  if (random.percent(0.2)) return 48 * 60 * MINUTE
  if (random.percent(0.5)) return -random.integer(1, 60_000)
  if (random.percent(15)) return 0
  return random.integer(2 * MINUTE, 25 * MINUTE)
}

function pause(random: Random): number {
  return random.percent(12) ? random.integer(5 * MINUTE, 45 * MINUTE) : random.integer(1000, 3 * MINUTE)
}
