import { type Kysely, sql } from 'kysely'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CaptureSources, checkCapture, installCapture, sqlBackend } from '../../../src/sql/index.ts'
import { testDatabase } from '../../support/mariadb.ts'
import { postgresDatabase } from '../../support/postgres.ts'
import { type EmptyDatabase, sqliteDatabase } from '../support/engines.ts'
import { type HostTables, takeNotes } from './support/captured-host.ts'

const tenant = { always: 'acme' } as const
const shifts = { tenant, employee: 'employee', instants: ['come', 'go'] } satisfies CaptureSources[string]
const NONE = { missing: [], different: [], leftOver: [] }

async function ready(database: Pick<EmptyDatabase, 'connect'>): Promise<Kysely<HostTables>> {
  const db = database.connect<HostTables>()
  await sqlBackend(db).migrate()
  return db
}

const note = (employeeId: string | null, ...spans: (string | null)[][]) => ({ employeeId, table: 'shifts', spans })

describe('MariaDB', async () => {
  const database = await testDatabase()
  let db: Kysely<HostTables>
  const run = (text: string) => sql.raw(text).execute(db)

  beforeAll(async () => {
    db = await ready({ connect: () => database.kysely({ connectionLimit: 1 }) })
  })

  beforeEach(async () => {
    await run('drop table if exists shifts')
    await run('drop table if exists people')
    await run('delete from recalc_changes')
    await run("set time_zone = '+00:00', sql_mode = default")
  })

  test('a timestamp is the same instant in every session, and two that a clock change makes look alike differ', async () => {
    await run('create table shifts (employee bigint, come timestamp(3) null, go datetime(3) null)')
    await installCapture(db, { shifts })
    await run("set time_zone = '+05:30'")
    await run("insert into shifts values (42, '2025-03-28 13:30:00.5', '2025-03-28 16:00:00')")
    expect(await takeNotes(db)).toEqual([note('42', ['2025-03-28T08:00:00.500Z', '2025-03-28T16:00:00.000Z'])])
    const { rows } = await sql<{
      zones: number
    }>`select count(*) as zones from mysql.time_zone_name where name = 'Europe/Vienna'`.execute(db)
    if (Number(rows[0]?.zones) === 0) return
    await run("update shifts set come = '2025-10-26 06:00:00', go = null")
    await takeNotes(db)
    await run("set time_zone = 'Europe/Vienna'")
    await run('update shifts set come = from_unixtime(unix_timestamp(come) + 3600)')
    expect(await takeNotes(db)).toHaveLength(1)
  })

  test('rows of several statements, and of those that insert or update, are all noted', async () => {
    await run('create table shifts (id int primary key, employee varchar(9) character set latin1, come bigint, go int)')
    await installCapture(db, { shifts })
    await run("set sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'")
    await run("insert into shifts values (1, 'ä', 86400000, null), (2, 'b', 0, null) on duplicate key update come = 0")
    await run("insert into shifts values (1, 'ä', 0, null) on duplicate key update come = values(come)")
    expect(await takeNotes(db)).toEqual([
      note('ä', ['1970-01-02T00:00:00.000Z', '1970-01-02T00:00:00.000Z']),
      note('b', ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z']),
      note(
        'ä',
        ['1970-01-02T00:00:00.000Z', '1970-01-02T00:00:00.000Z'],
        ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'],
      ),
    ])
    expect(await checkCapture(db, { shifts })).toEqual(NONE)
  })

  test('a zero date is not there, and an instant of no year in which people work lies on no day', async () => {
    await run('create table shifts (employee int, come datetime, go datetime)')
    await installCapture(db, { shifts })
    await run("set sql_mode = ''")
    await run(
      "insert into shifts values (1, '0000-00-00', '2025-03-28 08:00:00'), (1, '0001-01-01', '9999-12-31 23:59:59')",
    )
    expect(await takeNotes(db)).toEqual([
      note('1', ['2025-03-28T08:00:00.000Z', '2025-03-28T08:00:00.000Z']),
      note('1'),
    ])
  })

  test('foreign keys that remove rows unseen are refused, unless they are allowed', async () => {
    await run('create table people (id int primary key)')
    await run(
      'create table shifts (employee int, come bigint, go bigint, constraint gone foreign key (employee) references people (id) on delete cascade)',
    )
    await expect(installCapture(db, { shifts })).rejects.toMatchObject({
      code: 'CAPTURE',
      message: expect.stringContaining('"gone"'),
    })
    await installCapture(db, { shifts: { ...shifts, allowCascades: true } })
    await run('drop table shifts')
  })

  test.each([
    [
      'a table without transactions',
      'create table shifts (employee int, come bigint, go bigint) engine = MyISAM',
      'its engine is MyISAM',
    ],
    ['a view', 'create view shifts as select 1 as employee, 2 as come, 3 as go', 'it is a view'],
  ])('%s is refused', async (_, create, message) => {
    await run(create)
    await expect(installCapture(db, { shifts })).rejects.toMatchObject({
      code: 'CAPTURE',
      message: expect.stringContaining(message),
    })
    await run('drop view if exists shifts')
  })

  test('a column of a type that holds no instant is refused', async () => {
    await run('create table shifts (employee int, come time, go bigint)')
    await expect(installCapture(db, { shifts })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: 'Expected `sources.shifts.instants` to be of a type that holds an instant, got "come", which is time',
    })
  })

  test('a server that wants SUPER for triggers is told of with what helps', async () => {
    await run('create table shifts (employee int, come bigint, go bigint)')
    const refusing = database.kysely<HostTables>(
      {},
      {
        hook: (text, run) =>
          text.startsWith('create trigger') ? Promise.reject(Object.assign(new Error('no'), { errno: 1419 })) : run(),
      },
    )
    await expect(installCapture(refusing, { shifts })).rejects.toMatchObject({
      code: 'CAPTURE',
      message: expect.stringContaining('log_bin_trust_function_creators'),
    })
  })

  test('a writer needs no right on the ledger, and a trigger that somebody altered is found', async () => {
    await run('create table shifts (employee int, come bigint, go bigint)')
    await installCapture(db, { shifts })
    const user = `w${database.name.slice(-20)}`
    await run(`create user '${user}'@'%' identified by 'secret'`)
    await run(`grant insert on \`${database.name}\`.shifts to '${user}'@'%'`)
    const url = new URL(database.url)
    const writer = database.kysely<HostTables>({
      uri: undefined as never,
      host: url.hostname,
      port: Number(url.port),
      user,
      password: 'secret',
      database: database.name,
    } as never)
    await sql`insert into shifts values (7, 0, null)`.execute(writer)
    expect(await takeNotes(db)).toHaveLength(1)
    await writer.destroy()
    await run(`drop user '${user}'@'%'`)
    const { rows } = await sql<{ name: string }>`select trigger_name as name from information_schema.triggers
      where event_object_table = 'shifts' and event_object_schema = database() and event_manipulation = 'DELETE'`.execute(
      db,
    )
    await run(`drop trigger ${rows[0]?.name}`)
    await run(`create trigger ${rows[0]?.name} after delete on shifts for each row begin end`)
    expect(await checkCapture(db, { shifts })).toEqual({
      ...NONE,
      different: [{ table: 'shifts', trigger: rows[0]?.name }],
    })
    await installCapture(db, { shifts })
    expect(await checkCapture(db, { shifts })).toEqual(NONE)
  })
})

