import type { DateInterval } from '../../calendar/date-range.ts'
import type { IsoDate } from '../../calendar/iso-date.ts'
import type { Block, EmployeeDay } from '../../pipeline/employee-day.ts'
import type { RecalcFailure } from '../failure.ts'
import type { BlockPeriods } from './periods/block-periods.ts'

const none: readonly number[] = []
const noFailures: ReadonlyMap<number, RecalcFailure> = new Map()
const noDays: ReadonlySet<number> = new Set()

/** What becomes of a day. */
const OPEN = 0
const CLOSED = 1
const FAILED = 2
const BLOCKED = 3
const CLEAN = 4

/**
 * The employee-days of one block and what becomes of each: calculated, closed, failed, or blocked by a failed one. Days are
 * addressed by number: employee × dates + date.
 *
 * Where days build on earlier ones, everything behind an employee's failed day is blocked, closed or not: whether it is
 * closed is asked again when it is repaired.
 *
 * Where only some days are to be calculated, all are `clean` at first: what is stored of them is right. Days are opened one
 * by one, before or while the block is calculated.
 */
export class BlockDays {
  readonly block: Block
  /** What becomes of the periods that hold these days; undefined where no period is to be calculated. */
  readonly periods: BlockPeriods | undefined
  readonly #days: (EmployeeDay | undefined)[]
  /** A byte per day; undefined as long as every day is open. */
  #states: Uint8Array | undefined
  readonly #blocksLater: boolean
  #failures: Map<number, RecalcFailure> | undefined
  /** Of clean days: they fail as soon as they are opened. */
  #failuresOfClean: Map<number, RecalcFailure> | undefined
  /** Closed days that were to be opened. */
  #held: Set<number> | undefined
  /** The position of the first stage that is to calculate a day; undefined: all stages calculate all open days. */
  #positions: Uint16Array | undefined
  #raised = 0

  /** @param options.clean No day is to be calculated unless it is opened. */
  constructor(
    block: Block,
    options: { readonly blocksLater: boolean; readonly clean?: boolean; readonly periods?: BlockPeriods | undefined },
  ) {
    const size = block.employeeIds.length * block.dates.length
    this.block = block
    this.periods = options.periods
    this.#blocksLater = options.blocksLater
    this.#days = new Array(size)
    if (options.clean) this.#states = new Uint8Array(size).fill(CLEAN)
  }

  /** A failed day of an employee blocks the later ones. */
  get blocksLater(): boolean {
    return this.#blocksLater
  }

  /**
   * Has a clean day calculated. A closed one is left as it is, and listed as held.
   *
   * @param position Of the first stage in the pass that is to calculate it; of those in front what is stored is right.
   */
  open(day: number, position = 0): void {
    const states = this.#marked
    const state = states[day]
    if (state === OPEN) this.#lower(day, position)
    if (state === CLOSED) {
      this.#held ??= new Set()
      this.#held.add(day)
    }
    if (state !== CLEAN) return
    states[day] = OPEN
    if (position > 0) {
      this.#positions ??= new Uint16Array(states.length)
      this.#positions[day] = position
    }
    const failure = this.#failuresOfClean?.get(day)
    if (failure) this.#fail(day, failure)
  }

