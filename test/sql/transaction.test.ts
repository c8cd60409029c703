import { type Kysely, sql, type Transaction } from 'kysely'
import { sqlBackend, sqlUnitOfWork } from 'recalc-service/sql'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { StatementHook } from '../support/crash-database.ts'
import { mysqlHostDb } from '../support/crash-database.ts'
import { startMariadb, testDatabase, withDatabase } from '../support/mariadb.ts'
import { postgresDatabase } from '../support/postgres.ts'
import { embeddedPostgresDatabase, sqliteDatabase } from './support/engines.ts'

interface Tables {
  hot: { id: number; n: number }
  notes: { id: number; note: string }
}

type Tx = Transaction<Tables>

const servers = [
  {
    name: 'MariaDB',
    deadlock: { code: 'ER_LOCK_DEADLOCK' },
    session: 'select connection_id() as id',
    sleep: 'select sleep(600)',
    readOnlySession: 'set session transaction read only',
    kill: (id: number) => `kill ${id}`,
    /** As a node of a cluster says it that has lost the others. */
    notReady: { errno: 1047, code: 'ER_UNKNOWN_COM_ERROR' },
    async open() {
      const database = await testDatabase()
      return (options?: { readonly max: number }, hook?: StatementHook) =>
        database.kysely<Tables>(options ? { connectionLimit: options.max } : {}, { hook })
    },
  },
  {
    name: 'PostgreSQL',
    deadlock: { code: '40P01' },
    session: 'select pg_backend_pid() as id',
    sleep: 'select pg_sleep(600)',
    readOnlySession: 'set session characteristics as transaction read only',
    kill: (id: number) => `select pg_terminate_backend(${id})`,
    notReady: { code: 'XX000', severity: 'ERROR' },
    async open() {
      const database = await postgresDatabase()
      return (options?: { readonly max: number }, hook?: StatementHook) =>
        database.kysely<Tables>(options ?? {}, { hook })
    },
  },
]

