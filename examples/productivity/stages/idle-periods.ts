import type { Insertable } from 'kysely'
import { dayStage } from 'recalc-service'
import type { IdlePeriodsTable, Tx } from '../schema/tables.ts'
import { divideHalfUp, floorToMinutes, MINUTE } from '../scoring/arithmetic.ts'
import { lengthOf } from '../scoring/span.ts'
import { rowsOf, type ScoredDays, scoredDays } from './scored-days.ts'
import { derivedTable } from './write/derived-table.ts'

type Row = Omit<Insertable<IdlePeriodsTable>, 'employee_id' | 'work_date'>

const { fitting, ...table } = derivedTable<Row>({
  table: 'idle_periods',
  date: 'work_date',
  key: ['start_time'],
  columns: ['start_time', 'end_time', 'duration_minutes', 'threshold_minutes'],
  decimals: { threshold_minutes: [8, 2] },
})

/** The idle periods that scoring the day has found. */
export const idlePeriods = dayStage<readonly Row[], ScoredDays, Tx>({
  name: 'idle_periods',
  title: 'Writing idle periods',
  reads: { scored_days: [0, 0] },
  writes: ['idle_periods'],
  load: async (_block, context) => context.valuesOf(scoredDays),
  calculate: (day, scored) =>
    fitting(
      rowsOf(day, scored, (found) =>
        found.idlePeriods.map((period) => ({
          start_time: period.start,
          end_time: period.end,
          duration_minutes: floorToMinutes(lengthOf(period)),
          threshold_minutes: divideHalfUp(period.threshold * 100, MINUTE),
        })),
      ),
    ),
  ...table,
})
