import { sql } from 'kysely'
import { onTestFinished } from 'vitest'
import { createTables } from '../../../../examples/productivity/schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from '../../../../examples/productivity/schema/tables.ts'
import { openMysql } from '../../../../examples/shared/database/mysql.ts'
import { openPostgres } from '../../../../examples/shared/database/postgres.ts'
import { openWarehouse } from '../support/warehouse.ts'
import { rowsBy, type Warehouse, type Ways } from './changed-warehouse.ts'
import type { Path } from './paths.ts'

/** What a path derives on SQLite, in a database of its own. */
export async function rowsInMemory(path: Path, of: Warehouse, ways?: Ways): Promise<string> {
  const db = await openWarehouse()
  try {
    return await rowsBy(path, db, of, ways)
  } finally {
    await db.destroy()
  }
}

let databases = 0

/** The URL of another database, beside that of the test file. */
export function besides(url: string): string {
  databases += 1
  return `${url}_${databases}`
}

/** An empty database of a test's own, gone when the test ends. */
export async function ownMysql(url: string, own = besides(url)): Promise<Database> {
  const db = await openMysql<Tables>(own, INSTANTS)
  onTestFinished(async () => {
    await db.schema.dropSchema(new URL(own).pathname.slice(1)).execute()
    await db.destroy()
  })
  await createTables(db)
  return db
}

/** As {@link ownMysql}. */
export async function ownPostgres(url: string, own = besides(url)): Promise<Database> {
  const db = await openPostgres<Tables>(own, INSTANTS)
  onTestFinished(async () => {
    await db.destroy()
    const server = await openPostgres(url, INSTANTS)
    await sql`drop database ${sql.id(new URL(own).pathname.slice(1))} with (force)`.execute(server)
    await server.destroy()
  })
  await createTables(db)
  return db
}
