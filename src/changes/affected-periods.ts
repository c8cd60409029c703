import { fromEpochDay, toEpochDay } from '../calendar/epoch-day.ts'
import type { ReadingPipeline } from '../pipeline/affected-days.ts'
import { daysReadingPeriods } from '../pipeline/days-behind-periods.ts'
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
 * What a change touches at most: days, their periods, and, where days read earlier periods, all days behind these.
 *
 * @param ofDays What it touches of day stages without a look at periods.
 */
export function affectedStages(
  pipeline: ReadingPipeline,
  changed: { readonly table: string; readonly spans: readonly DaySpan[] },
  ofDays: readonly TouchedStage[],
  bounds: DaySpan,
): readonly TouchedStage[] {
  const days = new Map(ofDays.map((touched) => [touched.stage, touched]))
  for (;;) {
    const periods = affectedPeriods(pipeline, changed, [...days.values()], bounds)
    let hasMore = false
    for (const stage of pipeline.dayStages) {
      const before = days.get(stage.name)
      const endless = [...days.values()].filter(({ stage: name, last }) => name !== stage.name && last === null)
      const read = pipeline.dayStages.filter((other) => outputsOf(other).some((output) => output in stage.reads))
      const firsts = [
        ...endless.filter((touched) => read.some(({ name }) => name === touched.stage)).map(({ first }) => first),
        ...periods.flatMap((touched) => firstBehind(pipeline, stage, touched, bounds)),
      ]
      if (firsts.length === 0) continue
      const first = Math.min(...firsts, before?.first ?? Number.POSITIVE_INFINITY)
      if (before?.last === null && before.first === first) continue
      days.set(stage.name, { stage: stage.name, first, last: null })
      hasMore = true
    }
    if (!hasMore)
      return [...pipeline.dayStages.flatMap(({ name }) => days.get(name) ?? []), ...others(days, pipeline), ...periods]
  }
}

/** Of a `dailyCalc`, which is no day stage. */
function others(days: ReadonlyMap<string, TouchedStage>, { dayStages }: ReadingPipeline): readonly TouchedStage[] {
  return [...days.values()].filter(({ stage }) => !dayStages.some(({ name }) => name === stage))
}

/** The first day behind some touched periods that reads one of them. */
function firstBehind(
  { periodStages }: ReadingPipeline,
  reader: ReadingPipeline['dayStages'][number],
  { stage, first }: TouchedStage,
  bounds: DaySpan,
): readonly number[] {
  const writer = periodStages.find(({ name }) => name === stage)
  const day = fromEpochDay(first)
  const to = fromEpochDay(Math.max(first, bounds.last))
  const days = writer && daysReadingPeriods(reader, writer, { from: day, to: day }, { from: day, to })
  return days ? [toEpochDay(days.from)] : []
}

/**
 * The periods that a change touches at most, as the days that they hold.
 *
 * @param spans Where the changed table is different.
 * @param stages What the change touches of day stages.
 */
function affectedPeriods(
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
