import { onTestFinished } from 'vitest'
import { insertSources, type Sources } from '../../../../examples/productivity/insert-sources.ts'
import { createTables } from '../../../../examples/productivity/schema.ts'
import { openSqlite } from '../../../../examples/productivity/sqlite.ts'
import type { Database, Tables } from '../../../../examples/productivity/tables.ts'

/** A database in memory with the back end's tables, and `sources` in them. */
export async function openWarehouse(
  sources: Partial<Sources> = {},
  log?: Parameters<typeof openSqlite>[1],
): Promise<Database> {
  const db = openSqlite<Tables>(':memory:', log)
  await createTables(db)
  await insertSources(db, { employees: [], roleConfigs: [], clockTimes: [], activityLogs: [], ...sources })
  return db
}

/** As {@link openWarehouse}, closed when the test ends. */
export async function warehouse(sources: Partial<Sources> = {}): Promise<Database> {
  const db = await openWarehouse(sources)
  onTestFinished(() => db.destroy())
  return db
}
