import { fromEpochDay, toEpochDay } from '../calendar/epoch-day.ts'
import { tenantReaders } from '../pipeline/affected-days.ts'
import { DAILY_CALC } from '../pipeline/stage-shape.ts'
import type { BlockDays } from '../run/blocks/block-days.ts'
import { Cascade } from '../run/blocks/cascade.ts'
import type { BlockPeriods } from '../run/blocks/periods/block-periods.ts'
import type { AfterCommit } from '../run/journal.ts'
import type { NewChange, StoredChange } from './change-ledger.ts'
import type { ChangesSettings } from './changes-settings.ts'
import { DaySet, type DaySpan, withoutSpan } from './day-set.ts'
import { addTo, type DaysByStage, DirtyEmployee, stageOf } from './dirty-employee.ts'
import { dirtyAfter, followPeriods, lastDayOf, markPeriods, markRepaired } from './dirty-periods.ts'
import { isOn, NewNotes } from './new-notes.ts'
import { notedOf } from './noted-of.ts'
import { type ReadLane, readLane, type TakenLane } from './read-lane.ts'

/**
 * The changes of some employees, read in a unit of work that holds them. What becomes of each is decided once a block of
 * their days is calculated: exactly those that were read are removed, and what is left to do of them is noted anew.
 */
export class LaneChanges<Tx> {
  readonly #settings: ChangesSettings<Tx>
  readonly #tx: Tx
  readonly #tenantId: string
  readonly #horizon: DaySpan
  readonly #employees: ReadonlyMap<string, DirtyEmployee>
  readonly #notes: NewNotes
  readonly #read: number[]
  readonly #unknown: readonly StoredChange[]
  readonly #stages: ReadonlySet<string>
  #leavesWaiting = false

  private constructor(settings: ChangesSettings<Tx>, tx: Tx, tenantId: string, lane: ReadLane) {
    this.#settings = settings
    this.#tx = tx
    this.#tenantId = tenantId
    this.#employees = lane.employees
    this.#read = lane.read
    this.#unknown = lane.unknown
    this.#stages = lane.stages
    this.#horizon = lane.horizon
    this.#notes = new NewNotes(tenantId, settings.clock, lane.employees)
  }

  /** Reads what is dirty of employees who are locked. */
  static async take<Tx>(settings: ChangesSettings<Tx>, tx: Tx, lane: TakenLane): Promise<LaneChanges<Tx>> {
    return new LaneChanges(settings, tx, lane.tenantId, await readLane(settings, tx, lane))
  }

  /** True when there is nothing to calculate now, and nothing to be removed. */
  get isEmpty(): boolean {
    return this.#read.length === 0
  }

  /** True when nothing was noted of these employees. */
  get hasNone(): boolean {
    return this.#read.length === 0 && this.#employees.size === 0
  }

  /** The first dirty day of all; undefined when no day is. */
  get first(): number | undefined {
    let first: number | undefined
    for (const { first: own } of this.#employees.values()) {
      if (own !== undefined && (first === undefined || own < first)) first = own
    }
    return first
  }

