import { datesBetween } from '../calendar/date-range.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { DAILY_CALC } from '../pipeline/pipeline.ts'
import type { Selection } from '../pipeline/selection.ts'
import { attempt } from './attempts.ts'
import type { FailureKey, LaneCheckpoint, RecordedFailure } from './checkpoint.ts'
import { daysDone } from './counters.ts'
import { Breathing } from './event-loop.ts'
import type { RunJournal, RunPhase } from './journal.ts'
import { Lane } from './lanes/lane.ts'
import { type LaneRun, runLane } from './lanes/lane-runner.ts'
import { runLanes } from './lanes/lane-scheduler.ts'
import { repairLanes } from './lanes/repair-lane.ts'
import { countEmployees, employeePages } from './plan/employee-pages.ts'
import type { Employee, EmployeeRepository } from './plan/host-contracts.ts'
import type { RunPlan } from './plan/run-plan.ts'
import { causeOf } from './result.ts'
import type { RunControl } from './run-control.ts'
import type { RunSettings } from './settings.ts'
import { runTenantStages } from './tenant-stages.ts'

/** How many failures of an earlier run are looked at together. */
const REPAIR_PAGE = 1_000

/** A page of employees makes so many lanes for each that runs: writing down which are open then costs next to nothing. */
const LANES_PER_PAGE = 4

/** Everything that a run needs. */
export interface RunInput<Tx> {
  readonly plan: RunPlan
  readonly selection: Selection<Tx>
  readonly settings: RunSettings<Tx>
  readonly control: RunControl
  readonly journal: RunJournal<Tx>
}

/** What a run does, in order, as people see it. */
export function phasesOf<Tx>(selection: Selection<Tx>): readonly RunPhase[] {
  const day = selection.dayStages.filter(({ saves }) => saves).map(({ stage }) => stage)
  const pass = selection.dailyCalc
    ? [{ name: DAILY_CALC, title: 'Recalculating days' }]
    : day.length > 0
      ? [{ name: day.map(({ name }) => name).join('+'), title: day.map(({ title }) => title).join(', ') }]
      : []
  return [...pass, ...selection.tenantStages].map(({ name, title }, i) => ({ number: i + 1, name, title }))
}

/**
 * One run, from its checkpoint to its end: what failed before, what was begun, what was not reached, the tenant stages.
 * It never throws: why it ended early is told by `control.stopped`.
 */
export async function executeRun<Tx>(input: RunInput<Tx>): Promise<void> {
  try {
    await new Run(input).execute()
  } catch (error) {
    input.control.stop({ status: 'failed', cause: error })
  }
}

function laneCheckpoint(id: number, employees: readonly Employee[]): LaneCheckpoint {
  return { id, employeeIds: employees.map((employee) => employee.id), datesDone: 0 }
}

class Run<Tx> {
  readonly #input: RunInput<Tx>
  readonly #lanes: LaneRun<Tx>
  readonly #dates: readonly IsoDate[]
  readonly #laneSize: number
  /** Employees of open lanes who failed before and did again. */
  readonly #blocked = new Set<string>()
  #nextLaneId: number

