import { randomUUID } from 'node:crypto'
import { type CompiledQuery, Kysely, type LogEvent, MysqlDialect } from 'kysely'
import { createPool } from 'mysql2'
import { createConnection } from 'mysql2/promise'
import { afterAll } from 'vitest'
import { createTables } from '../../../../examples/productivity/schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from '../../../../examples/productivity/schema/tables.ts'
import { withInstants } from '../../../../examples/shared/database/instants.ts'
import { hooked, type StatementHook } from '../../../support/crash-database.ts'
import { startMariadb, withDatabase } from '../../../support/mariadb.ts'

/** Whoever wants to know what a client sends. */
export interface Watch {
  /** Stands in front of every statement. */
  readonly hook?: StatementHook
  /** Hears of every statement that has come back, with what was bound. */
  readonly sent?: (query: CompiledQuery) => void
}

/** The back end's tables on a server of a test file's own. */
export interface OwnDatabase {
  readonly url: string
  /** A client with a pool of its own, closed at the end of the file. */
  connect(watch?: Watch): Database
}

/**
 * A server that nobody else writes to, and with room for a million rows in memory, where that of the test run has little.
 * With RECALC_TEST_MYSQL_URL it is that server, which must be idle otherwise.
 */
export async function ownDatabase(): Promise<OwnDatabase> {
  const given = process.env.RECALC_TEST_MYSQL_URL
  const settings = ['--innodb-buffer-pool-size=768M', '--innodb-log-file-size=512M']
  const server = given === undefined ? await startMariadb({ durable: false, settings }) : undefined
  const name = `recalc_test_${randomUUID().replaceAll('-', '')}`
  const serverUrl = server?.url ?? String(given)
  const admin = await createConnection(withDatabase(serverUrl, 'mysql'))
  await admin.query(`create database ${name} character set utf8mb4 collate utf8mb4_general_ci`)
  const url = withDatabase(serverUrl, name)
  const opened: Database[] = []
  afterAll(async () => {
    await Promise.all(opened.map((db) => db.destroy()))
    await admin.query(`drop database ${name}`)
    await admin.end()
    await server?.stop()
  })
  const connect = ({ hook, sent }: Watch = {}) => {
    const dialect = new MysqlDialect({ pool: createPool({ uri: url, connectionLimit: 8, dateStrings: true }) })
    const log = ({ query }: LogEvent) => sent?.(query)
    const db = withInstants(new Kysely<Tables>({ dialect: hook ? hooked(dialect, hook) : dialect, log }), INSTANTS)
    opened.push(db)
    return db
  }
  await createTables(connect())
  return { url, connect }
}
