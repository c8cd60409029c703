import type { Insertable } from 'kysely'
import { dayStage } from 'recalc-service'
import type { DailyScoresTable, Tx } from '../schema/tables.ts'
import { rowsOf, type ScoredDays, scoredDays } from './scored-days.ts'
import { derivedTable } from './write/derived-table.ts'

type Row = Omit<Insertable<DailyScoresTable>, 'employee_id' | 'score_date'>

const { fitting, ...table } = derivedTable<Row>({
  table: 'daily_scores',
  date: 'score_date',
  key: [],
  columns: ['items_processed', 'points_earned', 'clocked_minutes', 'idle_minutes', 'active_minutes', 'efficiency_rate'],
  decimals: { points_earned: [12, 2], efficiency_rate: [5, 4] },
})

/** One row per employee and day with a shift or an activity. */
export const dailyScores = dayStage<readonly Row[], ScoredDays, Tx>({
  name: 'daily_scores',
  title: 'Writing daily scores',
  reads: { scored_days: [0, 0] },
  writes: ['daily_scores'],
  load: async (_block, context) => context.valuesOf(scoredDays),
  calculate: (day, scored) =>
    fitting(
      rowsOf(day, scored, ({ score }) => [
        {
          items_processed: score.items,
          points_earned: score.points,
          clocked_minutes: score.clockedMinutes,
          idle_minutes: score.idleMinutes,
          active_minutes: score.activeMinutes,
          efficiency_rate: score.efficiency,
        },
      ]),
    ),
  ...table,
})
