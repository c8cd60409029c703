import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseIsoDate } from 'recalc-service'
import { expect, it, onTestFinished } from 'vitest'
import { createTables } from '../../../examples/productivity/schema/migrations.ts'
import { INSTANTS, type Tables } from '../../../examples/productivity/schema/tables.ts'
import { withInstants } from '../../../examples/shared/database/instants.ts'
import { openSqlite } from '../../../examples/shared/database/sqlite.ts'
import { testDatabase } from '../../support/mariadb.ts'
import { asOf, fill, rangeOf, type Warehouse } from './mariadb-support/changed-warehouse.ts'

const warehouse: Warehouse = {
  zone: 'Europe/Berlin',
  from: parseIsoDate('2025-03-03', 'from'),
  days: 12,
  employees: 50,
  seed: 1,
}

/** Megabytes above the idle process that the benchmark's process needs for a job over everybody. */
async function megabytesFor(database: string): Promise<number> {
  const child = fileURLToPath(new URL('../../../bench/reference-memory-child.ts', import.meta.url))
  const { from, to } = rangeOf(warehouse)
  const args = [child, database, warehouse.zone, from, to, asOf(warehouse).toISOString()]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { idleMb, peakMb, days } = JSON.parse(stdout) as Record<'idleMb' | 'peakMb' | 'days', number>
  expect(days).toBe(50 * 12)
  return peakMb - idleMb
}

const mariadb = await testDatabase()

it('twelve days of fifty employees take less than 50 MB above the idle process, on SQLite and on MariaDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recalc-memory-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'database')
  const sqlite = openSqlite<Tables>(file)
  const server = withInstants(mariadb.kysely<Tables>({ dateStrings: true }), INSTANTS)
  for (const db of [sqlite, server]) {
    await createTables(db)
    await fill(db, warehouse)
  }
  await sqlite.destroy()
  expect(await megabytesFor(file)).toBeLessThan(50)
  expect(await megabytesFor(mariadb.url)).toBeLessThan(50)
})
