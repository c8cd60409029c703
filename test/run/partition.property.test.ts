import { expect, test } from 'vitest'
import type { IsoDate, JobHandle, RecalcResult, RecalcService, TriggerOptions } from '../../src/index.ts'
import { type Transaction, TransientError } from '../support/database.ts'
import { fc } from '../support/fc.ts'
import { HANGS_MS } from '../support/limits.ts'
import { runs } from '../support/runs.ts'
import {
  databaseOf,
  expectationOf,
  optionsOf,
  rowsBefore,
  rowsOf,
  type Scenario,
  scenarios,
} from '../support/scenario.ts'
import { TENANT, world } from '../support/service.ts'

/** How the days of one stretch of a request are asked for. */
interface Call {
  readonly kind: 'day' | 'range' | 'batch' | 'all'
  readonly days: number
  readonly asJob: boolean
}

const calls = fc.array(
  fc.record({
    kind: fc.constantFrom<Call['kind'][]>('day', 'range', 'batch', 'all'),
    days: fc.integer({ min: 1, max: 4 }),
    asJob: fc.boolean(),
  }),
  { minLength: 7, maxLength: 7 },
)

test('day, range, batch and all, at once or as jobs, in any partition and any blocks, give the same rows', async () => {
  await fc.assert(
    fc.asyncProperty(
      scenarios({ faults: false }),
      calls,
      fc.uniqueArray(fc.nat({ max: 30 }), { maxLength: 5 }),
      async (scenario, partition, transients) => {
        const before = rowsBefore(scenario)
        const database = databaseOf(before)
        let begun = 0
        const { service } = world(optionsOf(scenario), {
          ...optionsOf(scenario),
          database,
          employees: scenario.employees,
          exclusive: 'none',
          retry: { attempts: 20, minDelayMs: 0, maxDelayMs: 0 },
          probe: ({ name }) => {
            if (name === 'begin' && transients.includes(begun++)) throw new TransientError('deadlock')
          },
        })

        const results = await callAll(service, scenario, partition)

        const { rows, failed: _, unchangedDays: __, ...counters } = expectationOf(scenario)
        expect(rowsOf(database, before)).toEqual(rows)
        const sum = (name: keyof typeof counters) => results.reduce((total, result) => total + result[name], 0)
        expect(sum('processedDays')).toBe(counters.processedDays)
        expect(sum('skippedDays')).toBe(counters.skippedDays)
        expect(sum('failedDays')).toBe(0)
        expect(database.misuse).toEqual([])
      },
    ),
    { numRuns: runs(150, 1_500), timeout: HANGS_MS },
  )
})

test('a second run over the same days writes nothing and says unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(scenarios({ faults: false, stored: true }), async (scenario) => {
      const database = databaseOf(rowsBefore(scenario))
      const { service } = world(optionsOf(scenario), {
        ...optionsOf(scenario),
        database,
        employees: scenario.employees,
      })
      const { dates, clearExisting } = scenario
      const again = () =>
        service.triggerRecalcAll({ tenantId: TENANT, from: dates[0]!, to: dates.at(-1)! }, { clearExisting })
      await again()
      database.writes.length = 0

      const result = await again()

      expect(database.writes).toEqual([])
      expect(result.unchangedDays).toBe(result.processedDays)
      expect(result.processedDays + result.skippedDays).toBe(result.totalDays)
    }),
    { numRuns: runs(100, 1_000) },
  )
})

/** Stretch after stretch, as days may build on earlier ones; within a stretch the employees' calls run side by side. */
async function callAll(
  service: RecalcService<Transaction>,
  scenario: Scenario,
  partition: readonly Call[],
): Promise<readonly RecalcResult[]> {
  const results: RecalcResult[] = []
  let rest = scenario.dates
  for (const { kind, days, asJob } of partition) {
    const stretch = rest.slice(0, days)
    rest = rest.slice(days)
    if (stretch.length > 0) results.push(...(await callStretch(service, scenario, { kind, stretch, asJob })))
  }
  return results
}

async function callStretch(
  service: RecalcService<Transaction>,
  { employees, clearExisting }: Scenario,
  {
    kind,
    stretch,
    asJob,
  }: { readonly kind: Call['kind']; readonly stretch: readonly IsoDate[]; readonly asJob: boolean },
): Promise<readonly RecalcResult[]> {
  const options: TriggerOptions = { clearExisting }
  const tenantId = TENANT
  const [from, to] = [stretch[0]!, stretch.at(-1)!]
  const resultOf = async (handle: Promise<JobHandle>) => await (await handle).result
  switch (kind) {
    case 'all': {
      const request = { tenantId, from, to }
      return [
        await (asJob
          ? resultOf(service.triggerRecalcAllAsync(request, options))
          : service.triggerRecalcAll(request, options)),
      ]
    }
    case 'batch': {
      const middle = Math.ceil(employees.length / 2)
      const groups = [employees.slice(0, middle), employees.slice(middle).toReversed()]
      return await Promise.all(
        groups.map((group) => {
          const request = { tenantId, employeeIds: [...group, ...group], from, to }
          return asJob
            ? resultOf(service.triggerRecalcBatchAsync(request, options))
            : service.triggerRecalcBatch(request, options)
        }),
      )
    }
    case 'range':
      return await Promise.all(
        employees.map((employeeId) => {
          const request = { tenantId, employeeId, from, to }
          return asJob
            ? resultOf(service.triggerRecalcRangeAsync(request, options))
            : service.triggerRecalcRange(request, options)
        }),
      )
    case 'day': {
      const dayByDay = async (employeeId: string) => {
        const results: RecalcResult[] = []
        for (const date of stretch) {
          const request = { tenantId, employeeId, date }
          results.push(
            await (asJob
              ? resultOf(service.triggerRecalcAsync(request, options))
              : service.triggerRecalc(request, options)),
          )
        }
        return results
      }
      return (await Promise.all(employees.map(dayByDay))).flat()
    }
  }
}
