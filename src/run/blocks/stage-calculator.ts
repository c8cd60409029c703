import { dayBefore } from '../../calendar/date-range.ts'
import { PipelineError } from '../../errors.ts'
import type { CalcContext, StageContext } from '../../pipeline/context.ts'
import type { Block, DayKey } from '../../pipeline/employee-day.ts'
import { outputsOf } from '../../pipeline/pipeline.ts'
import type { PassStage, Selection } from '../../pipeline/selection.ts'
import type { DayStage } from '../../pipeline/stages.ts'
import { failureOf } from '../result.ts'
import type { RunSettings } from '../settings.ts'
import { type BlockDays, blockOf } from './block-days.ts'
import { callStage } from './stage-call.ts'
import { StageValues } from './stage-values.ts'

/** Thrown to roll a block back in which a day failed after other stages had already saved it. */
export class FailedAfterSave extends Error {}

/**
 * Runs the day stages over one block: load, calculate day by day, compare with what is stored, save.
 *
 * Saving waits until every stage has calculated, so that a day whose calculation throws leaves no trace in any table; a
 * stage that reads a table of an earlier one forces that one to save first. A day that fails after such a save rolls the
 * block back, to be done once more without it.
 *
 * @returns how many days differ from what was stored.
 */
export async function calculateBlock<Tx>(
  days: BlockDays,
  work: {
    readonly selection: Selection<Tx>
    readonly clearExisting: boolean
    readonly settings: RunSettings<Tx>
    readonly context: CalcContext<Tx>
  },
): Promise<number> {
  const block = days.toCalculate()
  if (!block) return 0
  const { selection, settings } = work
  // A byte per day: with a Set the bookkeeping would weigh more than the days.
  const changed = new Uint8Array(days.block.employeeIds.length * days.block.dates.length)
  const calculated: StageValues<Tx>[] = []
  let unsaved: StageValues<Tx>[] = []
  const contextOf = (stage: DayStage<Tx>): StageContext<Tx> => {
    return { ...work.context, valuesOf: ({ name }) => valuesOf(calculated, stage, name) }
  }

  async function saveAll(): Promise<void> {
    const batch = unsaved
    unsaved = []
    for (const values of batch) {
      const { stage, saves } = values.member
      const { save } = stage
      if (!saves || !save) continue
      const changes = values.changes((day) => {
        changed[day] = 1
      })
      if (changes.upserts.length + changes.deletes.length === 0) continue
      await callStage(stage.name, contextOf(stage), settings, (own) => save(changes, own))
    }
  }

  let savedSome = false
  for (const member of selection.dayStages) {
    if (member.readsPass && unsaved.length > 0) {
      await saveAll()
      savedSome = true
    }
    const failedBefore = days.failed
    const values = await calculateStage(member, days, block, contextOf(member.stage), work)
    if (savedSome && days.failed > failedBefore) throw new FailedAfterSave()
    calculated.push(values)
    unsaved.push(values)
  }
  await saveAll()
  return changed.reduce((sum, one) => sum + one, 0)
}

async function calculateStage<Tx>(
  member: PassStage<Tx>,
  days: BlockDays,
  block: Block,
  context: StageContext<Tx>,
  { settings, clearExisting }: { readonly settings: RunSettings<Tx>; readonly clearExisting: boolean },
): Promise<StageValues<Tx>> {
  const { stage, saves, readsOwnYesterday } = member
  const inputs = await callStage(stage.name, context, settings, (own) => stage.load(block, own))
  const { stored } = stage
  const toCompare = readsOwnYesterday ? withDayBefore(block) : block
  const old =
    stored && (saves || readsOwnYesterday)
      ? await callStage(stage.name, context, settings, (own) => stored.call(stage, toCompare, own))
      : undefined
  const values = new StageValues(member, days, { stored: old, clearExisting })
  calculateDays(values, days, inputs, context.attempt)
  return values
}

function calculateDays<Tx>(values: StageValues<Tx>, days: BlockDays, inputs: unknown, attempt: number): void {
  const { stage } = values.member
  const { employeeIds } = days.block
  for (let employee = 0; employee < employeeIds.length; employee++) {
    const first = days.firstOf(employee)
    for (let number = first; number < days.endOf(employee); number++) {
      if (days.hasFailed(number)) continue
      const day = days.day(number)
      let value: unknown
      try {
        value = stage.calculate(day, inputs, values.previous(number, number === first))
      } catch (error) {
        const { employeeId, date } = day
        days.fail(number, failureOf(error, { employeeId, date, stage: stage.name }, attempt))
        continue
      }
      values.set(number, value)
    }
  }
}

function withDayBefore(block: Block): Block {
  const before = dayBefore(block.from)
  return before ? blockOf(block.tenantId, block.employeeIds, [before, ...block.dates]) : block
}

/** What a stage builds on it must name in `reads`: the order of the stages, and what comes along, are told from that. */
function valuesOf<Tx, Value>(
  calculated: readonly StageValues<Tx>[],
  stage: DayStage<Tx>,
  name: string,
): ReadonlyMap<DayKey, Value | null> {
  const values = calculated.find(({ member }) => member.stage.name === name)
  const isRead = values && outputsOf(values.member.stage).some((output) => output in stage.reads)
  if (!isRead) {
    const earlier = calculated.map(({ member }) => `"${member.stage.name}"`).join(', ') || 'none'
    const problem = values ? 'but does not read it' : `which is no earlier day stage (earlier ones: ${earlier})`
    const remedy = 'name one of its tables in `reads`, or the stage itself when it keeps nothing'
    throw new PipelineError(`Stage "${stage.name}" asks for the values of "${name}", ${problem}; ${remedy}`, [name])
  }
  // The caller names the type of the stage it asks for; values are handed through untouched.
  return values.byKey() as ReadonlyMap<DayKey, Value | null>
}
