import { onTestFinished } from 'vitest'
import { createTables } from '../../../../examples/productivity/schema/migrations.ts'
import type { Database, Tables } from '../../../../examples/productivity/schema/tables.ts'
import { insertSources, type Sources } from '../../../../examples/productivity/sources/insert-sources.ts'
import { testDatabase } from '../../../support/mariadb.ts'
import { warehouse } from '../support/warehouse.ts'

/** A kind of database, with the back end's tables. */
export interface Engine {
  readonly name: string
  /** Nothing but `sources` is in its tables. */
  open(sources: Partial<Sources>): Promise<Database>
}

const tables = [
  'daily_scores',
  'idle_periods',
  'alerts',
  'employee_hourly_costs',
  'employee_primary_roles',
  'employee_current_status',
  'pay_rates',
  'clock_times',
  'activity_logs',
  'role_configs',
  'employees',
] as const satisfies readonly (keyof Tables)[]

/** For the test file that asks. */
export async function bothEngines(): Promise<readonly Engine[]> {
  const db = (await testDatabase()).kysely<Tables>({ dateStrings: ['DATE'] })
  await createTables(db)
  const mariadb: Engine = {
    name: 'MariaDB',
    async open(sources) {
      onTestFinished(async () => {
        for (const table of tables) await db.deleteFrom(table).execute()
      })
      const none = { employees: [], roleConfigs: [], payRates: [], clockTimes: [], activityLogs: [] }
      await insertSources(db, { ...none, ...sources })
      return db
    },
  }
  return [{ name: 'SQLite', open: warehouse }, mariadb]
}
