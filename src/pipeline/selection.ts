import { InvalidRequestError } from '../errors.ts'
import { expected } from '../expectation.ts'
import { outputsOf, type Pipeline, readsOwnYesterday } from './pipeline.ts'
import type { DailyCalc, DayStage, TenantStage } from './stages.ts'

/** A day stage in a pass. */
export interface PassStage<Tx> {
  readonly stage: DayStage<Tx>
  /** False for a stage that keeps nothing or that nobody asked for: it is calculated only because a later one builds on it. */
  readonly saves: boolean
  /** It is handed its own value of the day before. */
  readonly readsOwnYesterday: boolean
  /** It reads a table that an earlier stage of the pass writes: that one must have saved before this one loads. */
  readonly readsPass: boolean
}

/** Everything that one run does: the pass over employee-days, then the tenant stages. */
export interface Selection<Tx> {
  readonly dailyCalc: DailyCalc<Tx> | undefined
  readonly dayStages: readonly PassStage<Tx>[]
  readonly tenantStages: readonly TenantStage<Tx>[]
  /** A day builds on the days before it, so a failed day blocks the later ones of its employee. */
  readonly daysBuildOnEarlier: boolean
}

/**
 * The names of the stages that write any of `tables`; all stages when `tables` is undefined.
 *
 * @throws {InvalidRequestError} for a table that no stage writes.
 */
export function stagesWriting(pipeline: Pipeline<never>, tables: readonly string[] | undefined): readonly string[] {
  const all = [...pipeline.dayStages, ...pipeline.tenantStages]
  if (!tables) return all.map(({ name }) => name)
  for (const table of tables) {
    if (!pipeline.tables.includes(table)) {
      const known = pipeline.tables.map((name) => `"${name}"`).join(', ')
      const expectation = known ? `made of ${known}` : 'left out: dailyCalc names no tables'
      throw new InvalidRequestError(expected('tables', expectation, table))
    }
  }
  return all.filter(({ writes }) => writes.some((table) => tables.includes(table))).map(({ name }) => name)
}

/** The stages of a frozen plan, looked up again by name; undefined when the pipeline no longer has one of them. */
export function selectStages<Tx>(pipeline: Pipeline<Tx>, names: readonly string[]): Selection<Tx> | undefined {
  const known = new Set([...pipeline.dayStages, ...pipeline.tenantStages].map(({ name }) => name))
  if (!names.every((name) => known.has(name))) return undefined
  const dayStages = passStages(pipeline.dayStages, new Set(names))
  return {
    dailyCalc: pipeline.dailyCalc,
    dayStages,
    tenantStages: pipeline.tenantStages.filter(({ name }) => names.includes(name)),
    daysBuildOnEarlier: dayStages.some(({ stage }) => readsEarlierDaysOf(stage, dayStages)),
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
