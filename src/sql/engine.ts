import { type IsolationLevel, MysqlAdapter, type QueryExecutorProvider, SqliteAdapter } from 'kysely'
import { InvalidOptionsError } from '../errors.ts'

/** Everything in which the supported databases differ. MariaDB speaks MySQL's dialect and its error numbers. */
export interface Engine {
  readonly name: 'mysql' | 'sqlite'
  /**
   * The isolation level of a unit of work. Undefined: the engine has one level only.
   *
   * InnoDB's default, REPEATABLE READ, locks gaps between keys, so two lanes that delete and insert neighbouring days
   * deadlock; it also reads from the snapshot of the first statement, which may be older than the employee locks.
   */
  readonly isolationLevel: IsolationLevel | undefined
  /** Error numbers (`errno`, `errcode`) of what the same work may not meet again. */
  readonly transientNumbers: ReadonlySet<number>
  /** The same for errors that carry a name instead of a number (`code`). */
  readonly transientCodes: ReadonlySet<string>
}

const mysql: Engine = {
  name: 'mysql',
  isolationLevel: 'read committed',
  // https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/
  transientNumbers: new Set([
    1020, // ER_CHECKREAD: the record has changed since it was last read (MariaDB's snapshot isolation)
    1040, // ER_CON_COUNT_ERROR: too many connections
    1053, // ER_SERVER_SHUTDOWN
    1077, // ER_NORMAL_SHUTDOWN
    1079, // ER_SHUTDOWN_COMPLETE
    1158, // ER_NET_READ_ERROR
    1159, // ER_NET_READ_INTERRUPTED
    1160, // ER_NET_ERROR_ON_WRITE
    1161, // ER_NET_WRITE_INTERRUPTED
    1203, // ER_TOO_MANY_USER_CONNECTIONS
    1205, // ER_LOCK_WAIT_TIMEOUT
    1213, // ER_LOCK_DEADLOCK
    1290, // ER_OPTION_PREVENTS_STATEMENT: the server turned read-only, as in a failover
    1836, // ER_READ_ONLY_MODE
    1927, // ER_CONNECTION_KILLED
    3100, // ER_RUN_HOOK_ERROR: group replication refuses to commit while it fails over
    3101, // ER_TRANSACTION_ROLLBACK_DURING_COMMIT: a conflict with another member of the group
    3168, // ER_SERVER_ISNT_AVAILABLE
    4031, // ER_CLIENT_INTERACTION_TIMEOUT
  ]),
  transientCodes: new Set([
    'PROTOCOL_CONNECTION_LOST',
    'ECONNABORTED',
    'ECONNREFUSED',
    'ECONNRESET',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EPIPE',
    'ETIMEDOUT',
  ]),
}

const sqlite: Engine = {
  name: 'sqlite',
  isolationLevel: undefined,
  // https://sqlite.org/rescode.html: SQLITE_BUSY, SQLITE_LOCKED; the lowest byte of an extended code
  transientNumbers: new Set([5, 6]),
  transientCodes: new Set(['SQLITE_BUSY', 'SQLITE_LOCKED']),
}

/**
 * The engine behind a host's Kysely.
 *
 * @throws {InvalidOptionsError} when it is neither MySQL, MariaDB nor SQLite.
 */
export function engineOf(kysely: QueryExecutorProvider): Engine {
  const { adapter } = kysely.getExecutor()
  if (adapter instanceof MysqlAdapter) return mysql
  if (adapter instanceof SqliteAdapter) return sqlite
  const name = adapter.constructor.name
  throw new InvalidOptionsError(`Expected \`kysely\` to have a MySQL, MariaDB or SQLite dialect, got ${name}`)
}
