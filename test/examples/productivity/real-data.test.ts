import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import type { Database } from '../../../examples/productivity/schema/tables.ts'
import { importFiles } from '../../../examples/productivity/sources/import-files.ts'
import { allRows, CacheInMemory } from './mariadb-support/all-rows.ts'
import { allEngines } from './stages/all-engines.ts'

const folder = fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const isThere = existsSync(folder)
if (!isThere) console.info(`The event log was not recalculated: there is no folder ${folder}`)

/** At the end of the last day: so that there is a current status, and nothing is still to come. */
const asOf = new Date('2012-03-14T22:59:59Z')
const all = { tenantId: 't', from: '2011-10-01', to: '2012-03-14' }

/** Everything that is derived from the event log. */
async function recalculated(db: Database): Promise<string> {
  await importFiles(db, folder)
  const cache = new CacheInMemory()
  const productivity = createProductivity(db, { zone: 'Europe/Amsterdam', asOf, cache })
  const job = await productivity.triggerRecalcAllAsync(all)
  expect(await job.result).toMatchObject({ status: 'completed', totalDays: 68 * 166, processedDays: 68 * 166 })
  const again = await productivity.triggerRecalcAll(all)
  expect(again.unchangedDays).toBe(again.processedDays)
  return await allRows(db, cache)
}

async function totals(db: Database) {
  const scores = await db.selectFrom('daily_scores').selectAll().execute()
  const { idlePeriods } = await db
    .selectFrom('idle_periods')
    .select(({ fn }) => fn.countAll().as('idlePeriods'))
    .executeTakeFirstOrThrow()
  return {
    rows: scores.length,
    items: scores.reduce((sum, row) => sum + row.items_processed, 0),
    hundredths: scores.reduce((sum, row) => sum + Math.round(Number(row.points_earned) * 100), 0),
    idlePeriods: Number(idlePeriods),
  }
}

const known = { rows: 2_750, items: 155_458, hundredths: 21_850_225, idlePeriods: 20_999 }

describe.runIf(isThere)('a real event log', async () => {
  const engines = isThere ? await allEngines() : []

  it('comes out with every item and every point, on every engine, and with the same rows', async () => {
    const dumps = new Map<string, string>()
    for (const { name, open } of engines) {
      const db = await open({})
      dumps.set(name, await recalculated(db))
      expect([name, await totals(db)]).toEqual([name, known])
    }
    const rows = dumps.get('SQLite')
    for (const kind of ['alerts', 'employee_primary_roles', 'employee_current_status', 'working_today']) {
      expect(rows).toContain(`\n${kind} `)
    }
    expect(dumps.get('MariaDB')).toBe(rows)
    expect(dumps.get('PostgreSQL')).toBe(rows)
  })
})
