import { setTimeout } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DatabaseError } from '../../../../examples/shared/database/database-error.ts'
import { openPostgres } from '../../../../examples/shared/database/postgres.ts'
import { withDatabase } from '../../../support/mariadb.ts'
import { postgresDatabase } from '../../../support/postgres.ts'

const database = await postgresDatabase()

describe('openPostgres', () => {
  it('makes the database when the server has none of that name', async () => {
    const name = `${database.name}_made`
    const admin = database.kysely()
    onTestFinished(async () => void (await sql`drop database if exists ${sql.id(name)} with (force)`.execute(admin)))
    for (const _ of ['when it is not there', 'when it is']) {
      const db = await openPostgres(withDatabase(database.url, name), new Set())
      expect((await sql`select current_database() as name`.execute(db)).rows).toEqual([{ name }])
      await db.destroy()
    }
  })

  it('gives dates as they are, counts as numbers, and instants as milliseconds whatever the zone of the session', async () => {
    const db = await openPostgres(database.url, new Set())
    onTestFinished(() => db.destroy())
    const instant = Date.UTC(2025, 2, 30, 1, 0, 0, 5)
    for (const zone of ['UTC', 'Asia/Kolkata', 'America/St_Johns', 'Europe/Berlin']) {
      const { rows } = await db.connection().execute(async (session) => {
        await sql`set time zone ${sql.lit(zone)}`.execute(session)
        const found = await sql`select date '2025-03-30' as date, 5::bigint as count,
          timestamptz '2025-03-30 01:00:00.005Z' as clock_in`.execute(session)
        await sql`reset time zone`.execute(session)
        return found
      })
      expect([zone, rows]).toEqual([zone, [{ date: '2025-03-30', count: 5, clock_in: instant }]])
    }
  })

  it('outlives a connection that the server ends while somebody has it', async () => {
    const db = await openPostgres(database.url, new Set())
    onTestFinished(() => db.destroy())
    const admin = database.kysely()
    const broken = db.connection().execute(async (session) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(session)
      await sql`select pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(admin)
      await setTimeout(50) // nobody waits for an answer when the driver learns of it
      await sql`select 1`.execute(session)
    })
    await expect(broken).rejects.toThrow()
    expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
  })

  it.each([
    [
      'postgres://root@127.0.0.1:1/productivity',
      'The database productivity at 127.0.0.1:1 cannot be opened: connect ECONN',
    ],
    ['postgres://root:secret@nowhere.invalid/x', 'The database x at nowhere.invalid cannot be opened: getaddrinfo'],
  ])('says that there is no server at %s, without a password', async (url, message) => {
    const opening = openPostgres(url, new Set())
    await expect(opening).rejects.toThrow(DatabaseError)
    await expect(opening).rejects.toThrow(message)
    await expect(opening).rejects.not.toThrow('secret')
  })
})
