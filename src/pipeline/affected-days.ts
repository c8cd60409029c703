import { InvalidRequestError } from '../errors.ts'
import { expected } from '../expectation.ts'
import type { DayOffsets } from './day-offsets.ts'
import type { PeriodStage } from './period-stage.ts'
import { outputsOf, type Pipeline, readsOwnYesterday } from './pipeline.ts'
import { readsOfTable } from './reading-periods.ts'
import { DAILY_CALC } from './stage-shape.ts'

/** The days that a change at one day touches, relative to that day: from `first` to `last`, which may be infinite. */
export interface Reach {
  readonly first: number
  readonly last: number
}

/** A change touches only the day that it is at. */
const OWN_DAY: Reach = { first: 0, last: 0 }

/** The part of a pipeline that says what reads what. */
export type ReadingPipeline = Pick<Pipeline<never>, 'dailyCalc' | 'dayStages' | 'periodStages' | 'tenantStages'>

/** A day read at `[first, last]` is read by the days from `-last` to `-first` around it. */
function reachOf([first, last]: DayOffsets): Reach {
  // Without the sum a zero would become -0.
  return { first: 0 - last, last: 0 - first }
}

/**
 * Which days of which stage a change of a table touches at first hand. A stage is touched by what it reads, and by its own
 * table, when somebody else has written to it.
 */
export function directReach(pipeline: ReadingPipeline, table: string): ReadonlyMap<string, Reach> {
  const { dailyCalc, dayStages, periodStages } = pipeline
  const reach = new Map<string, Reach>()
  // What days read of it is counted in periods: see `daysReadingPeriods`.
  if (periodStages.some(({ writes }) => writes.includes(table))) return reach
  if (dailyCalc) {
    const offsets = dailyCalc.reads ? dailyCalc.reads[table] : ([0, 0] as const)
    if (offsets) reach.set(DAILY_CALC, reachOf(offsets))
  }
  for (const { name, reads, writes } of dayStages) {
    const read = reads[table] && reachOf(reads[table])
    const own = writes.includes(table) ? OWN_DAY : undefined
    const both = hull(read, own)
    if (both) reach.set(name, both)
  }
  return reach
}

/**
 * Which days of which stage a change of a table touches at most: also through the tables of stages that it touches, and
 * without end where a value is carried on. How far it really gets is only known once values are compared.
 */
export function affectedReach(pipeline: ReadingPipeline, table: string): ReadonlyMap<string, Reach> {
  const direct = directReach(pipeline, table)
  const reach = new Map<string, Reach>()
  const daily = direct.get(DAILY_CALC)
  if (daily) reach.set(DAILY_CALC, daily)
  // In the order of the pipeline: what a stage reads is known before the stage itself.
  for (const stage of pipeline.dayStages) {
    let own = direct.get(stage.name)
    for (const writer of pipeline.dayStages) {
      const written = reach.get(writer.name)
      if (!written || writer === stage) continue
      for (const output of outputsOf(writer)) {
        const offsets = stage.reads[output]
        if (offsets) own = hull(own, sum(written, reachOf(offsets)))
      }
    }
    if (own) reach.set(stage.name, readsOwnYesterday(stage) ? { ...own, last: Number.POSITIVE_INFINITY } : own)
  }
  return reach
}

/** The tenant stages that read a table. */
export function tenantReaders(pipeline: ReadingPipeline, tables: readonly string[]): readonly string[] {
  const touched = ({ reads }: { readonly reads: readonly string[] }) => tables.some((table) => reads.includes(table))
  return pipeline.tenantStages.filter(touched).map(({ name }) => name)
}

/** True when a change of the table means something to days or periods of employees. */
export function isReadPerEmployee(pipeline: ReadingPipeline, table: string): boolean {
  return directReach(pipeline, table).size > 0 || periodReaders(pipeline, table).length > 0
}

/** The period stages that read a table at first hand, or keep it. */
export function periodReaders(pipeline: ReadingPipeline, table: string): readonly PeriodStage<never>[] {
  return pipeline.periodStages.filter((stage) => readsOfTable(stage, table) !== undefined)
}

/** True when a change of the table means something to a stage. */
export function isKnownTable(pipeline: ReadingPipeline, table: string): boolean {
  return isReadPerEmployee(pipeline, table) || tenantReaders(pipeline, [table]).length > 0
}

/**
 * Refuses a table that nothing reads: most likely its name was misspelled.
 *
 * @throws {InvalidRequestError} that names the tables that are read.
 */
export function checkTableIsRead(pipeline: ReadingPipeline, table: string): void {
  if (isKnownTable(pipeline, table)) return
  const { dailyCalc, dayStages, periodStages, tenantStages } = pipeline
  const read = [
    ...Object.keys(dailyCalc?.reads ?? {}),
    ...[...dayStages, ...periodStages].flatMap(({ reads, writes }) => [...Object.keys(reads), ...writes]),
    ...tenantStages.flatMap(({ reads }) => reads),
  ]
  const known = [...new Set(read)].toSorted().map((name) => `"${name}"`)
  throw new InvalidRequestError(expected('table', `one that a stage reads (${known.join(', ') || 'none'})`, table))
}

function hull(a: Reach | undefined, b: Reach | undefined): Reach | undefined {
  if (!a || !b) return a ?? b
  return { first: Math.min(a.first, b.first), last: Math.max(a.last, b.last) }
}

function sum(a: Reach, b: Reach): Reach {
  return { first: a.first + b.first, last: a.last + b.last }
}
