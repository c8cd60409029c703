import { expect, test } from 'vitest'
import { toEpochDay } from '../../src/calendar/epoch-day.ts'
import {
  addDays,
  type ClosedInterval,
  type DayDifference,
  memoryBackend,
  parseIsoDate,
  RecalcService,
  systemClock,
} from '../../src/index.ts'
import { periodStagesOf, periodsBehind, periodsReadBy } from '../changes/support/random-periods.ts'
import { pipelines, SOURCES, stagesOf } from '../changes/support/random-pipeline.ts'
import { Tables, type TablesTx } from '../changes/support/tables.ts'
import { fc } from '../support/fc.ts'
import { runs } from '../support/runs.ts'
import { changesBetween, textOf } from './support/changed-rows.ts'

const TENANT = 'acme'
const EMPLOYEES = ['ann', 'bob', 'cyd'] as const
const FIRST = parseIsoDate('2025-01-20', 'date')
const DAYS = 60
const TO = addDays(FIRST, 150)

const models = pipelines.chain((days) =>
  periodsBehind(days).map((periods) => ({
    days: days.map((stage) => ({ ...stage, hasStored: true })),
    periods: periods.map((stage) => ({ ...stage, hasStored: true })),
  })),
)

type Model = typeof models extends fc.Arbitrary<infer M> ? M : never

const day = fc.nat(DAYS - 1)
const edits = fc.array(fc.record({ table: fc.constantFrom(...SOURCES), employee: fc.nat(2), day, value: fc.nat(3) }), {
  maxLength: 10,
})

type Edit = { readonly table: string; readonly employee: number; readonly day: number; readonly value: number }

const broken = fc.array(
  fc.record({
    employee: fc.nat(2),
    day,
    where: fc.constantFrom('day' as const, 'period' as const, 'save' as const),
    // Failing from the beginning, or only once the days are open.
    since: fc.constantFrom('edits' as const, 'released' as const),
  }),
  { maxLength: 2 },
)

type Fault = typeof broken extends fc.Arbitrary<(infer F)[]> ? F : never

const closings = fc.array(fc.record({ employee: fc.nat(2), day, days: fc.integer({ min: 1, max: 60 }) }), {
  minLength: 1,
  maxLength: 4,
})

class Host {
  readonly tables = new Tables()
  closed: readonly (ClosedInterval & { readonly id: string })[] = []
  faults: readonly Fault[] = []
  readonly service: RecalcService<TablesTx>
  readonly #model: Model

