import { CompiledQuery } from 'kysely'
import type { IsoDate } from 'recalc-service'
import { expect, it, onTestFinished } from 'vitest'
import { generateSources } from '../../../examples/productivity/generator/generate.ts'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import { bestDays, describeTotals, idleTime } from '../../../examples/productivity/report.ts'
import { openWarehouse } from './support/warehouse.ts'

const zone = 'Europe/Berlin'
const range = { from: '2025-03-25' as IsoDate, to: '2025-03-26' as IsoDate }

/** How rows may be found: by all the columns that a query narrows, not by the employee alone. */
const searches = {
  employees: ['id>?', 'id=?'],
  clock_times: ['employee_id=? AND clock_in>? AND clock_in<?', 'employee_id=? AND long_clock_out>?'],
  activity_logs: ['employee_id=? AND window_start>? AND window_start<?', 'employee_id=? AND long_window_end>?'],
  daily_scores: [
    'employee_id=? AND score_date>? AND score_date<?',
    'employee_id=? AND score_date=?',
    'score_date>? AND score_date<?',
  ],
  idle_periods: [
    'employee_id=? AND work_date>? AND work_date<?',
    'employee_id=? AND work_date=?',
    'work_date>? AND work_date<?',
  ],
}

/** Small, or no table. */
const mayBeScanned = [/^role_configs$/, /^employees USING COVERING INDEX/, /^\d+-ROW VALUES CLAUSE$/]

it('every query of a recalculation and of the report finds its rows by an index', async () => {
  const queries = new Map<string, CompiledQuery>()
  const sources = generateSources({ zone, from: '2025-03-24' as IsoDate, days: 5, employees: 12, seed: 1 })
  const db = await openWarehouse(sources, ({ query }) => {
    const isOwn = /^delete from "(clock_times|activity_logs)"/.test(query.sql)
    if (!isOwn && /^(select|with|delete|update|replace)\b/.test(query.sql)) queries.set(query.sql, query)
  })
  onTestFinished(() => db.destroy())

  const productivity = createProductivity(db, { zone, block: { employees: 5 } })
  await productivity.triggerRecalcAll({ tenantId: 't', ...range })
  // Somebody's rows lose their sources, so that deletes are among the queries.
  await db.deleteFrom('clock_times').where('employee_id', '=', 'E00001').execute()
  await db.deleteFrom('activity_logs').where('employee_id', '=', 'E00001').execute()
  const job = await productivity.triggerRecalcAllAsync({ tenantId: 't', ...range })
  expect((await job.result).status).toBe('completed')
  await Promise.all([describeTotals(db, range), bestDays(db, range), idleTime(db, range)])

  const found: Record<string, Set<string>> = {}
  for (const { sql, parameters } of [...queries.values()]) {
    const explain = CompiledQuery.raw(`explain query plan ${sql}`, [...parameters])
    for (const { detail } of (await db.executeQuery<{ detail: string }>(explain)).rows) {
      const [, step, what] = /^(SCAN|SEARCH) (.*)$/.exec(detail) ?? []
      if (step === 'SCAN')
        expect(
          mayBeScanned.some((pattern) => pattern.test(what!)),
          `${detail} in ${sql}`,
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
