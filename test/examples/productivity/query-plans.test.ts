import { CompiledQuery, sql } from 'kysely'
import type { IsoDate } from 'recalc-service'
import { expect, it, onTestFinished } from 'vitest'
import { bestDays, describeTotals, idleTime, whoIsHere } from '../../../examples/productivity/demo/report.ts'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import { generateSources } from '../../../examples/productivity/sources/generator/generate.ts'
import { openWarehouse } from './support/warehouse.ts'

const zone = 'Europe/Berlin'
const range = { from: '2025-03-25' as IsoDate, to: '2025-03-26' as IsoDate }

const ofDay = (...key: readonly string[]) => [
  'employee_id=? AND work_date>? AND work_date<?',
  'employee_id=? AND work_date=?',
  ...(key.length > 0 ? [`employee_id=? AND work_date=? AND ${key.map((column) => `${column}=?`).join(' AND ')}`] : []),
  'work_date>? AND work_date<?',
]

/** How rows may be found: by all the columns that a query narrows, not by the employee alone. */
const searches = {
  employees: ['id>?', 'id=?'],
  pay_rates: ['employee_id=? AND effective_from<?'],
  clock_times: ['employee_id=? AND clock_in>? AND clock_in<?', 'clock_in>? AND clock_in<?'],
  activity_logs: ['employee_id=? AND window_start>? AND window_start<?', 'employee_id=? AND long_window_end>?'],
  daily_scores: ofDay().map((columns) => columns.replaceAll('work_date', 'score_date')),
  idle_periods: ofDay('start_time'),
  alerts: ofDay('alert_type', 'event_at'),
  employee_hourly_costs: ofDay(),
  employee_primary_roles: ['employee_id=?'],
  employee_current_status: ['employee_id=?'],
}

/** Small, or no table. */
const mayBeScanned = [
  /^role_configs$/,
  /^employees USING COVERING INDEX/,
  /^employee_(primary_roles|current_status)\b/, // one row each, and all of them are wanted
  /^\d+-ROW VALUES CLAUSE$/,
  /^pragma_table_info\b/, // not a table: the columns of one
]

it('every query of a recalculation and of the report finds its rows by an index', async () => {
  const queries = new Map<string, CompiledQuery>()
  const sources = generateSources({ zone, from: '2025-03-24' as IsoDate, days: 5, employees: 12, seed: 1 })
  const db = await openWarehouse(sources, ({ query }) => {
    // Those of this test, of the migrations, and of the library, whose plans are looked at elsewhere.
    const isOther =
      /^delete from "(clock_times|activity_logs)"|^update "clock_times"|"(sqlite_master|kysely_|recalc_)/.test(
        query.sql,
      )
    if (!isOther && /^(select|with|delete|update)\b/.test(query.sql)) queries.set(query.sql, query)
  })
  onTestFinished(() => db.destroy())

  const cache = { replace: async () => {}, close: async () => {} }
  const productivity = createProductivity(db, {
    zone,
    cache,
    block: { employees: 5 },
    asOf: new Date('2025-03-26T12:00:00Z'),
  })
  await productivity.triggerRecalcAll({ tenantId: 't', ...range })
  // Somebody's rows lose their sources, so that deletes are among the queries.
  await db.deleteFrom('clock_times').where('employee_id', '=', 'E00001').execute()
  await db.deleteFrom('activity_logs').where('employee_id', '=', 'E00001').execute()
  // The others' shifts begin at another time, so that single rows are.
  await db
    .updateTable('clock_times')
    .set({ clock_in: sql`clock_in - 3600000` })
    .where('employee_id', '>', 'E00001')
    .execute()
  const job = await productivity.triggerRecalcAllAsync({ tenantId: 't', ...range })
  expect((await job.result).status).toBe('completed')
  await Promise.all([describeTotals(db, range), bestDays(db, range), idleTime(db, range), whoIsHere(db)])

  const found: Record<string, Set<string>> = {}
  for (const query of [...queries.values()]) {
    const explain = CompiledQuery.raw(`explain query plan ${query.sql}`, [...query.parameters])
    for (const { detail } of (await db.executeQuery<{ detail: string }>(explain)).rows) {
      const [, step, what] = /^(SCAN|SEARCH) (.*)$/.exec(detail) ?? []
      if (step === 'SCAN')
        expect(
          mayBeScanned.some((pattern) => pattern.test(what!)),
          `${detail} in ${query.sql}`,
        ).toBe(true)
      if (step !== 'SEARCH') continue
      const [, table, columns] = /^(\w+) USING .* \((.*)\)/.exec(what!) ?? []
      found[table!] ??= new Set()
      found[table!]?.add(columns!)
    }
  }
  const sorted = Object.entries(found).map(([table, ways]) => [table, [...ways].sort()])
  expect(Object.fromEntries(sorted)).toEqual(
    Object.fromEntries(Object.entries(searches).map(([table, ways]) => [table, ways.toSorted()])),
  )
})
