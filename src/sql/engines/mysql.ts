import { sql } from 'kysely'
import { hashedKey } from '../ledger-key.ts'
import { bytesOf, statements } from '../statements.ts'
import { rawTable } from '../tables.ts'
import { endsMysqlTransaction } from '../transaction/ending-statements.ts'
import { mysqlCapture } from './capture/mysql.ts'
import { driverError, NETWORK_CODES } from './driver-error.ts'
import type { Engine } from './engine.ts'
import { mysqlClusterOf, troubleOfCommit } from './mysql-cluster.ts'

/** ER_LOCK_WAIT_TIMEOUT */
const LOCK_WAIT_TIMEOUT = 1205

// After a failover a connection may lead to what was the writer.
const READ_ONLY: ReadonlySet<unknown> = new Set([
  1290, // ER_OPTION_PREVENTS_STATEMENT: the server turned read-only
  1792, // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
  1836, // ER_READ_ONLY_MODE
])

// https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/
const TRANSIENT: ReadonlySet<unknown> = new Set([
  ...READ_ONLY,
  LOCK_WAIT_TIMEOUT,
  1020, // ER_CHECKREAD: the record has changed since it was last read (MariaDB's snapshot isolation)
  1040, // ER_CON_COUNT_ERROR: too many connections
  1047, // ER_UNKNOWN_COM_ERROR: a Galera node that has lost its cluster, or is joining it
  1053, // ER_SERVER_SHUTDOWN
  1077, // ER_NORMAL_SHUTDOWN
  1079, // ER_SHUTDOWN_COMPLETE
  1129, // ER_HOST_IS_BLOCKED: after too many broken connections, until an administrator flushes the hosts
  1158, // ER_NET_READ_ERROR
  1159, // ER_NET_READ_INTERRUPTED
  1160, // ER_NET_ERROR_ON_WRITE
  1161, // ER_NET_WRITE_INTERRUPTED
  1203, // ER_TOO_MANY_USER_CONNECTIONS
  1213, // ER_LOCK_DEADLOCK
  1412, // ER_TABLE_DEF_CHANGED: a table was altered after the transaction's snapshot was taken
  1568, // ER_CANT_CHANGE_TX_CHARACTERISTICS: somebody gave the connection back to the pool inside a transaction
  1637, // ER_TOO_MANY_CONCURRENT_TRXS: every undo slot is taken
  1927, // ER_CONNECTION_KILLED
  2013, // CR_SERVER_LOST, as ProxySQL says it of a server behind it
  3100, // ER_RUN_HOOK_ERROR: group replication refuses to commit while it fails over
  3101, // ER_TRANSACTION_ROLLBACK_DURING_COMMIT: a conflict with another member of the group
  3168, // ER_SERVER_ISNT_AVAILABLE
  3796, // ER_GRP_TRX_CONSISTENCY_NOT_ALLOWED: a member of a group that is not with it
  3797, // ER_GRP_TRX_CONSISTENCY_BEFORE: a member that cannot catch up with its group
  4031, // ER_CLIENT_INTERACTION_TIMEOUT
  9001, // ProxySQL: no server of the host group could be reached in time
  45028, // ER_GET_CONNECTION_TIMEOUT of MariaDB's own client: its pool is empty
])

/** Of the client: the connection was lost, or what the server sent was not what comes next. */
const CLIENT_CODES: ReadonlySet<unknown> = new Set(['PROTOCOL_CONNECTION_LOST', 'PROTOCOL_SEQUENCE_TIMEOUT'])

/** mysql2's pool when it is to wait for no connection, or for no more of them. */
const POOL_MESSAGES: ReadonlySet<unknown> = new Set(['No connections available.', 'Queue limit reached.'])

/** ER_NET_PACKET_TOO_LARGE: the same statement is too big the next time; a smaller block may not be. */
const PACKET_TOO_LARGE = 1153

/** Errors after which the server closes the connection. */
const CLOSING: ReadonlySet<unknown> = new Set([1053, 1927, 2013, 4031])

function isTransient(error: unknown): boolean {
  const { code, errno, sqlState, message } = driverError(error)
  if (errno === PACKET_TOO_LARGE) return false
  if (TRANSIENT.has(errno) || isGone(error) || troubleOfCommit(error) !== undefined) return true
  // 08 is a broken connection, 40 a rolled back transaction.
  if (typeof sqlState === 'string' && (sqlState.startsWith('08') || sqlState.startsWith('40'))) return true
  return code === undefined && POOL_MESSAGES.has(message)
}

function isGone(error: unknown): boolean {
  const { code, errno, fatal } = driverError(error)
  if (NETWORK_CODES.has(code) || CLIENT_CODES.has(code) || CLOSING.has(errno)) return true
  // mysql2 marks what it cannot go on after, such as a command on a connection that was closed under it.
  return fatal === true && code === undefined
}

