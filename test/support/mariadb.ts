import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { Kysely, type LogConfig, MysqlDialect } from 'kysely'
import { createPool, type PoolConnection, type PoolOptions } from 'mysql2'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { afterAll, inject } from 'vitest'
import { hooked, type StatementHook } from './crash-database.ts'
import { urlFrom } from './server-url.ts'

export { type MariadbServer, startMariadb } from './mariadb-server.ts'

/** Who looks on. */
interface Watch {
  readonly log?: LogConfig
  readonly hook?: StatementHook | undefined
}

/** A database of a test file's own on the test run's server. */
export interface TestDatabase {
  readonly name: string
  /** For other processes, and for clients of another kind; what they open they must close. */
  readonly url: string
  /** A Kysely with a pool of its own (default 10 connections), which is closed at the end of the file. */
  kysely<Tables>(options?: PoolOptions, watch?: Watch): Kysely<Tables>
  /** A single connection, which is closed at the end of the file. */
  connection(): Promise<Connection>
}

/**
 * Makes a database, to be dropped at the end of the test file, which fails when something was left behind: a connection
 * that was not given back, an open transaction, a lock.
 *
 * Its collation is one that folds case and accents, as those of many hosts do.
 */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await urlFrom(inject('mariadbLauncher'))
  const name = `recalc_test_${randomUUID().replaceAll('-', '')}`
  const url = withDatabase(server, name)
  const admin = await createConnection(server)
  await admin.query(`create database ${name} character set utf8mb4 collate utf8mb4_general_ci`)
  const pools: CountedPool[] = []
  const connections: Connection[] = []
  afterAll(async () => {
    const held = pools.reduce((sum, pool) => sum + pool.held, 0)
    const transactions = await openTransactions(admin, name)
    await Promise.all([...pools.map(({ kysely }) => kysely.destroy()), ...connections.map((one) => one.end())])
    const left = await connectionsLeft(admin, name)
    for (const { id } of left) await admin.query(`kill ${id}`).catch(() => {}) // it may be gone by now
    await admin.query(`drop database ${name}`)
    await admin.end()
    if (held > 0) throw new Error(`${held} connections were not given back to their pool`)
    if (transactions.length > 0) throw new Error(`Transactions were left open: ${JSON.stringify(transactions)}`)
    if (left.length > 0) throw new Error(`Connections were left open: ${JSON.stringify(left)}`)
  })
  return {
    name,
    url,
    kysely<Tables>(options: PoolOptions = {}, watch: Watch = {}) {
      const pool = new CountedPool(url, options, watch)
      pools.push(pool)
      return pool.kysely as Kysely<Tables>
    },
    async connection() {
      const connection = await createConnection(url)
      connections.push(connection)
      return connection
    },
  }
}

/** The URL of one of a server's databases. */
export function withDatabase(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

class CountedPool {
  readonly #held = new Set<PoolConnection>()
  readonly kysely: Kysely<unknown>

  constructor(uri: string, options: PoolOptions, { log = [], hook }: Watch) {
    const pool = createPool({ uri, ...options })
    pool.on('acquire', (connection) => this.#held.add(connection))
    pool.on('release', (connection) => this.#held.delete(connection))
    const dialect = new MysqlDialect({ pool })
    this.kysely = new Kysely({ log, dialect: hook ? hooked(dialect, hook) : dialect })
  }

  /** Connections in use. */
  get held(): number {
    // A dead connection is not given back.
    return [...this.#held].filter(({ state }) => state !== 'error' && state !== 'disconnected').length
  }
}

/** Those that are open for a while: the server makes this list anew only when nobody has asked for it in the last 100 ms. */
async function openTransactions(admin: Connection, database: string): Promise<readonly RowDataPacket[]> {
  for (let look = 0; ; look++) {
    const [rows] = await admin.query<RowDataPacket[]>(
      `select trx_mysql_thread_id as thread, trx_state as state, trx_query as query, trx_rows_locked as locked
       from information_schema.innodb_trx join information_schema.processlist on id = trx_mysql_thread_id where db = ?`,
      [database],
    )
    if (rows.length === 0 || look === 50) return rows
    await setTimeout(100 + 100 * Math.random())
  }
}

/** Those that are still there after a while: a server takes notice of a closed connection a moment later. */
async function connectionsLeft(admin: Connection, database: string): Promise<readonly RowDataPacket[]> {
  for (let look = 0; ; look++) {
    const [rows] = await admin.query<RowDataPacket[]>(
      'select id, command, time, info from information_schema.processlist where db = ?',
      [database],
    )
    if (rows.length === 0 || look === 500) return rows
  }
}
