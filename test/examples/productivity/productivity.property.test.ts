import fc from 'fast-check'
import { systemClock } from 'recalc-service'
import { expect, it } from 'vitest'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import { roles, sourceRows, threeDays, zone } from './support/arbitraries.ts'
import { derivedRows, expectedRows } from './support/derived-rows.ts'
import { openWarehouse } from './support/warehouse.ts'

const cases = fc.constantFrom(...threeDays).chain((dates) =>
  fc.record({
    dates: fc.constant(dates),
    // Somebody of whom only some days are asked for, somebody else with rows of their own.
    sources: fc.tuple(sourceRows(dates, 'a', 1), sourceRows(dates, 'b', 1_000)),
    block: fc.record({ employees: fc.integer({ min: 1, max: 2 }), days: fc.integer({ min: 1, max: 3 }) }),
    concurrency: fc.integer({ min: 1, max: 2 }),
    from: fc.integer({ min: 0, max: 2 }),
    days: fc.integer({ min: 1, max: 3 }),
  }),
)

it('any rows, in blocks of any shape, come out as the rules say, and nothing is written the second time', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ dates, sources, block, concurrency, from, days }) => {
      const clockTimes = sources.flatMap((rows) => rows.clockTimes)
      const activityLogs = sources.flatMap((rows) => rows.activityLogs)
      const now = sources[0].now
      const asked = dates.slice(from, from + days)
      const range = { tenantId: 't', from: asked[0]!, to: asked.at(-1)! }

      const db = await openWarehouse({ roleConfigs: roles, clockTimes, activityLogs })
      try {
        const clock = { ...systemClock, now: () => now }
        const productivity = createProductivity(db, { zone, clock, block, concurrency })
        await productivity.triggerRecalcAll(range)
        const expected = expectedRows({ zone, dates: asked, now, roles, clockTimes, activityLogs })
        expect(await derivedRows(db)).toEqual(expected)

        const again = await productivity.triggerRecalcAll(range)
        expect(again.unchangedDays).toBe(again.processedDays)
      } finally {
        await db.destroy()
      }
    }),
    { numRuns: 200 },
  )
})
