import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DatabaseError } from '../../../../examples/shared/database/database-error.ts'
import { openSqlite } from '../../../../examples/shared/database/sqlite.ts'

function open() {
  const db = openSqlite<{ t: { a: number; b?: string | null } }>()
  onTestFinished(() => db.destroy())
  return db
}

describe('openSqlite', () => {
  it('gives plain objects, so that rows compare as what they look like', async () => {
    const { rows } = await sql`select 1 as a, 'x' as b, null as c`.execute(open())
    expect(rows).toStrictEqual([{ a: 1, b: 'x', c: null }])
  })

  it('tells how many rows a statement changed, and returns what `returning` asks for', async () => {
    const db = open()
    await sql`create table t (a integer primary key)`.execute(db)
    const inserted = await db
      .insertInto('t')
      .values([{ a: 1 }, { a: 2 }])
      .executeTakeFirstOrThrow()
    expect(inserted).toMatchObject({ numInsertedOrUpdatedRows: 2n, insertId: 2n })
    expect(await db.insertInto('t').values({ a: 3 }).returning('a').execute()).toEqual([{ a: 3 }])
    expect((await db.deleteFrom('t').executeTakeFirstOrThrow()).numDeletedRows).toBe(3n)
  })

  it('sees new columns in a statement that it has run before', async () => {
    const db = open()
    await sql`create table t (a integer primary key)`.execute(db)
    await db.insertInto('t').values({ a: 1 }).execute()
    const all = db.selectFrom('t').selectAll()
    expect(await all.execute()).toEqual([{ a: 1 }])
    await sql`alter table t add column b text`.execute(db)
    expect(await all.execute()).toEqual([{ a: 1, b: null }])
  })

  it('streams', async () => {
    const db = open()
    await sql`create table t (a integer primary key)`.execute(db)
    await db
      .insertInto('t')
      .values([{ a: 1 }, { a: 2 }])
      .execute()
    const rows: unknown[] = []
    for await (const row of db.selectFrom('t').selectAll().orderBy('a').stream()) rows.push(row)
    expect(rows).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('enforces foreign keys', async () => {
    const db = open()
    await sql`create table parent (id integer primary key)`.execute(db)
    await sql`create table child (id integer references parent (id))`.execute(db)
    await expect(sql`insert into child values (1)`.execute(db)).rejects.toThrow('FOREIGN KEY')
  })

  it('waits for another process that writes', async () => {
    expect((await sql`pragma busy_timeout`.execute(open())).rows).toEqual([{ timeout: 5000 }])
  })

  it('says which file cannot be opened, and why', async () => {
    expect(() => openSqlite('/nowhere/at/all.db')).toThrow(DatabaseError)
    expect(() => openSqlite('/nowhere/at/all.db')).toThrow('/nowhere/at/all.db cannot be opened: unable to open')
    expect(() => openSqlite(import.meta.filename)).toThrow('sqlite.test.ts cannot be opened: file is not a database')
  })

  it('goes on after it has forgotten old statements', async () => {
    const db = open()
    for (let number = 0; number < 250; number++) {
      const { rows } = await sql`select ${sql.lit(number)} as number`.execute(db)
      expect(rows).toEqual([{ number }])
    }
  })
})
