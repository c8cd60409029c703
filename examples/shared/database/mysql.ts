import { Kysely, type LogConfig, MysqlDialect } from 'kysely'
import { createConnection, createPool } from 'mysql2'
import { cannotBeOpened } from './database-error.ts'
import { withInstants } from './instants.ts'

/** Lanes, the job's own writes, and whoever looks at it. */
const CONNECTIONS = 8

/**
 * Kysely on a MySQL or MariaDB server. Dates and times come as text: as JavaScript's Dates they would be moved to the
 * machine's time zone.
 *
 * @param url Such as `mysql://user:password@127.0.0.1:3306/office`. The database is made when the server has none of
 *   that name.
 * @param instants The columns of instants; see `withInstants`.
 * @throws {DatabaseError} when there is no such server, or it refuses.
 */
export async function openMysql<Tables>(
  url: string,
  instants: ReadonlySet<string>,
  log: LogConfig = [],
): Promise<Kysely<Tables>> {
  await makeDatabase(url)
  const pool = createPool({ uri: url, connectionLimit: CONNECTIONS, dateStrings: true })
  return withInstants(new Kysely<Tables>({ dialect: new MysqlDialect({ pool }), log }), instants)
}

async function makeDatabase(url: string): Promise<void> {
  const server = new URL(url)
  const name = decodeURIComponent(server.pathname.slice(1))
  server.pathname = '/'
  const connection = createConnection({ uri: server.href }).promise()
  try {
    await connection.query('create database if not exists ?? character set utf8mb4', [name])
  } catch (error) {
    throw cannotBeOpened(`The database ${name} at ${server.host}`, error)
  } finally {
    connection.destroy()
  }
}
