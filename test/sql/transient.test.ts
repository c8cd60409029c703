import { Kysely, MysqlDialect, PostgresDialect, sql, type Transaction } from 'kysely'
import { createPool } from 'mysql2'
import pg from 'pg'
import type { UnitOfWork } from 'recalc-service'
import { sqlUnitOfWork } from 'recalc-service/sql'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type MariadbServer, startMariadb, testDatabase } from '../support/mariadb.ts'
import { postgresKysely, startPostgres } from '../support/postgres.ts'
import { sqliteDatabase } from './support/engines.ts'

interface Tables {
  rows: { id: number; note: string }
}

const mysql = sqlUnitOfWork(new Kysely<Tables>({ dialect: new MysqlDialect({ pool: createPool({}) }) }))
const postgres = sqlUnitOfWork(new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new pg.Pool() }) }))
const sqlite = sqlUnitOfWork(sqliteDatabase().connect<Tables>())

function errorWith(fields: object, message = 'as the driver puts it'): Error {
  return Object.assign(new Error(message), fields)
}

describe('on MySQL and MariaDB', () => {
  test.each([
    ['a deadlock', { errno: 1213, code: 'ER_LOCK_DEADLOCK', sqlState: '40001' }],
    ['a lock wait timeout', { errno: 1205, code: 'ER_LOCK_WAIT_TIMEOUT', sqlState: 'HY000' }],
    ['a record that changed under a snapshot', { errno: 1020, code: 'ER_CHECKREAD', sqlState: 'HY000' }],
    ['a shutdown', { errno: 1053, code: 'ER_SERVER_SHUTDOWN', sqlState: '08S01' }],
    ['a connection that was killed', { errno: 1927, code: 'ER_CONNECTION_KILLED', sqlState: '70100' }],
    ['too many connections', { errno: 1040, code: 'ER_CON_COUNT_ERROR', sqlState: '08004' }],
    ['too many connections of one user', { errno: 1203, code: 'ER_TOO_MANY_USER_CONNECTIONS', sqlState: '42000' }],
    ['a server that turned read-only', { errno: 1290, code: 'ER_OPTION_PREVENTS_STATEMENT', sqlState: 'HY000' }],
    ['a read-only mode', { errno: 1836, code: 'ER_READ_ONLY_MODE', sqlState: 'HY000' }],
    ['a group that fails over', { errno: 3100, code: 'ER_RUN_HOOK_ERROR', sqlState: 'HY000' }],
    ['a conflict within a group', { errno: 3101, code: 'ER_TRANSACTION_ROLLBACK_DURING_COMMIT', sqlState: '40000' }],
    ['a cluster node that is not ready', { errno: 1047, code: 'ER_UNKNOWN_COM_ERROR', sqlState: '08S01' }],
    [
      'a connection that lay idle for too long',
      { errno: 4031, code: 'ER_CLIENT_INTERACTION_TIMEOUT', sqlState: 'HY000' },
    ],
    ['any broken connection', { errno: 9999, sqlState: '08006' }],
    ['any rolled back transaction', { errno: 9999, sqlState: '40003' }],
    ['a lost connection', { code: 'PROTOCOL_CONNECTION_LOST', fatal: true }],
    ['a refused connection', { errno: -111, code: 'ECONNREFUSED', syscall: 'connect', fatal: true }],
    ['a reset connection', { errno: -104, code: 'ECONNRESET', syscall: 'read', fatal: true }],
    ['a broken pipe', { errno: -32, code: 'EPIPE', syscall: 'write' }],
    ['a connection that took too long', { code: 'ETIMEDOUT', fatal: true }],
    ['a host that is out of reach', { errno: -113, code: 'EHOSTUNREACH' }],
    ['a name server that is busy', { errno: -3001, code: 'EAI_AGAIN', syscall: 'getaddrinfo' }],
    ['a command on a connection that was closed under it', { fatal: true }],
    [
      'a transaction that is read-only',
      { errno: 1792, code: 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', sqlState: '25006' },
    ],
    ['a table that was altered meanwhile', { errno: 1412, code: 'ER_TABLE_DEF_CHANGED', sqlState: 'HY000' }],
    ['a connection that was given back inside a transaction', { errno: 1568, sqlState: '25001' }],
    ['too many transactions', { errno: 1637, code: 'ER_TOO_MANY_CONCURRENT_TRXS', sqlState: 'HY000' }],
    ['a host that is blocked', { errno: 1129, code: 'ER_HOST_IS_BLOCKED', sqlState: 'HY000' }],
    ['a server that ProxySQL does not reach', { errno: 9001, sqlState: 'HY000' }],
    ['a server that ProxySQL has lost', { errno: 2013, code: 'CR_SERVER_LOST', sqlState: 'HY000' }],
    ["an empty pool of MariaDB's own client", { errno: 45028, code: 'ER_GET_CONNECTION_TIMEOUT', sqlState: 'HY000' }],
    ['a statement that took too long', { code: 'PROTOCOL_SEQUENCE_TIMEOUT', fatal: true }],
    ['a name that is gone', { errno: -3008, code: 'ENOTFOUND', syscall: 'getaddrinfo' }],
    ['a host that is down', { code: 'EHOSTDOWN' }],
    ['a network that is down', { code: 'ENETDOWN' }],
    ['a machine without a free port', { code: 'EADDRNOTAVAIL' }],
  ])('%s is transient', (_, fields) => {
    expect(mysql.isTransient(errorWith(fields))).toBe(true)
  })

  test.each(['Queue limit reached.', 'No connections available.'])(
    "a pool without a free connection is transient: mysql2's “%s”",
    (message) => {
      expect(mysql.isTransient(new Error(message))).toBe(true)
    },
  )

  test.each([
    ['a duplicate key', { errno: 1062, code: 'ER_DUP_ENTRY', sqlState: '23000' }],
    ['a syntax error', { errno: 1064, code: 'ER_PARSE_ERROR', sqlState: '42000' }],
    ['a missing table', { errno: 1146, code: 'ER_NO_SUCH_TABLE', sqlState: '42S02' }],
    ['a refused login', { errno: 1045, code: 'ER_ACCESS_DENIED_ERROR', sqlState: '28000', fatal: true }],
    ['a missing privilege', { errno: 1142, code: 'ER_TABLEACCESS_DENIED_ERROR', sqlState: '42000' }],
    ['a value that does not fit', { errno: 1406, code: 'ER_DATA_TOO_LONG', sqlState: '22001' }],
    ['a statement that is too big', { errno: 1153, code: 'ER_NET_PACKET_TOO_LARGE', sqlState: '08S01' }],
    ['a closed pool', {}],
  ])('%s is not transient', (_, fields) => {
    expect(mysql.isTransient(errorWith(fields, 'Pool is closed.'))).toBe(false)
  })
})

describe('on PostgreSQL', () => {
  test.each([
    ['a deadlock', { code: '40P01', severity: 'ERROR' }],
    ['a serialization failure', { code: '40001', severity: 'ERROR' }],
    ['a lock that is not free', { code: '55P03', severity: 'ERROR' }],
    ['a session that an administrator ended', { code: '57P01', severity: 'FATAL' }],
    ['a server that crashed', { code: '57P02', severity: 'FATAL' }],
    ['a server that starts', { code: '57P03', severity: 'FATAL' }],
    ['a session that lay idle for too long', { code: '57P05', severity: 'FATAL' }],
    ['a transaction that lay idle for too long', { code: '25P03', severity: 'FATAL' }],
    ['a transaction that took too long', { code: '25P04', severity: 'FATAL' }],
    ['too many connections', { code: '53300', severity: 'FATAL' }],
    ['a server that takes no writes', { code: '25006', severity: 'ERROR' }],
    ['any broken connection', { code: '08006', severity: 'FATAL' }],
    ["a pooler's lost server", { code: '08P01', severity: 'FATAL' }],
    ['a refused connection', { errno: -111, code: 'ECONNREFUSED', syscall: 'connect' }],
    ['a reset connection', { errno: -104, code: 'ECONNRESET', syscall: 'read' }],
  ])('%s is transient', (_, fields) => {
    expect(postgres.isTransient(errorWith(fields))).toBe(true)
  })

  test.each([
    'Connection terminated',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'timeout expired',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
  ])('what node-postgres says without a code is transient: “%s”', (message) => {
    expect(postgres.isTransient(new Error(message))).toBe(true)
  })

  test.each([
    ['a duplicate key', { code: '23505', severity: 'ERROR' }],
    ['a syntax error', { code: '42601', severity: 'ERROR' }],
    ['a refused login', { code: '28P01', severity: 'ERROR' }],
    ['a full disk', { code: '53100', severity: 'ERROR' }],
    ['a closed pool', {}],
    ["a host's own error that looks fatal", { fatal: true }],
  ])('%s is not transient', (_, fields) => {
    expect(postgres.isTransient(errorWith(fields, 'Cannot use a pool after calling end on the pool'))).toBe(false)
  })
})

describe('on SQLite', () => {
  test.each([
    ['a locked database', { code: 'ERR_SQLITE_ERROR', errcode: 5 }],
    ['a locked table', { code: 'ERR_SQLITE_ERROR', errcode: 6 }],
    ['a snapshot that is too old', { code: 'ERR_SQLITE_ERROR', errcode: 517 }],
    ["better-sqlite3's locked database", { code: 'SQLITE_BUSY' }],
    ["better-sqlite3's old snapshot", { code: 'SQLITE_BUSY_SNAPSHOT' }],
  ])('%s is transient', (_, fields) => {
    expect(sqlite.isTransient(errorWith(fields))).toBe(true)
  })

  test.each([
    ['a duplicate key', { code: 'ERR_SQLITE_ERROR', errcode: 1555 }],
    ['a syntax error', { code: 'ERR_SQLITE_ERROR', errcode: 1 }],
    ['a full disk', { code: 'ERR_SQLITE_ERROR', errcode: 13 }],
    ['a deadlock, which it does not know', { errno: 1213 }],
    ["a host's own error that looks fatal", { fatal: true }],
  ])('%s is not transient', (_, fields) => {
    expect(sqlite.isTransient(errorWith(fields))).toBe(false)
  })

  test('a real writer who is in the way is transient, a real duplicate key is not', async () => {
    const database = sqliteDatabase(onTestFinished)
    const [one, other] = [database.connect<Tables>(), database.connect<Tables>()]
    await sql`create table rows (id integer primary key, note text)`.execute(one)
    await one.transaction().execute(async (tx) => {
      await tx.insertInto('rows').values({ id: 1, note: '' }).execute()
      const busy = await errorOf(other.insertInto('rows').values({ id: 2, note: '' }).execute())
      expect(busy).toMatchObject({ errcode: 5 })
      expect(sqlite.isTransient(busy)).toBe(true)
    })
    const stale = await errorOf(
      other.transaction().execute(async (tx) => {
        await tx.selectFrom('rows').selectAll().execute()
        await one.insertInto('rows').values({ id: 3, note: '' }).execute()
        await tx.insertInto('rows').values({ id: 4, note: '' }).execute()
      }),
    )
    expect(stale).toMatchObject({ errcode: 517 })
    expect(sqlite.isTransient(stale)).toBe(true)
    const twice = await errorOf(one.insertInto('rows').values({ id: 1, note: '' }).execute())
    expect(twice).toMatchObject({ errcode: 1555 })
    expect(sqlite.isTransient(twice)).toBe(false)
  })
})

describe('as a real MySQL or MariaDB puts it', async () => {
  const database = await testDatabase()
  const kysely = database.kysely<Tables>()
  const unitOfWork = sqlUnitOfWork(kysely)

  beforeAll(async () => {
    await sql`create table ${sql.table('rows')} (id int primary key, note varchar(10)) engine = InnoDB`.execute(kysely)
    await kysely
      .insertInto('rows')
      .values([1, 2].map((id) => ({ id, note: '' })))
      .execute()
  })

  test('a deadlock is transient', async () => {
    let errors: readonly unknown[] = []
    const met = meet(unitOfWork, async (one, other) => {
      await touch(one, 1)
      await touch(other, 2)
      const crossed = await Promise.allSettled([touch(one, 2), touch(other, 1)])
      errors = crossed.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
    })
    expect(await errorOf(met)).toBe(errors[0])
    expect(errors).toMatchObject([{ code: 'ER_LOCK_DEADLOCK' }])
    expect(unitOfWork.isTransient(errors[0])).toBe(true)
  })

  test('a lock wait timeout is transient', async () => {
    let error: unknown
    await meet(unitOfWork, async (one, other) => {
      await touch(one, 1)
      await sql`set session innodb_lock_wait_timeout = 1`.execute(other)
      error = await errorOf(touch(other, 1))
      await sql`set session innodb_lock_wait_timeout = default`.execute(other)
    })
    expect(error).toMatchObject({ code: 'ER_LOCK_WAIT_TIMEOUT' })
    expect(unitOfWork.isTransient(error)).toBe(true)
  })

  test('a killed connection is transient, at the statement that meets it and at the next', async () => {
    const errors: unknown[] = []
    const end = await errorOf(
      unitOfWork.run(async (tx) => {
        const { rows } = await sql<{ id: number }>`select connection_id() as id`.execute(tx)
        await sql`kill ${sql.lit(rows[0]!.id)}`.execute(kysely)
        errors.push(await errorOf(touch(tx, 1)), await errorOf(touch(tx, 1)))
        throw errors[0]
      }),
    )
    expect(errors.map((error) => [error, unitOfWork.isTransient(error)])).toEqual(errors.map((error) => [error, true]))
    expect(unitOfWork.isTransient(end)).toBe(true)
  })

  test('a killed statement that waits is transient', async () => {
    let error: unknown
    await meet(unitOfWork, async (one, other) => {
      await touch(one, 1)
      const { rows } = await sql<{ id: number }>`select connection_id() as id`.execute(other)
      const waiting = errorOf(touch(other, 1))
      await sql`kill ${sql.lit(rows[0]!.id)}`.execute(kysely)
      error = await waiting
      throw error
    }).catch(() => {})
    expect([error, unitOfWork.isTransient(error)]).toEqual([error, true])
  })

  test.each([
    ['a duplicate key', 'insert into `rows` values (1, "")', 'ER_DUP_ENTRY'],
    ['a syntax error', 'insert in rows', 'ER_PARSE_ERROR'],
    ['a missing table', 'select * from nowhere', 'ER_NO_SUCH_TABLE'],
    ['a value that does not fit', 'insert into `rows` values (9, "12345678901")', 'ER_DATA_TOO_LONG'],
  ])('%s is not transient', async (_, statement, code) => {
    const error = await errorOf(sql.raw(statement).execute(kysely))
    expect(error).toMatchObject({ code })
    expect(unitOfWork.isTransient(error)).toBe(false)
  })

  test('a user without a password, or without the privilege, is not transient', async () => {
    await sql`create user if not exists recalc_reader identified by 'secret'`.execute(kysely)
    onTestFinished(async () => void (await sql`drop user recalc_reader`.execute(kysely)))
    await sql`grant select on ${sql.table(database.name)}.* to recalc_reader`.execute(kysely)
    const stranger = database.kysely<Tables>({ user: 'recalc_reader', password: 'wrong' })
    const reader = database.kysely<Tables>({ user: 'recalc_reader', password: 'secret' })
    const refused = await errorOf(stranger.selectFrom('rows').selectAll().execute())
    const forbidden = await errorOf(reader.deleteFrom('rows').execute())
    expect(refused).toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR' })
    expect(forbidden).toMatchObject({ code: 'ER_TABLEACCESS_DENIED_ERROR' })
    expect([refused, forbidden].map((error) => unitOfWork.isTransient(error))).toEqual([false, false])
  })

  test('a pool that is full is transient', async () => {
    const impatient = database.kysely<Tables>({ connectionLimit: 1, waitForConnections: false })
    const short = database.kysely<Tables>({ connectionLimit: 1, queueLimit: 1 })
    for (const pool of [impatient, short]) {
      const error = await pool.transaction().execute(async (tx) => {
        await tx.selectFrom('rows').selectAll().execute()
        const queued = pool === short ? pool.selectFrom('rows').selectAll().execute() : undefined
        const refused = await errorOf(pool.selectFrom('rows').selectAll().execute())
        return { queued, refused }
      })
      await error.queued
      expect([error.refused, sqlUnitOfWork(pool).isTransient(error.refused)]).toEqual([error.refused, true])
    }
  })
})

describe('while a real server goes away', () => {
  test('a shutdown, a kill, an absent server and one that turned read-only are transient', async () => {
    const server = await startMariadb()
    onTestFinished(() => server.stop())
    const pool = createPool({ uri: `${server.url}/mysql`, connectionLimit: 2 })
    const kysely = new Kysely<Tables>({ dialect: new MysqlDialect({ pool }) })
    onTestFinished(() => kysely.destroy())
    const unitOfWork = sqlUnitOfWork(kysely)
    const met: Record<string, readonly unknown[]> = {
      'shut down in a transaction': await during(unitOfWork, () => server.shutDown()),
      absent: [await errorOf(sql`select 1`.execute(kysely))],
    }
    await server.restart()
    met['shut down under a statement'] = await underStatement(kysely, server, () => server.shutDown())
    await server.restart()
    met['killed in a transaction'] = await during(unitOfWork, () => server.kill())
    await server.restart()
    met['killed under a statement'] = await underStatement(kysely, server, () => server.kill())
    await server.restart()
    met['read-only'] = [await readOnlyError(server)]
    for (const [what, errors] of Object.entries(met)) {
      for (const error of errors) expect([what, error, unitOfWork.isTransient(error)]).toEqual([what, error, true])
    }
  })
})

describe('while a real PostgreSQL goes away', () => {
  test('a shutdown, a crash, an absent server and one that recovers are transient', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const { kysely } = postgresKysely<Tables>(`${server.url}/postgres`, { max: 2 })
    onTestFinished(() => kysely.destroy())
    const unitOfWork = sqlUnitOfWork(kysely)
    const met: Record<string, readonly unknown[]> = {
      'shut down in a transaction': await during(unitOfWork, () => server.shutDown()),
      absent: [await errorOf(sql`select 1`.execute(kysely))],
    }
    await server.restart()
    met['crashed in a transaction'] = await during(unitOfWork, () => server.kill())
    await server.restart()
    const sleeping = errorOf(sql`select pg_sleep(60)`.execute(kysely))
    const looks = `select count(*) as n from pg_stat_activity where query = 'select pg_sleep(60)'`
    while (Number((await sql.raw<{ n: string }>(looks).execute(kysely)).rows[0]?.n) === 0);
    await server.shutDown()
    met['shut down under a statement'] = [await sleeping]
    for (const [what, errors] of Object.entries(met)) {
      for (const error of errors) expect([what, error, unitOfWork.isTransient(error)]).toEqual([what, error, true])
    }
  })
})

