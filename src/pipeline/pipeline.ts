import { PipelineError } from '../errors.ts'
import type { DayOffsets } from './day-offsets.ts'
import { orderStages } from './order.ts'
import { offsetsOf, type PeriodStage } from './period-stage.ts'
import { DAILY_CALC } from './stage-shape.ts'
import type { DailyCalc, DayStage, Stage, TenantStage } from './stages.ts'

/** A host's stages, checked and in the order in which they run. */
export interface Pipeline<Tx> {
  readonly dailyCalc: DailyCalc<Tx> | undefined
  readonly dayStages: readonly DayStage<Tx>[]
  readonly periodStages: readonly PeriodStage<Tx>[]
  readonly tenantStages: readonly TenantStage<Tx>[]
  /** Every table that a stage writes. */
  readonly tables: readonly string[]
}

/**
 * Checks and orders what a host calculates with.
 *
 * @throws {PipelineError} naming the stages that cannot work together.
 */
export function pipelineOf<Tx>(dailyCalc: DailyCalc<Tx> | undefined, stages: readonly Stage<Tx>[]): Pipeline<Tx> {
  refuseReservedNames(stages)
  refuseDuplicateNames(stages)
  if (dailyCalc) refuseDayStages(stages)
  const writers = refuseSharedOutputs(stages)
  const dayStages = stages.filter((stage) => stage.kind === 'day')
  const periodStages = stages.filter((stage) => stage.kind === 'period')
  const tenantStages = stages.filter((stage) => stage.kind === 'tenant')
  if (dailyCalc) checkDailyReads(dailyCalc, writers)
  for (const stage of dayStages) checkReads(stage, writers)
  for (const stage of dayStages) checkPreviousMissing(stage)
  for (const stage of periodStages) checkPeriodReads(stage, writers)
  refuseUselessStages(dayStages)
  return {
    dailyCalc,
    dayStages: orderStages(dayStages, {
      outputsOf: (stage) => outputsOf(stage),
      inputsOf: ({ reads }) => Object.keys(reads),
    }),
    periodStages: orderStages(periodStages, {
      outputsOf: ({ writes }) => writes,
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

/** Names that stand for parts of the library where a stage's name may stand. */
const RESERVED: readonly string[] = [DAILY_CALC, 'closedPeriods', 'commit']

function refuseReservedNames(stages: readonly Stage<never>[]): void {
  const reserved = stages.find(({ name }) => RESERVED.includes(name))
  if (!reserved) return
  const { name } = reserved
  throw new PipelineError(
    `"${name}" is a name of the library's own (${RESERVED.join(', ')}); call the stage something else`,
    [name],
  )
}

function refuseDayStages(stages: readonly Stage<never>[]): void {
  const day = stages.filter(({ kind }) => kind === 'day').map(({ name }) => name)
  if (day.length === 0) return
  throw new PipelineError(
    `\`dailyCalc\` calculates the days, and so do the day stages ${day.map((name) => `"${name}"`).join(', ')}; use one of the two`,
    day,
  )
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

function checkDailyReads<Tx>({ reads = {} }: DailyCalc<Tx>, writers: ReadonlyMap<string, Stage<Tx>>): void {
  for (const table of Object.keys(reads)) {
    const writer = writers.get(table)
    if (!writer) continue
    throw new PipelineError(
      `\`dailyCalc\` reads "${table}", which ${writer.kind} stage "${writer.name}" writes only behind the days; ` +
        'a day stage may read earlier periods',
      [writer.name],
    )
  }
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

function checkPreviousMissing(stage: DayStage<never>): void {
  if (stage.previousMissing === undefined || readsOwnYesterday(stage)) return
  throw new PipelineError(
    `Stage "${stage.name}" says what is done when the day before has no row (\`previousMissing\`), but does not read its own table`,
    [stage.name],
  )
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
  if (writer.kind === 'period') {
    if (last < 0) return
    throw new PipelineError(
      `Day stage "${stage.name}" reads "${table}" at [${first}, ${last}], which period stage "${writer.name}" writes only ` +
        'behind the days of a period; days read earlier periods, such as [-1, -1], counted in periods',
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

function checkPeriodReads<Tx>(stage: PeriodStage<Tx>, writers: ReadonlyMap<string, Stage<Tx>>): void {
  for (const [table, reads] of Object.entries(stage.reads)) {
    const [first, last] = offsetsOf(reads)
    const writer = writers.get(table)
    if (writer === stage) checkOwnPeriods(stage, table, [first, last])
    else if (writer?.kind === 'tenant') {
      throw new PipelineError(
        `Period stage "${stage.name}" reads "${table}", which tenant stage "${writer.name}" writes only after the pass`,
        [stage.name, writer.name],
      )
    } else if (writer?.kind === 'period' && writer.period !== stage.period) {
      throw new PipelineError(
        `Period stage "${stage.name}" reads "${table}" of period stage "${writer.name}", whose periods are others; ` +
          'these may end later, so they may not be calculated yet',
        [stage.name, writer.name],
      )
    } else if (writer && last > 0) {
      throw new PipelineError(
        `Stage "${stage.name}" reads later periods (up to +${last}) of "${table}", which stage "${writer.name}" writes ` +
          'in the same pass; they are not calculated yet',
        [stage.name, writer.name],
      )
    } else if (writer && outputsOf(writer) !== writer.writes) {
      throw new PipelineError(
        `Period stage "${stage.name}" reads "${table}", and that stage keeps nothing; read what it calculates from`,
        [stage.name, writer.name],
      )
    }
  }
}

function checkOwnPeriods(stage: PeriodStage<never>, table: string, [first, last]: DayOffsets): void {
  if (first !== -1 || last > 0) {
    throw new PipelineError(
      `Stage "${stage.name}" writes "${table}" and reads it at [${first}, ${last}]; ` +
        'of its own table a stage gets the period before, [-1, 0] or [-1, -1]; carry what is older in the value',
      [stage.name],
    )
  }
  if (!stage.stored) {
    throw new PipelineError(
      `Stage "${stage.name}" reads the period before from its own table "${table}", so it needs \`stored\``,
      [stage.name],
    )
  }
}
