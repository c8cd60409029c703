import type { Insertable, Selectable } from 'kysely'
import { type DayKey, dayKey, dayStage, type EmployeeDay } from 'recalc-service'
import { grouped } from '../grouped.ts'
import { divideHalfUp, floorToMinutes, hundredths, MINUTE } from '../scoring/arithmetic.ts'
import type { ScoredDay } from '../scoring/score-day.ts'
import { lengthOf, type Span } from '../scoring/span.ts'
import type { IdlePeriodsTable, Tx } from '../tables.ts'
import { batches, datesByEmployee } from './batches.ts'

type IdlePeriodRow = Selectable<IdlePeriodsTable>

/** An idle period as the table has it. */
interface StoredIdlePeriod extends Span {
  readonly durationMinutes: number
  /** In hundredths. */
  readonly thresholdMinutes: number
}

type DayIdlePeriods = readonly StoredIdlePeriod[]

/** Writes the idle periods that scoring the day has found; a day without any has no rows. */
export const idlePeriods = dayStage<DayIdlePeriods, ReadonlyMap<DayKey, ScoredDay | null>, Tx>({
  name: 'idle_periods',
  title: 'Writing idle periods',
  reads: { daily_scores: [0, 0] },
  writes: ['idle_periods'],

  async load(_block, context) {
    return context.valuesOf<ScoredDay>('daily_scores')
  },

  calculate(day, scoredDays) {
    const found = scoredDays.get(dayKey(day))?.idlePeriods ?? []
    if (found.length === 0) return null
    return found.map(({ start, end, threshold }) => ({
      start,
      end,
      durationMinutes: floorToMinutes(lengthOf({ start, end })),
      thresholdMinutes: divideHalfUp(threshold * 100, MINUTE),
    }))
  },

  async stored(block, { tx }) {
    const rows = await tx
      .selectFrom('idle_periods')
      .selectAll()
      .where('employee_id', 'in', block.employeeIds)
      .where('work_date', '>=', block.from)
      .where('work_date', '<=', block.to)
      .orderBy('employee_id')
      .orderBy('work_date')
      .orderBy('start_time')
      .execute()
    const byDay = grouped(rows, (row) => dayKey({ employeeId: row.employee_id, date: row.work_date }))
    return new Map([...byDay].map(([key, own]) => [key, own.map(idlePeriodFrom)]))
  },

  async save({ upserts, deletes }, { tx }) {
    const days = [...upserts.map(({ day }) => day), ...deletes]
    for (const gone of datesByEmployee(days)) {
      await tx
        .deleteFrom('idle_periods')
        .where((column) =>
          column.or(
            gone.map(({ employeeId, dates }) =>
              column.and([column('employee_id', '=', employeeId), column('work_date', 'in', dates)]),
            ),
          ),
        )
        .execute()
    }
    const rows = upserts.flatMap(({ day, value }) => value.map((period) => rowFrom(day, period)))
    for (const batch of batches(rows)) await tx.insertInto('idle_periods').values(batch).execute()
  },
})

function idlePeriodFrom(row: IdlePeriodRow): StoredIdlePeriod {
  return {
    start: row.start_time,
    end: row.end_time,
    durationMinutes: row.duration_minutes,
    thresholdMinutes: hundredths(row.threshold_minutes),
  }
}

function rowFrom({ employeeId, date }: EmployeeDay, period: StoredIdlePeriod): Insertable<IdlePeriodsTable> {
  return {
    employee_id: employeeId,
    work_date: date,
    start_time: period.start,
    end_time: period.end,
    duration_minutes: period.durationMinutes,
    threshold_minutes: period.thresholdMinutes / 100,
  }
}
