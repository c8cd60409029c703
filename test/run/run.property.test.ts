import { expect, test } from 'vitest'
import { TransientError } from '../support/database.ts'
import { fc } from '../support/fc.ts'
import { runs } from '../support/runs.ts'
import { databaseOf, expectationOf, optionsOf, rowsBefore, rowsOf, scenarios, strike } from '../support/scenario.ts'
import { TENANT, world } from '../support/service.ts'

test('a run gives the rows, the counters and the failures of a plain loop, whatever the blocks, lanes and faults', async () => {
  await fc.assert(
    fc.asyncProperty(
      scenarios({ faults: true }),
      fc.uniqueArray(fc.nat({ max: 30 }), { maxLength: 6 }),
      async (scenario, transients) => {
        const before = rowsBefore(scenario)
        const database = databaseOf(before)
        let begun = 0
        const { service, connection } = world(optionsOf(scenario), {
          ...optionsOf(scenario),
          database,
          employees: scenario.employees,
          retry: { attempts: 20, minDelayMs: 0, maxDelayMs: 0 },
          probe: (point) => {
            if (point.name === 'begin' && transients.includes(begun++)) throw new TransientError('deadlock')
            strike(scenario.faults, point)
          },
        })
        const { rows, failed, ...counters } = expectationOf(scenario)
        const result = await service.triggerRecalcAll(
          { tenantId: TENANT, from: scenario.dates[0]!, to: scenario.dates.at(-1)! },
          { onError: 'continue', clearExisting: scenario.clearExisting },
        )
        expect(rowsOf(database, rows)).toEqual(rows)
        expect(result).toMatchObject({
          ...counters,
          totalDays: scenario.employees.length * scenario.dates.length,
          errorCount: failed.length,
          status: failed.length > 0 ? 'completed_with_errors' : 'completed',
        })
        expect(result.errors.map(({ employeeId, date, stage }) => `${employeeId} ${date} ${stage}`).sort()).toEqual(
          failed
            .map(({ employeeId, date, step, table }) => `${employeeId} ${date} ${step === 'commit' ? 'commit' : table}`)
            .sort(),
        )
        expect(database.misuse).toEqual([])
        expect(connection.database.lockedKeys).toEqual([])
      },
    ),
    { numRuns: runs(250, 3_000) },
  )
})
