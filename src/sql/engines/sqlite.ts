import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from 'kysely'
import { hexKey } from '../ledger-key.ts'
import type { RecalcTables } from '../tables.ts'
import { driverOn } from '../transaction/driver-on.ts'
import { endsSqliteTransaction } from '../transaction/ending-statements.ts'
import { sqliteCapture } from './capture/sqlite.ts'
import { deleteLanes } from './delete-lanes.ts'
import { deleteRows } from './delete-rows.ts'
import { driverError } from './driver-error.ts'
import type { Engine } from './engine.ts'
import { orUpdate } from './or-update.ts'

// https://sqlite.org/rescode.html
const BUSY = 5
const LOCKED = 6

/**
 * Errors after which SQLite may have rolled the transaction back by itself: what follows would be committed statement by
 * statement. https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
 */
const MAY_ROLL_BACK: ReadonlySet<unknown> = new Set([
  BUSY,
  7, // SQLITE_NOMEM
  9, // SQLITE_INTERRUPT
  10, // SQLITE_IOERR
  13, // SQLITE_FULL
])

/** With `insert or rollback`, `on conflict rollback` and `raise(rollback, …)` a broken constraint ends the transaction. */
const CONSTRAINT = 19

/** The same by the names that better-sqlite3 gives; extended codes go on behind them, as in SQLITE_BUSY_SNAPSHOT. */
const NUMBER_OF: Readonly<Record<string, number>> = {
  BUSY,
  LOCKED,
  NOMEM: 7,
  INTERRUPT: 9,
  IOERR: 10,
  FULL: 13,
  CONSTRAINT,
}

/** The primary code of an error: the lowest byte of node:sqlite's `errcode`, or by name. */
function resultCode(error: unknown): number | undefined {
  const { code, errcode } = driverError(error)
  if (typeof errcode === 'number') return errcode & 0xff
  const [, name = ''] = /^SQLITE_([A-Z]+)/.exec(String(code)) ?? []
  return NUMBER_OF[name]
}

export const sqlite: Engine = {
  isolationLevel: undefined,
  isolationOf: undefined,
  longText: sql`text`,
  textCollation: sql``, // BINARY by default
  rowNumber: 'integer',
  countUp: (column) => column.autoIncrement(),
  tableOptions: sql``,
  createIndex: (index) => index.ifNotExists().execute(),
  async dropIndex(db, _table, name) {
    await sql`drop index if exists ${sql.table(name)}`.execute(db)
  },
  async renameTable(db, from, to) {
    await sql`alter table ${sql.table(from)} rename to ${sql.table(to)}`.execute(db)
  },
  defaultSchema: async () => undefined,
  async columnsOf(db, table) {
    const { rows } = await sql<{ name: string }>`select name from pragma_table_info(${table})`.execute(db)
    return rows.map(({ name }) => name)
  },
  replicaLagMs: undefined,
  clusterOf: undefined,
  async migrationsIn(tx) {
    // Kysely's lock for migrations is none in SQLite. The first write of a transaction is one, and no other statement.
    await sql`create table recalc_first_write (id integer)`.execute(tx)
    await sql`drop table recalc_first_write`.execute(tx)
    const connection = await tx.getExecutor().provideConnection(async (one) => one)
    return new Kysely<RecalcTables>({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createDriver: () => driverOn(connection),
        createIntrospector: (db) => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      },
    })
  },
  listed: (numbers) => sql`(${sql.join(numbers, sql` || ',' || `)})`,

  ledgerKey: hexKey,
  capture: sqliteCapture,
  noting: undefined,
  listenForWakes: undefined,
  indexHint: () => sql``,
  deleteLanes,
  deleteRows,
  orUpdate,
  readsForUpdate: false,
  async lockRows(tx, names, hashes) {
    // One writer at a time has the whole database: the first write of the transaction is the lock.
    const [first = ''] = hashes
    await tx
      .insertInto(names.locks)
      .values({ lock_hash: first })
      .onConflict((conflict) => conflict.column('lock_hash').doUpdateSet({ lock_hash: first }))
      .execute()
  },
  isTransient(error) {
    const code = resultCode(error)
    return code === BUSY || code === LOCKED
  },
  isGone: (error) => /no transaction is active|database is not open/.test(String(driverError(error).message)),
  isReadOnly: () => false, // a file does not fail over
  async endsTransaction(error, query) {
    const code = resultCode(error)
    if (code !== CONSTRAINT) return MAY_ROLL_BACK.has(code)
    // Only where none is open can one be begun.
    const isOpen = await query('begin').then(
      () => false,
      () => true,
    )
    if (!isOpen) await query('rollback')
    return !isOpen
  },
  isEnding: endsSqliteTransaction,
  revivesTransaction: () => false,
  endSession: undefined,
}
