import { isDeepStrictEqual } from 'node:util'
import type { Insertable, Selectable } from 'kysely'
import { type DayKey, dayKey, dayStage, type EmployeeDay } from 'recalc-service'
import { hundredths, tenThousandths } from '../scoring/arithmetic.ts'
import { type DayScore, type ScoredDay, scoreDay } from '../scoring/score-day.ts'
import type { DailyScoresTable, Tx } from '../tables.ts'
import { batches, datesByEmployee } from './batches.ts'
import { type BlockFacts, loadFacts } from './load-facts.ts'

type DailyScoreRow = Selectable<DailyScoresTable>

/** Rules 1 to 6: one row per employee and day. Its values carry the idle periods too, for the stages that come after. */
export const dailyScores = dayStage<ScoredDay, BlockFacts, Tx>({
  name: 'daily_scores',
  title: 'Scoring days',
  reads: {
    // Yesterday's night shift may run into the day; tomorrow's may begin while the day's own still runs.
    clock_times: [-1, 1],
    // A window of days before may cover the day's shift (in real input they last three days at most; `load` finds longer
    // ones too), and a night shift ends on the next day.
    activity_logs: [-7, 1],
  },
  writes: ['daily_scores'],
  load: loadFacts,

  calculate({ employeeId, date }, { days, employees }) {
    const day = days.get(date)
    const facts = day && employees.get(employeeId)?.on(day)
    return facts ? scoreDay(facts) : null
  },

  async stored(block, { tx }) {
    const rows = await tx
      .selectFrom('daily_scores')
      .selectAll()
      .where('employee_id', 'in', block.employeeIds)
      .where('score_date', '>=', block.from)
      .where('score_date', '<=', block.to)
      .execute()
    // The idle periods are another table's: what is stored of them does not matter here, see `isEqual`.
    return new Map(rows.map((row) => [dayKeyOf(row), { score: scoreFrom(row), idlePeriods: [] }]))
  },

  isEqual(a, b) {
    return isDeepStrictEqual(a.score, b.score)
  },

  async save({ upserts, deletes }, { tx }) {
    for (const gone of datesByEmployee(deletes)) {
      await tx
        .deleteFrom('daily_scores')
        .where((column) =>
          column.or(
            gone.map(({ employeeId, dates }) =>
              column.and([column('employee_id', '=', employeeId), column('score_date', 'in', dates)]),
            ),
          ),
        )
        .execute()
    }
    for (const batch of batches(upserts)) {
      await tx
        .replaceInto('daily_scores')
        .values(batch.map(({ day, value }) => rowFrom(day, value.score)))
        .execute()
    }
  },
})

function dayKeyOf({ employee_id, score_date }: DailyScoreRow): DayKey {
  return dayKey({ employeeId: employee_id, date: score_date })
}

function scoreFrom(row: DailyScoreRow): DayScore {
  return {
    items: row.items_processed,
    points: hundredths(row.points_earned),
    clockedMinutes: row.clocked_minutes,
    idleMinutes: row.idle_minutes,
    activeMinutes: row.active_minutes,
    efficiency: tenThousandths(row.efficiency_rate),
  }
}

function rowFrom({ employeeId, date }: EmployeeDay, score: DayScore): Insertable<DailyScoresTable> {
  return {
    employee_id: employeeId,
    score_date: date,
    items_processed: score.items,
    points_earned: score.points / 100,
    clocked_minutes: score.clockedMinutes,
    idle_minutes: score.idleMinutes,
    active_minutes: score.activeMinutes,
    efficiency_rate: score.efficiency / 10_000,
  }
}
