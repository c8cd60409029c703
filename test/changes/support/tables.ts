import type { UnitOfWork } from '../../../src/index.ts'
import { KeyedLocks } from '../../../src/run/units/keyed-locks.ts'

const never = new AbortController().signal

/** `table employee` → day → value; days are numbers, because the tests read millions of them. */
type Rows = Map<string, Map<number, number | undefined>>

/** Tables of numbers in memory, whose transactions commit as a whole. */
export class Tables {
  readonly rows: Rows = new Map()
  readonly #locks = new KeyedLocks()

  /** Every row, in a fixed order. */
  dump(): readonly string[] {
    const rows = [...this.rows].flatMap(([key, days]) => [...days].map(([day, value]) => `${key} ${day}: ${value}`))
    return rows.sort()
  }

  copy(): Tables {
    const copy = new Tables()
    for (const [key, days] of this.rows) copy.rows.set(key, new Map(days))
    return copy
  }

  edit(table: string, employeeId: string, day: number, value: number | undefined): void {
    write(this.rows, `${table} ${employeeId}`, day, value)
  }

  /** @param onCommit May throw: the transaction is rolled back. */
  unitOfWork(onCommit: () => void = () => {}): UnitOfWork<TablesTx> {
    return {
      run: async (work) => {
        const tx = new TablesTx(this.rows)
        try {
          const result = await work(tx)
          onCommit()
          tx.commit()
          return result
        } finally {
          this.#locks.release(tx.locked)
        }
      },
      lockEmployees: async (tx, _, employeeIds) => {
        const wanted = employeeIds.filter((id) => !tx.locked.includes(id)).toSorted()
        await this.#locks.acquire(wanted, { stopping: never })
        tx.locked.push(...wanted)
      },
      isTransient: (error) => error instanceof Interruption,
    }
  }
}

/** Something that goes by. */
export class Interruption extends Error {}

export class TablesTx {
  /** Employees who are locked until it ends. */
  readonly locked: string[] = []
  readonly #rows: Rows
  readonly #written: Rows = new Map()

  constructor(rows: Rows) {
    this.#rows = rows
  }

  read(table: string, employeeId: string, day: number): number | undefined {
    return this.reader(table, employeeId)(day)
  }

  reader(table: string, employeeId: string): (day: number) => number | undefined {
    const own = this.#written.get(`${table} ${employeeId}`)
    const rows = this.#rows.get(`${table} ${employeeId}`)
    return (day) => (own?.has(day) ? own.get(day) : rows?.get(day))
  }

  write(table: string, employeeId: string, day: number, value: number | undefined): void {
    const key = `${table} ${employeeId}`
    const days = this.#written.get(key) ?? new Map()
    this.#written.set(key, days.set(day, value))
  }

  /** The latest row before a day. */
  latest(table: string, employeeId: string, before: number): number | undefined {
    const key = `${table} ${employeeId}`
    const days = [...(this.#rows.get(key)?.keys() ?? []), ...(this.#written.get(key)?.keys() ?? [])]
    const read = this.reader(table, employeeId)
    const last = Math.max(...days.filter((day) => day < before && read(day) !== undefined))
    return Number.isFinite(last) ? read(last) : undefined
  }

  commit(): void {
    for (const [key, days] of this.#written) for (const [day, value] of days) write(this.#rows, key, day, value)
  }
}

function write(rows: Rows, key: string, day: number, value: number | undefined): void {
  const days = rows.get(key) ?? new Map<number, number | undefined>()
  rows.set(key, days)
  if (value === undefined) days.delete(day)
  else days.set(day, value)
}