  /** The last day that can be dirty, now or by what follows from these changes. */
  get lastPossible(): number {
    let last = this.#horizon.last
    for (const employee of this.#employees.values()) last = Math.max(last, employee.last)
    return last
  }

  /** True when some of the days that were read, or what follows from them, is left to do. */
  get leavesWaiting(): boolean {
    return this.#leavesWaiting
  }

  /** Tables of an employee that were changed, as far as it was noted which. */
  tablesOf(employeeId: string): readonly string[] {
    return [...(this.#employees.get(employeeId)?.tables ?? [])]
  }

  /** Employees who are dirty between two days. */
  dirtyBetween(first: number, last: number): readonly string[] {
    return [...this.#employees]
      .filter(([, { byStage }]) => byStage.values().some((days) => !days.between(first, last).next().done))
      .map(([employeeId]) => employeeId)
  }

  /** Opens the dirty days of a block whose closed days are known, and marks the periods that are dirty in it. */
  open(days: BlockDays): void {
    const { employeeIds, from, to } = days.block
    const [start, end] = [toEpochDay(from), toEpochDay(to)]
    const { dayStages, periodStages } = this.#settings.wholePass
    const stages = dayStages.map(({ stage }) => stage.name)
    for (const [employee, employeeId] of employeeIds.entries()) {
      for (const [stage, dirty] of this.#employees.get(employeeId)?.byStage ?? []) {
        const periodPosition = periodStages.findIndex(({ name }) => name === stage)
        const periodStage = periodStages[periodPosition]
        if (periodStage) {
          markPeriods(days, employee, periodPosition, periodStage, dirty)
          continue
        }
        // A stage that there is no more stands for all.
        const position = Math.max(0, stages.indexOf(stage))
        for (const day of dirty.between(start, end)) days.open(days.firstOf(employee) + day - start, position)
      }
      markRepaired(days, employee, this.#employees.get(employeeId)?.due ?? [])
    }
  }

  #isOfPeriods(stage: string): boolean {
    return this.#settings.wholePass.periodStages.some(({ name }) => name === stage)
  }

  /** What follows values that do change: to later days, and to the periods that hold them. */
  cascadeOf(days: BlockDays): Cascade {
    const { wholePass } = this.#settings
    const cascade = new Cascade(
      days,
      wholePass.dayStages.map(({ stage }) => stage),
      fromEpochDay(this.#horizon.last),
    )
    followPeriods(days, cascade, (employeeId) => this.#employees.get(employeeId), this.#horizon)
    return cascade
  }

  /**
   * Writes down what a block came to.
   *
   * @param block Undefined: nothing was calculated.
   * @param runsDates The caller is a run, which calculates the dates that it was asked for.
   */
  async settle(
    block: { readonly days: BlockDays; readonly cascade: Cascade } | undefined,
    runsDates = false,
  ): Promise<AfterCommit | undefined> {
    const left = new Map<string, DaysByStage>()
    const add: NewChange[] = []
    const leave: Leave = (employeeId, stage, spans) => {
      const sets = left.get(employeeId) ?? new Map()
      left.set(employeeId, sets)
      addTo(sets, stage, spans)
    }
    const seen = new Set<string>()
    if (block) {
      const { following } = block.cascade
      // A run follows what was noted, in case that it does not get there; of other values it does what it was asked for.
      const isFollowed = runsDates ? await this.#followedByRun(employeesToFollow(block)) : () => true
      for (const [employee, employeeId] of block.days.block.employeeIds.entries()) {
        seen.add(employeeId)
        if (isFollowed(employeeId)) this.#settleEmployee(employee, employeeId, block.days, !runsDates, add, leave)
      }
      for (const { employeeId, stage, first, last } of following) {
        if (isFollowed(employeeId)) leave(employeeId, stage, [{ first, last }])
      }
      if (block.days.periods) this.#settlePeriods(block.days.periods, isFollowed, add, leave)
    }
    for (const [employeeId, { byStage }] of this.#employees) {
      if (!seen.has(employeeId)) for (const [stage, { spans }] of byStage) leave(employeeId, stage, spans)
    }
    const before = add.length
    for (const [employeeId, sets] of left) {
      for (const [stage, { spans }] of sets) {
        for (const span of spans) add.push(this.#notes.waiting({ employeeId, stage, span }))
      }
    }
    this.#leavesWaiting = add.length > before
    add.push(...this.#unknown.map((change) => this.#notes.unknown(change)), ...this.#stageNotes(block))
    if (this.#read.length === 0 && add.length === 0) return undefined
    return await this.#settings.changes.update(this.#tx, { remove: this.#read, add })
  }

  /**
   * Whose values a run follows behind its block: of those who have changes. That is also who has got some while the block was
   * calculated: what they are about may be in its values already, so that settling them later finds nothing different.
   */
  async #followedByRun(employeeIds: ReadonlySet<string>): Promise<(employeeId: string) => boolean> {
    const unsure = [...employeeIds].filter((employeeId) => !this.#has(employeeId))
    const noted = await notedOf(this.#settings, this.#tx, this.#tenantId, unsure)
    return (employeeId) => noted.has(employeeId) || this.#has(employeeId)
  }

  #has(employeeId: string): boolean {
    const employee = this.#employees.get(employeeId)
    return employee !== undefined && (!employee.isEmpty || employee.parked.length > 0)
  }

  /** What became of the periods of a block, beyond what was calculated. */
  #settlePeriods(
    periods: BlockPeriods,
    isFollowed: (employeeId: string) => boolean,
    add: NewChange[],
    leave: Leave,
  ): void {
    for (const { employeeId, stage, period } of periods.deferred) {
      if (isFollowed(employeeId)) leave(employeeId, stage, [lastDayOf(period)])
    }
    for (const { employeeId, stage, period } of periods.held) {
      if (isFollowed(employeeId)) add.push(this.#notes.held({ employeeId, stage, span: lastDayOf(period) }))
    }
    for (const failure of periods.failures) {
      const { employeeId, stage } = failure
      if (employeeId === null || !isFollowed(employeeId)) continue
      for (const span of dirtyAfter(failure, periods))
        add.push(this.#notes.failing({ employeeId, stage, span }, failure))
    }
  }

  #settleEmployee(
    employee: number,
    employeeId: string,
    days: BlockDays,
    takesAll: boolean,
    add: NewChange[],
    leave: Leave,
  ): void {
    const { from, to } = days.block
    const [start, end] = [toEpochDay(from), toEpochDay(to)]
    const numberOf = (day: number) => days.firstOf(employee) + day - start
    const dirty = this.#employees.get(employeeId) ?? new DirtyEmployee()
    // What fails in a run that has taken no change of the employee is the run's to tell.
    const isNoted = takesAll || !dirty.isEmpty
    const ofDays: [string, DaySet][] = []
    for (const [stage, own] of dirty.byStage) {
      leave(employeeId, stage, own.without(start, end))
      if (!this.#isOfPeriods(stage)) ofDays.push([stage, own])
      else {
        const isLeft = (day: number) => !days.periods?.isDone(employee, stage, fromEpochDay(day))
        const left = [...own.between(start, end)].filter(isLeft)
        leave(
          employeeId,
          stage,
          left.map((day) => ({ first: day, last: day })),
        )
      }
    }
    const held = new DaySet()
    for (let day = start; day <= end; day++) {
      const number = numberOf(day)
      const failure = days.failures.get(number)
      // A change that was not due is replaced when its day fails once more, whoever tried it.
      if (failure && (isNoted || dirty.parked.some((change) => isOn(change, day)))) {
        add.push(this.#notes.failing({ employeeId, span: { first: day, last: day } }, failure))
      } else if (days.held.has(number)) held.add(day, day)
      // Blocked behind a failed day.
      else if (!days.isOpen(number)) {
        for (const [stage, own] of ofDays) if (own.has(day)) leave(employeeId, stage, [{ first: day, last: day }])
      }
    }
    for (const span of held.spans) add.push(this.#notes.held({ employeeId, span }))
    this.#settleParked(dirty, days, numberOf, { first: start, last: end }, add)
  }

  /** Of changes that were not due, days that were calculated are settled; the rest is left as it was. */
  #settleParked(
    dirty: DirtyEmployee,
    days: BlockDays,
    numberOf: (day: number) => number,
    { first, last }: DaySpan,
    add: NewChange[],
  ): void {
    for (const change of dirty.parked) {
      const { content } = change
      if (!('days' in content)) continue
      const [from, to] = content.days
      const stage = stageOf(content)
      if (this.#isOfPeriods(stage)) {
        const employee = days.block.employeeIds.indexOf(change.employeeId ?? '')
        if (days.periods?.isDone(employee, stage, fromEpochDay(from))) this.#read.push(change.id)
        continue
      }
      const rest = new DaySet()
      rest.addAll(withoutSpan({ first: from, last: to }, { first, last }))
      let isTouched = false
      for (let day = Math.max(from, first); day <= Math.min(to, last); day++) {
        const number = numberOf(day)
        if (days.isOpen(number) || days.failures.has(number) || days.held.has(number)) isTouched = true
        else rest.add(day, day)
      }
      if (!isTouched) continue
      this.#read.push(change.id)
      const { id: _, ...note } = change
      for (const span of rest.spans) add.push({ ...note, content: { days: [span.first, span.last] } })
    }
  }

  /** Tenant stages that read what was changed run once the days are done. */
  #stageNotes(block: { readonly days: BlockDays; readonly cascade: Cascade } | undefined): readonly NewChange[] {
    const { pipeline } = this.#settings
    if (pipeline.tenantStages.length === 0) return []
    const due = new Set(this.#stages)
    const changed = block?.cascade.changedStages ?? new Set()
    const perEmployee = [...pipeline.dayStages, ...pipeline.periodStages]
    const tables = perEmployee.filter(({ name }) => changed.has(name)).flatMap(({ writes }) => writes)
    for (const stage of tenantReaders(pipeline, tables)) due.add(stage)
    // What a dailyCalc writes is not known.
    if (changed.has(DAILY_CALC)) for (const { name } of pipeline.tenantStages) due.add(name)
    const { from, to } = block?.days.block ?? {}
    const first = from ? toEpochDay(from) : this.#horizon.last
    const days = [first, to ? toEpochDay(to) : first] as const
    return [...due].map((stage) => this.#notes.stage(stage, days))
  }
}

/** Of whom something is left to do behind a block, or in it. */
function employeesToFollow({ days, cascade }: { readonly days: BlockDays; readonly cascade: Cascade }) {
  const { periods, held } = days
  const left = [
    ...cascade.following,
    ...(periods?.deferred ?? []),
    ...(periods?.held ?? []),
    ...(periods?.failures ?? []),
  ]
  const ids = [...left, ...[...held].map((day) => days.day(day))].map(({ employeeId }) => employeeId)
  return new Set(ids.filter((id) => id !== null))
}

type Leave = (employeeId: string, stage: string, spans: Iterable<DaySpan>) => void
