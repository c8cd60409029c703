import { batches } from '../database/batches.ts'
import type { AnyDatabase } from '../database/engine.ts'
import { anyTable, type Cell, upsert } from '../database/upsert.ts'
import { keyOf, type Row, type SourceFile } from './source-file.ts'

/** What became of rows. */
export interface RowCounts {
  readonly added: number
  readonly changed: number
  /** Were there already, as they should be. */
  readonly left: number
}

const NONE: RowCounts = { added: 0, changed: 0, left: 0 }

/** Writes what is not in its table yet, or there with other values: two statements per batch of rows, however many differ. */
export class TableWriter {
  readonly #tx: AnyDatabase
  readonly #counts = new Map<string, RowCounts>()
  /** Who has been introduced, by table. */
  readonly #known = new Map<string, Set<Cell>>()

  /** @param tables Those that are told of in `counts`, also when they get no row. */
  constructor(tx: AnyDatabase, tables: readonly string[]) {
    this.#tx = tx
    for (const table of tables) this.#counts.set(table, NONE)
  }

  /** By table. */
  get counts(): ReadonlyMap<string, RowCounts> {
    return this.#counts
  }

  async write(file: SourceFile, rows: readonly Row[]): Promise<void> {
    for (const batch of batches(rows)) {
      await this.#introduce(file, batch)
      const stored = await this.#stored(file, batch)
      const added = batch.filter((row) => !stored.has(keyOf(file, row)))
      const changed = batch.filter((row) => {
        const old = stored.get(keyOf(file, row))
        return old !== undefined && !isSame(row, old)
      })
      await upsert(this.#tx, file.table, file.key, [...added, ...changed])
      this.#count(file.table, {
        added: added.length,
        changed: changed.length,
        left: batch.length - added.length - changed.length,
      })
    }
  }

  async #introduce({ introduces }: SourceFile, rows: readonly Row[]): Promise<void> {
    if (!introduces) return
    const { table, column, rowFrom } = introduces
    const known = this.#known.get(table) ?? new Set()
    this.#known.set(table, known)
    const strangers = [...new Set(rows.map((row) => row[column] ?? null))].filter((id) => !known.has(id))
    if (strangers.length === 0) return
    const found = await anyTable(this.#tx).selectFrom(table).select('id').where('id', 'in', strangers).execute()
    const there = new Set<Cell>(found.map(({ id }) => id ?? null))
    const missing = strangers.filter((id) => !there.has(id)).map(rowFrom)
    if (missing.length > 0) await anyTable(this.#tx).insertInto(table).values(missing).execute()
    for (const id of strangers) known.add(id)
    this.#count(table, { added: missing.length, changed: 0, left: there.size })
  }

  async #stored(file: SourceFile, rows: readonly Row[]): Promise<ReadonlyMap<string, Row>> {
    const [column = '', ...others] = file.key
    const found = await anyTable(this.#tx)
      .selectFrom(file.table)
      .select(Object.keys(file.columns))
      .where((row) =>
        others.length === 0
          ? row(
              column,
              'in',
              rows.map((one) => one[column] ?? null),
            )
          : row.or(rows.map((one) => row.and(file.key.map((name) => row(name, '=', one[name] ?? null))))),
      )
      .execute()
    return new Map(found.map((row) => [keyOf(file, row), row]))
  }

  #count(table: string, { added, changed, left }: RowCounts): void {
    const before = this.#counts.get(table) ?? NONE
    this.#counts.set(table, {
      added: before.added + added,
      changed: before.changed + changed,
      left: before.left + left,
    })
  }
}

/** Drivers give decimals as text or as numbers. */
function isSame(row: Row, stored: Row): boolean {
  return Object.entries(row).every(([column, cell]) => {
    const old = stored[column] ?? null
    return typeof cell === 'number' && old !== null ? Number(old) === cell : old === cell
  })
}
