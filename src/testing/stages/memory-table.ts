import { isDeepStrictEqual } from 'node:util'

/** Rows in memory that stand for a table: for stages whose `tx` is an object of such tables. */
export class MemoryTable<Row extends object> {
  readonly #key: readonly (keyof Row)[]
  readonly #rows = new Map<string, Row>()

  /**
   * @param key The columns that make a row unique.
   * @param rows What is in the table at first.
   */
  constructor(key: readonly (keyof Row)[], rows: readonly Row[] = []) {
    this.#key = key
    this.upsert(rows)
  }

  /** The rows that `where` is true for, default all, as copies, in the order in which they came. */
  rows(where: (row: Row) => boolean = () => true): readonly Row[] {
    return [...this.#rows.values()].filter(where).map((row) => structuredClone(row))
  }

  /** Inserts rows, or replaces those with the same key. */
  upsert(rows: readonly Row[]): void {
    for (const row of rows) this.#rows.set(this.#keyOf(row), structuredClone(row))
  }

  /** Deletes the rows with these keys, as far as they are there. */
  delete(keys: readonly Partial<Row>[]): void {
    for (const key of keys) this.#rows.delete(this.#keyOf(key))
  }

  /** True when both hold the same rows, in whatever order. */
  equals(other: MemoryTable<Row>): boolean {
    return isDeepStrictEqual(new Map([...this.#rows].sort()), new Map([...other.#rows].sort()))
  }

  #keyOf(row: Partial<Row>): string {
    return JSON.stringify(this.#key.map((column) => row[column]))
  }
}
