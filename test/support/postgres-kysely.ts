import { Kysely, type LogConfig, PostgresDialect } from 'kysely'
import pg from 'pg'
import { hooked, type StatementHook } from './crash-database.ts'

/** Who looks on. */
export interface Watch {
  readonly log?: LogConfig
  readonly hook?: StatementHook | undefined
}

/** A Kysely on PostgreSQL, and its pool. */
export function postgresKysely<Tables>(url: string, options: pg.PoolConfig = {}, { log = [], hook }: Watch = {}) {
  const pool = new pg.Pool({ connectionString: url, ...options })
  // A connection that breaks while no statement runs on it says so by an event; without a listener it ends the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const dialect = new PostgresDialect({ pool })
  return { pool, kysely: new Kysely<Tables>({ log, dialect: hook ? hooked(dialect, hook) : dialect }) }
}