  /** True for a day that the stage at the given position in the pass is to calculate, and that has not failed. */
  isDue(day: number, position: number): boolean {
    return this.isOpen(day) && (this.#positions?.[day] ?? 0) <= position
  }

  #lower(day: number, position: number): void {
    if (this.#positions) this.#positions[day] = Math.min(this.#positions[day] ?? 0, position)
  }

  /** Closed days that were to be opened, by number. */
  get held(): ReadonlySet<number> {
    return this.#held ?? noDays
  }

  /** True for a day that is not to be calculated because what is stored of it is right. */
  isClean(day: number): boolean {
    return this.#states?.[day] === CLEAN
  }

  /** Days within these intervals are left alone. */
  close(employee: number, intervals: readonly DateInterval[]): void {
    const { dates } = this.block
    this.periods?.close(employee, intervals)
    for (const [i, date] of dates.entries()) {
      if (!intervals.some(({ from, to }) => from <= date && date <= to)) continue
      this.#marked[employee * dates.length + i] = CLOSED
    }
  }

  /**
   * Leaves a day as it was; has no effect on one that is closed or blocked, and none on a clean one until it is opened. With
   * the failure of a period stage, whose last day it is, it blocks the days behind it even if it is closed.
   */
  fail(day: number, failure: RecalcFailure): void {
    const state = this.#states?.[day] ?? OPEN
    const isOfPeriod = this.periods?.stages.some(({ name }) => name === failure.stage) === true
    if ((state === CLOSED && !isOfPeriod) || state === BLOCKED) return
    if (state === CLEAN) {
      this.#failuresOfClean ??= new Map()
      this.#failuresOfClean.set(day, failure)
      return
    }
    this.#raised += 1
    this.#fail(day, failure)
  }

  /** How many calls of `fail` had an effect at once. */
  get raised(): number {
    return this.#raised
  }

  #fail(day: number, failure: RecalcFailure): void {
    this.#failures ??= new Map()
    const states = this.#marked
    states[day] = FAILED
    this.#failures.set(day, failure)
    if (!this.#blocksLater) return
    const dates = this.block.dates.length
    const end = (Math.floor(day / dates) + 1) * dates
    for (let later = day + 1; later < end; later++) {
      // Where a later stage fails on an earlier day, the day at which this employee had stopped is merely blocked now.
      if (states[later] === FAILED) this.#failures.delete(later)
      states[later] = BLOCKED
    }
  }

  /** True for a day that is to be calculated, and has not failed. */
  isOpen(day: number): boolean {
    return this.#states === undefined || this.#states[day] === OPEN
  }

  /** True when a day of an employee has failed, or is blocked, between two dates. */
  hasFailed(employee: number, { from, to }: DateInterval): boolean {
    const states = this.#states
    if (!states || this.failures.size === 0) return false
    const first = this.firstOf(employee)
    return this.block.dates.some((date, i) => {
      const state = states[first + i]
      return (state === FAILED || state === BLOCKED) && date >= from && date <= to
    })
  }

  /** Failures by the number of the day. */
  get failures(): ReadonlyMap<number, RecalcFailure> {
    return this.#failures ?? noFailures
  }

  /** The number of the employee's first day. */
  firstOf(employee: number): number {
    return employee * this.block.dates.length
  }

  day(number: number): EmployeeDay {
    let day = this.#days[number]
    if (!day) {
      const { tenantId, employeeIds, dates } = this.block
      const employeeId = employeeIds[Math.floor(number / dates.length)] as string
      day = { tenantId, employeeId, date: dates[number % dates.length] as IsoDate }
      this.#days[number] = day
    }
    return day
  }

  /** Calls `visit` with every open day, in date order per employee. */
  forEachDay(visit: (day: number) => void): void {
    for (let day = 0; day < this.#days.length; day++) if (this.isOpen(day)) visit(day)
  }

  /**
   * The block without employees, and without dates at its ends, that have nothing to calculate; undefined when nothing is left.
   *
   * @param options.throughEnd Keeps all dates behind the first: days may be opened there.
   * @param options.withHeld Keeps closed days that were to be opened: a value may be handed on over them.
   */
  toCalculate(options: { readonly throughEnd?: boolean; readonly withHeld?: boolean } = {}): Block | undefined {
    if (!this.#states) return this.block
    const { tenantId, employeeIds, dates } = this.block
    const busy = new Set<number>()
    let first = dates.length
    let last = -1
    const visit = (day: number) => {
      busy.add(Math.floor(day / dates.length))
      first = Math.min(first, day % dates.length)
      last = Math.max(last, day % dates.length)
    }
    this.forEachDay(visit)
    if (options.withHeld) for (const day of this.held) visit(day)
    if (busy.size === 0) return undefined
    return blockOf(
      tenantId,
      employeeIds.filter((_, employee) => busy.has(employee)),
      dates.slice(first, options.throughEnd ? dates.length : last + 1),
    )
  }

  /** Closed days. */
  get skipped(): number {
    return this.#count(CLOSED, CLOSED)
  }

  /** Days that failed or are blocked. */
  get failed(): number {
    return this.#count(FAILED, BLOCKED)
  }

  get #marked(): Uint8Array {
    this.#states ??= new Uint8Array(this.#days.length)
    return this.#states
  }

  #count(state: number, orElse: number): number {
    let count = 0
    for (const other of this.#states ?? none) if (other === state || other === orElse) count += 1
    return count
  }
}

/** A block of the given employees and consecutive dates; neither may be empty. */
export function blockOf(tenantId: string, employeeIds: readonly string[], dates: readonly IsoDate[]): Block {
  return { tenantId, employeeIds, dates, from: dates[0] as IsoDate, to: dates[dates.length - 1] as IsoDate }
}