  constructor(
    model: Model,
    shape: {
      readonly block: { readonly employees: number; readonly days: number }
      readonly concurrency: number
    },
  ) {
    this.#model = model
    const days = stagesOf(
      model.days,
      (_, { employeeId, date }) => this.#failIf('day', employeeId, date, date),
      periodsReadBy(model.periods),
    )
    this.service = new RecalcService<TablesTx>({
      ...shape,
      stages: [
        ...days.map((stage) => ({
          ...stage,
          save: async (...[changes, context]: Parameters<NonNullable<typeof stage.save>>) => {
            for (const { employeeId, date } of [...changes.upserts.map((one) => one.day), ...changes.deletes]) {
              this.#failIf('save', employeeId, date, date)
            }
            await stage.save?.(changes, context)
          },
        })),
        ...periodStagesOf(model.periods, ({ employeeId, from, to }) => this.#failIf('period', employeeId, from, to)),
      ],
      closedPeriods: {
        closed: async ({ employeeIds }) =>
          new Map(employeeIds.map((id) => [id, this.closed.filter((one) => one.id === id)])),
      },
      backend: memoryBackend({ unitOfWork: this.tables.unitOfWork() }),
      employees: { listEmployees: async () => [] },
      clock: { ...systemClock, now: () => Date.parse(`${TO}T12:00:00Z`) },
      horizon: { back: 400, ahead: 0 },
      maxDays: 10_000,
    })
  }

  /** Edits sources, and notes what stages read. */
  async edit(rows: readonly Edit[]): Promise<void> {
    const stages = [...this.#model.days, ...this.#model.periods]
    for (const { table, employee, day: at, value } of rows) {
      const employeeId = EMPLOYEES[employee] as string
      const date = addDays(FIRST, at)
      this.tables.edit(table, employeeId, toEpochDay(date), value === 0 ? undefined : value)
      if (!stages.some(({ sources }) => sources[table])) continue
      const tx = undefined as unknown as TablesTx // the memory ledger needs none
      const change = { tenantId: TENANT, employeeId, table, dates: { from: date, to: date } }
      await this.service.noteChange(tx, change)
    }
  }

  #failIf(where: Fault['where'], employeeId: string, from: string, to: string): void {
    const isHere = this.faults.some((fault) => {
      const date = addDays(FIRST, fault.day)
      return fault.where === where && EMPLOYEES[fault.employee] === employeeId && date >= from && date <= to
    })
    if (isHere) throw new Error(`broken ${where}`)
  }
}

test('a preview of held changes writes nothing, and shows exactly what they do once they are released', async () => {
  await fc.assert(
    fc.asyncProperty(
      models,
      edits,
      edits,
      edits,
      broken,
      closings,
      fc.record({
        block: fc.record({ employees: fc.integer({ min: 1, max: 3 }), days: fc.integer({ min: 1, max: 50 }) }),
        concurrency: fc.integer({ min: 1, max: 3 }),
      }),
      async (model, before, held, waiting, faults, closed, shape) => {
        const host = new Host(model, shape)
        const { service, tables } = host
        await host.edit(before)
        const from = addDays(FIRST, -200)
        await service.triggerRecalcBatch({ tenantId: TENANT, employeeIds: EMPLOYEES, from, to: TO })
        await service.settle({ tenantId: TENANT })
        host.closed = closed.map(({ employee, day: at, days: length }) => {
          const first = addDays(FIRST, at)
          return { id: EMPLOYEES[employee] as string, from: first, to: addDays(first, length - 1) }
        })
        host.faults = faults.filter(({ since }) => since === 'edits')
        await host.edit(held)
        await service.settle({ tenantId: TENANT })
        await host.edit(waiting)
        const noted = await service.listDirty({ tenantId: TENANT, limit: 10_000 })
        const busy = new Set(noted.filter(({ state }) => state === 'held').map(({ employeeId }) => employeeId))
        const stored = tables.dump()

        host.faults = faults
        const preview = service.preview({ held: true, tenantId: TENANT })
        const differences: DayDifference[] = []
        for await (const difference of preview) differences.push(difference)
        expect(tables.dump()).toEqual(stored)
        expect(await service.listDirty({ tenantId: TENANT, limit: 10_000 })).toEqual(noted)

        await service.settle({ tenantId: TENANT })
        const settled = tables.dump()
        host.closed = []
        await service.releaseHeld({ tenantId: TENANT })
        await service.settle({ tenantId: TENANT })
        const written = [...model.days, ...model.periods].map(({ name }) => name)
        const changed = changesBetween(settled, tables.dump(), written)
        // Who has got held changes only by the settle between was not known to have any.
        expect(textOf(differences).toSorted()).toEqual(changed.filter((text) => busy.has(text.split(' ')[1] ?? '')))
        for (const [id, own] of Map.groupBy(differences, ({ employeeId }) => employeeId)) {
          const dates = own.map(({ date, period }) => `${id} ${date ?? period?.from}`)
          expect(dates).toEqual(dates.toSorted())
        }
        const summary = await preview.summary
        expect(summary).toMatchObject({ status: 'completed', closedDays: 0 })
        expect(summary.inserts + summary.updates + summary.deletes).toBe(differences.length)
      },
    ),
    { numRuns: runs(40, 400) },
  )
})
