import { dateOf, dayBounds, type IsoDate } from 'recalc-service'
import type { Database } from '../../../../examples/productivity/tables.ts'
import { boundsOf } from './facts.ts'
import { plainScore } from './plain-score.ts'
import type { Row } from './rows.ts'

/** Everything that is derived in a database, in one order. */
export async function derivedRows(db: Database) {
  const scores = db.selectFrom('daily_scores').selectAll().orderBy('employee_id').orderBy('score_date')
  const idle = db
    .selectFrom('idle_periods')
    .selectAll()
    .orderBy('employee_id')
    .orderBy('work_date')
    .orderBy('start_time')
  return { dailyScores: await scores.execute(), idlePeriods: await idle.execute() }
}

/** What ought to be derived, by the rules applied word by word, in the same order. */
export function expectedRows(input: {
  readonly zone: string
  readonly dates: readonly IsoDate[]
  readonly now: number
  readonly roles: readonly Row<'role_configs'>[]
  readonly clockTimes: readonly Row<'clock_times'>[]
  readonly activityLogs: readonly Row<'activity_logs'>[]
}) {
  const { zone, dates, clockTimes, activityLogs } = input
  const employeeIds = new Set([...clockTimes, ...activityLogs].map((row) => row.employee_id))
  const days = [...employeeIds].sort().flatMap((employeeId) =>
    dates.flatMap((date) => {
      const own = <T extends { employee_id: string }>(rows: readonly T[]) =>
        rows.filter((row) => row.employee_id === employeeId)
      const scored = plainScore({
        ...input,
        clockTimes: own(clockTimes),
        activityLogs: own(activityLogs),
        day: boundsOf(date, zone),
        endOfDayOf: (instant) => dayBounds(dateOf(new Date(instant), zone), zone).end.getTime(),
      })
      return scored ? [{ employeeId, date, ...scored }] : []
    }),
  )
  return {
    dailyScores: days.map(({ employeeId, date, score }) => ({
      employee_id: employeeId,
      score_date: date,
      items_processed: score.items,
      points_earned: score.points / 100,
      clocked_minutes: score.clockedMinutes,
      idle_minutes: score.idleMinutes,
      active_minutes: score.activeMinutes,
      efficiency_rate: score.efficiency / 10_000,
    })),
    idlePeriods: days.flatMap(({ employeeId, date, idlePeriods }) =>
      idlePeriods.map(({ start, end, threshold }) => ({
        employee_id: employeeId,
        work_date: date,
        start_time: start,
        end_time: end,
        duration_minutes: Math.floor((end - start) / 60_000),
        threshold_minutes: Math.floor(threshold / 600 + 0.5) / 100,
      })),
    ),
  }
}
