import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toEpochDay } from '../../../src/calendar/epoch-day.ts'
import {
  addDays,
  type Correction,
  type DateInterval,
  datesBetween,
  memoryBackend,
  parseIsoDate,
  RecalcService,
  StaleCorrectionError,
} from '../../../src/index.ts'
import { periodStagesOf, periodsBehind } from '../../changes/support/random-periods.ts'
import { pipelines, SOURCES, stagesOf } from '../../changes/support/random-pipeline.ts'
import { Tables, type TablesTx } from '../../changes/support/tables.ts'

const TENANT = 'acme'
const EMPLOYEES = ['ann', 'bob'] as const
const FIRST = parseIsoDate('2025-01-20', 'date')
const DAYS = 45
const request = { tenantId: TENANT, employeeIds: EMPLOYEES, from: FIRST, to: addDays(FIRST, DAYS - 1) }

const models = pipelines.chain((days) =>
  periodsBehind(days).map((periods) => ({
    days: days.map((stage) => ({ ...stage, hasStored: true })),
    periods: periods.map((stage) => ({ ...stage, hasStored: true })),
  })),
)

const edit = fc.record({
  kind: fc.constant('edit' as const),
  table: fc.constantFrom(...SOURCES),
  employee: fc.nat(1),
  day: fc.nat(DAYS - 1),
  value: fc.nat(3),
})

const steps = fc.array(
  fc.oneof(
    { arbitrary: edit, weight: 4 },
    fc.record({
      kind: fc.constantFrom('close' as const, 'open' as const),
      employee: fc.nat(1),
      day: fc.nat(DAYS - 1),
      days: fc.integer({ min: 1, max: DAYS }),
    }),
    fc.record({ kind: fc.constant('run' as const) }),
    {
      arbitrary: fc.record({ kind: fc.constant('settle' as const), which: fc.integer({ min: 1, max: 3 }) }),
      weight: 2,
    },
    fc.record({ kind: fc.constant('settleOld' as const) }),
  ),
  { minLength: 3, maxLength: 14 },
)

test('what was taken over and what is still open add up to right − stored, whatever is edited, closed, opened and settled', async () => {
  await fc.assert(
    fc.asyncProperty(models, steps, async (model, sequence) => {
      const tables = new Tables()
      const closed = new Map<string, Set<string>>(EMPLOYEES.map((id) => [id, new Set()]))
      const service = new RecalcService<TablesTx>({
        block: { employees: 2, days: 20 },
        stages: [...stagesOf(model.days, () => {}), ...periodStagesOf(model.periods, () => {})],
        closedPeriods: { closed: async () => new Map([...closed].map(([id, days]) => [id, daysAsIntervals(days)])) },
        backend: memoryBackend({ unitOfWork: tables.unitOfWork() }),
        employees: { listEmployees: async () => [] },
      })
      /** By value: the sum of what was taken over. */
      const taken = new Map<string, number>()
      let old: readonly Correction[] = []
      for (const step of sequence) {
        if (step.kind === 'edit') {
          const { table, employee, day, value } = step
          tables.edit(table, EMPLOYEES[employee] as string, toEpochDay(FIRST) + day, value === 0 ? undefined : value)
        } else if (step.kind === 'run') await service.triggerRecalcBatch(request)
        else if (step.kind === 'close' || step.kind === 'open') {
          const days = closed.get(EMPLOYEES[step.employee] as string)
          for (const date of datesBetween(addDays(FIRST, step.day), addDays(FIRST, step.day + step.days - 1))) {
            if (step.kind === 'close') days?.add(date)
            else days?.delete(date)
          }
        } else {
          const open = await listOf(service)
          const some = step.kind === 'settle' ? open.filter((_, i) => i % step.which === 0) : old
          if (step.kind === 'settle') old = open
          const before = new Map(taken)
          const known = new Set(open.map(({ id }) => id))
          const ids = some.map(({ id }) => id)
          try {
            const { settled } = await service.settleCorrections({ tenantId: TENANT, ids })
            const news = some.filter(({ id }) => known.has(id))
            expect(settled).toBe(news.length)
            for (const one of news) taken.set(keyOf(one), (before.get(keyOf(one)) ?? 0) + (one.difference[''] ?? 0))
            expect(await service.settleCorrections({ tenantId: TENANT, ids })).toEqual({
              settled: 0,
              settledBefore: ids.length,
            })
          } catch (error) {
            if (!(error instanceof StaleCorrectionError)) throw error
            expect(step.kind).toBe('settleOld')
            expect(error.ids.some((id) => known.has(id))).toBe(false)
          }
        }
        const open = new Map((await listOf(service)).map((one) => [keyOf(one), one.difference[''] ?? 0]))
        const owed = await owedBy(service)
        for (const key of new Set([...open.keys(), ...owed.keys(), ...taken.keys()])) {
          const [employeeId, from, to] = key.split(' ') as [string, string, string]
          const isClosed = datesBetween(from as DateInterval['from'], to as DateInterval['to']).every((date) =>
            closed.get(employeeId)?.has(date),
          )
          if (isClosed) expect([key, (taken.get(key) ?? 0) + (open.get(key) ?? 0)]).toEqual([key, owed.get(key) ?? 0])
          else expect([key, open.has(key)]).toEqual([key, false])
        }
      }
    }),
    { numRuns: Number(process.env.RECALC_TEST_RUNS ?? 20) },
  )
}, 600_000)

async function listOf(service: RecalcService<TablesTx>): Promise<readonly Correction[]> {
  const corrections: Correction[] = []
  for await (const correction of service.corrections(request)) corrections.push(correction)
  return corrections
}

/** By value: what is right less what is stored. */
async function owedBy(service: RecalcService<TablesTx>): Promise<ReadonlyMap<string, number>> {
  const owed = new Map<string, number>()
  for await (const { before, after, ...one } of service.preview(request, { closed: 'only' })) {
    owed.set(keyOf(one), Number(after ?? 0) - Number(before ?? 0))
  }
  return owed
}

function keyOf({ employeeId, stage, date, period }: Pick<Correction, 'employeeId' | 'stage' | 'date' | 'period'>) {
  const { from, to } = period ?? { from: date, to: date }
  return `${employeeId} ${from} ${to} ${stage}`
}

function daysAsIntervals(days: ReadonlySet<string>) {
  return [...days].map((date) => ({ from: date, to: date }))
}
