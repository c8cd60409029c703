import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  Kysely,
  MysqlDialect,
  type QueryResult,
  SqliteDialect,
} from 'kysely'
import { createPool, type Pool, type PoolOptions } from 'mysql2'
import type { HostTables } from './crash-host.ts'
import { postgresKysely } from './postgres-kysely.ts'

/** Stands between Kysely and the database, in front of every statement, `begin`, `commit` and `rollback` included. */
export type StatementHook = <R>(
  statement: string,
  run: () => Promise<QueryResult<R>>,
  connection: DatabaseConnection,
) => Promise<QueryResult<R>>

/** A Kysely on a SQLite file, or in memory. */
export function sqliteHostDb(path: string, hook?: StatementHook): Kysely<HostTables> {
  const database = new DatabaseSync(path)
  database.exec('pragma journal_mode = wal')
  database.exec('pragma synchronous = normal')
  database.exec('pragma busy_timeout = 5000')
  const dialect = new SqliteDialect({
    database: {
      prepare(sql) {
        const statement = database.prepare(sql)
        const bind = (parameters: readonly unknown[]) => parameters as SQLInputValue[]
        return {
          reader: statement.columns().length > 0,
          all: (parameters) => statement.all(...bind(parameters)),
          run: (parameters) => statement.run(...bind(parameters)),
          iterate: (parameters) => statement.iterate(...bind(parameters)) as IterableIterator<unknown>,
        }
      },
      close: () => database.close(),
    },
  })
  return new Kysely({ dialect: hook ? hooked(dialect, hook) : dialect })
}

/** A Kysely on MySQL or MariaDB, and its pool. */
export function mysqlHostDb(
  url: string,
  options: PoolOptions = {},
  hook?: StatementHook,
): { readonly db: Kysely<HostTables>; readonly pool: Pool } {
  const pool = createPool({ uri: url, ...options })
  const dialect = new MysqlDialect({ pool })
  return { db: new Kysely({ dialect: hook ? hooked(dialect, hook) : dialect }), pool }
}

/** A Kysely on the server of the URL, for a process of its own. */
export function serverHostDb(url: string, connections: number): Kysely<HostTables> {
  if (url.startsWith('mysql:')) return mysqlHostDb(url, { connectionLimit: connections }).db
  return postgresKysely<HostTables>(url, { max: connections }).kysely
}

/** The dialect with the hook in front of every statement of every connection. */
export function hooked(dialect: Dialect, hook: StatementHook): Dialect {
  const connections = new WeakSet<DatabaseConnection>()
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver() {
      const driver = dialect.createDriver()
      const acquire = driver.acquireConnection.bind(driver)
      driver.acquireConnection = async (options) => {
        const connection = await acquire(options)
        if (connections.has(connection)) return connection
        connections.add(connection)
        const execute = connection.executeQuery.bind(connection) as <R>(query: CompiledQuery) => Promise<QueryResult<R>>
        connection.executeQuery = <R>(query: CompiledQuery) => hook<R>(query.sql, () => execute<R>(query), connection)
        return connection
      }
      return driver
    },
  }
}

/** An error as mysql2 throws it when the server is gone. */
export function connectionLost(): Error {
  return Object.assign(new Error('Connection lost: The server closed the connection.'), {
    code: 'PROTOCOL_CONNECTION_LOST',
    fatal: true,
  })
}
