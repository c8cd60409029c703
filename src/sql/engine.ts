import {
  type CreateIndexBuilder,
  type IsolationLevel,
  MysqlAdapter,
  type QueryExecutorProvider,
  type RawBuilder,
  SqliteAdapter,
  sql,
} from 'kysely'
import { InvalidOptionsError } from '../errors.ts'
import { bytesOf, statements } from './statements.ts'
import type { RecalcTx, TableNames } from './tables.ts'

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
  /** The type of a text column of any length. */
  readonly longText: string
  /** The type of a number that the database itself counts up. */
  readonly rowNumber: 'bigint' | 'integer'
  /** What follows a `create table`. */
  readonly tableOptions: RawBuilder<unknown>
  /** What stands behind a table's name when the engine would not find the right index by itself. */
  indexHint(index: string): RawBuilder<unknown>
  /** Makes an index, or leaves it when it is there. */
  createIndex(index: CreateIndexBuilder): Promise<void>
  /**
   * Locks rows of the locks table until the transaction ends, making those that are missing. Rows are locked in the order
   * of their keys, so no two can wait for each other.
   */
  lockRows(tx: RecalcTx, names: TableNames, hashes: readonly string[]): Promise<void>
  /** Error numbers (`errno`, `errcode`) of what the same work may not meet again. */
  readonly transientNumbers: ReadonlySet<number>
  /** The same for errors that carry a name instead of a number (`code`). */
  readonly transientCodes: ReadonlySet<string>
  /** The same for errors that carry nothing but a message. */
  readonly transientMessages: ReadonlySet<string>
  /** Error numbers of what looks transient by its SQLSTATE, but happens again to the same work. */
  readonly lastingNumbers: ReadonlySet<number>
}

const mysql: Engine = {
  name: 'mysql',
  isolationLevel: 'read committed',
  longText: 'mediumtext',
  rowNumber: 'bigint',
  tableOptions: sql`engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin`,
  indexHint: (index) => sql`force index (${sql.ref(index)})`,
  async createIndex(index) {
    try {
      await index.execute()
    } catch (error) {
      // ER_DUP_KEYNAME: MySQL knows no `create index if not exists`.
      if ((error as { readonly errno?: unknown }).errno !== 1061) throw error
    }
  },
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
    'EAI_AGAIN',
    'ECONNABORTED',
    'ECONNREFUSED',
    'ECONNRESET',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EPIPE',
    'ETIMEDOUT',
  ]),
  // mysql2's pool when it is to wait for no connection, or for no more of them
  transientMessages: new Set(['No connections available.', 'Queue limit reached.']),
  lastingNumbers: new Set([
    1153, // ER_NET_PACKET_TOO_LARGE: the same statement is too big the next time; a smaller block may not be
  ]),
}

const sqlite: Engine = {
  name: 'sqlite',
  isolationLevel: undefined,
  longText: 'text',
  rowNumber: 'integer',
  tableOptions: sql``,
  indexHint: () => sql``,
  createIndex: (index) => index.ifNotExists().execute(),
  async lockRows(tx, names, hashes) {
    // One writer at a time has the whole database: the first write of the transaction is the lock.
    const [first = ''] = hashes
    await tx
      .insertInto(names.locks)
      .values({ lock_hash: first })
      .onConflict((conflict) => conflict.column('lock_hash').doUpdateSet({ lock_hash: first }))
      .execute()
  },
  // https://sqlite.org/rescode.html: SQLITE_BUSY, SQLITE_LOCKED; the lowest byte of an extended code
  transientNumbers: new Set([5, 6]),
  transientCodes: new Set(['SQLITE_BUSY', 'SQLITE_LOCKED']),
  transientMessages: new Set(),
  lastingNumbers: new Set(),
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
