import { MysqlAdapter, PostgresAdapter, type QueryExecutorProvider, SqliteAdapter } from 'kysely'
import { InvalidOptionsError } from '../../errors.ts'
import type { Engine } from './engine.ts'
import { mysql } from './mysql.ts'
import { embeddedPostgres, postgres } from './postgres.ts'
import { sqlite } from './sqlite.ts'

const ADAPTERS = [MysqlAdapter, PostgresAdapter, SqliteAdapter]

/**
 * The engine behind a host's Kysely.
 *
 * @throws {InvalidOptionsError} when it is none of those that are supported, or from another copy of Kysely.
 */
export function engineOf(kysely: QueryExecutorProvider): Engine {
  const { adapter } = kysely.getExecutor()
  if (adapter instanceof MysqlAdapter) return mysql
  if (adapter instanceof SqliteAdapter) return sqlite
  if (adapter instanceof PostgresAdapter) {
    return adapter.supportsMultipleConnections === false ? embeddedPostgres : postgres
  }
  const { name } = adapter.constructor
  if (ADAPTERS.some((known) => known.name === name)) {
    throw new InvalidOptionsError(
      'Expected `kysely` to be of the same copy of the package `kysely` that recalc-service imports, got one of another ' +
        'copy; let `npm ls kysely` show both, and install only one',
    )
  }
  throw new InvalidOptionsError(
    `Expected \`kysely\` to have a MySQL, MariaDB, PostgreSQL or SQLite dialect, got one with ${name}`,
  )
}
