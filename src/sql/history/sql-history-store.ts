import type { HistoryEntry, HistoryQuery, HistoryRecord, HistoryStore } from '../../run/history/history-store.ts'
import type { JobDatabase } from '../job-database.ts'
import { bytesOfAscii, statements } from '../statements.ts'
import type { RecalcDb } from '../tables.ts'
import { entriesOf, historyKey, placeOf, rowsOf } from './history-rows.ts'
import type { HistoryDb, NewHistoryRow } from './history-table.ts'

/** The most rows that one statement adds. */
const MAX_ROWS = 100

/** How many rows are read at once. */
const PAGE = 20

/** The history in a table beside the host's own: written by blocks, in batches. */
export class SqlHistoryStore<Tx> implements HistoryStore<Tx> {
  readonly #database: JobDatabase
  readonly #dbOf: (tx: Tx) => HistoryDb
  readonly #table: 'history'

  /** @param dbOf The library's tables in a transaction of the host. */
  constructor(database: JobDatabase, table: 'history', dbOf: (tx: Tx) => RecalcDb) {
    this.#database = database
    this.#dbOf = (tx) => historyIn(dbOf(tx))
    this.#table = table
  }

  async append(tx: Tx, record: HistoryRecord): Promise<void> {
    const db = this.#dbOf(tx)
    for (const group of statements(rowsOf(record), rowBytes, MAX_ROWS)) {
      await db.insertInto(this.#table).values(group).execute()
    }
  }

  list(query: HistoryQuery): Promise<readonly HistoryEntry[]> {
    return this.#database.read(({ db }) => this.#listIn(historyIn(db), query))
  }

  async #listIn(db: HistoryDb, { tenantId, of, after, limit }: HistoryQuery): Promise<readonly HistoryEntry[]> {
    const place = after === null ? undefined : placeOf(after)
    const found: HistoryEntry[] = []
    const query = this.#query(db, tenantId, of)
    let last = place ? place.row + 1 : undefined
    for (;;) {
      const rows = await query.$if(last !== undefined, (own) => own.where('id', '<', last ?? 0)).execute()
      for (const row of rows) {
        last = Number(row.id)
        const isBegun = last === place?.row
        for (const [i, entry] of entriesOf(row).entries()) {
          if ((isBegun && i <= place.value) || entry.tenantId !== tenantId) continue
          if (!('runId' in of) && (entry.date > of.to || entry.through < of.from)) continue
          found.push(entry)
          if (found.length === limit) return found
        }
      }
      if (rows.length < PAGE) return found
    }
  }

  #query(db: HistoryDb, tenantId: string, of: HistoryQuery['of']) {
    const query = db.selectFrom(this.#table).select(['id', 'kept_at', 'body']).orderBy('id', 'desc').limit(PAGE)
    if ('runId' in of) return query.where('run_id', '=', of.runId.replaceAll('\0', '\uFFFD'))
    return query
      .where('employee_hash', '=', historyKey(tenantId, of.employeeId))
      .where('first_date', '<=', of.to)
      .where('last_date', '>=', of.from)
  }
}

function rowBytes({ body }: NewHistoryRow): number {
  return 256 + bytesOfAscii(body)
}

function historyIn(db: RecalcDb): HistoryDb {
  return db as unknown as HistoryDb // the table is there once `migrate()` has run
}
