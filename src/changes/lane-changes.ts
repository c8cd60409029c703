import { fromEpochDay, toEpochDay } from '../calendar/epoch-day.ts'
import { isKnownTable, tenantReaders } from '../pipeline/affected-days.ts'
import { DAILY_CALC } from '../pipeline/stage-shape.ts'
import type { BlockDays } from '../run/blocks/block-days.ts'
import { Cascade } from '../run/blocks/cascade.ts'
import { messageOf } from '../run/failure.ts'
import type { AfterCommit } from '../run/journal.ts'
import type { EmployeeZones } from '../run/plan/zones.ts'
import type { ChangeError, ChangeState, NewChange, StoredChange } from './change-ledger.ts'
import type { ChangesSettings } from './changes-settings.ts'
import { DaySet, type DaySpan, withoutSpan } from './day-set.ts'
import { dirtySpansOf, horizonAt, type Place } from './dirty-days.ts'
import { ALL_STAGES, addTo, type DaysByStage, DirtyEmployee } from './dirty-employee.ts'
import { pauseAfterFailureMs, pauseWhileClosedMs } from './pauses.ts'

/** The most changes that are read at once; of more, those that were read are merged first. */
const READ_LIMIT = 20_000

const ALL: readonly ChangeState[] = ['waiting', 'failing', 'held']

/** Whose changes are taken, and in which zones their instants become days. */
export interface TakenLane {
  readonly tenantId: string
  readonly employeeIds: readonly string[]
  /** The tenant's. */
  readonly zone: string
  /** Undefined: everybody is in the tenant's zone. */
  readonly employeeZones: EmployeeZones | undefined
}

/**
 * The changes of some employees, read in a unit of work that holds them. What becomes of each is decided once a block of
 * their days is calculated: exactly those that were read are removed, and what is left to do of them is noted anew.
 */
export class LaneChanges<Tx> {
  readonly #settings: ChangesSettings<Tx>
  readonly #tx: Tx
  readonly #tenantId: string
  readonly #place: Place
  readonly #employeeZones: EmployeeZones | undefined
  readonly #horizon: DaySpan
  readonly #employees = new Map<string, DirtyEmployee>()
  #read: number[] = []
  /** Changes of tables that no stage of this service reads: another service may know them. */
  readonly #unknown: StoredChange[] = []
  /** Tenant stages that read a table that was changed by hand. */
  readonly #stages = new Set<string>()
  #leavesWaiting = false

  private constructor(settings: ChangesSettings<Tx>, tx: Tx, { tenantId, zone, employeeZones }: TakenLane) {
    this.#settings = settings
    this.#tx = tx
    this.#tenantId = tenantId
    this.#place = { zone, dayStart: { startsAt: settings.dayStartsAt } }
    this.#employeeZones = employeeZones
    this.#horizon = horizonAt(settings.clock.now(), this.#place, settings.horizon)
  }

