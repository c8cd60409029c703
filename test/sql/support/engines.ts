import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect } from 'kysely'
import { afterAll } from 'vitest'
import { openSqlite } from '../../../examples/shared/database/sqlite.ts'
import { type StatementHook, sqliteHostDb } from '../../support/crash-database.ts'
import { testDatabase } from '../../support/mariadb.ts'
import { postgresDatabase } from '../../support/postgres.ts'

/** An empty database of a test file's own. */
export interface EmptyDatabase {
  /** A client of its own, as another process would have; closed at the end of the file. The hook sees every statement. */
  connect<Tables>(hook?: StatementHook): Kysely<Tables>
}

/** The databases that the SQL backend is for. MySQL takes MariaDB's place where RECALC_TEST_MYSQL_URL says so. */
export const engines: readonly { readonly name: string; open(): Promise<EmptyDatabase> }[] = [
  { name: 'SQLite', open: async () => sqliteDatabase() },
  {
    name: 'MariaDB',
    async open() {
      const database = await testDatabase()
      return { connect: (hook) => database.kysely({}, { hook }) }
    },
  },
  {
    name: 'PostgreSQL',
    async open() {
      const database = await postgresDatabase()
      return { connect: (hook) => database.kysely({}, { hook }) }
    },
  },
]

/** A PostgreSQL in this process, in memory; all its clients are one. */
export function embeddedPostgresDatabase(atEnd: (clean: () => Promise<void>) => void = afterAll): EmptyDatabase {
  const dialect = new PGliteDialect({ pglite: async () => await PGlite.create() })
  const kysely = new Kysely<never>({ dialect })
  atEnd(() => kysely.destroy())
  return { connect: <Tables>() => kysely as unknown as Kysely<Tables> }
}

/** A database file that is removed at the end of the test file; of the test, when that is made with `onTestFinished`. */
export function sqliteDatabase(atEnd: (clean: () => Promise<void>) => void = afterAll): EmptyDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'recalc-sqlite-'))
  const opened: Kysely<never>[] = []
  atEnd(async () => {
    await Promise.all(opened.map((kysely) => kysely.destroy()))
    rmSync(folder, { recursive: true })
  })
  return {
    connect<Tables>(hook?: StatementHook) {
      const path = join(folder, 'database')
      // Processes of a test share one event loop: a driver that waits would block the one it waits for.
      const kysely = hook ? (sqliteHostDb(path, hook) as unknown as Kysely<Tables>) : openSqlite<Tables>(path, [], 0)
      opened.push(kysely as unknown as Kysely<never>)
      return kysely
    },
  }
}
