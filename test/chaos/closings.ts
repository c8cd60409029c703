import { addDays, type ClosedPeriods, type IsoDate } from '../../src/index.ts'
import { rowKey, type Transaction } from '../support/database.ts'
import type { Random } from './random.ts'

type Interval = { readonly from: IsoDate; readonly to: IsoDate }

/** Which days the host has closed. The closings of a round move, and it remembers what each transaction was told about them. */
export class Closings {
  readonly #random: Random
  readonly #employees: readonly string[]
  readonly #dates: readonly IsoDate[]
  readonly #exist: boolean
  #closed = new Map<string, readonly Interval[]>()
  /** By transaction: the days that were asked about, and whether each was said to be closed. */
  readonly #told = new Map<Transaction, ReadonlyMap<string, boolean>>()
  /** Whether the last committed unit of work was told that a day is closed, so that it left the day alone. */
  readonly #skipped = new Map<string, boolean>()

  /** @param exist False: the host knows no closed periods. */
  constructor(random: Random, employees: readonly string[], dates: readonly IsoDate[], exist: boolean) {
    this.#random = random
    this.#employees = employees
    this.#dates = dates
    this.#exist = exist
  }

  move(): void {
    if (!this.#exist) return
    const random = this.#random
    const [first] = this.#dates as [IsoDate]
    const interval = () => {
      const start = random.between(-1, this.#dates.length - 1)
      return { from: addDays(first, start), to: addDays(first, start + random.between(0, 3)) }
    }
    this.#closed = new Map(
      this.#employees
        .filter(() => random.chance(0.5))
        .map((id) => [id, Array.from({ length: random.between(1, 2) }, interval)]),
    )
  }

  /** What the service asks. */
  get periods(): ClosedPeriods<Transaction> | undefined {
    if (!this.#exist) return undefined
    return {
      closed: async ({ tenantId, employeeIds, from, to }, tx) => {
        await tx.point({ name: 'closed' })
        const told = new Map<string, boolean>()
        for (const employeeId of employeeIds) {
          for (const date of this.#dates) {
            if (date < from || date > to) continue
            const isClosed = this.#closed.get(employeeId)?.some((one) => one.from <= date && date <= one.to) ?? false
            told.set(rowKey({ tenantId, employeeId, date }), isClosed)
          }
        }
        this.#told.set(tx, told)
        return new Map(employeeIds.map((id) => [id, this.#closed.get(id) ?? []]))
      },
    }
  }

  /** Closed days that a transaction is about to write, although it was told. */
  brokenBy(tx: Transaction): readonly string[] {
    const told = this.#told.get(tx)
    return tx.pending
      .filter(({ key }) => told?.get(key))
      .map(({ key, table }) => `${table} ${key} is closed, and yet it is written`)
  }

  committed(tx: Transaction | undefined): void {
    for (const [key, isClosed] of (tx && this.#told.get(tx)) ?? []) this.#skipped.set(key, isClosed)
  }

  isSkipped(key: string): boolean {
    return this.#skipped.get(key) ?? false
  }

  get skippedDays(): number {
    return [...this.#skipped.values()].filter(Boolean).length
  }
}
