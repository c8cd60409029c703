import { type LogEvent, sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import { createTables } from '../../../examples/productivity/schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from '../../../examples/productivity/schema/tables.ts'
import { withInstants } from '../../../examples/shared/database/instants.ts'
import { testDatabase } from '../../support/mariadb.ts'
import { CacheInMemory, derivedTables } from './mariadb-support/all-rows.ts'
import { asOf, fill, rangeOf, tenantId, warehouse } from './mariadb-support/changed-warehouse.ts'
import { isMariadb } from './mariadb-support/plan.ts'
import { openWarehouse } from './support/warehouse.ts'

/** Rows written so far, by table. */
type Writes = Readonly<Record<string, number>>

/** Recalculates everybody twice; what the second time wrote, by table, and which of its statements were no mere questions. */
async function secondRun(db: Database, sent: readonly string[], writes: () => Promise<Writes>) {
  await fill(db, warehouse)
  const recalc = createProductivity(db, { zone: warehouse.zone, asOf: asOf(warehouse), cache: new CacheInMemory() })
  const run = async () => {
    const from = { statements: sent.length, writes: await writes() }
    const job = await recalc.triggerRecalcAllAsync({ tenantId, ...rangeOf(warehouse) })
    const { status, processedDays, unchangedDays } = await job.result
    const after = await writes()
    const written = Object.entries(after).map(([table, rows]) => [table, rows - (from.writes[table] ?? 0)] as const)
    return {
      status,
      changedDays: processedDays - unchangedDays,
      written: Object.fromEntries(written.filter(([table, rows]) => rows > 0 && !table.startsWith('recalc_'))),
      ownJob: written.some(([table, rows]) => rows > 0 && table.startsWith('recalc_')),
      writing: sent.slice(from.statements).filter((text) => !isHarmless(text)),
    }
  }
  return { first: await run(), second: await run() }
}

/** Asks, begins, ends, counts, or writes what the library keeps of its jobs. */
function isHarmless(text: string): boolean {
  const isQuestion = /^\s*(select|with|begin|commit|set transaction)\b/.test(text)
  return isQuestion || /^(insert into|update|delete( \w+)? from)\b[^`"]*[`"]recalc_/.test(text)
}

const mariadb = await testDatabase()

describe('a second run writes nothing but its job', () => {
  it('on SQLite, as triggers count', async () => {
    const sent: string[] = []
    const db = await openWarehouse({}, ({ query }) => void sent.push(query.sql))
    onTestFinished(() => db.destroy())
    await sql`create table written (name text primary key, rows integer not null)`.execute(db)
    for (const table of [...derivedTables, 'recalc_jobs'] as const) {
      await sql`insert into written values (${table}, 0)`.execute(db)
      for (const event of ['insert', 'update', 'delete']) {
        await sql`create trigger ${sql.raw(`${table}_${event}`)} after ${sql.raw(event)} on ${sql.table(table)}
          begin update written set rows = rows + 1 where name = ${sql.lit(table)}; end`.execute(db)
      }
    }
    const writes = async () => {
      const { rows } = await sql<{ name: string; rows: number }>`select name, rows from written`.execute(db)
      return Object.fromEntries(rows.map((row) => [row.name, row.rows]))
    }
    expectNothingNew(await secondRun(db, sent, writes))
  })

  it('on MariaDB, as the server counts', async () => {
    const sent: string[] = []
    const log = ({ query }: LogEvent) => void sent.push(query.sql)
    const db = withInstants(mariadb.kysely<Tables>({ dateStrings: true }, { log }), INSTANTS)
    await createTables(db)
    const countsRows = await isMariadb(db)
    if (countsRows) await sql`set global userstat = 1`.execute(db)
    const writes = async () => {
      const counted = countsRows
        ? sql<{ name: string; written: string }>`select table_name as name, rows_changed as written
            from information_schema.table_statistics where table_schema = database()`
        : sql<{
            name: string
            written: string
          }>`select object_name as name, count_insert + count_update + count_delete as written
            from performance_schema.table_io_waits_summary_by_table where object_schema = database()`
      const { rows } = await counted.execute(db)
      return Object.fromEntries(rows.map(({ name, written }) => [name, Number(written)]))
    }
    expectNothingNew(await secondRun(db, sent, writes))
  })
})

function expectNothingNew({ first, second }: Awaited<ReturnType<typeof secondRun>>): void {
  expect(Object.keys(first.written).sort()).toEqual([...derivedTables].sort())
  expect(first.changedDays).toBeGreaterThan(100)
  expect(second).toEqual({ status: 'completed', changedDays: 0, written: {}, ownJob: true, writing: [] })
}