/** MySQL and MariaDB, which speaks MySQL's dialect and its error numbers. */
export const mysql: Engine = {
  isolationLevel: 'read committed',
  isolationOf: undefined, // `@@transaction_isolation` is the session's, whatever `set transaction` said of this one
  longText: sql`mediumtext`,
  textCollation: sql``, // the table's
  rowNumber: 'bigint',
  countUp: (column) => column.autoIncrement(),
  tableOptions: sql`engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin`,
  async createIndex(index) {
    try {
      await index.execute()
    } catch (error) {
      // ER_DUP_KEYNAME: MySQL knows no `create index if not exists`.
      if (driverError(error).errno !== 1061) throw error
    }
  },
  async dropIndex(db, table, name) {
    try {
      await sql`drop index ${sql.ref(name)} on ${rawTable(db, table)}`.execute(db)
    } catch (error) {
      // ER_CANT_DROP_FIELD_OR_KEY: nor `drop index if exists`.
      if (driverError(error).errno !== 1091) throw error
    }
  },
  async renameTable(db, from, to) {
    await sql`rename table ${rawTable(db, from)} to ${rawTable(db, to)}`.execute(db)
  },
  async replicaLagMs(db) {
    const { rows } = await sql<Record<string, unknown>>`show replica status`.execute(db)
    if (rows.length === 0) throw new Error('Expected the database to be a replica, it has no source')
    const lags = rows.map((row) => {
      // MySQL's name, and MariaDB's.
      const seconds = row.Seconds_Behind_Source ?? row.Seconds_Behind_Master ?? null
      return seconds === null ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000
    })
    return Math.max(...lags)
  },
  clusterOf: mysqlClusterOf,
  defaultSchema: async () => undefined,
  async columnsOf(db, table, schema) {
    const { rows } = await sql<{ name: string }>`select column_name as name from information_schema.columns
      where table_schema = ${schema ?? sql`database()`} and table_name = ${table}`.execute(db)
    return rows.map(({ name }) => name)
  },
  migrationsIn: undefined, // no transaction takes a `create table` back
  listed: (numbers) => sql`concat_ws(',', ${sql.join(numbers)})`,

  ledgerKey: hashedKey,
  capture: mysqlCapture,
  noting: undefined,
  listenForWakes: undefined,
  indexHint: (index) => sql`force index (${sql.ref(index)})`,
  // MariaDB has no alias for the new row, as MySQL has, but `values(column)`. A column that is set to itself is no change.
  orUpdate: (insert, [first = ''], columns) =>
    insert.onDuplicateKeyUpdate(
      columns.length > 0
        ? Object.fromEntries(columns.map((column) => [column, sql`values(${sql.ref(column)})`]))
        : { [first]: sql.ref(first) },
    ),
  readsForUpdate: true,
  async lockRows(tx, names, hashes) {
    const sorted = [...new Set(hashes)].sort()
    // One statement finds, makes and locks, row by row in the order of their keys. With a `select … for update` and an
    // insert of what it missed, two who miss the same row deadlock; `insert ignore` takes shared locks on what is there,
    // and two who then want more deadlock as well.
    for (const group of statements(sorted, bytesOf)) {
      await tx
        .insertInto(names.locks)
        .values(group.map((lock_hash) => ({ lock_hash })))
        .onDuplicateKeyUpdate({ lock_hash: sql.ref('lock_hash') })
        .execute()
    }
  },
  async deleteLanes(tx, names, jobId, laneIds) {
    // With `lane_id in (…)` the optimizer may scan the table, and InnoDB locks all that it reads. Here it has but one way:
    // the list comes first, and each of its rows is looked up by the whole primary key.
    const ids = sql.join(
      laneIds.map((id) => sql`select ${sql.lit(id)} as lane_id`),
      sql` union all `,
    )
    await sql`delete lanes from (${ids}) as ids straight_join ${rawTable(tx, names.lanes)} as lanes force index (primary)
      on lanes.job_id = ${jobId} and lanes.lane_id = ids.lane_id`.execute(tx)
  },
  async deleteRows(db, table, ids) {
    // As with lanes: of a list of ids the optimizer may scan the table, and InnoDB then waits for each row that somebody is
    // inserting. Even if told to use the primary key it scans that.
    const name = rawTable(db, table)
    const list = JSON.stringify(ids)
    await (ids.length === 1
      ? sql`delete from ${name} where id = ${ids[0]}`
      : sql`delete gone from json_table(${list}, '$[*]' columns (id bigint path '$')) as ids
          straight_join ${name} as gone force index (primary) on gone.id = ids.id`
    ).execute(db)
  },
  isTransient,
  isGone,
  isReadOnly: (error) => READ_ONLY.has(driverError(error).errno),
  async endsTransaction(error, query) {
    if (!isTransient(error)) return false
    if (driverError(error).errno !== LOCK_WAIT_TIMEOUT) return true
    // A statement that waited too long is taken back by itself, unless the server was started with this option.
    const [row] = await query('select @@innodb_rollback_on_timeout as ends')
    return Number((row as { readonly ends: unknown } | undefined)?.ends) === 1
  },
  isEnding: endsMysqlTransaction,
  revivesTransaction: () => false,
  endSession: 'kill connection_id()',
}
