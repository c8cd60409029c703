import { type Calculation, type DayKey, type DayStage, dayKey, dayStage, type EmployeeDay } from 'recalc-service'
import type { Tx } from '../schema/tables.ts'
import { type RoleChange, underChange } from '../scoring/role-change.ts'
import { type ScoredDay, scoreDay } from '../scoring/score-day.ts'
import type { AsOf } from './as-of.ts'
import { type BlockFacts, loadFacts } from './read/load-facts.ts'

/** What the stages behind this one build on: its name in `reads`, its values in `valuesOf`. */
export const scoredDays: Calculation<ScoredDay> = { name: 'scored_days' }

/** The values of `scoredDays` by day. */
export type ScoredDays = ReadonlyMap<DayKey, ScoredDay | null>

/** Rules 1 to 6, once for all tables that are filled from them. Keeps nothing itself. */
export function scoredDaysStage(asOf: AsOf, change?: RoleChange): DayStage<Tx, ScoredDay> {
  return dayStage<ScoredDay, BlockFacts, Tx>({
    name: scoredDays.name,
    title: 'Scoring days',
    reads: {
      role_configs: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
      // A shift counts for 24 hours at most. Those of earlier days take time away, and those that begin while the day's own
      // still runs take activities. That is a day in either direction, and two where one of them has 23 hours.
      clock_times: [-2, 2],
      // A window may have begun any time before. Those that begin in the day's shifts are its own.
      activity_logs: [Number.NEGATIVE_INFINITY, 2],
    },
    writes: [],
    load: (block, context) => loadFacts(block, context, asOf(context)),

    calculate({ employeeId, date }, { days, employees }) {
      const day = days.get(date)
      const facts = employees.get(employeeId)
      if (!day || !facts) throw new Error(`Expected ${employeeId} on ${date} to be in the block that was loaded`)
      return scoreDay(underChange(facts.on(day), date, change))
    },
  })
}

/** The day's rows as `rowsFrom` makes them; `null` for a day that has none. */
export function rowsOf<Row>(
  day: EmployeeDay,
  scored: ScoredDays,
  rowsFrom: (scored: ScoredDay) => readonly Row[],
): readonly Row[] | null {
  const found = scored.get(dayKey(day))
  const rows = found ? rowsFrom(found) : []
  return rows.length === 0 ? null : rows
}
