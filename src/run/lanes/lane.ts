import type { IsoDate } from '../../calendar/iso-date.ts'
import { type BlockOutcome, stepOf } from '../blocks/block-runner.ts'
import type { Step } from '../checkpoint.ts'
import { lockKeys } from '../employee-locks.ts'
import type { Employee } from '../plan/host-contracts.ts'
import type { RecalcFailure } from '../result.ts'

const nobody: ReadonlySet<string> = new Set()

/**
 * The blocks of one group of employees, in date order. Lanes run side by side, days of one employee never do.
 *
 * A lane that meets an error it cannot pin on a day is split in two, down to a single employee, and then takes fewer dates
 * at a time, down to a single one.
 */
export class Lane {
  readonly id: number
  readonly tenantId: string
  readonly employees: readonly Employee[]
  readonly employeeIds: readonly string[]
  readonly lockKeys: readonly string[]
  /** Ascending, but not necessarily consecutive. */
  protected readonly dates: readonly IsoDate[]
  #datesDone: number
  #blocked: ReadonlySet<string>

  constructor(options: {
    readonly id: number
    readonly tenantId: string
    readonly employees: readonly Employee[]
    readonly dates: readonly IsoDate[]
    readonly datesDone?: number
    readonly blocked?: ReadonlySet<string>
  }) {
    this.id = options.id
    this.tenantId = options.tenantId
    this.employees = options.employees
    this.employeeIds = options.employees.map(({ id }) => id)
    this.lockKeys = lockKeys(options.tenantId, this.employeeIds)
    this.dates = options.dates
    this.#datesDone = options.datesDone ?? 0
    this.#blocked = options.blocked ?? nobody
  }

  get datesDone(): number {
    return this.#datesDone
  }

  /** Employees whose remaining days are blocked by a failed one. */
  get blocked(): ReadonlySet<string> {
    return this.#blocked
  }

  get finished(): boolean {
    return this.#datesDone >= this.dates.length
  }

  /** The next dates to do, at most `limit`. */
  nextDates(limit: number): readonly IsoDate[] {
    return this.dates.slice(this.#datesDone, this.#datesDone + limit)
  }

  /** How a block of the next dates is written down. */
  stepOf(dates: readonly IsoDate[], outcome: BlockOutcome): Step {
    const datesDone = this.#datesDone + dates.length
    const lane = { id: this.id, datesDone, finished: datesDone >= this.dates.length }
    return { ...stepOf(outcome), lane }
  }

  /** The block of the next dates has committed. */
  advance(dates: readonly IsoDate[], failures: readonly RecalcFailure[], blocksLater: boolean): void {
    this.#datesDone += dates.length
    if (!blocksLater || failures.length === 0) return
    const failed = failures.flatMap(({ employeeId }) => (employeeId === null ? [] : [employeeId]))
    this.#blocked = this.#blocked.union(new Set(failed))
  }

  /** This lane's employees as two lanes with the given ids, each where this one stands. */
  split(newId: () => number): readonly Lane[] {
    const middle = Math.ceil(this.employees.length / 2)
    return [this.employees.slice(0, middle), this.employees.slice(middle)].map((employees) =>
      this.part(newId(), employees),
    )
  }

  protected part(id: number, employees: readonly Employee[]): Lane {
    const { tenantId, dates, datesDone, blocked } = this
    return new Lane({ id, tenantId, employees, dates, datesDone, blocked })
  }
}