describe.each(servers)('a unit of work on $name', async (server) => {
  const connect = await server.open()
  const kysely = connect()
  const unitOfWork = sqlUnitOfWork(kysely)

  beforeAll(() => createTables(kysely))
  beforeEach(() => emptyTables(kysely))

  test('lets go of its locks at once when it is given up while a statement does not answer', async () => {
    const giveUp = new AbortController()
    const locked = Promise.withResolvers<void>()
    const given = unitOfWork.run(
      async (tx) => {
        await touch(tx, 1)
        locked.resolve()
        await sql.raw(server.sleep).execute(tx)
      },
      { signal: giveUp.signal },
    )
    given.catch(() => {})
    await locked.promise
    giveUp.abort(new Error('too late'))
    await unitOfWork.run((tx) => touch(tx, 1))
    await expect(unitOfWork.run(async (tx) => tx.selectFrom('hot').selectAll().execute())).resolves.toHaveLength(2)
  })

  test('refuses every statement after a deadlock that was swallowed, rejects with it, and commits nothing', async () => {
    let swallowed: unknown
    const refused: unknown[] = []
    const bothHold = barrier(2)
    const runs = [1, 2].map((id) =>
      unitOfWork.run(async (tx) => {
        await note(tx, id)
        await touch(tx, id)
        await bothHold()
        const error = await touch(tx, 3 - id).catch((thrown: unknown) => thrown)
        if (!error) return
        swallowed = error
        refused.push(await errorOf(note(tx, 3)), await errorOf(tx.selectFrom('notes').selectAll().execute()))
      }),
    )
    const outcomes = await Promise.allSettled(runs)
    expect(swallowed).toMatchObject(server.deadlock)
    expect(refused).toEqual([swallowed, swallowed])
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([{ status: 'rejected', reason: swallowed }])
    const survivor = outcomes.findIndex(({ status }) => status === 'fulfilled') + 1
    expect(await notes(kysely)).toEqual([survivor])
  })

  test('refuses what was asked for at the same time as the statement that met the end', async () => {
    const run = unitOfWork.run(async (tx) => {
      await endOf(server, kysely, tx)
      const [first, second] = await Promise.all([errorOf(note(tx, 1)), errorOf(note(tx, 2))])
      expect(second).toBe(first)
    })
    expect(unitOfWork.isTransient(await errorOf(run))).toBe(true)
    expect(await notes(kysely)).toEqual([])
  })

  test('lets nothing through between the end of its work and the rollback', async () => {
    const bothHold = barrier(2)
    const late: Promise<unknown>[] = []
    const runs = [1, 2].map((id) =>
      unitOfWork.run(async (tx) => {
        await touch(tx, id)
        await bothHold()
        try {
          await touch(tx, 3 - id)
        } catch (error) {
          for (let n = 0; n < 20; n++) late.push(errorOf(note(tx, n)))
          throw error
        }
      }),
    )
    await Promise.allSettled(runs)
    await Promise.all(late)
    expect(late).toHaveLength(20)
    expect(await notes(kysely)).toEqual([])
  })

  test('that met a lost connection rejects with it, also when it was swallowed', async () => {
    let swallowed: unknown
    const run = unitOfWork.run(async (tx) => {
      await note(tx, 1)
      await endOf(server, kysely, tx)
      swallowed = await errorOf(note(tx, 2))
    })
    expect(await errorOf(run)).toBe(swallowed)
    expect(unitOfWork.isTransient(swallowed)).toBe(true)
    expect(await notes(kysely)).toEqual([])
  })

  test('never gives a connection back whose rollback failed', async () => {
    const failing = failingHook(['rollback'], server.notReady, 1)
    const alone = connect({ max: 1 }, failing.hook)
    const before = await sessionOf(server.session, alone)
    const thrown = new Error('the calculator’s own')
    const run = sqlUnitOfWork(alone).run(async (tx) => {
      await note(tx, 1)
      throw thrown
    })
    expect(await errorOf(run)).toBe(thrown)
    expect(failing.failed()).toBe(1)
    expect(await sessionOf(server.session, alone)).not.toBe(before)
    await note(alone, 2)
    expect(await notes(kysely)).toEqual([2])
  })

  test('never gives a connection of the job store back whose rollback failed', async () => {
    await sqlBackend(kysely).migrate()
    const failing = failingHook(['rollback', 'select * from'], server.notReady, 2)
    const alone = connect({ max: 1 }, failing.hook)
    const { jobs } = sqlBackend(alone)
    const before = await sessionOf(server.session, alone)
    expect(await errorOf(jobs.renew({ jobId: 'x', claimId: 'x', token: 1 }, { now: 0, leaseMs: 1 }))).toBeInstanceOf(
      Error,
    )
    expect(await sessionOf(server.session, alone)).not.toBe(before)
  })

  test('keeps a connection that cannot be ended until it is rolled back, and throws at once', async () => {
    const failing = failingHook(['rollback', 'kill', 'select pg_terminate', 'select 1'], server.notReady, 5)
    const alone = connect({ max: 1 }, failing.hook)
    const run = sqlUnitOfWork(alone).run(async (tx) => {
      await note(tx, 1)
      throw new Error('no')
    })
    expect(await errorOf(run)).toEqual(new Error('no'))
    expect(failing.failed()).toBeLessThan(5)
    await note(alone, 2)
    expect(failing.failed()).toBe(5)
    expect(await notes(kysely)).toEqual([2])
  })

  test('drops a connection that leads to a read-only server, and finds the writer at the next attempt', async () => {
    const alone = connect({ max: 1 })
    await sql.raw(server.readOnlySession).execute(alone)
    const own = sqlUnitOfWork(alone)
    const error = await errorOf(own.run((tx) => note(tx, 1)))
    expect([error, own.isTransient(error)]).toEqual([error, true])
    await own.run((tx) => note(tx, 1))
    expect(await notes(kysely)).toEqual([1])
  })

  test('that cannot begin leaves no connection behind that the next one fails on, too', async () => {
    const alone = connect({ max: 1 }, failingHook(['set transaction', 'start transaction'], server.notReady, 1).hook)
    const own = sqlUnitOfWork(alone)
    const before = await sessionOf(server.session, alone)
    expect(await errorOf(own.run(async () => {}))).toMatchObject(server.notReady)
    await own.run((tx) => note(tx, 1))
    expect(await sessionOf(server.session, alone)).not.toBe(before)
    expect(await notes(kysely)).toEqual([1])
  })

  test('leaves the connection as it was: what the host runs on it later is watched no more', async () => {
    const alone = connect({ max: 1 })
    await errorOf(sqlUnitOfWork(alone).run(() => Promise.reject(new Error('no'))))
    await note(alone, 1)
    await expect(note(alone, 1)).rejects.toThrow(/duplicate/i)
    await note(alone, 2)
    expect(await notes(kysely)).toEqual([1, 2])
  })
})