/** What a statement, the one after it and the end of the unit of work say when something happens in the middle. */
async function during(
  unitOfWork: UnitOfWork<Transaction<Tables>>,
  happen: () => Promise<void>,
): Promise<readonly unknown[]> {
  const errors: unknown[] = []
  const end = await errorOf(
    unitOfWork.run(async (tx) => {
      await sql`select 1`.execute(tx)
      await happen()
      errors.push(await errorOf(sql`select 1`.execute(tx)), await errorOf(sql`select 1`.execute(tx)))
      throw errors[0]
    }),
  )
  return [...errors, end]
}

async function underStatement(
  kysely: Kysely<Tables>,
  server: MariadbServer,
  happen: () => Promise<void>,
): Promise<readonly unknown[]> {
  const running = errorOf(sql`select sleep(60)`.execute(kysely))
  const other = createPool({ uri: server.url, connectionLimit: 1 }).promise()
  for (let seen = false; !seen; ) {
    const [rows] = await other.query("select id from information_schema.processlist where info = 'select sleep(60)'")
    seen = (rows as readonly unknown[]).length > 0
  }
  await other.end()
  await happen()
  return [await running]
}

async function readOnlyError(server: MariadbServer): Promise<unknown> {
  const root = createPool({ uri: server.url, connectionLimit: 1 }).promise()
  for (const statement of [
    'create database host',
    'create table host.t (id int primary key) engine = InnoDB',
    "create user host identified by ''",
    'grant all on host.* to host',
    'set global read_only = on',
  ]) {
    await root.query(statement)
  }
  await root.end()
  const host = createPool({ host: '127.0.0.1', port: server.port, user: 'host', connectionLimit: 1 }).promise()
  const error = await errorOf(host.query('insert into host.t values (1)'))
  await host.end()
  return error
}

/** Two units of work that are open at the same time. */
async function meet(
  unitOfWork: UnitOfWork<Transaction<Tables>>,
  work: (one: Transaction<Tables>, other: Transaction<Tables>) => Promise<void>,
): Promise<void> {
  await unitOfWork.run((one) => unitOfWork.run((other) => work(one, other)))
}

async function touch(tx: Transaction<Tables>, id: number): Promise<void> {
  await tx.updateTable('rows').set({ note: 'x' }).where('id', '=', id).execute()
  await sql`select note from ${sql.table('rows')} where id = ${id} for update`.execute(tx)
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => new Error('Expected an error, there was none'),
    (error: unknown) => error,
  )
}
