import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createTables } from '../../../examples/productivity/schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from '../../../examples/productivity/schema/tables.ts'
import { openMysql } from '../../../examples/shared/database/mysql.ts'
import { openPostgres } from '../../../examples/shared/database/postgres.ts'
import { openSqlite } from '../../../examples/shared/database/sqlite.ts'
import { HostProcess } from '../../support/crash-process.ts'
import { testDatabase } from '../../support/mariadb.ts'
import { postgresDatabase } from '../../support/postgres.ts'
import { allRows } from './mariadb-support/all-rows.ts'
import {
  acknowledge,
  asOf,
  changeSources,
  checkAcknowledged,
  fill,
  rangeOf,
  smallWarehouse,
} from './mariadb-support/changed-warehouse.ts'
import { besides, ownMysql, ownPostgres, rowsInMemory } from './mariadb-support/databases.ts'
import { all } from './mariadb-support/paths.ts'
import type { Orders, Report } from './mariadb-support/paths-worker.ts'

/** Rows without the caches, which die with their process here. */
function withoutCaches(everything: string): string {
  return everything.replaceAll(/^(currently_working|working_today|today_clock_times) .*\n?/gm, '').trimEnd()
}

const KILLS = 3
/** More than a lease. */
const AHEAD_MS = 60_000

/** As `rowsBy`, in processes that are killed in the middle of a block when they have done one. */
async function rowsUnderKills(database: string, open: () => Promise<Database>): Promise<string> {
  const inside = async <T>(work: (db: Database) => Promise<T>) => {
    const db = await open()
    try {
      return await work(db)
    } finally {
      await db.destroy()
    }
  }
  const orders = { zone: smallWarehouse.zone, ...rangeOf(smallWarehouse), asOf: asOf(smallWarehouse).getTime() }
  let aheadMs = 0
  const recalculate = async (jobsBefore: number) => {
    for (let kills = 0; ; kills++) {
      await using worker = new HostProcess<Orders, Report>('../examples/productivity/mariadb-support/paths-worker.ts')
      await worker.told('warm')
      aheadMs += AHEAD_MS
      const standsStill = kills < KILLS
      worker.order({ database, ...orders, aheadMs, standsStill, jobsBefore })
      if (!standsStill) {
        expect(await worker.told('done')).toEqual({ type: 'done', status: 'completed', runs: KILLS + 1 })
        return
      }
      await worker.told('standing still')
      await worker.kill()
    }
  }
  await inside(async (db) => {
    await createTables(db)
    await fill(db, smallWarehouse)
  })
  await recalculate(0)
  const seen = await inside(async (db) => {
    const acknowledged = await acknowledge(db, smallWarehouse)
    await changeSources(db, smallWarehouse)
    return acknowledged
  })
  await recalculate(1)
  await inside((db) => checkAcknowledged(db, seen))
  return await inside(allRows)
}

const mariadb = await testDatabase()
const postgres = await postgresDatabase()

it.each([
  {
    engine: 'a SQLite file',
    async make() {
      const folder = await mkdtemp(join(tmpdir(), 'recalc-paths-'))
      onTestFinished(() => rm(folder, { recursive: true }))
      const file = join(folder, 'database')
      return { database: file, open: async () => openSqlite<Tables>(file) }
    },
  },
  {
    engine: 'MariaDB',
    async make() {
      const url = besides(mariadb.url)
      await ownMysql(mariadb.url, url)
      return { database: url, open: () => openMysql<Tables>(url, INSTANTS) }
    },
  },
  {
    engine: 'PostgreSQL',
    async make() {
      const url = besides(postgres.url)
      await ownPostgres(postgres.url, url)
      return { database: url, open: () => openPostgres<Tables>(url, INSTANTS) }
    },
  },
])(
  'processes that are killed with kill -9, one after the other, derive the same rows on $engine',
  async ({ make }) => {
    const { database, open } = await make()
    const undisturbed = await rowsInMemory(all, smallWarehouse)
    expect(await rowsUnderKills(database, open)).toBe(withoutCaches(undisturbed))
  },
  60_000,
)
