import { fromEpochDay, toEpochDay } from '../calendar/epoch-day.ts'
import type { ReadingPipeline } from '../pipeline/affected-days.ts'
import { readsOwnPrevious } from '../pipeline/period-stage.ts'
import { outputsOf } from '../pipeline/pipeline.ts'
import { periodsReading, readsOfTable } from '../pipeline/reading-periods.ts'
import type { DaySpan } from './day-set.ts'

/** The days of a stage that a change touches; without an end where a value is carried on. */
export interface TouchedStage {
  readonly stage: string
  readonly first: number
  /** `null`: without end. */
  readonly last: number | null
}

/**
 * The periods that a change touches at most, as the days that they hold.
 *
 * @param spans Where the changed table is different.
 * @param stages What the change touches of day stages.
 */
export function affectedPeriods(
  pipeline: ReadingPipeline,
  changed: { readonly table: string; readonly spans: readonly DaySpan[] },
  stages: readonly TouchedStage[],
  bounds: DaySpan,
): readonly TouchedStage[] {
  const touched = [...stages]
  const tablesOf = new Map([...pipeline.dayStages, ...pipeline.periodStages].map((one) => [one.name, outputsOf(one)]))
  const limits = { from: fromEpochDay(bounds.first), to: fromEpochDay(bounds.last) }
  for (const stage of pipeline.periodStages) {
    const own = changed.spans.map(({ first, last }) => ({ tables: [changed.table], first, last }))
    const others = touched.map(({ stage: name, first, last }) => ({ tables: tablesOf.get(name) ?? [], first, last }))
    const reached = [...own, ...others].flatMap(({ tables, first, last }) =>
      tables.flatMap((table) => {
        const reads = readsOfTable(stage, table)
        if (reads === undefined) return []
        const days = { from: fromEpochDay(first), to: fromEpochDay(last ?? Math.max(first, bounds.last)) }
        const periods = periodsReading(stage.period, reads, days, limits)
        const [begin, end] = [periods[0], periods.at(-1)]
        if (!begin || !end) return []
        return [{ first: toEpochDay(begin.from), last: last === null ? null : toEpochDay(end.to) }]
      }),
    )
    if (reached.length === 0) continue
    const isEndless = readsOwnPrevious(stage) || reached.some(({ last }) => last === null)
    touched.push({
      stage: stage.name,
      first: Math.min(...reached.map(({ first }) => first)),
      last: isEndless ? null : Math.max(...reached.map(({ last }) => Number(last))),
    })
  }
  return touched.slice(stages.length)
}
