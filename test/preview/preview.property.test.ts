import { expect, test } from 'vitest'
import { toEpochDay } from '../../src/calendar/epoch-day.ts'
import { addDays, type DayDifference, memoryBackend, parseIsoDate, RecalcService } from '../../src/index.ts'
import { periodStagesOf, periodsBehind, periodsReadBy } from '../changes/support/random-periods.ts'
import { pipelines, SOURCES, stagesOf } from '../changes/support/random-pipeline.ts'
import { Tables, type TablesTx } from '../changes/support/tables.ts'
import { fc } from '../support/fc.ts'
import { runs } from '../support/runs.ts'
import { changesBetween, textOf } from './support/changed-rows.ts'

const TENANT = 'acme'
const EMPLOYEES = ['ann', 'bob', 'cyd'] as const
const FIRST = parseIsoDate('2025-01-20', 'date')

const models = pipelines.chain((days) =>
  periodsBehind(days).map((periods) => ({
    days: days.map((stage) => ({ ...stage, hasStored: true })),
    periods: periods.map((stage) => ({ ...stage, hasStored: true })),
  })),
)

const edits = fc.array(
  fc.record({ table: fc.constantFrom(...SOURCES), employee: fc.nat(2), day: fc.nat(69), value: fc.nat(3) }),
  { maxLength: 12 },
)

const broken = fc.array(fc.record({ employee: fc.nat(2), day: fc.nat(69), inPeriods: fc.boolean() }), { maxLength: 2 })

const closings = fc.array(fc.record({ employee: fc.nat(2), day: fc.nat(69), days: fc.integer({ min: 1, max: 40 }) }), {
  maxLength: 2,
})

test('a preview writes nothing, and shows exactly what the run then changes', async () => {
  await fc.assert(
    fc.asyncProperty(
      models,
      edits,
      edits,
      broken,
      closings,
      fc.record({
        block: fc.record({ employees: fc.integer({ min: 1, max: 3 }), days: fc.integer({ min: 1, max: 50 }) }),
        concurrency: fc.integer({ min: 1, max: 3 }),
      }),
      fc.record({ days: fc.integer({ min: 1, max: 70 }), clearExisting: fc.boolean(), isPartial: fc.boolean() }),
      async (model, before, after, failing, closed, shape, { days, clearExisting, isPartial }) => {
        const tables = new Tables()
        edit(tables, before)
        const to = addDays(FIRST, 69)
        let isCalm = true
        const service = serviceOn(tables)
        await service.triggerRecalcBatch({ tenantId: TENANT, employeeIds: EMPLOYEES, from: FIRST, to })
        isCalm = false
        edit(tables, after)

        const request = { tenantId: TENANT, employeeIds: EMPLOYEES, from: FIRST, to: addDays(FIRST, days - 1) }
        const written = [...model.days, ...model.periods].map(({ name }) => name)
        // A stage that is not asked for keeps nothing: whoever reads its earlier days sees those of the block, or old ones.
        const isSeparable = model.days.every(({ stages }) => stages.every(({ offsets }) => offsets[0] === 0))
        const options = { clearExisting, ...(isPartial && isSeparable && { tables: written.slice(-1) }) }
        const stored = tables.dump()
        const preview = service.preview(request, options)
        const differences: DayDifference[] = []
        for await (const difference of preview) differences.push(difference)
        expect(tables.dump()).toEqual(stored)

        const result = await service.triggerRecalcBatch(request, { ...options, onError: 'continue' })
        expect(textOf(differences).toSorted()).toEqual(changesBetween(stored, tables.dump(), written))
        const places = differences.map(({ employeeId, date, period }) => `${employeeId} ${date ?? period?.from}`)
        expect(places).toEqual(places.toSorted())
        const summary = await preview.summary
        expect(summary).toMatchObject({
          status: 'completed',
          days: result.processedDays,
          closedDays: result.skippedDays,
          failedDays: result.failedDays,
          changedDays: result.processedDays - result.unchangedDays,
        })
        expect(summary.periods).toEqual(result.periods)

        function serviceOn(own: Tables) {
          const isBroken = (inPeriods: boolean, employeeId: string, from: string, until: string) =>
            !isCalm &&
            failing.some((fault) => {
              const date = addDays(FIRST, fault.day)
              const isHere = fault.inPeriods === inPeriods && EMPLOYEES[fault.employee] === employeeId
              return isHere && date >= from && date <= until
            })
          const intervals = closed.map(({ employee, day, days: length }) => {
            const from = addDays(FIRST, day)
            return { id: EMPLOYEES[employee], from, to: addDays(from, length - 1) }
          })
          return new RecalcService<TablesTx>({
            ...shape,
            stages: [
              ...stagesOf(
                model.days,
                (_, { employeeId, date }) => {
                  if (isBroken(false, employeeId, date, date)) throw new Error('broken day')
                },
                periodsReadBy(model.periods),
              ),
              ...periodStagesOf(model.periods, ({ employeeId, from, to: last }) => {
                if (isBroken(true, employeeId, from, last)) throw new Error('broken period')
              }),
            ],
            closedPeriods: {
              closed: async ({ employeeIds }) =>
                new Map(employeeIds.map((id) => [id, isCalm ? [] : intervals.filter((one) => one.id === id)])),
            },
            backend: memoryBackend({ unitOfWork: own.unitOfWork() }),
            employees: { listEmployees: async () => [] },
          })
        }
      },
    ),
    { numRuns: runs(40, 400) },
  )
})

function edit(tables: Tables, rows: readonly { table: string; employee: number; day: number; value: number }[]): void {
  for (const { table, employee, day, value } of rows) {
    tables.edit(table, EMPLOYEES[employee] as string, toEpochDay(FIRST) + day, value === 0 ? undefined : value)
  }
}
