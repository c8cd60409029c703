import type { Block, EmployeeDay, UnitOfWork } from '../../src/index.ts'

/** A deadlock, as far as the engine is told: the same work may succeed when it is tried again. */
export class TransientError extends Error {
  readonly code = 'ER_LOCK_DEADLOCK'
}

/** Where a test may step in. */
type PointName = 'begin' | 'lock' | 'closed' | 'load' | 'stored' | 'calculate' | 'save' | 'run' | 'commit'

/** One moment in the life of a unit of work. */
export interface Point {
  readonly name: PointName
  readonly tx: Transaction
  readonly stage?: string
  /** The block that is loaded, or the employees that are locked. */
  readonly block?: Block
  /** The days that are calculated or saved. */
  readonly days?: readonly EmployeeDay[]
}

/** Called at every {@link Point}: throws for an error, waits for a race, never returns for a dead process. */
export type Probe = (point: Point) => void | Promise<void>

/** One row that a unit of work has committed; `value` is undefined when it was deleted. */
export interface RowWrite {
  readonly table: string
  readonly key: string
  readonly value: unknown
}

/** The key of a row per employee and day. */
export function rowKey(day: { readonly tenantId: string; readonly employeeId: string; readonly date: string }): string {
  return `${day.tenantId}/${day.employeeId}/${day.date}`
}

/**
 * Tables in memory with transactions: writes are seen by nobody until they are committed, all at once. Reads see what is
 * committed (READ COMMITTED). Locks are held until the transaction ends.
 */
export class Database {
  /** Every committed write of every unit of work, in order. */
  readonly writes: RowWrite[] = []
  /** Called after each commit, with what it wrote: the view of a reader who looks at the worst moment. */
  onCommit: (writes: readonly RowWrite[]) => void = () => {}
  /** Things that must never happen. */
  readonly misuse: string[] = []
  readonly #tables = new Map<string, Map<string, unknown>>()
  readonly #locks = new Map<string, Transaction>()
  readonly #waiting = new Map<Transaction, () => void>()

  /** The committed rows of a table, by {@link rowKey}. */
  rows<Value = unknown>(table: string): ReadonlyMap<string, Value> {
    return this.#table(table) as ReadonlyMap<string, Value>
  }

  /** The committed rows of a table as an object, keys sorted. */
  dump(table: string): Record<string, unknown> {
    return Object.fromEntries([...this.#table(table)].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** An edit of the host's, committed at once; `undefined` deletes. */
  edit(table: string, key: string, value: unknown): void {
    if (value === undefined) this.#table(table).delete(key)
    else this.#table(table).set(key, value)
  }

  /** A process's own way to the database. */
  connect(probe: Probe = () => {}): Connection {
    return new Connection(this, probe)
  }

  /** @internal */
  commit(tx: Transaction): void {
    for (const write of tx.pending) {
      this.edit(write.table, write.key, write.value)
      this.writes.push(write)
    }
    this.onCommit(tx.pending)
  }

  /** @internal */
  async lock(tx: Transaction, keys: readonly string[]): Promise<void> {
    if (keys.some((key, i) => i > 0 && key <= (keys[i - 1] as string))) this.misuse.push(`locks out of order: ${keys}`)
    for (const key of keys) {
      for (let holder = this.#locks.get(key); holder && holder !== tx; holder = this.#locks.get(key)) {
        await new Promise<void>((resolve) => this.#waiting.set(tx, resolve))
      }
      if (tx.killed) return await new Promise<never>(() => {})
      this.#locks.set(key, tx)
    }
  }

  /** @internal */
  unlock(tx: Transaction): void {
    for (const [key, holder] of this.#locks) if (holder === tx) this.#locks.delete(key)
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  get lockedKeys(): readonly string[] {
    return [...this.#locks.keys()]
  }

  #table(name: string): Map<string, unknown> {
    let table = this.#tables.get(name)
    if (!table) {
      table = new Map()
      this.#tables.set(name, table)
    }
    return table
  }
}

/** What one process does with the database: a unit of work whose every step can be disturbed. */
export class Connection implements UnitOfWork<Transaction> {
  readonly database: Database
  /** Units of work that were begun. */
  begun = 0
  readonly #probe: Probe
  readonly #open = new Set<Transaction>()

  constructor(database: Database, probe: Probe) {
    this.database = database
    this.#probe = probe
  }

  async run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const tx = new Transaction(this.database, this.#probe)
    this.begun += 1
    this.#open.add(tx)
    try {
      await tx.point({ name: 'begin' })
      const answer = await work(tx)
      await tx.point({ name: 'commit' })
      if (tx.killed) return await new Promise<never>(() => {})
      this.database.commit(tx)
      return answer
    } finally {
      this.#end(tx)
    }
  }

  async lockEmployees(tx: Transaction, tenantId: string, employeeIds: readonly string[]): Promise<void> {
    await tx.point({ name: 'lock' })
    await this.database.lock(
      tx,
      employeeIds.map((id) => `${tenantId}/${id}`),
    )
  }

  isTransient(error: unknown): boolean {
    return error instanceof TransientError
  }

  /** The process is dead: what it had not committed is rolled back, its locks are free. */
  kill(): void {
    for (const tx of this.#open) {
      tx.killed = true
      this.#end(tx)
    }
  }

  #end(tx: Transaction): void {
    tx.ended = true
    this.#open.delete(tx)
    this.database.unlock(tx)
  }
}

/** What a unit of work hands to calculators. */
export class Transaction {
  ended = false
  /** Its process is dead; whatever still runs of it here is not really there. */
  killed = false
  /** Not yet seen by anybody else. */
  readonly pending: RowWrite[] = []
  readonly #database: Database
  readonly #probe: Probe

  constructor(database: Database, probe: Probe) {
    this.#database = database
    this.#probe = probe
  }

  /** Lets the test step in. */
  async point(point: Omit<Point, 'tx'>): Promise<void> {
    await this.#probe({ ...point, tx: this })
  }

  /** As {@link point}, where nothing can wait. */
  pointNow(point: Omit<Point, 'tx'>): void {
    void this.#probe({ ...point, tx: this })
  }

  /** The sum of the rows whose keys begin with `prefix`. */
  sum(table: string, prefix: string): number {
    let sum = 0
    for (const key of this.#database.rows(table).keys()) {
      if (key.startsWith(prefix)) sum += this.read<number>(table, key) ?? 0
    }
    return sum
  }

  read<Value>(table: string, key: string): Value | undefined {
    this.#mustBeOpen('read')
    const own = this.pending.findLast((write) => write.table === table && write.key === key)
    return (own ? own.value : this.#database.rows(table).get(key)) as Value | undefined
  }

  write(table: string, key: string, value: unknown): void {
    this.#mustBeOpen('write')
    this.pending.push({ table, key, value })
  }

  delete(table: string, key: string): void {
    this.write(table, key, undefined)
  }

  #mustBeOpen(what: string): void {
    if (!this.ended || this.killed) return
    this.#database.misuse.push(`${what} after the end of the transaction`)
    throw new Error('The transaction has ended')
  }
}
