import type { Kysely } from 'kysely'
import { onTestFinished } from 'vitest'
import { createTables } from '../../../../examples/productivity/schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from '../../../../examples/productivity/schema/tables.ts'
import { insertSources, type Sources } from '../../../../examples/productivity/sources/insert-sources.ts'
import { withInstants } from '../../../../examples/shared/database/instants.ts'
import { postgresTypes } from '../../../../examples/shared/database/postgres.ts'
import { testDatabase } from '../../../support/mariadb.ts'
import { postgresDatabase } from '../../../support/postgres.ts'
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

const none = { employees: [], roleConfigs: [], payRates: [], clockTimes: [], activityLogs: [] }

/** For the test file that asks. The sessions are in other time zones than the machine, and than one another. */
export async function allEngines(): Promise<readonly Engine[]> {
  const mariadb = await testDatabase()
  const postgres = await postgresDatabase()
  return [
    { name: 'SQLite', open: warehouse },
    await server('MariaDB', mariadb.kysely<Tables>({ dateStrings: true })),
    await server(
      'PostgreSQL',
      postgres.kysely<Tables>({ types: postgresTypes, options: '-c TimeZone=America/St_Johns' }),
    ),
  ]
}

async function server(name: string, kysely: Kysely<Tables>): Promise<Engine> {
  const db = withInstants(kysely, INSTANTS)
  await createTables(db)
  return {
    name,
    async open(sources) {
      onTestFinished(async () => {
        for (const table of tables) await db.deleteFrom(table).execute()
      })
      await insertSources(db, { ...none, ...sources })
      return db
    },
  }
}
