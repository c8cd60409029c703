import { addDays, type DayKey, datesBetween, dayKey, dayStage, type IsoDate } from 'recalc-service'
import { AVERAGED_DAYS, RollingAverage, type WorkTimeAverage } from '../rules/average.ts'
import type { DailyValue } from '../rules/daily-value.ts'
import type { Tx } from '../schema/tables.ts'
import { dailyValues } from './daily-values.ts'
import { deleteDays, upsertRows } from './written-days.ts'

type Minutes = Pick<DailyValue, 'net' | 'credited' | 'target'>

interface Inputs {
  /** By employee: of the first to the last day that is read. */
  readonly averages: ReadonlyMap<string, RollingAverage>
  /** The place of a date among these days. */
  readonly places: ReadonlyMap<IsoDate, number>
  hasRow(key: DayKey): boolean
}

/** Rule 12. */
export const workTimeAverages = dayStage<WorkTimeAverage, Inputs, Tx>({
  name: 'work_time_averages',
  title: 'Averaging work time',
  reads: { daily_values: [1 - AVERAGED_DAYS, 0] },
  writes: ['work_time_averages'],

  async load({ employeeIds, from, to }, context) {
    const rows = await context.tx
      .selectFrom('daily_values')
      .select(['employee_id', 'work_date', 'net', 'credited', 'target'])
      .where('employee_id', 'in', employeeIds)
      .where('work_date', '>=', addDays(from, 1 - AVERAGED_DAYS))
      .where('work_date', '<=', to)
      .execute()
    // Days of a closed month are not calculated: what is stored of them counts.
    const stored = new Map<DayKey, Minutes>(rows.map((row) => [keyOf(row), row]))
    const calculated = context.valuesOf(dailyValues)
    const rowOf = (key: DayKey) => (calculated.has(key) ? calculated.get(key) : stored.get(key)) ?? undefined
    const dates = datesBetween(addDays(from, 1 - AVERAGED_DAYS), to)
    const averageOf = (employeeId: string) =>
      new RollingAverage(dates.map((date) => rowOf(dayKey({ employeeId, date }))))
    return {
      averages: new Map(employeeIds.map((employeeId) => [employeeId, averageOf(employeeId)])),
      places: new Map(dates.map((date, place) => [date, place])),
      hasRow: (key) => rowOf(key) !== undefined,
    }
  },

  calculate({ employeeId, date }, { averages, places, hasRow }) {
    const place = places.get(date)
    if (place === undefined || !hasRow(dayKey({ employeeId, date }))) return null
    return averages.get(employeeId)?.endingWith(place) ?? null
  },

  async stored({ employeeIds, from, to }, { tx }) {
    const rows = await tx
      .selectFrom('work_time_averages')
      .selectAll()
      .where('employee_id', 'in', employeeIds)
      .where('work_date', '>=', from)
      .where('work_date', '<=', to)
      .execute()
    return new Map(
      rows.map((row) => [
        keyOf(row),
        // Drivers give decimals as text or as binary fractions.
        { days: row.days, average: Math.round(Number(row.average) * 100), isOverLimit: row.over_limit === 1 },
      ]),
    )
  },

  async save({ upserts, deletes }, { tx }) {
    await deleteDays(tx, 'work_time_averages', deletes)
    await upsertRows(
      tx,
      'work_time_averages',
      ['employee_id', 'work_date'],
      upserts.map(({ day, value }) => ({
        employee_id: day.employeeId,
        work_date: day.date,
        days: value.days,
        average: value.average / 100,
        over_limit: value.isOverLimit ? 1 : 0,
      })),
    )
  },
})

function keyOf(row: { readonly employee_id: string; readonly work_date: string }): DayKey {
  return dayKey({ employeeId: row.employee_id, date: row.work_date })
}
