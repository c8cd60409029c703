import { onTestFinished } from 'vitest'
import { createTables } from '../../../../examples/productivity/schema/migrations.ts'
import type { Database, Tables } from '../../../../examples/productivity/schema/tables.ts'
import { insertSources, type Sources } from '../../../../examples/productivity/sources/insert-sources.ts'
import { openSqlite } from '../../../../examples/shared/database/sqlite.ts'

/** A database in memory with the back end's tables, and `sources` in them. */
export async function openWarehouse(
  sources: Partial<Sources> = {},
  log?: Parameters<typeof openSqlite>[1],
): Promise<Database> {
  const db = openSqlite<Tables>(':memory:', log)
  await createTables(db)
  await insertSources(db, {
    employees: [],
    roleConfigs: [],
    payRates: [],
    clockTimes: [],
    activityLogs: [],
    ...sources,
  })
  return db
}

/** As {@link openWarehouse}, closed when the test ends. */
export async function warehouse(sources: Partial<Sources> = {}): Promise<Database> {
  const db = await openWarehouse(sources)
  onTestFinished(() => db.destroy())
  return db
}