describe('a unit of work on MariaDB', async () => {
  const database = await testDatabase()
  const kysely = database.kysely<Tables>()
  const unitOfWork = sqlUnitOfWork(kysely)

  beforeAll(() => createTables(kysely))
  beforeEach(() => emptyTables(kysely))

  test('goes on after an error that ended only its statement', async () => {
    await unitOfWork.run(async (tx) => {
      await note(tx, 1)
      expect(await errorOf(note(tx, 1))).toMatchObject({ code: 'ER_DUP_ENTRY' })
      await note(tx, 2)
    })
    expect(await notes(kysely)).toEqual([1, 2])
  })

  test('streams rows, and is over after a deadlock that a stream met', async () => {
    let swallowed: unknown
    const bothHold = barrier(2)
    const lock = async (tx: Tx, id: number) => {
      const read: number[] = []
      for await (const row of tx.selectFrom('hot').select('id').where('id', '=', id).forUpdate().stream())
        read.push(row.id)
      expect(read).toEqual([id])
    }
    const runs = [1, 2].map((id) =>
      unitOfWork.run(async (tx) => {
        await lock(tx, id)
        await bothHold()
        const error = await lock(tx, 3 - id).catch((thrown: unknown) => thrown)
        if (!error) return
        swallowed = error
        expect(await errorOf(lock(tx, id))).toBe(error)
        expect(await errorOf(note(tx, id))).toBe(error)
      }),
    )
    const outcomes = await Promise.allSettled(runs)
    expect(swallowed).toMatchObject({ code: 'ER_LOCK_DEADLOCK' })
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([{ status: 'rejected', reason: swallowed }])
  })

  test('that was given a connection inside a transaction fails once, as a transient error', async () => {
    const alone = database.kysely<Tables>({ connectionLimit: 1 })
    await sql`begin`.execute(alone)
    await note(alone, 1)
    const own = sqlUnitOfWork(alone)
    expect(own.isTransient(await errorOf(own.run((tx) => note(tx, 2))))).toBe(true)
    await own.run((tx) => note(tx, 3))
    expect(await notes(kysely)).toEqual([3])
  })

  test.each([
    ['goes on after a lock wait timeout that was swallowed', [], [1, 2]],
    ['is over after one where the server rolls back', ['--innodb-rollback-on-timeout=1'], []],
  ])('%s', async (_, settings, expected) => {
    const server = await startMariadb({ settings: [...settings, '--innodb-lock-wait-timeout=1'] })
    onTestFinished(() => server.stop())
    const { db } = mysqlHostDb(withDatabase(server.url, 'mysql'))
    const own = db as unknown as Kysely<Tables>
    onTestFinished(() => own.destroy())
    await createTables(own)
    await emptyTables(own)
    const work = sqlUnitOfWork(own)
    await work.run(async (holder) => {
      await touch(holder, 1)
      const run = work.run(async (tx) => {
        await note(tx, 1)
        expect(await errorOf(touch(tx, 1))).toMatchObject({ code: 'ER_LOCK_WAIT_TIMEOUT' })
        await note(tx, 2)
      })
      const outcome = expected.length > 0 ? undefined : { code: 'ER_LOCK_WAIT_TIMEOUT' }
      if (outcome) expect(await errorOf(run)).toMatchObject(outcome)
      else await run
    })
    expect(await notes(own)).toEqual(expected)
  })
})

describe.each([
  ['PostgreSQL', async () => (await postgresDatabase()).kysely<Tables>()],
  ['PGlite', async () => embeddedPostgresDatabase().connect<Tables>()],
])('a unit of work on %s', async (_, open) => {
  const kysely = await open()
  const unitOfWork = sqlUnitOfWork(kysely)

  beforeAll(() => createTables(kysely))
  beforeEach(() => emptyTables(kysely))

  test('is over after any error of a statement', async () => {
    let swallowed: unknown
    const run = unitOfWork.run(async (tx) => {
      await note(tx, 1)
      swallowed = await errorOf(note(tx, 1))
      expect(await errorOf(note(tx, 2))).toBe(swallowed)
    })
    expect(await errorOf(run)).toBe(swallowed)
    expect(swallowed).toMatchObject({ code: '23505' })
    expect(unitOfWork.isTransient(swallowed)).toBe(false)
    expect(await notes(kysely)).toEqual([])
  })

  test('goes on when it is rolled back to a savepoint', async () => {
    await unitOfWork.run(async (tx) => {
      await note(tx, 1)
      await sql`savepoint before`.execute(tx)
      await errorOf(note(tx, 1))
      await sql`rollback to savepoint before`.execute(tx)
      await note(tx, 2)
    })
    expect(await notes(kysely)).toEqual([1, 2])
  })
})

