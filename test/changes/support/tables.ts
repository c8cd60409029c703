import type { UnitOfWork } from '../../../src/index.ts'

/** Tables of numbers in memory, whose transactions commit as a whole. */
export class Tables {
  readonly rows = new Map<string, number>()

  /** Every row, keys sorted. */
  dump(): readonly (readonly [string, number])[] {
    return [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  copy(): Tables {
    const copy = new Tables()
    for (const [key, value] of this.rows) copy.rows.set(key, value)
    return copy
  }

  edit(table: string, employeeId: string, date: string, value: number | undefined): void {
    const key = rowOf(table, employeeId, date)
    if (value === undefined) this.rows.delete(key)
    else this.rows.set(key, value)
  }

  /** @param onCommit May throw: the transaction is rolled back. */
  unitOfWork(onCommit: () => void = () => {}): UnitOfWork<TablesTx> {
    return {
      run: async (work) => {
        const tx = new TablesTx(this.rows)
        const result = await work(tx)
        onCommit()
        tx.commit()
        return result
      },
      async lockEmployees() {},
      isTransient: (error) => error instanceof Interruption,
    }
  }
}

/** Something that goes by. */
export class Interruption extends Error {}

export class TablesTx {
  readonly #rows: Map<string, number>
  readonly #written = new Map<string, number | undefined>()

  constructor(rows: Map<string, number>) {
    this.#rows = rows
  }

  read(table: string, employeeId: string, date: string): number | undefined {
    const key = rowOf(table, employeeId, date)
    return this.#written.has(key) ? this.#written.get(key) : this.#rows.get(key)
  }

  write(table: string, employeeId: string, date: string, value: number | undefined): void {
    this.#written.set(rowOf(table, employeeId, date), value)
  }

  /** The latest row before a date. */
  latest(table: string, employeeId: string, before: string): number | undefined {
    const prefix = rowOf(table, employeeId, '')
    const dates = [...this.#rows.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
    const last = dates
      .filter((date) => date < before && this.read(table, employeeId, date) !== undefined)
      .sort()
      .at(-1)
    return last === undefined ? undefined : this.read(table, employeeId, last)
  }

  commit(): void {
    for (const [key, value] of this.#written) {
      if (value === undefined) this.#rows.delete(key)
      else this.#rows.set(key, value)
    }
  }
}

function rowOf(table: string, employeeId: string, date: string): string {
  return `${table} ${employeeId} ${date}`
}
