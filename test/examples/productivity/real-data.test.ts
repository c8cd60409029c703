import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { importFiles } from '../../../examples/productivity/import-files.ts'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import { createTables } from '../../../examples/productivity/schema.ts'
import { openSqlite } from '../../../examples/productivity/sqlite.ts'
import type { Tables } from '../../../examples/productivity/tables.ts'

const folder = fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const isThere = existsSync(folder)
if (!isThere) console.info(`The event log was not recalculated: there is no folder ${folder}`)

it.runIf(isThere)('a real event log comes out with every item and every point', async () => {
  const db = openSqlite<Tables>()
  onTestFinished(() => db.destroy())
  await createTables(db)
  await importFiles(db, folder)

  const productivity = createProductivity(db, { zone: 'Europe/Amsterdam' })
  const all = { tenantId: 't', from: '2011-10-01', to: '2012-03-14' }
  const job = await productivity.triggerRecalcAllAsync(all)
  expect(await job.result).toMatchObject({ status: 'completed', totalDays: 68 * 166, processedDays: 68 * 166 })

  const scores = await db.selectFrom('daily_scores').selectAll().execute()
  const items = scores.reduce((sum, row) => sum + row.items_processed, 0)
  const hundredths = scores.reduce((sum, row) => sum + Math.round(Number(row.points_earned) * 100), 0)
  const { idlePeriods } = await db
    .selectFrom('idle_periods')
    .select(({ fn }) => fn.countAll().as('idlePeriods'))
    .executeTakeFirstOrThrow()
  expect({ rows: scores.length, items, hundredths, idlePeriods }).toEqual({
    rows: 2_750,
    items: 155_458,
    hundredths: 21_850_225,
    idlePeriods: 20_999,
  })

  const again = await productivity.triggerRecalcAll(all)
  expect(again.unchangedDays).toBe(again.processedDays)
})
