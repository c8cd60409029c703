import type { DateInterval } from '../../calendar/date-range.ts'
import type { IsoDate } from '../../calendar/iso-date.ts'
import type { Block, EmployeeDay } from '../../pipeline/employee-day.ts'
import type { RecalcFailure } from '../failure.ts'

const none: readonly number[] = []
const noFailures: ReadonlyMap<number, RecalcFailure> = new Map()

/** What becomes of a day. */
const OPEN = 0
const CLOSED = 1
const FAILED = 2
const BLOCKED = 3

/**
 * The employee-days of one block and what becomes of each: calculated, closed, failed, or blocked by a failed one. Days are
 * addressed by number: employee × dates + date.
 *
 * Where days build on earlier ones, everything behind an employee's failed day is blocked, closed or not: whether it is
 * closed is asked again when it is repaired.
 */
export class BlockDays {
  readonly block: Block
  readonly #days: (EmployeeDay | undefined)[]
  /** A byte per day; undefined as long as every day is open. */
  #states: Uint8Array | undefined
  readonly #blocksLater: boolean
  #failures: Map<number, RecalcFailure> | undefined

  constructor(block: Block, options: { readonly blocksLater: boolean }) {
    const size = block.employeeIds.length * block.dates.length
    this.block = block
    this.#blocksLater = options.blocksLater
    this.#days = new Array(size)
  }

  /** Days within these intervals are left alone. */
  close(employee: number, intervals: readonly DateInterval[]): void {
    const { dates } = this.block
    for (const [i, date] of dates.entries()) {
      if (!intervals.some(({ from, to }) => from <= date && date <= to)) continue
      this.#marked[employee * dates.length + i] = CLOSED
    }
  }

  /** Leaves a day as it was; has no effect on one that is closed or blocked. */
  fail(day: number, failure: RecalcFailure): void {
    const states = this.#marked
    if (states[day] === CLOSED || states[day] === BLOCKED) return
    this.#failures ??= new Map()
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

  /** The block without employees, and without dates at its ends, that have nothing to calculate; undefined when nothing is left. */
  toCalculate(): Block | undefined {
    if (!this.#states) return this.block
    const { tenantId, employeeIds, dates } = this.block
    const busy = new Set<number>()
    let first = dates.length
    let last = -1
    this.forEachDay((day) => {
      busy.add(Math.floor(day / dates.length))
      first = Math.min(first, day % dates.length)
      last = Math.max(last, day % dates.length)
    })
    if (busy.size === 0) return undefined
    return blockOf(
      tenantId,
      employeeIds.filter((_, employee) => busy.has(employee)),
      dates.slice(first, last + 1),
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