describe('PostgreSQL', async () => {
  const database = await postgresDatabase()
  let db: Kysely<HostTables>
  const run = (text: string) => sql.raw(text).execute(db)

  beforeAll(async () => {
    db = await ready({ connect: () => database.kysely({ max: 1 }) })
  })

  beforeEach(async () => {
    await run('drop table if exists shifts cascade')
    await run('delete from recalc_changes')
    await run("set timezone = 'UTC'")
    await run('set search_path = public')
  })

  test('an instant is the same in every session’s time zone, and an infinite one is not there', async () => {
    await run('create table shifts (employee uuid, come timestamptz, go timestamp)')
    await installCapture(db, { shifts })
    await run("set timezone = 'Asia/Kolkata'")
    await run(
      "insert into shifts values ('00000000-0000-0000-0000-00000000000A', '2025-03-28 13:30', '2025-03-28 16:00')",
    )
    await run("insert into shifts values (null, '-infinity', 'infinity')")
    await run('update shifts set come = come')
    expect(await takeNotes(db)).toEqual([
      note('00000000-0000-0000-0000-00000000000a', ['2025-03-28T08:00:00.000Z', '2025-03-28T16:00:00.000Z']),
    ])
  })

  test('a statement of many rows notes each employee and day once', async () => {
    await run('create table shifts (employee int, come bigint, go bigint)')
    await installCapture(db, { shifts })
    await run('insert into shifts select i % 2, 60000 * i, null from generate_series(1, 1000) i')
    expect(await takeNotes(db)).toEqual([
      note('0', ['1970-01-01T00:02:00.000Z', '1970-01-01T16:40:00.000Z']),
      note('1', ['1970-01-01T00:01:00.000Z', '1970-01-01T16:39:00.000Z']),
    ])
  })

  test('what is copied in, truncated or merged by a conflict is noted', async () => {
    await run('create table shifts (id int primary key, employee text, come bigint, go bigint, more json)')
    await installCapture(db, { shifts })
    await run(`copy shifts from program 'printf "1\\tann\\t0\\t\\\\\\\\N\\t{}\\n"'`)
    expect(await takeNotes(db)).toEqual([note('ann', ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'])])
    await run("insert into shifts values (1, 'ann', 0, 5, '{}') on conflict (id) do update set more = '{ }'")
    expect(await takeNotes(db)).toHaveLength(1)
    await run('truncate shifts')
    expect(await takeNotes(db)).toEqual([note('ann', ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'])])
  })

  test('partitions are captured by the name of the whole and by their own, and a new one is found to be missing', async () => {
    await run('create table shifts (employee text, come bigint, go bigint) partition by range (come)')
    await run('create table shifts_1 partition of shifts for values from (0) to (10)')
    await run('create table shifts_2 partition of shifts for values from (10) to (20)')
    await installCapture(db, { shifts })
    await run("insert into shifts values ('ann', 1, null)")
    await run("insert into shifts_2 values ('bob', 11, null)")
    await run("update shifts set come = 12 where employee = 'ann'")
    const notes = (await takeNotes(db)) as { employeeId: string }[]
    expect(notes.map(({ employeeId }) => employeeId)).toEqual(['ann', 'bob', 'ann'])
    await run('create table shifts_3 partition of shifts for values from (20) to (30)')
    const { missing } = await checkCapture(db, { shifts })
    expect(new Set(missing.map(({ table }) => table))).toEqual(new Set(['shifts_3']))
  })

  test('a writer needs no right on the ledger, and slips nothing into what runs with the rights of another', async () => {
    await run('create table shifts (employee text, come bigint, go bigint)')
    await installCapture(db, { shifts })
    const role = `writer_${database.name}`
    await run(`create role ${role}`)
    await run(`grant insert, update on shifts to ${role}; create schema trap authorization ${role}`)
    await run(`set role ${role}`)
    await run("create function trap.sha256(bytea) returns bytea language plpgsql as $$ begin raise 'trapped'; end $$")
    await run('set search_path = trap, pg_catalog, public')
    await run("insert into public.shifts values ('ann', 0, null)")
    await run('reset role')
    await run('set search_path = public')
    expect(await takeNotes(db)).toHaveLength(1)
    await run(`drop schema trap cascade; revoke all on shifts from ${role}; drop role ${role}`)
  })

  test('a trigger that is switched off is found, and installed anew', async () => {
    await run('create table shifts (employee text, come bigint, go bigint)')
    await installCapture(db, { shifts })
    await run('alter table shifts disable trigger all')
    expect((await checkCapture(db, { shifts })).different).toHaveLength(4)
    await installCapture(db, { shifts })
    expect(await checkCapture(db, { shifts })).toEqual(NONE)
  })

  test('a table of another schema is captured where it is', async () => {
    await run(
      'create schema if not exists hr; drop table if exists hr.times; create table hr.times (employee text, come bigint, go bigint)',
    )
    await installCapture(db, { shifts: { ...shifts, table: 'times', schema: 'hr' } })
    await run("insert into hr.times values ('ann', 0, null)")
    expect(await takeNotes(db)).toEqual([note('ann', ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'])])
    await run('drop schema hr cascade')
  })
})

describe('SQLite', () => {
  let db: Kysely<HostTables>
  const run = (text: string) => sql.raw(text).execute(db)

  beforeAll(async () => {
    db = await ready(sqliteDatabase())
    await run('pragma foreign_keys = on')
  })

  beforeEach(async () => {
    await run('drop table if exists shifts')
    await run('delete from recalc_changes')
  })

  test('a column is read as what it holds; what cannot be read may lie on any day', async () => {
    await run('create table shifts (employee, come, go)')
    await installCapture(db, { shifts })
    await run("insert into shifts values (7, 0, '2025-03-28 08:00:00')")
    await run("insert into shifts values ('7', 1.5, '2025-03-28T08:00:00.250+02:00')")
    await run("insert into shifts values ('7', 'soon', null)")
    expect(await takeNotes(db)).toEqual([
      note('7', ['1970-01-01T00:00:00.000Z', '2025-03-28T08:00:00.000Z']),
      note('7', ['1970-01-01T00:00:00.001Z', '2025-03-28T06:00:00.250Z']),
      note('7', [null, null]),
    ])
  })

  test('rows that a foreign key removes are noted', async () => {
    await run('create table people (id integer primary key)')
    await run('create table shifts (employee references people (id) on delete cascade, come, go)')
    await installCapture(db, { shifts })
    await run('insert into people values (1)')
    await run('insert into shifts values (1, 0, null)')
    await takeNotes(db)
    await run('delete from people')
    expect(await takeNotes(db)).toHaveLength(1)
  })

  test('an update that replaces another row by a unique key notes that one too', async () => {
    await run('create table shifts (id integer primary key, code text unique collate nocase, employee, come, go)')
    await installCapture(db, { shifts: { ...shifts, columns: ['code'] } })
    await run("insert into shifts values (1, 'a', 'ann', 0, null), (2, 'b', 'bob', 0, null)")
    await takeNotes(db)
    await run("update or replace shifts set code = 'A' where id = 2")
    const notes = (await takeNotes(db)) as { employeeId: string }[]
    expect(new Set(notes.map(({ employeeId }) => employeeId))).toEqual(new Set(['ann', 'bob']))
  })
})
