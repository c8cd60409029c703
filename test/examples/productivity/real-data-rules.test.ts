import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import type { Database } from '../../../examples/productivity/schema/tables.ts'
import { importFiles } from '../../../examples/productivity/sources/import-files.ts'
import { derivedPlainly } from './support/derived-rows.ts'
import { deriveAll, type PlainDerived } from './support/plain/derive-all.ts'
import type { PlainSources } from './support/plain/sources.ts'
import { warehouse } from './support/warehouse.ts'

const folder = fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const isThere = existsSync(folder)
if (!isThere) console.info(`The event log was not compared with the rules: there is no folder ${folder}`)

const zone = 'Europe/Amsterdam'

it.runIf(isThere)('a real event log comes out as the rules say, row by row', async () => {
  const db = await warehouse()
  await importFiles(db, folder)
  await inventPayRates(db)
  const plain = await expectRules(db, { from: '2011-10-01', to: '2012-03-14' }, new Date('2012-03-14T23:00:00Z'))
  expect(plain.dailyScores).toHaveLength(2_750)
  expect(plain.idlePeriods).toHaveLength(20_999)
  expect(plain.dailyScores.reduce((sum, { items }) => sum + items, 0)).toBe(155_458)
  expect(plain.dailyScores.reduce((sum, { points }) => sum + points, 0)).toBe(21_850_225)

  // The last morning, as it was before anybody knew what would come.
  const morning = new Date('2012-03-14T10:00:00Z')
  await forgetWhatComes(db, morning.getTime())
  const { currentStatus } = await expectRules(db, { from: '2012-03-14', to: '2012-03-14' }, morning)
  expect(new Set(currentStatus.map(({ status }) => status))).toEqual(new Set(['working', 'idle', 'off']))
})

/** Recalculates, and compares every table; the days outside the range are not asked for. */
async function expectRules(db: Database, range: { from: string; to: string }, asOf: Date): Promise<PlainDerived> {
  const plain = deriveAll(await sourcesIn(db), { zone, ...range, now: asOf.getTime() })
  await createProductivity(db, { zone, asOf }).triggerRecalcAll({ tenantId: 't', ...range })
  const { alerts, ...others } = await derivedPlainly(db)
  const found = { ...others, alerts: alerts.map(({ message, acknowledgedAt, acknowledgedBy, ...alert }) => alert) }
  const isAsked = (row: object) => !('date' in row && String(row.date) < range.from)
  for (const table of Object.keys(plain) as (keyof PlainDerived)[]) {
    expect(found[table].filter(isAsked)).toEqual(plain[table])
  }
  return plain
}

async function forgetWhatComes(db: Database, now: number): Promise<void> {
  await db.deleteFrom('clock_times').where('clock_in', '>', now).execute()
  await db.updateTable('clock_times').set({ clock_out: null }).where('clock_out', '>', now).execute()
  await db.deleteFrom('activity_logs').where('window_start', '>', now).execute()
}

/** The log knows none. Half of the people get one in the middle of the time. */
async function inventPayRates(db: Database): Promise<void> {
  const people = await db.selectFrom('employees').select('id').orderBy('id').execute()
  const rates = people.flatMap(({ id }, index) => [
    { employee_id: id, effective_from: index % 2 === 0 ? '2011-01-01' : '2011-12-24', hourly_rate: 15 + index / 100 },
    { employee_id: id, effective_from: '2012-02-01', hourly_rate: 16 + index / 100 },
  ])
  await db.insertInto('pay_rates').values(rates).execute()
}

async function sourcesIn(db: Database): Promise<PlainSources> {
  const roleConfigs = await db.selectFrom('role_configs').selectAll().execute()
  const payRates = await db.selectFrom('pay_rates').selectAll().execute()
  return {
    employees: await db.selectFrom('employees').selectAll().execute(),
    roleConfigs: roleConfigs.map((row) => ({ ...row, multiplier: Math.round(Number(row.multiplier) * 100) })),
    payRates: payRates.map((row) => ({ ...row, hourly_rate: Math.round(Number(row.hourly_rate) * 100) })),
    clockTimes: await db.selectFrom('clock_times').selectAll().execute(),
    activityLogs: await db.selectFrom('activity_logs').selectAll().execute(),
  }
}
