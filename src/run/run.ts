import { countDays, type DateInterval, datesBetween } from '../calendar/date-range.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { CallTimeoutError } from '../errors.ts'
import type { RunIdentity } from '../pipeline/context.ts'
import type { Selection } from '../pipeline/selection.ts'
import { DAILY_CALC } from '../pipeline/stage-shape.ts'
import type { ActiveRun } from './active-run.ts'
import type { BlockCalculator } from './blocks/block-calculator.ts'
import { calculatorOf } from './blocks/calculator-of.ts'
import type { Dispatched, FailureKey, RecordedFailure } from './checkpoint.ts'
import { daysDone } from './counters.ts'
import { EventLoop } from './event-loop.ts'
import { causeOf } from './failure.ts'
import type { RunJournal, RunPhase } from './journal.ts'
import { Lane } from './lanes/lane.ts'
import { runLane } from './lanes/lane-runner.ts'
import { scheduleLanes } from './lanes/lane-scheduler.ts'
import { periodRanges, repairRanges, withoutLanes } from './lanes/repair-ranges.ts'
import { countEmployees, employeePages } from './plan/employee-pages.ts'
import type { Employee, EmployeeRepository } from './plan/host-contracts.ts'
import { runCalendar } from './plan/run-calendar.ts'
import type { RunPlan } from './plan/run-plan.ts'
import type { RunControl } from './run-control.ts'
import type { RunSettings } from './run-settings.ts'
import { separateFailures } from './separate-failures.ts'
import { runTenantStages } from './tenant-stages.ts'
import type { ThrottleGate } from './throttle.ts'
import { attempt } from './units/attempts.ts'
import { withDeadline } from './units/deadline.ts'
import type { UnitRank } from './units/unit-slots.ts'

/** How many failures of an earlier run are looked at together. */
const REPAIR_PAGE = 1_000

/** A page of employees makes so many lanes for each that runs: writing down which are open then costs next to nothing. */
const LANES_PER_PAGE = 4

/** Everything that a run needs. */
export interface RunInput<Tx> {
  readonly id: string
  /** `null`: there is no job. */
  readonly jobId: string | null
  readonly reason: string | null
  readonly plan: RunPlan
  readonly selection: Selection<Tx>
  readonly settings: RunSettings<Tx>
  readonly control: RunControl
  readonly journal: RunJournal<Tx>
  readonly rank: UnitRank
  /** Default: nothing holds the run up. */
  readonly throttle?: ThrottleGate | undefined
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
  readonly #dates: readonly IsoDate[]
  #nextLaneId: number
  /** How many employee-days there are to be, as it was counted beforehand. */
  #countedDays = 0
  #isComplete = true
  /** Days were calculated that tenant stages build on, so these are due again. */
  #hasOpenedLanes: boolean

