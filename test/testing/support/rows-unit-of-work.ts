import type { UnitOfWork } from 'recalc-service'
import type { HostRows } from 'recalc-service/testing'

/** What is written in one unit of work, and whom it has locked. */
export interface RowsTx {
  readonly written: string[]
  readonly locked: Map<string, () => void>
  /** Why nothing can be written or committed any more. */
  end?: Error | undefined
}

/** A list of rows with transactions and employee locks: the least that a database does. */
export class RowsUnitOfWork implements UnitOfWork<RowsTx>, HostRows<RowsTx> {
  readonly #rows: string[] = []
  readonly #held = new Map<string, Promise<void>>()

  async run<T>(work: (tx: RowsTx) => Promise<T>): Promise<T> {
    const tx: RowsTx = { written: [], locked: new Map() }
    try {
      const result = await work(tx)
      if (tx.end) throw tx.end
      this.#rows.push(...tx.written)
      return result
    } finally {
      for (const release of tx.locked.values()) release()
    }
  }

  async lockEmployees(tx: RowsTx, tenantId: string, employeeIds: readonly string[]): Promise<void> {
    for (const id of employeeIds) {
      const key = JSON.stringify([tenantId, id])
      if (tx.locked.has(key)) continue
      while (this.#held.has(key)) await this.#held.get(key)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#held.set(key, promise)
      tx.locked.set(key, () => {
        this.#held.delete(key)
        resolve()
      })
    }
  }

  isTransient(): boolean {
    return false
  }

  async write(tx: RowsTx, row: string): Promise<void> {
    if (tx.end) throw tx.end
    tx.written.push(row)
  }

  async read(): Promise<readonly string[]> {
    return [...this.#rows]
  }
}

/** What a database does to the victim of a deadlock. */
export async function endTransaction(tx: RowsTx): Promise<void> {
  tx.end = new Error('deadlock')
  tx.written.length = 0
  throw tx.end
}
