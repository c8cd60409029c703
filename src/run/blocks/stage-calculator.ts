import { dayBefore } from '../../calendar/date-range.ts'
import { ContractError, PipelineError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import type { StageContext } from '../../pipeline/context.ts'
import type { Block, DayKey } from '../../pipeline/employee-day.ts'
import { outputsOf } from '../../pipeline/pipeline.ts'
import type { PassStage, Selection } from '../../pipeline/selection.ts'
import type { DayStage } from '../../pipeline/stages.ts'
import { failureOf } from '../failure.ts'
import { observed, type StageCall } from '../telemetry.ts'
import { type BlockCalculator, type BlockShape, type BlockUnit, FailedAfterSave } from './block-calculator.ts'
import { type BlockDays, blockOf } from './block-days.ts'
import { type Cascade, reachesLaterDays } from './cascade.ts'
import { callStage, type StageLimits } from './stage-call.ts'
import { asFatal } from './stage-failure.ts'
import { checkStored, StageValues } from './stage-values.ts'

/**
 * Calculates days by day stages: load, calculate day by day, compare with what is stored, save.
 *
 * Saving waits until every stage has calculated, so that a day whose calculation throws leaves no trace in any table; a
 * stage that reads a table of an earlier one forces that one to save first. A day that fails after such a save rolls the
 * block back, to be done once more without it.
 */
export class StageCalculator<Tx> implements BlockCalculator<Tx> {
  readonly shape: BlockShape
  readonly blocksLater: boolean
  readonly #stages: readonly PassStage<Tx>[]
  readonly #limits: StageLimits
  /** Whether a changed value may open later days of the same block, also behind a day without a row. */
  readonly #reach: { readonly throughEnd: boolean; readonly withHeld: boolean }

  constructor(selection: Selection<Tx>, shape: BlockShape, limits: StageLimits) {
    this.shape = shape
    this.blocksLater = selection.daysBuildOnEarlier
    this.#stages = selection.dayStages
    this.#limits = limits
    this.#reach = {
      throughEnd: reachesLaterDays(selection.dayStages.map(({ stage }) => stage)),
      withHeld: selection.dayStages.some(({ stage }) => stage.previousMissing === 'latest'),
    }
  }

  async calculate(days: BlockDays, unit: BlockUnit<Tx>): Promise<number> {
    const { cascade } = unit
    const block = days.toCalculate(cascade && this.#reach)
    if (!block) return 0
    // A byte per day: with a Set the bookkeeping would weigh more than the days.
    const changed = new Uint8Array(days.block.employeeIds.length * days.block.dates.length)
    let changedCount = 0
    const calculated: StageValues<Tx>[] = []
    let unsaved: StageValues<Tx>[] = []
    const contextOf = (stage: DayStage<Tx>): StageContext<Tx> => {
      return { ...unit.context, valuesOf: ({ name }) => valuesOf(calculated, stage, name) }
    }
    const saveAll = async () => {
      const batch = unsaved
      unsaved = []
      for (const values of batch) {
        const { stage, saves } = values.member
        const { save } = stage
        if (!saves || !save) continue
        const wanted = unit.unchanged?.of(stage.name)
        if (wanted) unit.unchanged?.add(values.unchanged(wanted))
        const changes = values.changes((day) => {
          if (changed[day] === 0) changedCount += 1
          changed[day] = 1
        })
        if (changes.upserts.length + changes.deletes.length === 0) continue
        unit.onChanges?.(values.valueChanges(changes))
        await callStage(stage.name, 'save', unit, contextOf(stage), this.#limits, (own) => save(changes, own))
      }
    }
    let savedSome = false
    for (const member of this.#stages) {
      if (member.readsPass && unsaved.length > 0) {
        await saveAll()
        savedSome = true
      }
      const raisedBefore = days.raised
      const values = await this.#calculateStage(member, days, block, unit, contextOf(member.stage))
      // Where a failed day does not block the later ones, these may have been calculated with a value that is not kept.
      const isWithoutTrace = !savedSome && (days.blocksLater || calculated.length === 0 || !this.blocksLater)
      if (!isWithoutTrace && days.raised > raisedBefore) throw new FailedAfterSave()
      calculated.push(values)
      unsaved.push(values)
      cascade?.calculated(values)
    }
    await saveAll()
    return changedCount
  }

  async #calculateStage(
    member: PassStage<Tx>,
    days: BlockDays,
    block: Block,
    unit: BlockUnit<Tx>,
    context: StageContext<Tx>,
  ): Promise<StageValues<Tx>> {
    const { stage, saves, readsOwnYesterday } = member
    const call = <T>(name: StageCall, work: (own: StageContext<Tx>) => Promise<T>) =>
      callStage(stage.name, name, unit, context, this.#limits, work)
    const inputs = await call('load', (own) => stage.load(block, own))
    const { stored, latest } = stage
    const toCompare = readsOwnYesterday ? withDayBefore(block) : block
    // Where equal is less than identical, what is stored is needed also to hand it on.
    const isCompared = saves || readsOwnYesterday || stage.isEqual !== undefined
    const old =
      stored && isCompared
        ? checkStored(stage.name, await call('stored', (own) => stored(toCompare, own)), toCompare)
        : undefined
    const position = this.#stages.indexOf(member)
    const { clearExisting } = unit
    const values = new StageValues(member, days, { stored: old, clearExisting, position, loaded: block })
    const earlier = latest
      ? checkLatest(stage.name, await call('latest', (own) => latest({ ...block, before: block.from }, own)))
      : undefined
    const given = { inputs, earlier, attempt: context.attempt, cascade: unit.cascade }
    const { telemetry } = this.#limits
    if (!telemetry) calculateDays(values, days, block, given)
    else {
      const operation = { type: 'stage', stage: stage.name, call: 'calculate' } as const
      await observed(
        telemetry,
        () => operation,
        async () => calculateDays(values, days, block, given),
      )
    }
    return values
  }
}

/** What the days of a stage are calculated with. */
interface Given {
  readonly inputs: unknown
  readonly earlier: ReadonlyMap<string, unknown> | undefined
  readonly attempt: number
  readonly cascade: Cascade | undefined
}

function calculateDays<Tx>(values: StageValues<Tx>, days: BlockDays, block: Block, given: Given): void {
  const { readsOwnYesterday } = values.member
  const { employeeIds, dates } = days.block
  const offset = dates.indexOf(block.from)
  // Later stages build on other days, too, and what is stored of these is not known.
  const isForAll = !values.hasStored
  for (let employee = 0; employee < employeeIds.length; employee++) {
    const first = days.firstOf(employee) + offset
    const end = first + block.dates.length
    if (readsOwnYesterday) carryOver(values, days, first, end, given)
    else {
      for (let day = first; day < end; day++) {
        const isNeeded = isForAll && (days.isOpen(day) || days.isClean(day))
        if (isNeeded || days.isDue(day, values.position)) calculateDay(values, days, day, null, given)
      }
    }
  }
}

/** Days of one employee that each get the value of the day before: what the table holds of it once the block is saved. */
function carryOver<Tx>(values: StageValues<Tx>, days: BlockDays, first: number, end: number, given: Given): void {
  const { previousMissing } = values.member.stage
  const { cascade } = given
  let yesterday = values.storedDayBefore(first)
  let latest = yesterday ?? given.earlier?.get(days.day(first).employeeId) ?? null
  let isMoved = false
  for (let day = first; day < end; day++) {
    const previous = previousMissing === 'latest' ? latest : yesterday
    const isDue = days.isDue(day, values.position)
    if (isDue) {
      if (previous === null && previousMissing === 'fail') failWithoutPrevious(values, days, day, given.attempt)
      else calculateDay(values, days, day, previous, given)
    }
    yesterday = values.held(day)
    latest = yesterday ?? latest
    if (!cascade) continue
    // The latest value is handed on over days without a row: whether it moved is not seen from these.
    const isDirty = isDue || days.held.has(day) || days.failures.has(day)
    const handsOn: boolean = previousMissing === 'latest' && yesterday === null && (isDirty || isMoved)
    isMoved = handsOn || values.isChangedForLater(day)
    if (isMoved) cascade.carriedPast(day, values.position)
  }
}

function calculateDay<Tx>(
  values: StageValues<Tx>,
  days: BlockDays,
  number: number,
  previous: unknown,
  { inputs, attempt }: { readonly inputs: unknown; readonly attempt: number },
): void {
  const { stage } = values.member
  const day = days.day(number)
  try {
    values.set(number, stage.calculate(day, inputs, previous))
  } catch (error) {
    const { employeeId, date } = day
    days.fail(number, failureOf(error, { employeeId, date, stage: stage.name }, attempt))
  }
}

function failWithoutPrevious<Tx>(values: StageValues<Tx>, days: BlockDays, number: number, attempt: number): void {
  const { name } = values.member.stage
  const { employeeId, date } = days.day(number)
  const error = new ContractError(
    `Stage "${name}" needs a value of the day before ${date}, and there is none (\`previousMissing: 'fail'\`)`,
  )
  days.fail(number, failureOf(error, { employeeId, date, stage: name }, attempt))
}

function checkLatest(stage: string, latest: unknown): ReadonlyMap<string, unknown> {
  if (latest instanceof Map) return latest
  throw new ContractError(expected(`latest of stage ${stage}`, 'resolved to a Map by employee id', latest))
}

function withDayBefore(block: Block): Block {
  const before = dayBefore(block.from)
  return before ? blockOf(block.tenantId, block.employeeIds, [before, ...block.dates]) : block
}

/** What a stage builds on it must name in `reads`: the order of the stages, and what is calculated with them, follow from that. */
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
    const message = `Stage "${stage.name}" asks for the values of "${name}", ${problem}; ${remedy}`
    throw asFatal(new PipelineError(message, [name]))
  }
  // The caller names the type of the stage it asks for; values are passed through unchanged.
  return values.byKey() as ReadonlyMap<DayKey, Value | null>
}
