import { countDays, datesBetween } from '../calendar/date-range.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import type { Selection } from '../pipeline/selection.ts'
import { DAILY_CALC } from '../pipeline/stage-shape.ts'
import type { ActiveRun } from './active-run.ts'
import { beginRun, type RunWork } from './begin-run.ts'
import type { BlockCalculator } from './blocks/block-calculator.ts'
import type { Dispatched, FailureKey, RecordedFailure } from './checkpoint.ts'
import { daysDone } from './counters.ts'
import type { RunJournal, RunPhase } from './journal.ts'
import type { Lane } from './lanes/lane.ts'
import { type LanePool, ownLanes } from './lanes/lane-pool.ts'
import { periodRanges, repairRanges, withoutLanes } from './lanes/repair-ranges.ts'
import { failedDaysOf, laneOfRun, restoredLane } from './lanes/restored-lane.ts'
import { countEmployees, employeePages } from './plan/employee-pages.ts'
import type { Employee, EmployeeRepository } from './plan/host-contracts.ts'
import { separateFailures } from './separate-failures.ts'
import { runTenantStages } from './tenant-stages.ts'
import { readOutside } from './units/read-outside.ts'

/** How many failures of an earlier run are looked at together. */
const REPAIR_PAGE = 1_000

/** Everything that a run needs. */
export interface RunInput<Tx> extends RunWork<Tx> {
  readonly journal: RunJournal<Tx>
  /** Where lanes are calculated. Default: here. */
  poolOf?(run: ActiveRun<Tx>): LanePool
}

/** What a run does, in order, as people see it. */
export function phasesOf<Tx>(selection: Selection<Tx>): readonly RunPhase[] {
  const days = selection.dailyCalc
    ? [{ name: DAILY_CALC, title: 'Recalculating days' }]
    : selection.dayStages.filter(({ saves }) => saves).map(({ stage }) => stage)
  const inPass = [...days, ...selection.periodStages]
  const pass =
    inPass.length > 0
      ? [{ name: inPass.map(({ name }) => name).join('+'), title: inPass.map(({ title }) => title).join(', ') }]
      : []
  return [...pass, ...selection.tenantStages].map(({ name, title }, i) => ({ number: i + 1, name, title }))
}

/**
 * One run, from its checkpoint to its end: what failed before, what was begun, what was not reached, the tenant stages.
 * It never throws: `control.stopped` says why it ended early.
 *
 * @returns whether there was nothing left to do: a run may be stopped when it is done already.
 */
export async function executeRun<Tx>(input: RunInput<Tx>): Promise<boolean> {
  try {
    return await new Run(input).execute()
  } catch (error) {
    input.control.fail(error)
    return false
  }
}

class Run<Tx> {
  readonly #input: RunInput<Tx>
  readonly #active: ActiveRun<Tx>
  /** Undefined when there are no days to calculate. */
  readonly #pool: LanePool | undefined
  readonly #dates: readonly IsoDate[]
  #nextLaneId: number
  /** How many employee-days there are to be, as it was counted beforehand. */
  #countedDays = 0
  #isComplete = true
  /** Days were calculated that tenant stages build on, so these are due again. */
  #hasOpenedLanes: boolean

  constructor(input: RunInput<Tx>) {
    const { plan, journal } = input
    this.#input = input
    this.#dates = datesBetween(plan.from, plan.to)
    this.#nextLaneId = journal.checkpoint.nextLaneId
    this.#hasOpenedLanes = journal.checkpoint.openLanes.length > 0
    this.#active = beginRun(input)
    const { calculator } = this.#active
    this.#pool = input.poolOf?.(this.#active) ?? (calculator && ownLanes(this.#active, calculator))
  }

  async execute(): Promise<boolean> {
    const { selection, journal, control, plan } = this.#input
    const { calculator } = this.#active
    const [first] = phasesOf(selection)
    await this.#countDays()
    if (plan.employeeIds?.length === 0) return true
    let failedStages: readonly FailureKey[]
    let isComplete = true
    if (calculator && first) {
      journal.phase(first)
      failedStages = await this.#repair(calculator)
      await this.#runLanes(this.#unfinishedLanes(calculator))
      isComplete = this.#isComplete
      if (isComplete) this.#checkCount()
    } else {
      failedStages = await this.#recordedFailures(0)
    }
    if (control.stopped) return isComplete && selection.tenantStages.length === 0
    const done = this.#hasOpenedLanes ? [] : journal.checkpoint.tenantStagesDone
    const begin = (phase: RunPhase) => journal.phase(phase)
    const progress = { done, failedStages, firstPhase: calculator ? 2 : 1, begin }
    return await runTenantStages(this.#active, selection.tenantStages, progress)
  }

  async #runLanes(lanes: AsyncIterable<Lane> | Iterable<Lane>): Promise<void> {
    const isComplete = await this.#pool?.run(lanes)
    this.#isComplete &&= isComplete ?? true
  }

  async #runOpenLanes(calculator: BlockCalculator<Tx>, wanted: Lane['kind']): Promise<void> {
    if (this.#input.journal.checkpoint.openLanes.length === 0) return
    await this.#runLanes(this.#openLanes(calculator, wanted))
  }

