import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import pg from 'pg'
import { afterAll, inject } from 'vitest'
import { withDatabase } from './mariadb.ts'
import { postgresKysely, type Watch } from './postgres-kysely.ts'
import { urlFrom } from './server-url.ts'

export { postgresKysely } from './postgres-kysely.ts'
export { startPgbouncer, startPostgres } from './postgres-server.ts'

/** A database of a test file's own on the test run's PostgreSQL. */
export interface PostgresDatabase {
  readonly name: string
  /** For other processes, and for clients of another kind; what they open they must close. */
  readonly url: string
  /** A Kysely with a pool of its own (default 10 connections), which is closed at the end of the file. */
  kysely<Tables>(options?: pg.PoolConfig, watch?: Watch): Kysely<Tables>
}

/**
 * Makes a database, to be dropped at the end of the test file, which fails when something was left behind: a connection
 * that was not given back, an open transaction. Its text sorts as people of a language expect it, not byte by byte.
 */
export async function postgresDatabase(): Promise<PostgresDatabase> {
  const server = await urlFrom(inject('postgresLauncher'))
  const name = `recalc_test_${randomUUID().replaceAll('-', '')}`
  const url = withDatabase(server, name)
  const admin = new pg.Client(withDatabase(server, 'postgres'))
  await admin.connect()
  const { rows } = await admin.query("select current_setting('server_version_num')::int >= 150000 as knows_icu")
  const collation = rows[0].knows_icu ? "template template0 locale_provider icu icu_locale 'en' locale 'C'" : ''
  await admin.query(`create database ${name} ${collation}`)
  const pools: { readonly pool: pg.Pool; readonly kysely: Kysely<unknown> }[] = []
  afterAll(async () => {
    const held = pools.reduce((sum, { pool }) => sum + pool.totalCount - pool.idleCount, 0)
    const open = await sessions(admin, name, "and state like 'idle in transaction%'")
    await Promise.all(pools.map(({ kysely }) => kysely.destroy()))
    const left = await sessionsLeft(admin, name)
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
    if (held > 0) throw new Error(`${held} connections were not given back to their pool`)
    if (open.length > 0) throw new Error(`Transactions were left open: ${JSON.stringify(open)}`)
    if (left.length > 0) throw new Error(`Connections were left open: ${JSON.stringify(left)}`)
  })
  return {
    name,
    url,
    kysely<Tables>(options: pg.PoolConfig = {}, { log = [], hook }: Watch = {}) {
      const opened = postgresKysely<Tables>(url, options, { log, hook })
      pools.push(opened as never)
      return opened.kysely
    },
  }
}

async function sessions(admin: pg.Client, database: string, condition = ''): Promise<readonly unknown[]> {
  const { rows } = await admin.query(`select pid, state, query from pg_stat_activity where datname = $1 ${condition}`, [
    database,
  ])
  return rows
}

/** Those that are still there after a while: a server takes notice of a closed connection a moment later. */
async function sessionsLeft(admin: pg.Client, database: string): Promise<readonly unknown[]> {
  for (let look = 0; ; look++) {
    const rows = await sessions(admin, database)
    if (rows.length === 0 || look === 500) return rows
  }
}
