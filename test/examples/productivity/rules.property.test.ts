import { systemClock } from 'recalc-service'
import { expect, it } from 'vitest'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import { fc } from '../../support/fc.ts'
import { HANGS_MS } from '../../support/limits.ts'
import { isLong, runs } from '../../support/runs.ts'
import { scenarios } from './support/arbitraries.ts'
import { derivedPlainly } from './support/derived-rows.ts'
import { deriveAll, type PlainDerived } from './support/plain/derive-all.ts'
import { inTables } from './support/table-rows.ts'
import { openWarehouse } from './support/warehouse.ts'

const cases = fc.record({
  scenario: scenarios,
  block: fc.record({ employees: fc.integer({ min: 1, max: 2 }), days: fc.integer({ min: 1, max: 3 }) }),
  concurrency: fc.integer({ min: 1, max: 2 }),
})

/** Statements that write a row of the back end's, not of the library's. */
const write = /^(insert into|update|delete from|replace into) "(?!recalc_)/

it('any rows, in blocks of any shape, come out as the rules say, and nothing is written the second time', {
  timeout: HANGS_MS,
}, async () => {
  const kinds = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(cases, async ({ scenario: { zone, from, to, now, sources }, block, concurrency }) => {
      let writes: string[] = []
      const db = await openWarehouse(inTables(sources), ({ query }) => {
        if (write.test(query.sql)) writes.push(query.sql)
      })
      try {
        const clock = { ...systemClock, now: () => now }
        const productivity = createProductivity(db, { zone, clock, block, concurrency })
        const range = { tenantId: 't', from, to }
        await productivity.triggerRecalcAll(range)
        const { alerts, ...others } = await derivedPlainly(db)
        const found = {
          ...others,
          alerts: alerts.map(({ message, acknowledgedAt, acknowledgedBy, ...alert }) => alert),
        }
        expect(found).toEqual(deriveAll(sources, { zone, from, to, now }))
        for (const kind of kindsOf(found)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)

        writes = []
        const again = await productivity.triggerRecalcAll(range)
        expect(again.unchangedDays).toBe(again.processedDays)
        expect(writes).toEqual([])
      } finally {
        await db.destroy()
      }
    }),
    { numRuns: runs(120, 800) },
  )
  // What was compared must have been worth it.
  expect([...kinds.keys()].sort()).toEqual(everyKind)
  expect(Math.min(...kinds.values())).toBeGreaterThanOrEqual(isLong ? 5 : 1)
})

/** The kinds of rows that the rules tell apart. */
const everyKind = [
  'a cost of items',
  'a cost without items',
  'a day with excess',
  'a day without clocked time',
  'a day without excess',
  'a primary role',
  'idle',
  'idle at an edge',
  'idle in between',
  'idle_detected, critical',
  'idle_detected, warning',
  'implausible_shift, critical',
  'missing_clock_out, warning',
  'off',
  'off all day',
  'working',
]

function kindsOf(derived: PlainDerived): readonly string[] {
  return [
    ...derived.dailyScores.map(({ activeMinutes, clockedMinutes }) => {
      if (clockedMinutes === 0) return 'a day without clocked time'
      return activeMinutes < clockedMinutes ? 'a day with excess' : 'a day without excess'
    }),
    ...derived.idlePeriods.map(({ threshold }) => (threshold === 1_500 ? 'idle at an edge' : 'idle in between')),
    ...derived.alerts.map(({ type, severity }) => `${type}, ${severity}`),
    ...derived.hourlyCosts.map(({ costPerItem }) =>
      costPerItem === null ? 'a cost without items' : 'a cost of items',
    ),
    ...derived.primaryRoles.map(() => 'a primary role'),
    ...derived.currentStatus.map(({ status, since }) => (since === null ? `${status} all day` : status)),
  ]
}
