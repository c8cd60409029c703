import { Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely'
import { hashedKey } from '../ledger-key.ts'
import { bytesOf, statements } from '../statements.ts'
import { type RecalcTables, rawTable } from '../tables.ts'
import { driverOn } from '../transaction/driver-on.ts'
import { endsPostgresTransaction } from '../transaction/ending-statements.ts'
import { postgresCapture } from './capture/postgres.ts'
import { deleteLanes } from './delete-lanes.ts'
import { deleteRows } from './delete-rows.ts'
import { driverError, NETWORK_CODES } from './driver-error.ts'
import type { Engine } from './engine.ts'
import { orUpdate } from './or-update.ts'
import { listenForWakes } from './postgres-listener.ts'
import { wakeExpression } from './postgres-wake.ts'

/** read_only_sql_transaction: a standby, or what was the primary before a failover. */
const READ_ONLY = '25006'

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const TRANSIENT: ReadonlySet<unknown> = new Set([
  READ_ONLY,
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  '53300', // too_many_connections
  '55P03', // lock_not_available: lock_timeout, or `nowait`
  '57P01', // admin_shutdown, and pg_terminate_backend
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: starting up, or shutting down
  '57P05', // idle_session_timeout
])

/** Of node-postgres, whose own errors carry no code, and of Kysely for a connection that it gave up. */
const GONE_MESSAGES: ReadonlySet<unknown> = new Set([
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Postgres connection has been discarded',
])

/** Of node-postgres, when something took too long. */
const TIMEOUT_MESSAGES: ReadonlySet<unknown> = new Set([
  'Connection terminated due to connection timeout',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
])

function isTransient(error: unknown): boolean {
  const { code, message } = driverError(error)
  if (isGone(error) || TRANSIENT.has(code)) return true
  if (code === undefined) return TIMEOUT_MESSAGES.has(message)
  // 08 is a broken connection (also a pooler's to its server), 40 a rolled back transaction.
  return isSqlState(code) && (code.startsWith('08') || code.startsWith('40'))
}

function isGone(error: unknown): boolean {
  const { code, message, severity } = driverError(error)
  return (
    NETWORK_CODES.has(code) ||
    (isSqlState(code) && (severity === 'FATAL' || severity === 'PANIC')) ||
    (code === undefined && GONE_MESSAGES.has(message))
  )
}

function isSqlState(code: unknown): code is string {
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)
}

/** PostgreSQL through `pg`. */
export const postgres: Engine = {
  isolationLevel: 'read committed',
  isolationOf: sql`select current_setting('transaction_isolation') as level`,
  longText: sql`text`,
  textCollation: sql` collate "C"`,
  rowNumber: 'bigint',
  countUp: (column) => column.generatedByDefaultAsIdentity(),
  tableOptions: sql``,
  createIndex: (index) => index.ifNotExists().execute(),
  async dropIndex(db, _table, name) {
    await sql`drop index if exists ${rawTable(db, name)}`.execute(db)
  },
  async renameTable(db, from, to) {
    await sql`alter table ${rawTable(db, from)} rename to ${sql.ref(to)}`.execute(db)
  },
  async replicaLagMs(db) {
    // A replica that has replayed all that it received is not behind, however long ago the last commit was.
    const { rows } = await sql<{ readonly lag: number | string | null; readonly isReplica: boolean }>`select
      pg_is_in_recovery() as "isReplica",
      case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
        else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000 end as lag`.execute(db)
    const [row] = rows
    if (!row?.isReplica) throw new Error('Expected the database to be a replica, it is a primary')
    return row.lag === null ? Number.POSITIVE_INFINITY : Number(row.lag)
  },
  clusterOf: undefined, // no server takes writes beside the primary
  async defaultSchema(db) {
    const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(db)
    return rows[0]?.name ?? undefined
  },
  async columnsOf(db, table, schema) {
    // Not `information_schema`: it leaves out materialized views and sequences, and tables of which this user may read nothing.
    const { rows } = await sql<{ name: string }>`select attname as name from pg_catalog.pg_attribute
      join pg_catalog.pg_class on pg_class.oid = attrelid join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
      where nspname = ${schema ?? sql`current_schema()`} and relname = ${table} and attnum > 0 and not attisdropped
      order by attnum`.execute(db)
    return rows.map(({ name }) => name)
  },
  async migrationsIn(tx) {
    await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(tx)
    const connection = await tx.getExecutor().provideConnection(async (one) => one)
    return new Kysely<RecalcTables>({
      dialect: {
        createAdapter: () => new LockedAdapter(),
        createDriver: () => driverOn(connection),
        createIntrospector: (db) => new PostgresIntrospector(db),
        createQueryCompiler: () => new PostgresQueryCompiler(),
      },
    })
  },
  listed: (numbers) => sql`concat_ws(',', ${sql.join(numbers)})`,

  ledgerKey: hashedKey,
  capture: postgresCapture,
  noting: (db, table, rows) =>
    db
      .with('noted', (query) => query.insertInto(table).values(rows).returning('id'))
      .selectNoFrom(sql.raw(wakeExpression(table)).as('woken')),
  listenForWakes,
  indexHint: () => sql``,
  deleteLanes,
  deleteRows,
  orUpdate,
  readsForUpdate: true,
  async lockRows(tx, names, hashes) {
    const sorted = [...new Set(hashes)].sort()
    // One statement makes what is missing and locks what is there, row by row in the order of the keys. `where false`
    // is looked at once the row is locked, and leaves it as it is: no dead version of it has to be cleaned up.
    for (const group of statements(sorted, bytesOf)) {
      await tx
        .insertInto(names.locks)
        .values(group.map((lock_hash) => ({ lock_hash })))
        .onConflict((conflict) =>
          conflict
            .column('lock_hash')
            .doUpdateSet(({ ref }) => ({ lock_hash: ref('excluded.lock_hash') }))
            .where(sql<boolean>`false`),
        )
        .execute()
    }
  },
  isTransient,
  isGone,
  isReadOnly: (error) => driverError(error).code === READ_ONLY,
  // After any error of the server only the end of the transaction, or of a savepoint, is taken.
  endsTransaction: (error) => isSqlState(driverError(error).code) || isTransient(error),
  isEnding: endsPostgresTransaction,
  revivesTransaction: (statement) => /^\s*rollback\s+((work|transaction)\s+)?to\b/i.test(statement),
  endSession: 'select pg_terminate_backend(pg_backend_pid())',
}

/** PostgreSQL in this process (PGlite): one session, which is the host's. */
export const embeddedPostgres: Engine = {
  ...postgres,
  migrationsIn: undefined,
  listenForWakes: undefined,
  endSession: undefined,
}

/** Any number that hosts do not use for advisory locks of their own. */
const MIGRATION_LOCK = 5_120_917_263_548

/** For what runs in a transaction that holds the lock already. */
class LockedAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}
