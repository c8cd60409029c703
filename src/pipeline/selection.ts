import { InvalidRequestError } from '../errors.ts'
import { expected } from '../expectation.ts'
import { periodsBeforeDays } from './days-behind-periods.ts'
import { type PeriodStage, readsOwnPrevious } from './period-stage.ts'
import { outputsOf, type Pipeline, readsOwnYesterday } from './pipeline.ts'
import { DAILY_CALC, differenceOf, type StageShape, shapeOfDailyCalc, shapeOfStage } from './stage-shape.ts'
import type { DailyCalc, DayStage, TenantStage } from './stages.ts'

/** A day stage in a pass. */
export interface PassStage<Tx> {
  readonly stage: DayStage<Tx>
  /** False for a stage that keeps nothing or that nobody asked for: it is calculated only because a later one builds on it. */
  readonly saves: boolean
  /** It gets its own value of the day before. */
  readonly readsOwnYesterday: boolean
  /** It reads a table that an earlier stage of the pass writes: that one must have saved before this one loads. */
  readonly readsPass: boolean
}

/** Everything that one run does: the pass over employee-days and periods, then the tenant stages. */
export interface Selection<Tx> {
  readonly dailyCalc: DailyCalc<Tx> | undefined
  readonly dayStages: readonly PassStage<Tx>[]
  /** They follow the days, in the same units of work. */
  readonly periodStages: readonly PeriodStage<Tx>[]
  /** Those of which day stages read earlier periods: a block ends where such a period does. */
  readonly periodsBeforeDays: readonly PeriodStage<Tx>[]
  readonly tenantStages: readonly TenantStage<Tx>[]
  /** A day builds on the days before it, so a failed day blocks the later ones of its employee. */
  readonly daysBuildOnEarlier: boolean
  /** What a plan freezes of it, in the order in which it runs. */
  readonly shapes: readonly StageShape[]
}

/**
 * What a request for some tables runs; everything when `tables` is undefined.
 *
 * @param blockDays The most dates of a block of a `dailyCalc` that loads.
 * @throws {InvalidRequestError} for a table that no stage writes.
 */
export function selectTables<Tx>(
  pipeline: Pipeline<Tx>,
  tables: readonly string[] | undefined,
  blockDays: number,
): Selection<Tx> {
  const all = [...pipeline.dayStages, ...pipeline.periodStages, ...pipeline.tenantStages]
  for (const table of tables ?? []) {
    if (!pipeline.tables.includes(table)) {
      const known = pipeline.tables.map((name) => `"${name}"`).join(', ')
      const expectation = known ? `made of ${known}` : 'left out: dailyCalc names no tables'
      throw new InvalidRequestError(expected('tables', expectation, table))
    }
  }
  const asked = tables ? all.filter(({ writes }) => writes.some((table) => tables.includes(table))) : all
  const names = new Set(asked.map(({ name }) => name))
  if (!tables) names.add(DAILY_CALC)
  return selectNames(pipeline, names, blockDays)
}

/** What a frozen plan runs, from today's stages; or in what these differ from it. */
export function selectFrozen<Tx>(
  pipeline: Pipeline<Tx>,
  frozen: readonly StageShape[],
  blockDays: number,
): Selection<Tx> | { readonly difference: string } {
  const names = new Set(frozen.filter(({ saves, kind }) => saves || kind === 'unrecorded').map(({ name }) => name))
  const selection = selectNames(pipeline, names, blockDays)
  const difference = differenceOf(frozen, selection.shapes)
  if (difference !== undefined) return { difference }
  const place = new Map(frozen.map(({ name }, i) => [name, i]))
  const tenantStages = selection.tenantStages.toSorted((a, b) => (place.get(a.name) ?? 0) - (place.get(b.name) ?? 0))
  return { ...selection, tenantStages }
}

function selectNames<Tx>(pipeline: Pipeline<Tx>, names: ReadonlySet<string>, blockDays: number): Selection<Tx> {
  const dailyCalc = names.has(DAILY_CALC) ? pipeline.dailyCalc : undefined
  const dayStages = passStages(pipeline.dayStages, names)
  const periodStages = pipeline.periodStages.filter(({ name }) => names.has(name))
  const tenantStages = pipeline.tenantStages.filter(({ name }) => names.has(name))
  const shapes = [
    ...(dailyCalc ? [shapeOfDailyCalc(dailyCalc, blockDays)] : []),
    ...dayStages.map(({ stage, saves, readsOwnYesterday: carries }) => shapeOfStage(stage, { saves, carries })),
    ...periodStages.map((stage) => shapeOfStage(stage, { saves: true, carries: readsOwnPrevious(stage) })),
    ...tenantStages.map((stage) => shapeOfStage(stage, { saves: true, carries: false })),
  ]
  const beforeDays = periodsBeforeDays(
    periodStages,
    dayStages.map(({ stage }) => stage),
  )
  const daysBuildOnEarlier =
    beforeDays.length > 0 || dayStages.some(({ stage }) => readsEarlierDaysOf(stage, dayStages))
  return {
    dailyCalc,
    dayStages,
    periodStages,
    periodsBeforeDays: beforeDays,
    tenantStages,
    daysBuildOnEarlier,
    shapes,
  }
}

function passStages<Tx>(ordered: readonly DayStage<Tx>[], asked: ReadonlySet<string>): readonly PassStage<Tx>[] {
  const needed = new Set<string>()
  const selected: PassStage<Tx>[] = []
  // From the last to the first, so that what a stage reads is known before the stage that writes it is met.
  for (const stage of ordered.toReversed()) {
    const saves = asked.has(stage.name) && stage.save !== undefined
    if (!saves && !outputsOf(stage).some((output) => needed.has(output))) continue
    const earlier = ordered.slice(0, ordered.indexOf(stage)).flatMap(({ writes }) => writes)
    const readsPass = Object.keys(stage.reads).some((table) => earlier.includes(table))
    for (const table of Object.keys(stage.reads)) needed.add(table)
    selected.unshift({ stage, saves, readsOwnYesterday: readsOwnYesterday(stage), readsPass })
  }
  return selected
}

function readsEarlierDaysOf<Tx>(stage: DayStage<Tx>, pass: readonly PassStage<Tx>[]): boolean {
  const written = new Set(pass.flatMap((member) => member.stage.writes))
  return Object.entries(stage.reads).some(([table, [first]]) => first < 0 && written.has(table))
}
