import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DatabaseError } from '../../../../examples/shared/database/database-error.ts'
import { openMysql } from '../../../../examples/shared/database/mysql.ts'
import { testDatabase, withDatabase } from '../../../support/mariadb.ts'

const database = await testDatabase()

describe('openMysql', () => {
  it('makes the database when the server has none of that name', async () => {
    const name = `${database.name}_made`
    const admin = await database.connection()
    onTestFinished(async () => void (await admin.query(`drop database if exists ${name}`)))
    for (const _ of ['when it is not there', 'when it is']) {
      const db = await openMysql(withDatabase(database.url, name), new Set())
      expect((await sql`select database() as name`.execute(db)).rows).toEqual([{ name }])
      await db.destroy()
    }
  })

  it('gives dates as they are, whatever the time zone of the machine', async () => {
    const db = await openMysql(database.url, new Set())
    onTestFinished(() => db.destroy())
    expect((await sql`select date '2025-03-30' as date`.execute(db)).rows).toEqual([{ date: '2025-03-30' }])
  })

  it.each([
    [
      'mysql://root@127.0.0.1:1/productivity',
      'The database productivity at 127.0.0.1:1 cannot be opened: connect ECONNREFUSED',
    ],
    ['mysql://root@localhost:1/productivity', 'The database productivity at localhost:1 cannot be opened: '],
    ['mysql://root:secret@nowhere.invalid/x', 'The database x at nowhere.invalid cannot be opened: getaddrinfo'],
  ])('says that there is no server at %s, without a password', async (url, message) => {
    const opening = openMysql(url, new Set())
    await expect(opening).rejects.toThrow(DatabaseError)
    await expect(opening).rejects.toThrow(message)
    await expect(opening).rejects.not.toThrow('secret')
  })

  it('says what a server does not allow', async () => {
    const url = new URL(database.url)
    url.username = 'nobody'
    url.password = 'secret'
    await expect(openMysql(url.href, new Set())).rejects.toThrow("cannot be opened: Access denied for user 'nobody'@")
  })
})