describe('a unit of work on SQLite', () => {
  test('is over after an error with which SQLite may have rolled back', async () => {
    const kysely = sqliteDatabase(onTestFinished).connect<Tables>()
    await createTables(kysely)
    const unitOfWork = sqlUnitOfWork(kysely)
    let swallowed: unknown
    const run = unitOfWork.run(async (tx) => {
      await note(tx, 1)
      await sql`pragma max_page_count = 1`.execute(tx)
      swallowed = await errorOf(
        tx
          .insertInto('notes')
          .values({ id: 2, note: 'x'.repeat(100_000) })
          .execute(),
      )
      await sql`pragma max_page_count = 1000000`.execute(tx).catch(() => {}) // refused
      expect(await errorOf(note(tx, 3))).toBe(swallowed)
    })
    expect(await errorOf(run)).toBe(swallowed)
    expect(swallowed).toMatchObject({ errcode: 13 })
    await sql`pragma max_page_count = 1000000`.execute(kysely)
    expect(await notes(kysely)).toEqual([])
  })

  test.each([
    ['insert or rollback', (tx: Tx) => sql`insert or rollback into notes values (1, '')`.execute(tx)],
    ['a trigger that rolls back', (tx: Tx) => sql`insert into hot values (66, 0)`.execute(tx)],
  ])('is over after %s', async (_, broken) => {
    const kysely = sqliteDatabase(onTestFinished).connect<Tables>()
    await createTables(kysely)
    await sql`create trigger no_66 before insert on hot when new.id = 66 begin select raise(rollback, 'no'); end`.execute(
      kysely,
    )
    let swallowed: unknown
    const run = sqlUnitOfWork(kysely).run(async (tx) => {
      await note(tx, 1)
      swallowed = await errorOf(broken(tx))
      expect(await errorOf(note(tx, 2))).toBe(swallowed)
    })
    expect(await errorOf(run)).toBe(swallowed)
    expect(await notes(kysely)).toEqual([])
    await sqlUnitOfWork(kysely).run((tx) => note(tx, 3))
    expect(await notes(kysely)).toEqual([3])
  })

  test('goes on after an error that ended only its statement', async () => {
    const kysely = sqliteDatabase(onTestFinished).connect<Tables>()
    await createTables(kysely)
    await sqlUnitOfWork(kysely).run(async (tx) => {
      await note(tx, 1)
      await errorOf(note(tx, 1))
      await note(tx, 2)
    })
    expect(await notes(kysely)).toEqual([1, 2])
  })
})

async function createTables(kysely: Kysely<Tables>): Promise<void> {
  for (const [table, text] of [
    ['hot', 'n'],
    ['notes', 'note'],
  ] as const) {
    await kysely.schema
      .createTable(table)
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn(text, table === 'hot' ? 'integer' : 'text')
      .execute()
  }
}

async function emptyTables(kysely: Kysely<Tables>): Promise<void> {
  await kysely.deleteFrom('notes').execute()
  await kysely.deleteFrom('hot').execute()
  await kysely
    .insertInto('hot')
    .values([1, 2].map((id) => ({ id, n: 0 })))
    .execute()
}

async function note(tx: Kysely<Tables> | Tx, id: number): Promise<void> {
  await tx.insertInto('notes').values({ id, note: '' }).execute()
}

async function touch(tx: Tx, id: number): Promise<void> {
  await tx
    .updateTable('hot')
    .set(({ eb }) => ({ n: eb('n', '+', 1) }))
    .where('id', '=', id)
    .execute()
}

async function notes(kysely: Kysely<Tables>): Promise<readonly number[]> {
  const rows = await kysely.selectFrom('notes').select('id').orderBy('id').execute()
  return rows.map(({ id }) => id)
}

/** The server ends the connection of a transaction. */
async function endOf(server: (typeof servers)[number], kysely: Kysely<Tables>, tx: Tx): Promise<void> {
  await sql.raw(server.kill(await sessionOf(server.session, tx))).execute(kysely)
}

async function sessionOf(statement: string, kysely: Kysely<Tables>): Promise<number> {
  const { rows } = await sql.raw<{ id: number }>(statement).execute(kysely)
  return Number(rows[0]!.id)
}

/** Lets nobody go on before so many have come. */
function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let come = 0
  return () => {
    come += 1
    if (come === count) resolve()
    return promise
  }
}

/** Lets the statements that begin so fail, so many times in all. */
function failingHook(beginnings: readonly string[], error: object, times: number) {
  let failed = 0
  const hook: StatementHook = async (statement, run) => {
    if (failed === times || !beginnings.some((beginning) => statement.startsWith(beginning))) return await run()
    failed += 1
    throw Object.assign(new Error('not ready'), error)
  }
  return { hook, failed: () => failed }
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => new Error('Expected an error, there was none'),
    (error: unknown) => error,
  )
}