  async #open(lanes: readonly Lane[], dispatched: Dispatched | undefined): Promise<void> {
    if (lanes.length > 0) this.#hasOpenedLanes = true
    await this.#input.journal.openLanes(
      lanes.map(({ checkpoint }) => checkpoint),
      dispatched,
    )
  }

  /**
   * Does again what failed or was blocked in earlier runs of the job.
   *
   * @returns the tenant stages that failed.
   */
  async #repair(calculator: BlockCalculator<Tx>): Promise<readonly FailureKey[]> {
    const { journal, control } = this.#input
    await this.#runOpenLanes(calculator, 'repair')
    const { openLanes } = journal.checkpoint
    const failedStages: FailureKey[] = []
    let after = 0
    while (after < journal.lastFailure && !control.stopped) {
      const page = await this.#recordedFailures(after)
      const last = page.at(-1)
      if (!last) break
      after = last.number
      failedStages.push(...page.filter(({ date }) => date === null))
      const days = page.filter(({ period }) => !period)
      if (!calculator.blocksLater) await separateFailures(this.#active, withoutLanes(days, openLanes))
      // What an open lane of the same kind has just dealt with is resolved, or recorded anew behind these.
      const lanes = [...repairRanges(withoutLanes(days, openLanes), calculator.shape.employees)].map((range) => {
        const dates = datesBetween(range.from, range.to)
        return laneOfRun(this.#active, calculator, {
          id: this.#nextLaneId++,
          kind: 'repair',
          dates,
          employees: range.employees,
        })
      })
      if (lanes.length === 0) continue
      await this.#open(lanes, undefined)
      await this.#runLanes(lanes)
    }
    if (calculator.periodStages) await this.#repairPeriods(calculator)
    return failedStages
  }

  /** Once the days are repaired: calculates periods again that failed, or waited for days that did. */
  async #repairPeriods(calculator: BlockCalculator<Tx>): Promise<void> {
    const { journal, control, plan } = this.#input
    await this.#runOpenLanes(calculator, 'period')
    for (let after = 0; after < journal.lastFailure && !control.stopped; ) {
      const page = await this.#recordedFailures(after)
      const last = page.at(-1)
      if (!last) return
      after = last.number
      const failed = page.filter(({ period }) => period)
      const lanes: Lane[] = []
      for (const { stage, from, employees } of periodRanges(failed, calculator.shape.employees)) {
        const dates = datesBetween(from, plan.to)
        const failedDays = await failedDaysOf(this.#active, employees)
        lanes.push(
          laneOfRun(this.#active, calculator, {
            id: this.#nextLaneId++,
            kind: 'period',
            stage,
            dates,
            employees,
            failedDays,
          }),
        )
      }
      if (lanes.length === 0) continue
      await this.#open(lanes, undefined)
      await this.#runLanes(lanes)
    }
  }

  async #recordedFailures(after: number): Promise<readonly RecordedFailure[]> {
    const { journal } = this.#input
    if (after >= journal.lastFailure) return []
    const page = await this.#read(() => journal.failures({ after, limit: REPAIR_PAGE }))
    return page.filter(({ number }) => number <= journal.lastFailure)
  }

  async *#openLanes(calculator: BlockCalculator<Tx>, wanted: Lane['kind']): AsyncGenerator<Lane> {
    for (const lane of this.#input.journal.checkpoint.openLanes) {
      if (lane.kind === wanted) yield await restoredLane(this.#active, calculator, lane)
    }
  }

  async *#unfinishedLanes(calculator: BlockCalculator<Tx>): AsyncGenerator<Lane> {
    const { plan, journal } = this.#input
    const { checkpoint } = journal
    yield* this.#openLanes(calculator, 'initial')
    if (checkpoint.allDispatched) return
    let { dispatchedThrough } = checkpoint
    const pages = employeePages(this.#source, plan, { ...this.#paging(calculator), after: dispatchedThrough })
    for await (const page of pages) {
      dispatchedThrough = page.at(-1)?.id ?? dispatchedThrough
      const lanes = this.#lanesOf(calculator, page)
      await this.#open(lanes, { dispatchedThrough, allDispatched: false })
      yield* lanes
    }
    await this.#open([], { dispatchedThrough, allDispatched: true })
  }

  #lanesOf(calculator: BlockCalculator<Tx>, page: readonly Employee[]): readonly Lane[] {
    const size = calculator.shape.employees
    return Array.from({ length: Math.ceil(page.length / size) }, (_, i) => {
      const employees = page.slice(i * size, (i + 1) * size)
      return laneOfRun(this.#active, calculator, {
        id: this.#nextLaneId++,
        kind: 'initial',
        employees,
        dates: this.#dates,
      })
    })
  }

  async #countDays(): Promise<void> {
    const { journal, plan } = this.#input
    const { calculator } = this.#active
    const known = journal.counters.totalDays
    this.#countedDays =
      !calculator || known > 0
        ? known
        : (await countEmployees(this.#source, plan, this.#paging(calculator))) * this.#dates.length
    journal.counted(this.#countedDays)
  }

  /** The employees have been paged through: logs a warning when there are not as many as were counted. */
  #checkCount(): void {
    const { journal, settings, plan, id } = this.#input
    const found = daysDone(journal.counters)
    if (found === this.#countedDays) return
    const dates = countDays(plan.from, plan.to)
    const fields = { runId: id, counted: this.#countedDays / dates, found: found / dates }
    settings.logger.warn(fields, 'The employees that were listed are not as many as were counted')
    journal.counted(found)
  }

  get #source(): readonly string[] | EmployeeRepository {
    return this.#input.plan.employeeIds ?? this.#input.settings.employees
  }

  #paging({ shape }: BlockCalculator<Tx>) {
    const limit = shape.employees * (this.#pool?.lanesPerPage ?? 1)
    return { limit, read: <T>(call: () => Promise<T>) => this.#read(call) }
  }

  #read<T>(call: () => Promise<T>): Promise<T> {
    return readOutside(this.#input, call)
  }
}
