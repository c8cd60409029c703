import { type Kysely, sql } from 'kysely'
import { sqlBackend, sqlUnitOfWork } from 'recalc-service/sql'
import { describe, expect, test } from 'vitest'
import {
  endsMysqlTransaction,
  endsPostgresTransaction,
  endsSqliteTransaction,
} from '../../../src/sql/transaction/ending-statements.ts'
import { engines } from '../support/engines.ts'

interface Tables {
  notes: { id: number; note: string }
}

const ENDING = {
  SQLite: ['commit', 'COMMIT TRANSACTION', 'end', 'rollback', '/* all of it */ commit', '-- all\n commit'],
  MariaDB: [
    'commit',
    'ROLLBACK',
    'rollback work',
    'begin',
    'start transaction',
    'truncate table notes',
    '/* anew */ TRUNCATE notes',
    '-- anew\n\ttruncate notes',
    '# anew\n truncate notes',
    '/*!50000 truncate table notes */',
    'create table more (id int)',
    'create or replace table more (id int)',
    'drop table if exists more',
    'alter table notes add more int',
    'rename table notes to more',
    'lock tables notes write',
    'set autocommit = 1',
    'SET @@session.autocommit=1',
    'optimize table notes',
    'analyze local table notes',
    'flush tables',
    'select 1; commit',
    'select 5--3; commit',
    "select 'a;\\';'; # ;\n rollback",
  ],
  PostgreSQL: [
    'commit',
    'END',
    'abort',
    'rollback',
    'Rollback Work',
    ';commit',
    "prepare transaction 'x'",
    'select 1; commit',
    "select 'a;'; /* ; */ rollback; begin",
    "select 'begin atomic'; commit",
  ],
}

const HARMLESS = {
  SQLite: ['savepoint one', 'rollback to one', 'rollback transaction to savepoint one', 'create table more (id int)'],
  MariaDB: [
    'savepoint one',
    'rollback to one',
    'rollback work to savepoint one',
    'create temporary table more (id int)',
    'drop temporary table more',
    "set @a = 'commit'",
    "insert into notes values (7, 'commit')",
    'begin not atomic set @a = 1; end',
    'analyze select 1',
    '/* commit */ select 1',
    'set session sort_buffer_size = 1048576',
    "select ';commit'",
    "select '\\';commit'",
    'select 1 as `;commit`',
    'select 1; # ;commit',
    'select 1; -- ;commit',
  ],
  PostgreSQL: [
    'savepoint one',
    'rollback to one',
    'create table more (id int)',
    'truncate notes',
    'drop table more',
    "select ';commit'",
    "select e'\\';commit'",
    'do $$ begin perform 1; end $$',
    'create function one() returns int begin atomic select 1; end',
  ],
}

const judges = { SQLite: endsSqliteTransaction, MariaDB: endsMysqlTransaction, PostgreSQL: endsPostgresTransaction }

describe.each(engines)('a unit of work on $name', async ({ name, open }) => {
  const engine = name as keyof typeof ENDING
  const database = await open()
  const kysely = database.connect<Tables>()
  await sql`create table notes (id integer primary key, note varchar(20))`.execute(kysely)

  test.each(ENDING[engine])('refuses %j, which would end it halfway, and is otherwise as it was', async (statement) => {
    await kysely.deleteFrom('notes').execute()
    const refused: unknown[] = []
    const failing = sqlUnitOfWork(kysely).run(async (tx) => {
      await note(tx, 1)
      refused.push(await errorOf(sql.raw(statement).execute(tx)))
      await note(tx, 2)
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(refused).toEqual([expect.objectContaining({ code: 'CONTRACT' })])
    expect(String(refused[0])).toContain(`got ${JSON.stringify(statement)}`)
    expect(await notes(kysely)).toEqual([])
    await sqlUnitOfWork(kysely).run(async (tx) => {
      await note(tx, 1)
      await errorOf(sql.raw(statement).execute(tx))
      await note(tx, 2)
    })
    expect(await notes(kysely)).toEqual([1, 2])
  })

  test.each(HARMLESS[engine])('lets %j through as a statement that ends nothing', (statement) => {
    expect(judges[engine](statement)).toBe(false)
  })

  test('lets the host end its own transaction when the work in it is done', async () => {
    await kysely.deleteFrom('notes').execute()
    const { unitOfWork } = sqlBackend(kysely)
    const own = kysely.transaction()
    await (name === 'SQLite' ? own : own.setIsolationLevel('read committed')).execute(async (tx) => {
      const refused = await unitOfWork.join?.(tx, async () => {
        await note(tx, 1)
        return await errorOf(sql`commit`.execute(tx))
      })
      expect(refused).toMatchObject({ code: 'CONTRACT' })
    })
    expect(await notes(kysely)).toEqual([1])
  })
})

async function note(tx: Kysely<Tables>, id: number): Promise<void> {
  await tx.insertInto('notes').values({ id, note: '' }).execute()
}

async function notes(kysely: Kysely<Tables>): Promise<readonly number[]> {
  const rows = await kysely.selectFrom('notes').select('id').orderBy('id').execute()
  return rows.map(({ id }) => id)
}

function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}
