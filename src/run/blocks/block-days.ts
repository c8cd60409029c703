import type { IsoDate } from '../../calendar/iso-date.ts'
import type { Block, EmployeeDay } from '../../pipeline/employee-day.ts'
import type { RecalcFailure } from '../result.ts'

const noFailures: ReadonlyMap<number, RecalcFailure> = new Map()

/**
 * The employee-days of one block and what becomes of each. Days are addressed by number: employee × dates + date.
 *
 * Per employee the block falls into three parts, in date order: closed days, days to calculate, blocked days. A failed day
 * lies in the middle part, and is the last of it when days build on earlier ones.
 */
export class BlockDays {
  readonly block: Block
  readonly #days: (EmployeeDay | undefined)[]
  readonly #open: number[]
  readonly #end: number[]
  #failures: Map<number, RecalcFailure> | undefined
  readonly #blocksLater: boolean

  constructor(block: Block, options: { blocksLater: boolean; blocked: ReadonlySet<string> }) {
    const { employeeIds, dates } = block
    this.block = block
    this.#blocksLater = options.blocksLater
    this.#days = new Array(employeeIds.length * dates.length)
    this.#open = new Array(employeeIds.length).fill(0)
    this.#end = new Array(employeeIds.length).fill(dates.length)
    if (options.blocked.size > 0) this.#end = employeeIds.map((id) => (options.blocked.has(id) ? 0 : dates.length))
  }

  /** Days up to and including `closedThrough` are left alone. */
  close(employee: number, closedThrough: IsoDate): void {
    const firstOpen = this.block.dates.findIndex((date) => date > closedThrough)
    const open = firstOpen === -1 ? this.block.dates.length : firstOpen
    this.#open[employee] = open
    this.#end[employee] = Math.max(open, this.#end[employee] as number)
  }

  /** Leaves a day as it was; has no effect on one that is closed or blocked. */
  fail(day: number, failure: RecalcFailure): void {
    const dates = this.block.dates.length
    const employee = Math.floor(day / dates)
    if (day < this.firstOf(employee) || day >= this.endOf(employee)) return
    this.#failures ??= new Map()
    if (this.#blocksLater) {
      // A later stage failed on an earlier day: the day at which this employee had stopped is merely blocked now.
      this.#failures.delete(this.endOf(employee) - 1)
      this.#end[employee] = (day % dates) + 1
    }
    this.#failures.set(day, failure)
  }

  hasFailed(day: number): boolean {
    return this.#failures?.has(day) ?? false
  }

  /** Failures by the number of the day. */
  get failures(): ReadonlyMap<number, RecalcFailure> {
    return this.#failures ?? noFailures
  }

  /** The number of the employee's first day to calculate. */
  firstOf(employee: number): number {
    return employee * this.block.dates.length + (this.#open[employee] as number)
  }

  /** One more than the number of the employee's last day to calculate. */
  endOf(employee: number): number {
    return employee * this.block.dates.length + (this.#end[employee] as number)
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

  /** Calls `visit` with every day that is to be calculated and has not failed, in date order per employee. */
  forEachDay(visit: (day: number) => void): void {
    for (let employee = 0; employee < this.block.employeeIds.length; employee++) {
      for (let day = this.firstOf(employee); day < this.endOf(employee); day++) {
        if (!this.hasFailed(day)) visit(day)
      }
    }
  }

  /** The block without employees and dates that have nothing to calculate; undefined when nothing is left. */
  toCalculate(): Block | undefined {
    const { tenantId, employeeIds, dates } = this.block
    const busy = employeeIds.filter((_, employee) => this.#hasWork(employee))
    if (busy.length === 0) return undefined
    if (busy.length === employeeIds.length && !this.#open.some((open) => open > 0)) return this.block
    const first = Math.min(...this.#open.filter((_, employee) => this.#hasWork(employee)))
    return blockOf(tenantId, busy, first === 0 ? dates : dates.slice(first))
  }

  #hasWork(employee: number): boolean {
    for (let day = this.firstOf(employee); day < this.endOf(employee); day++) {
      if (!this.hasFailed(day)) return true
    }
    return false
  }

  get skipped(): number {
    let skipped = 0
    for (const open of this.#open) skipped += open
    return skipped
  }

  /** Days that failed or are blocked. */
  get failed(): number {
    let failed = this.failures.size
    for (const end of this.#end) failed += this.block.dates.length - end
    return failed
  }
}

/** A block of the given employees and consecutive dates; neither may be empty. */
export function blockOf(tenantId: string, employeeIds: readonly string[], dates: readonly IsoDate[]): Block {
  return { tenantId, employeeIds, dates, from: dates[0] as IsoDate, to: dates[dates.length - 1] as IsoDate }
}
