import { Kysely, type LogConfig, PostgresDialect } from 'kysely'
import pg from 'pg'
import { cannotBeOpened } from './database-error.ts'
import { withInstants } from './instants.ts'

/** Lanes, the job's own writes, and whoever looks at it. */
const CONNECTIONS = 8

/** SQLSTATEs: no such database; somebody else has made it meanwhile. */
const NONE = '3D000'
const MADE_MEANWHILE = ['42P04', '23505']

const { INT8, DATE, TIMESTAMPTZ } = pg.types.builtins
const asDate: (text: string) => Date = pg.types.getTypeParser(TIMESTAMPTZ)

const parsers = new Map<number, (text: string) => unknown>([
  [INT8, Number], // counts, which the code keeps below 2 ** 53
  [DATE, (text) => text], // a Date would be moved to the machine's time zone
  [TIMESTAMPTZ, instantFrom],
])

/** For `pg`: what its driver gives, in the types that the code counts with. Decimals stay text. */
export const postgresTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: string) =>
    (format !== 'binary' && parsers.get(oid)) || pg.types.getTypeParser(oid, format as 'text'),
}

/** Milliseconds since 1970. */
function instantFrom(text: string): number {
  // Told in UTC, as most servers do, it needs no regular expression.
  if (text.endsWith('+00')) return Date.parse(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
  return asDate(text).getTime()
}

/**
 * Kysely on a PostgreSQL server.
 *
 * @param url Such as `postgres://user:password@127.0.0.1:5432/office`. The database is made when the server has none
 *   of that name.
 * @param instants The columns of instants; see `withInstants`.
 * @throws {DatabaseError} when there is no such server, or it refuses.
 */
export async function openPostgres<Tables>(
  url: string,
  instants: ReadonlySet<string>,
  log: LogConfig = [],
): Promise<Kysely<Tables>> {
  await makeDatabase(url)
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS, types: postgresTypes })
  // A connection that breaks is replaced, and whoever uses it learns of it; without listeners it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return withInstants(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }), log }), instants)
}

async function makeDatabase(url: string): Promise<void> {
  const server = new URL(url)
  const name = decodeURIComponent(server.pathname.slice(1))
  try {
    const error = await once(url, 'select 1').catch((failed: { readonly code?: string }) => failed)
    if (!error) return
    if (error.code !== NONE) throw error
    server.pathname = '/postgres'
    await once(server.href, `create database ${pg.escapeIdentifier(name)} template template0 encoding 'UTF8'`)
  } catch (error) {
    const { code = '' } = error as { readonly code?: string }
    if (!MADE_MEANWHILE.includes(code)) throw cannotBeOpened(`The database ${name} at ${server.host}`, error)
  }
}

async function once(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  try {
    await client.connect()
    await client.query(statement)
  } finally {
    await client.end().catch(() => {}) // it may never have been there
  }
}
