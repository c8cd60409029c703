import { PipelineError } from '../errors.ts'
import { orderStages } from './order.ts'
import type { DailyCalc, DayOffsets, DayStage, Stage, TenantStage } from './stages.ts'

/** The name under which a {@link DailyCalc} appears in errors and events. */
export const DAILY_CALC = 'dailyCalc'

/** A host's stages, checked and in the order in which they run. */
export interface Pipeline<Tx> {
  readonly dailyCalc: DailyCalc<Tx> | undefined
  readonly dayStages: readonly DayStage<Tx>[]
  readonly tenantStages: readonly TenantStage<Tx>[]
  /** Every table that a stage writes. */
  readonly tables: readonly string[]
}

/** A pipeline of one calculator that does its own reading and writing. */
export function dailyPipeline<Tx>(dailyCalc: DailyCalc<Tx>): Pipeline<Tx> {
  return { dailyCalc, dayStages: [], tenantStages: [], tables: [] }
}

/**
 * Checks and orders a host's stages.
 *
 * @throws {PipelineError} naming the stages that cannot work together.
 */
export function stagePipeline<Tx>(stages: readonly Stage<Tx>[]): Pipeline<Tx> {
  refuseDuplicateNames(stages)
  const writers = refuseSharedOutputs(stages)
  const dayStages = stages.filter((stage) => stage.kind === 'day')
  const tenantStages = stages.filter((stage) => stage.kind === 'tenant')
  for (const stage of dayStages) checkReads(stage, writers)
  refuseUselessStages(dayStages)
  return {
    dailyCalc: undefined,
    dayStages: orderStages(dayStages, {
      outputsOf: (stage) => outputsOf(stage),
      inputsOf: ({ reads }) => Object.keys(reads),
    }),
    tenantStages: orderStages(tenantStages, { outputsOf: ({ writes }) => writes, inputsOf: ({ reads }) => reads }),
    tables: stages.flatMap(({ writes }) => writes),
  }
}

/** What other stages name in their `reads` to build on this one: its tables, or its own name when it keeps nothing. */
export function outputsOf(stage: Stage<never>): readonly string[] {
  return stage.kind === 'day' && !stage.save ? [stage.name] : stage.writes
}

/** True when a stage builds on its own value of the day before. */
export function readsOwnYesterday(stage: DayStage<never>): boolean {
  return stage.writes.some((table) => (stage.reads[table]?.[0] ?? 0) < 0)
}

function refuseDuplicateNames(stages: readonly Stage<never>[]): void {
  const names = new Set<string>()
  for (const { name } of stages) {
    if (names.has(name)) throw new PipelineError(`Two stages are named "${name}"; names must be unique`, [name])
    names.add(name)
  }
}

function refuseSharedOutputs<Tx>(stages: readonly Stage<Tx>[]): ReadonlyMap<string, Stage<Tx>> {
  const writers = new Map<string, Stage<Tx>>()
  for (const stage of stages) {
    for (const table of outputsOf(stage)) {
      const other = writers.get(table)
      if (other) {
        const names = [other.name, stage.name]
        throw new PipelineError(`Stages "${names.join('" and "')}" both write "${table}"; one table, one stage`, names)
      }
      writers.set(table, stage)
    }
  }
  return writers
}

function checkReads<Tx>(stage: DayStage<Tx>, writers: ReadonlyMap<string, Stage<Tx>>): void {
  for (const [table, offsets] of Object.entries(stage.reads)) {
    const writer = writers.get(table)
    if (writer === stage) checkOwnTable(stage, table, offsets)
    else if (writer) checkOtherTable(stage, table, offsets, writer)
  }
}

function checkOwnTable(stage: DayStage<never>, table: string, [first, last]: DayOffsets): void {
  if (first !== -1 || last > 0) {
    throw new PipelineError(
      `Stage "${stage.name}" writes "${table}" and reads it at [${first}, ${last}]; ` +
        'of its own table a stage gets the day before, [-1, 0] or [-1, -1]; carry what is older in the value',
      [stage.name],
    )
  }
  if (!stage.save) {
    throw new PipelineError(`Stage "${stage.name}" keeps nothing, so it has no value of the day before to read`, [
      stage.name,
    ])
  }
  if (!stage.stored) {
    throw new PipelineError(
      `Stage "${stage.name}" reads the day before from its own table "${table}", so it needs \`stored\``,
      [stage.name],
    )
  }
}

function refuseUselessStages(dayStages: readonly DayStage<never>[]): void {
  const read = new Set(dayStages.flatMap(({ name, reads }) => Object.keys(reads).filter((input) => input !== name)))
  const useless = dayStages.find(({ name, save }) => !save && !read.has(name))
  if (!useless) return
  const { name } = useless
  throw new PipelineError(`Stage "${name}" keeps nothing, and no later stage names it in \`reads\``, [name])
}

function checkOtherTable<Tx>(stage: DayStage<Tx>, table: string, [first, last]: DayOffsets, writer: Stage<Tx>): void {
  const names = [stage.name, writer.name]
  if (writer.kind === 'day' && !writer.save && !(first === 0 && last === 0)) {
    throw new PipelineError(
      `Stage "${stage.name}" reads "${table}" at [${first}, ${last}]; ` +
        'that stage keeps nothing, so there are only the values of the day itself, [0, 0]',
      names,
    )
  }
  if (writer.kind === 'tenant') {
    throw new PipelineError(
      `Day stage "${stage.name}" reads "${table}", which tenant stage "${writer.name}" writes only after the pass`,
      names,
    )
  }
  if (last > 0) {
    throw new PipelineError(
      `Stage "${stage.name}" reads later days (up to +${last}) of "${table}", which stage "${writer.name}" writes ` +
        'in the same pass; those days are not calculated yet',
      names,
    )
  }
}
