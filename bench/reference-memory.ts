import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addDays, dayBounds, parseIsoDate } from 'recalc-service'
import { createTables } from '../examples/productivity/schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from '../examples/productivity/schema/tables.ts'
import { generateSources } from '../examples/productivity/sources/generator/generate.ts'
import { insertSources } from '../examples/productivity/sources/insert-sources.ts'
import { openMysql } from '../examples/shared/database/mysql.ts'
import { openSqlite } from '../examples/shared/database/sqlite.ts'
import { startMariadb } from '../test/support/mariadb-server.ts'
import { peakOf, printPeak } from './memory.ts'

const ZONE = 'Europe/Berlin'
const FROM = parseIsoDate('2025-03-03', 'from')

const SIZES = [
  { employees: 50, days: 12 },
  { employees: 500, days: 30 },
]

/** Peak memory of the reference back end's job, where everything is written, and where nothing has changed. */
export async function benchReferenceMemory(): Promise<void> {
  console.log('\n    the reference back end, all seven stages: peak memory above the idle process (resident set)')
  const folder = mkdtempSync(join(tmpdir(), 'recalc-bench-'))
  const mariadb = await startMariadb()
  try {
    for (const { employees, days } of SIZES) {
      const name = `${employees}_${days}`
      const sqlite = join(folder, name)
      const url = `${mariadb.url}/memory_${name}`
      for (const [engine, database] of Object.entries({ SQLite: sqlite, MariaDB: url })) {
        const db = engine === 'SQLite' ? openSqlite<Tables>(database) : await openMysql<Tables>(database, INSTANTS)
        await fill(db, employees, days)
        await db.destroy()
        const to = addDays(FROM, days - 1)
        // In the afternoon of the last day.
        const asOf = new Date(dayBounds(to, ZONE).start.getTime() + 15 * 3_600_000).toISOString()
        for (const run of ['written', 'unchanged']) {
          const title = `${engine}, ${employees} employees × ${days} days, everything ${run}`
          printPeak(title, peakOf('reference-memory-child.ts', [database, ZONE, FROM, to, asOf]))
        }
      }
    }
  } finally {
    await mariadb.stop()
    rmSync(folder, { recursive: true })
  }
}

async function fill(db: Database, employees: number, days: number): Promise<void> {
  await createTables(db)
  await insertSources(db, generateSources({ zone: ZONE, from: FROM, days, employees, seed: 1 }))
}
