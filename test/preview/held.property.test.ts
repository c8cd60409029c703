import { expect, test } from 'vitest'
import { toEpochDay } from '../../src/calendar/epoch-day.ts'
import {
  addDays,
  type DayDifference,
  memoryBackend,
  parseIsoDate,
  RecalcService,
  systemClock,
} from '../../src/index.ts'
import { periodStagesOf, periodsBehind } from '../changes/support/random-periods.ts'
import { pipelines, SOURCES, stagesOf } from '../changes/support/random-pipeline.ts'
import { Tables, type TablesTx } from '../changes/support/tables.ts'
import { fc } from '../support/fc.ts'
import { runs } from '../support/runs.ts'
import { changesBetween, textOf } from './support/changed-rows.ts'

const TENANT = 'acme'
const EMPLOYEES = ['ann', 'bob', 'cyd'] as const
const EDITED_DAYS = 15
/** As far around the edited days as five stages of 30 days can reach. */
const MARGIN = 155
const FIRST = parseIsoDate('2025-06-01', 'date')
const FROM = addDays(FIRST, -MARGIN)
const TO = addDays(FIRST, EDITED_DAYS + MARGIN)

const models = pipelines.chain((days) =>
  periodsBehind(days).map((periods) => ({
    days: days.map((stage) => ({ ...stage, hasStored: true })),
    periods: periods.map((stage) => ({ ...stage, hasStored: true })),
  })),
)

const edits = fc.array(
  fc.record({
    table: fc.constantFrom(...SOURCES),
    employee: fc.nat(2),
    day: fc.nat(EDITED_DAYS - 1),
    value: fc.nat(3),
  }),
  { minLength: 1, maxLength: 8 },
)
type Edit = typeof edits extends fc.Arbitrary<readonly (infer One)[]> ? One : never

const faults = fc.array(fc.record({ employee: fc.nat(2), day: fc.nat(EDITED_DAYS - 1), inPeriods: fc.boolean() }), {
  maxLength: 2,
})

const closings = fc.array(
  fc.record({ employee: fc.nat(2), day: fc.integer({ min: -5, max: 20 }), days: fc.integer({ min: 1, max: 40 }) }),
  { minLength: 1, maxLength: 3 },
)

const shapes = fc.record({
  block: fc.record({ employees: fc.integer({ min: 1, max: 3 }), days: fc.integer({ min: 1, max: 40 }) }),
  concurrency: fc.integer({ min: 1, max: 3 }),
})

test('a preview of held changes writes nothing, and shows exactly what releasing them then changes', async () => {
  let shown = 0
  await fc.assert(
    fc.asyncProperty(
      models,
      edits,
      edits,
      edits,
      closings,
      faults,
      shapes,
      async (model, before, held, waiting, closed, failing, shape) => {
        const tables = new Tables()
        for (const row of before) edit(tables, row)
        let isClosed = false
        let isBroken = false
        const service = serviceOn(tables)
        await service.triggerRecalcBatch({ tenantId: TENANT, employeeIds: EMPLOYEES, from: FROM, to: TO })
        isClosed = true
        for (const row of held) await editAndNote(row)
        await service.settle({ tenantId: TENANT })
        // Whoever looks before everything is settled sees what is held by then, and no more.
        for (const row of waiting) await editAndNote(row)
        isBroken = true

        const stored = tables.dump()
        const ledger = await service.listDirty({ tenantId: TENANT })
        const preview = service.preview({ held: true, tenantId: TENANT })
        const differences: DayDifference[] = []
        for await (const difference of preview) differences.push(difference)
        expect(tables.dump()).toEqual(stored)
        expect(await service.listDirty({ tenantId: TENANT })).toEqual(ledger)

        const heldBy = new Set(ledger.filter(({ state }) => state === 'held').map(({ employeeId }) => employeeId))
        await service.settle({ tenantId: TENANT })
        const settled = tables.dump()
        isClosed = false
        for (const employeeId of heldBy) {
          await service.releaseHeld({ tenantId: TENANT, employeeId: employeeId as string })
          await service.settle({ tenantId: TENANT, employeeId: employeeId as string })
        }
        const written = [...model.days, ...model.periods].map(({ name }) => name)
        expect(textOf(differences).toSorted()).toEqual(changesBetween(settled, tables.dump(), written))
        const places = differences.map(({ employeeId, date, period }) => `${employeeId} ${date ?? period?.from}`)
        expect(places).toEqual(places.toSorted())
        expect(await preview.summary).toMatchObject({ status: 'completed', closedDays: 0 })
        shown += differences.length

        async function editAndNote(row: Edit) {
          edit(tables, row)
          if (![...model.days, ...model.periods].some(({ sources }) => sources[row.table])) return
          const at = [new Date(`${addDays(FIRST, row.day)}T08:00:00Z`)]
          const tx = undefined as unknown as TablesTx // the memory ledger needs none
          await service.noteChange(tx, { tenantId: TENANT, employeeId: EMPLOYEES[row.employee]!, table: row.table, at })
        }

        function serviceOn(own: Tables) {
          const fails = (inPeriods: boolean, employeeId: string, from: string, until: string) =>
            isBroken &&
            failing.some((fault) => {
              const date = addDays(FIRST, fault.day)
              const isHere = fault.inPeriods === inPeriods && EMPLOYEES[fault.employee] === employeeId
              return isHere && date >= from && date <= until
            })
          const intervals = closed.map(({ employee, day, days }) => {
            const from = addDays(FIRST, day)
            return { id: EMPLOYEES[employee], from, to: addDays(from, days - 1) }
          })
          return new RecalcService<TablesTx>({
            ...shape,
            stages: [
              ...stagesOf(model.days, (_, { employeeId, date }) => {
                if (fails(false, employeeId, date, date)) throw new Error('broken day')
              }),
              ...periodStagesOf(model.periods, ({ employeeId, from, to }) => {
                if (fails(true, employeeId, from, to)) throw new Error('broken period')
              }),
            ],
            closedPeriods: {
              closed: async ({ employeeIds }) =>
                new Map(employeeIds.map((id) => [id, isClosed ? intervals.filter((one) => one.id === id) : []])),
            },
            backend: memoryBackend({ unitOfWork: own.unitOfWork() }),
            employees: {
              listEmployees: async ({ after }) => (after === undefined ? EMPLOYEES.map((id) => ({ id })) : []),
            },
            clock: { ...systemClock, now: () => Date.parse(`${TO}T12:00:00Z`) },
            horizon: { back: EDITED_DAYS + 2 * MARGIN, ahead: 0 },
            retry: { attempts: 50, minDelayMs: 0, maxDelayMs: 0 },
            maxDays: 10_000,
          })
        }
      },
    ),
    { numRuns: runs(30, 300) },
  )
  expect(shown).toBeGreaterThan(0)
})

function edit(tables: Tables, { table, employee, day, value }: Edit): void {
  tables.edit(table, EMPLOYEES[employee] as string, toEpochDay(FIRST) + day, value === 0 ? undefined : value)
}