  constructor(input: RunInput<Tx>) {
    const { id, jobId, reason, plan, selection, settings, control, journal, rank, throttle } = input
    this.#input = input
    this.#dates = datesBetween(plan.from, plan.to)
    this.#nextLaneId = journal.checkpoint.nextLaneId
    this.#hasOpenedLanes = journal.checkpoint.openLanes.length > 0
    const identity: RunIdentity = Object.freeze({ id, kind: plan.kind, from: plan.from, to: plan.to })
    this.#active = {
      plan,
      identity,
      history: { id, kind: plan.kind, jobId, reason, actor: plan.actor ?? null },
      settings,
      control,
      journal,
      calculator: calculatorOf(selection, blockDaysOf(plan), settings),
      rank,
      throttle,
      eventLoop: new EventLoop(),
      // Room for everybody in the blocks that are open at once.
      calendar: runCalendar(settings.zones, plan, {
        stopping: () => control.signal,
        most: settings.block.employees * settings.concurrency,
      }),
      now: () => new Date(settings.clock.now()),
      // Where there is none, there is nothing to mark.
      areStagesMarked: selection.tenantStages.length === 0,
      onFailures: ([first]) => {
        if (!first || plan.onError !== 'fail-fast') return
        control.stop({ status: 'failed', cause: causeOf(first), failure: first })
      },
    }
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
      await this.#runLanes(calculator, this.#unfinishedLanes(calculator))
      isComplete = this.#isComplete
      if (isComplete) this.#checkCount()
    } else {
      failedStages = await this.#recordedFailures(0)
    }
    if (control.stopped) return isComplete && selection.tenantStages.length === 0
    const done = this.#hasOpenedLanes ? [] : journal.checkpoint.tenantStagesDone
    const progress = { done, failedStages, firstPhase: calculator ? 2 : 1 }
    return await runTenantStages(this.#active, selection.tenantStages, progress)
  }

  async #runLanes(calculator: BlockCalculator<Tx>, lanes: AsyncIterable<Lane> | Iterable<Lane>): Promise<void> {
    const { settings, control } = this.#input
    const { concurrency } = settings
    const isComplete = await scheduleLanes(lanes, {
      concurrency,
      control,
      runLane: (lane) => runLane(this.#active, calculator, lane),
    })
    this.#isComplete &&= isComplete
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
    await this.#runLanes(calculator, this.#openLanes(calculator, 'repair'))
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
      // What an open lane of the same kind has just dealt with is settled, or recorded anew behind these.
      const lanes = [...repairRanges(withoutLanes(days, openLanes), calculator.shape.employees)].map((range) => {
        const dates = datesBetween(range.from, range.to)
        return this.#lane(calculator, { id: this.#nextLaneId++, kind: 'repair', dates, employees: range.employees })
      })
      if (lanes.length === 0) continue
      await this.#open(lanes, undefined)
      await this.#runLanes(calculator, lanes)
    }
    if (calculator.periodStages) await this.#repairPeriods(calculator)
    return failedStages
  }

  /** Once the days are repaired: calculates periods again that failed, or waited for days that did. */
  async #repairPeriods(calculator: BlockCalculator<Tx>): Promise<void> {
    const { journal, control, plan } = this.#input
    await this.#runLanes(calculator, this.#openLanes(calculator, 'period'))
    for (let after = 0; after < journal.lastFailure && !control.stopped; ) {
      const page = await this.#recordedFailures(after)
      const last = page.at(-1)
      if (!last) return
      after = last.number
      const failed = page.filter(({ period }) => period)
      const lanes: Lane[] = []
      for (const { stage, from, employees } of periodRanges(failed, calculator.shape.employees)) {
        const dates = datesBetween(from, plan.to)
        const failedDays = await this.#failedDaysOf(employees)
        lanes.push(
          this.#lane(calculator, { id: this.#nextLaneId++, kind: 'period', stage, dates, employees, failedDays }),
        )
      }
      if (lanes.length === 0) continue
      await this.#open(lanes, undefined)
      await this.#runLanes(calculator, lanes)
    }
  }

  async #recordedFailures(after: number): Promise<readonly RecordedFailure[]> {
    const { journal } = this.#input
    if (after >= journal.lastFailure) return []
    const page = await this.#read(() => journal.failures({ after, limit: REPAIR_PAGE }))
    return page.filter(({ number }) => number <= journal.lastFailure)
  }

  async *#openLanes(calculator: BlockCalculator<Tx>, wanted: Lane['kind']): AsyncGenerator<Lane> {
    for (const { id, kind, employeeIds, from, to, datesDone, stage } of this.#input.journal.checkpoint.openLanes) {
      if (kind !== wanted) continue
      const employees = employeeIds.map((employeeId) => ({ id: employeeId }))
      const dates = datesBetween(from, to)
      const failedDays = calculator.periodStages ? await this.#failedDaysOf(employees) : new Map()
      yield this.#lane(calculator, { id, kind, employees, dates, datesDone, stage, failedDays })
    }
  }

  /** Where days of these employees have failed by now, or wait for such: their periods are left as they are. */
  async #failedDaysOf(employees: readonly Employee[]): Promise<ReadonlyMap<string, readonly DateInterval[]>> {
    const failures = await this.#read(() => this.#input.journal.failuresOf(employees.map(({ id }) => id)))
    const days = failures.flatMap(({ employeeId, date, through, period }) =>
      period || employeeId === null || date === null ? [] : [{ employeeId, from: date, to: through ?? date }],
    )
    return Map.groupBy(days, ({ employeeId }) => employeeId)
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
      return this.#lane(calculator, { id: this.#nextLaneId++, kind: 'initial', employees, dates: this.#dates })
    })
  }

  #lane(
    { blocksLater }: BlockCalculator<Tx>,
    lane: Omit<ConstructorParameters<typeof Lane>[0], 'tenantId' | 'blocksLater' | 'since'>,
  ): Lane {
    const { tenantId, from: since } = this.#input.plan
    return new Lane({ ...lane, tenantId, since, blocksLater })
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
    const limit = shape.employees * this.#input.settings.concurrency * LANES_PER_PAGE
    return { limit, read: <T>(call: () => Promise<T>) => this.#read(call) }
  }

  /** Reads outside a unit of work, with the same retries. Nobody waits for it any more once the run stops. */
  async #read<T>(call: () => Promise<T>): Promise<T> {
    const { settings, control } = this.#input
    const { clock, callTimeoutMs: timeoutMs } = settings
    const late = () => new CallTimeoutError('the employee repository', timeoutMs)
    const answer = await attempt('employees', this.#input, async () => ({
      value: await withDeadline(call, { clock, timeoutMs, signal: control.stopping, late }),
    }))
    if (!answer) throw control.stopped?.cause
    return answer.value
  }
}

/** The most dates of a block of a `dailyCalc`, as they were when the run was made. */
function blockDaysOf({ stages }: RunPlan): number {
  return stages.find(({ name }) => name === DAILY_CALC)?.blockDays ?? 1
}