  /** Reads what is dirty of employees who are locked. */
  static async take<Tx>(settings: ChangesSettings<Tx>, tx: Tx, lane: TakenLane): Promise<LaneChanges<Tx>> {
    const { tenantId, employeeIds } = lane
    const taken = new LaneChanges(settings, tx, lane)
    const read = (states: readonly ChangeState[], limit: number) =>
      settings.changes.read(tx, tenantId, { employeeIds, states, limit })
    const found = await read(ALL, READ_LIMIT)
    if (found.length < READ_LIMIT) {
      await taken.#addAll(found)
      return taken
    }
    // So many changes are merged a part at a time: only their days are kept.
    await taken.#addAll(await read(['failing', 'held'], Number.MAX_SAFE_INTEGER))
    for (;;) {
      const part = await read(['waiting'], READ_LIMIT)
      await taken.#addAll(part)
      if (part.length < READ_LIMIT) return taken
      const remove = part.map(({ id }) => id)
      // A ledger that removes nothing before the commit has given all that there is.
      if (await settings.changes.update(tx, { remove, add: [] })) return taken
      taken.#forget(new Set(remove))
    }
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

  /** Opens the dirty days of a block whose closed days are known. */
  open(days: BlockDays): void {
    const { employeeIds, from, to } = days.block
    const [start, end] = [toEpochDay(from), toEpochDay(to)]
    const stages = this.#settings.wholePass.dayStages.map(({ stage }) => stage.name)
    for (const [employee, employeeId] of employeeIds.entries()) {
      for (const [stage, dirty] of this.#employees.get(employeeId)?.byStage ?? []) {
        // A stage that there is no more stands for all.
        const position = Math.max(0, stages.indexOf(stage))
        for (const day of dirty.between(start, end)) days.open(days.firstOf(employee) + day - start, position)
      }
    }
  }

  cascadeOf(days: BlockDays): Cascade {
    const { wholePass } = this.#settings
    return new Cascade(
      days,
      wholePass.dayStages.map(({ stage }) => stage),
      fromEpochDay(this.#horizon.last),
    )
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
      for (const [employee, employeeId] of block.days.block.employeeIds.entries()) {
        seen.add(employeeId)
        this.#settleEmployee(employee, employeeId, block.days, !runsDates, add, leave)
      }
      for (const { employeeId, stage, first, last } of block.cascade.following) {
        // A run follows what was noted, in case that it does not get there; of other values it does what it was asked for.
        if (runsDates && !this.#has(employeeId)) continue
        leave(employeeId, stage, [{ first, last }])
      }
    }
    for (const [employeeId, { byStage }] of this.#employees) {
      if (!seen.has(employeeId)) for (const [stage, { spans }] of byStage) leave(employeeId, stage, spans)
    }
    const before = add.length
    for (const [employeeId, sets] of left) {
      const notedAt = this.#notedAt(employeeId)
      for (const [stage, { spans }] of sets) {
        for (const span of spans) add.push(this.#note({ employeeId, stage, span, notedAt, state: 'waiting' }))
      }
    }
    this.#leavesWaiting = add.length > before
    add.push(...this.#unknownAgain(), ...this.#stageNotes(block))
    if (this.#read.length === 0 && add.length === 0) return undefined
    return await this.#settings.changes.update(this.#tx, { remove: this.#read, add })
  }

  #has(employeeId: string): boolean {
    const employee = this.#employees.get(employeeId)
    return employee !== undefined && (!employee.isEmpty || employee.parked.length > 0)
  }

  #forget(removed: ReadonlySet<number>): void {
    this.#read = this.#read.filter((id) => !removed.has(id))
  }

  async #addAll(changes: readonly StoredChange[]): Promise<void> {
    for (const change of changes) {
      const hasInstants = 'table' in change.content && change.content.at !== undefined
      const zones = hasInstants ? this.#employeeZones : undefined
      this.#add(
        change,
        zones && change.employeeId !== null ? await this.#placeOf(change.employeeId, zones) : this.#place,
      )
    }
  }

  /** Who is somewhere that nobody can tell is taken for everywhere: a day too many is calculated, none is missed. */
  async #placeOf(employeeId: string, zones: EmployeeZones): Promise<Place> {
    try {
      return { ...this.#place, zone: await zones(employeeId) }
    } catch (err) {
      const fields = { err, tenantId: this.#tenantId, employeeId }
      this.#settings.logger.warn(fields, `The zone of an employee with changes is not known: ${messageOf(err)}`)
      return { ...this.#place, zone: undefined }
    }
  }

  #add(change: StoredChange, place: Place): void {
    const { content, employeeId, id, state, dueAt, notedAt } = change
    if (employeeId === null || 'stage' in content) return
    const { pipeline, clock } = this.#settings
    let employee = this.#employees.get(employeeId)
    if (!employee) {
      employee = new DirtyEmployee()
      this.#employees.set(employeeId, employee)
    }
    const isParked = state !== 'waiting'
    if (isParked && dueAt > clock.now()) {
      if ('days' in content) employee.parked.push(change)
      return
    }
    this.#read.push(id)
    if ('table' in content && !isKnownTable(pipeline, content.table)) {
      this.#unknown.push(change)
      return
    }
    if (isParked) employee.due.push(change)
    employee.notedAt = Math.min(employee.notedAt, notedAt)
    const stage = 'from' in content && 'days' in content ? (content.from ?? ALL_STAGES) : ALL_STAGES
    addTo(employee.byStage, stage, dirtySpansOf(content, { pipeline, place, horizon: this.#horizon }))
    if (!('table' in content)) return
    employee.tables.add(content.table)
    for (const reader of tenantReaders(pipeline, [content.table])) this.#stages.add(reader)
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
    const known = this.#employees.get(employeeId)
    if (!known && days.held.size + days.failures.size === 0) return
    const dirty = known ?? new DirtyEmployee()
    // What fails in a run that has taken no change of the employee is the run's to tell.
    const isNoted = takesAll || !dirty.isEmpty
    for (const [stage, own] of dirty.byStage) leave(employeeId, stage, own.without(start, end))
    const held = new DaySet()
    for (let day = start; day <= end; day++) {
      const number = numberOf(day)
      const failure = days.failures.get(number)
      if (failure && (isNoted || isParked(dirty, day))) add.push(this.#failing(employeeId, dirty, day, failure))
      else if (days.held.has(number)) held.add(day, day)
      // Blocked behind a failed day.
      else if (!days.isOpen(number)) {
        for (const [stage, own] of dirty.byStage)
          if (own.has(day)) leave(employeeId, stage, [{ first: day, last: day }])
      }
    }
    for (const span of held.spans) add.push(this.#held(employeeId, dirty, span))
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

  #failing(employeeId: string, dirty: DirtyEmployee, day: number, { code, message }: ChangeError): NewChange {
    const attempts = attemptsAt(dirty, 'failing', day) + 1
    const notedAt = this.#notedAt(employeeId)
    const note = this.#note({ employeeId, span: { first: day, last: day }, notedAt, state: 'failing' })
    return {
      ...note,
      attempts,
      error: { code, message },
      dueAt: this.#settings.clock.now() + pauseAfterFailureMs(attempts),
    }
  }

  #held(employeeId: string, dirty: DirtyEmployee, span: DaySpan): NewChange {
    const attempts = attemptsAt(dirty, 'held', span.first) + 1
    const note = this.#note({ employeeId, span, notedAt: this.#notedAt(employeeId), state: 'held' })
    return { ...note, attempts, dueAt: this.#settings.clock.now() + pauseWhileClosedMs(attempts) }
  }

  #note(what: {
    readonly employeeId: string
    readonly stage?: string
    readonly span: DaySpan
    readonly notedAt: number
    readonly state: ChangeState
  }): NewChange {
    const { employeeId, stage = ALL_STAGES, span, notedAt, state } = what
    const days = [span.first, span.last] as const
    const content = stage === ALL_STAGES ? { days } : { days, from: stage }
    return { tenantId: this.#tenantId, employeeId, content, state, attempts: 0, error: null, notedAt, dueAt: 0 }
  }

  #notedAt(employeeId: string): number {
    const notedAt = this.#employees.get(employeeId)?.notedAt ?? Number.POSITIVE_INFINITY
    return Math.min(notedAt, this.#settings.clock.now())
  }

  /** They are not lost: a newer or older release may know the table. */
  #unknownAgain(): readonly NewChange[] {
    return this.#unknown.map(({ id: _, ...change }) => {
      const attempts = change.attempts + 1
      const table = 'table' in change.content ? change.content.table : ''
      const error = {
        code: 'UNKNOWN_TABLE',
        message: `No stage of this service reads the table ${JSON.stringify(table)}`,
      }
      const dueAt = this.#settings.clock.now() + pauseAfterFailureMs(attempts)
      return { ...change, state: 'failing', attempts, error, dueAt }
    })
  }

  /** Tenant stages that read what was changed run once the days are done. */
  #stageNotes(block: { readonly days: BlockDays; readonly cascade: Cascade } | undefined): readonly NewChange[] {
    const { pipeline } = this.#settings
    if (pipeline.tenantStages.length === 0) return []
    const due = new Set(this.#stages)
    const changed = block?.cascade.changedStages ?? new Set()
    const tables = pipeline.dayStages.filter(({ name }) => changed.has(name)).flatMap(({ writes }) => writes)
    for (const stage of tenantReaders(pipeline, tables)) due.add(stage)
    // What a dailyCalc writes is not known.
    if (changed.has(DAILY_CALC)) for (const { name } of pipeline.tenantStages) due.add(name)
    const { from, to } = block?.days.block ?? {}
    const first = from ? toEpochDay(from) : this.#horizon.last
    const days = [first, to ? toEpochDay(to) : first] as const
    return [...due].map((stage) => ({
      ...this.#note({
        employeeId: '',
        span: { first, last: first },
        notedAt: this.#settings.clock.now(),
        state: 'waiting',
      }),
      employeeId: null,
      content: { stage, days },
    }))
  }
}

type Leave = (employeeId: string, stage: string, spans: Iterable<DaySpan>) => void

/** A change that was not due is replaced when its day fails once more, whoever tried it. */
function isParked({ parked }: DirtyEmployee, day: number): boolean {
  return parked.some(({ content }) => 'days' in content && content.days[0] <= day && day <= content.days[1])
}

function attemptsAt({ due, parked }: DirtyEmployee, state: ChangeState, day: number): number {
  const same = [...due, ...parked].filter(
    ({ content, state: own }) => own === state && 'days' in content && content.days[0] <= day && day <= content.days[1],
  )
  return Math.max(0, ...same.map(({ attempts }) => attempts))
}
