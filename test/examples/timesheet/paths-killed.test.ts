import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openMysql } from '../../../examples/shared/database/mysql.ts'
import { openPostgres } from '../../../examples/shared/database/postgres.ts'
import { openSqlite } from '../../../examples/shared/database/sqlite.ts'
import { seededRandom } from '../../../examples/shared/random.ts'
import { createTables } from '../../../examples/timesheet/schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from '../../../examples/timesheet/schema/tables.ts'
import { HostProcess } from '../../support/crash-process.ts'
import { testDatabase } from '../../support/mariadb.ts'
import { postgresDatabase } from '../../support/postgres.ts'
import { seed } from '../../support/seed.ts'
import { deriveAll } from './oracle/derive.ts'
import { type Scenario, scenarioOf } from './oracle/scenario.ts'
import { nextDate } from './oracle/zone.ts'
import type { Orders, Report } from './support/killed-worker.ts'
import { derivedRows, fillOffice } from './support/office.ts'

const KILLS = Number(process.env.RECALC_TEST_TIMESHEET_KILLS ?? 4)

/** More than a lease. */
const AHEAD_MS = 1_500

const mariadb = await testDatabase()
const postgres = await postgresDatabase()

test.each([
  [
    'a SQLite file',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'timesheet-'))
      onTestFinished(() => rm(folder, { recursive: true, force: true }))
      const file = join(folder, 'office.db')
      return { database: file, db: openSqlite<Tables>(file) }
    },
  ],
  ['MariaDB', async () => ({ database: mariadb.url, db: await openMysql<Tables>(mariadb.url, INSTANTS) })],
  ['PostgreSQL', async () => ({ database: postgres.url, db: await openPostgres<Tables>(postgres.url, INSTANTS) })],
] as const)(
  'processes that are killed at any moment, one after the other, leave the rows of the second implementation on %s',
  async (_, open) => {
    const { database, db } = await open()
    try {
      await createTables(db)
      await underKills(database, db)
    } finally {
      await db.destroy()
    }
  },
  300_000,
)

async function underKills(database: string, db: Database): Promise<void> {
  const random = seededRandom(seed)
  const { company, zone, now, today } = quietScenario(seed)
  await fillOffice(db, company)
  const from = company.employees.map(({ entry_date }) => entry_date).sort()[0] as string
  for (let kills = 0; ; kills++) {
    await using worker = new HostProcess<Orders, Report>('../examples/timesheet/support/killed-worker.ts')
    await worker.told('warm')
    worker.order({ database, zone, from, to: today, now: now + kills * AHEAD_MS, jobsBefore: 0 })
    await worker.told('working')
    if (kills < KILLS) {
      await wait(random.integer(0, 250))
      await worker.kill()
      continue
    }
    expect(await worker.told('done')).toMatchObject({ status: 'completed' })
    break
  }
  expect(await derivedRows(db)).toEqual(deriveAll(company, zone, now))
}

/** A company in which nothing that is seen changes within the seconds of the test. */
function quietScenario(first: number): Scenario {
  for (let own = first; ; own++) {
    const scenario = scenarioOf(own)
    const { company, zone, now, today } = scenario
    const isEmployed = company.employees.every(({ entry_date }) => entry_date < nextDate(today, -12))
    const ofMoment = (moment: number) => JSON.stringify(deriveAll(company, zone, moment))
    if (isEmployed && ofMoment(now) === ofMoment(now + (KILLS + 1) * AHEAD_MS)) return scenario
  }
}