  constructor(input: RunInput<Tx>) {
    const { plan, selection, settings, control, journal } = input
    this.#input = input
    this.#dates = datesBetween(plan.from, plan.to)
    this.#laneSize = selection.dailyCalc ? 1 : settings.block.employees
    this.#nextLaneId = journal.checkpoint.nextLaneId
    const inOpenLanes = new Set(journal.checkpoint.openLanes.flatMap(({ employeeIds }) => employeeIds))
    this.#lanes = {
      selection,
      settings,
      control,
      journal,
      breathing: new Breathing(),
      zone: plan.zone,
      clearExisting: plan.clearExisting,
      now: () => new Date(settings.clock.now()),
      newLaneId: () => this.#nextLaneId++,
      onFailures: (failures) => {
        const [first] = failures
        if (first && plan.onError === 'fail-fast') {
          control.stop({ status: 'failed', cause: causeOf(first), failure: first })
        }
        if (!selection.daysBuildOnEarlier) return
        for (const { employeeId } of failures) {
          if (employeeId !== null && inOpenLanes.has(employeeId)) this.#blocked.add(employeeId)
        }
      },
    }
  }

  async execute(): Promise<void> {
    const { selection, journal, control, plan } = this.#input
    const phases = phasesOf(selection)
    const [first] = phases
    const hasPass = phases.length > selection.tenantStages.length
    let failedStages: readonly FailureKey[] = []
    let done = journal.checkpoint.tenantStagesDone
    await this.#countDays(hasPass)
    if (hasPass && first) {
      journal.phase(first)
      const repaired = await this.#repair()
      failedStages = repaired.failedStages
      if (repaired.days > 0) done = 0
      await this.#runLanes(this.#unfinishedLanes())
      if (!control.stopped) journal.counted(daysDone(journal.counters))
    } else {
      failedStages = await this.#recordedFailures(0)
    }
    await runTenantStages(this.#lanes, plan, { done, failedStages, firstPhase: hasPass ? 2 : 1 })
  }

  #runLanes(lanes: AsyncIterable<Lane> | Iterable<Lane>): Promise<void> {
    const { settings, control } = this.#input
    const { concurrency } = settings
    return runLanes(lanes, { concurrency, control, runLane: (lane) => runLane(this.#lanes, lane) })
  }

  /** Runs what failed or was blocked in earlier runs of the job. */
  async #repair(): Promise<{ readonly days: number; readonly failedStages: readonly FailureKey[] }> {
    const { journal, plan, selection, control } = this.#input
    const failedStages: FailureKey[] = []
    let days = 0
    let after = 0
    while (after < journal.lastFailure && !control.stopped) {
      const page = await this.#recordedFailures(after)
      const last = page.at(-1)
      if (!last) break
      after = last.number
      const failedDays = page.filter(({ date }) => date !== null)
      failedStages.push(...page.filter(({ date }) => date === null))
      days += failedDays.length
      const lanes = repairLanes(failedDays, {
        tenantId: plan.tenantId,
        blocksLater: selection.daysBuildOnEarlier,
        maxEmployees: this.#laneSize,
        blockedFrom: (employeeId, date) => this.#datesReached(employeeId).filter((reached) => reached >= date),
      })
      await this.#runLanes(lanes)
    }
    return { days, failedStages }
  }

  async #recordedFailures(after: number): Promise<readonly RecordedFailure[]> {
    const { journal } = this.#input
    if (after >= journal.lastFailure) return []
    const page = await this.#read(() => journal.failures({ after, limit: REPAIR_PAGE }))
    return page.filter(({ number }) => number <= journal.lastFailure)
  }

  /** The dates that an earlier run of the job did, or left blocked, for an employee. */
  #datesReached(employeeId: string): readonly IsoDate[] {
    const open = this.#input.journal.checkpoint.openLanes.find(({ employeeIds }) => employeeIds.includes(employeeId))
    return open ? this.#dates.slice(0, open.datesDone) : this.#dates
  }

  async *#unfinishedLanes(): AsyncGenerator<Lane> {
    const { plan, journal } = this.#input
    const { checkpoint } = journal
    for (const { id, employeeIds, datesDone } of checkpoint.openLanes) {
      const employees = employeeIds.map((employeeId) => ({ id: employeeId }))
      yield new Lane({ id, tenantId: plan.tenantId, employees, dates: this.#dates, datesDone, blocked: this.#blocked })
    }
    if (checkpoint.allHandedOut) return
    let { after } = checkpoint
    for await (const page of employeePages(this.#source, plan, { ...this.#paging, after })) {
      after = page.at(-1)?.id ?? after
      const lanes = this.#lanesOf(page)
      await journal.openLanes(
        lanes.map(({ id, employees }) => laneCheckpoint(id, employees)),
        { after, all: false },
      )
      for (const { id, employees } of lanes) {
        yield new Lane({ id, tenantId: plan.tenantId, employees, dates: this.#dates })
      }
    }
    await journal.openLanes([], { after, all: true })
  }

  #lanesOf(page: readonly Employee[]): readonly { readonly id: number; readonly employees: readonly Employee[] }[] {
    const groups = Math.ceil(page.length / this.#laneSize)
    return Array.from({ length: groups }, (_, i) => ({
      id: this.#nextLaneId++,
      employees: page.slice(i * this.#laneSize, (i + 1) * this.#laneSize),
    }))
  }

  async #countDays(hasPass: boolean): Promise<void> {
    const { journal, plan } = this.#input
    const known = journal.counters.totalDays
    const count = async () => (await countEmployees(this.#source, plan, this.#paging)) * this.#dates.length
    journal.counted(hasPass && known === 0 ? await count() : known)
  }

  get #source(): readonly string[] | EmployeeRepository {
    return this.#input.plan.employeeIds ?? this.#input.settings.employees
  }

  get #paging() {
    const limit = this.#laneSize * this.#input.settings.concurrency * LANES_PER_PAGE
    return { limit, read: <T>(call: () => Promise<T>) => this.#read(call) }
  }

  /** Reads outside a unit of work, with the same retries. */
  async #read<T>(call: () => Promise<T>): Promise<T> {
    const answer = await attempt('employees', this.#input, async () => ({ value: await call() }))
    if (!answer) throw this.#input.control.stopped?.cause
    return answer.value
  }
}
