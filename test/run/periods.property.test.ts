import { expect, test } from 'vitest'
import { toEpochDay } from '../../src/calendar/epoch-day.ts'
import {
  addDays,
  memoryBackend,
  parseIsoDate,
  periodsBetween,
  type RecalcResult,
  RecalcService,
} from '../../src/index.ts'
import { KINDS, periodStagesOf, periodsBehind, periodsReadBy } from '../changes/support/random-periods.ts'
import { pipelines, SOURCES, stagesOf } from '../changes/support/random-pipeline.ts'
import { Interruption, Tables, type TablesTx } from '../changes/support/tables.ts'
import { fc } from '../support/fc.ts'
import { runs } from '../support/runs.ts'

const TENANT = 'acme'

const EMPLOYEES = ['ann', 'bob', 'cyd'] as const
const FIRST = parseIsoDate('2025-01-20', 'date')

const models = pipelines.chain((days) => periodsBehind(days).map((periods) => ({ days, periods })))

/**
 * What goes wrong with a day, with a period that holds a day, or with whoever knows whether the day is closed; until the run
 * has been resumed so often.
 */
const faults = fc.array(
  fc.record({
    what: fc.constantFrom('day', 'period', 'closed'),
    employee: fc.nat(2),
    day: fc.nat(69),
    mendedBy: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 4 },
)

const shapes = fc.record({
  block: fc.record({ employees: fc.integer({ min: 1, max: 3 }), days: fc.integer({ min: 1, max: 50 }) }),
  concurrency: fc.integer({ min: 1, max: 3 }),
})

test('runs in blocks of any shape, that fail and are resumed, end with the rows of one undisturbed run', async () => {
  await fc.assert(
    fc.asyncProperty(
      models,
      fc.array(
        fc.record({ table: fc.constantFrom(...SOURCES), employee: fc.nat(2), day: fc.nat(69), value: fc.nat(3) }),
        { maxLength: 20 },
      ),
      faults,
      shapes,
      fc.integer({ min: 1, max: 70 }),
      fc.uniqueArray(fc.nat(20), { maxLength: 3 }),
      async (model, rows, failing, shape, days, interrupted) => {
        const sources = new Tables()
        for (const { table, employee, day, value } of rows) {
          sources.edit(table, EMPLOYEES[employee] as string, toEpochDay(FIRST) + day, value)
        }
        const request = { tenantId: TENANT, employeeIds: EMPLOYEES, from: FIRST, to: addDays(FIRST, days - 1) }
        const calm = serviceOn(sources.copy(), { block: { employees: 3, days: 100 }, concurrency: 1 })
        const right = await calm.service.triggerRecalcBatch(request)
        const ofOne = model.periods.map(({ kind }) => periodsBetween(KINDS[kind], request).length)
        const periods = ofOne.reduce((sum, count) => sum + count, 0) * EMPLOYEES.length
        expect(right.periods?.processed ?? 0).toBe(periods)
        // As slowly as can be: a day at a time, so that all periods before it are right.
        const slow = serviceOn(sources.copy(), { block: { employees: 1, days: 1 }, concurrency: 1 })
        const isRead = model.periods.some(({ readers }) => readers.length > 0)
        for (let date = request.from; isRead && date <= request.to; date = addDays(date, 1)) {
          await slow.service.triggerRecalcBatch({ ...request, from: date, to: date })
        }
        if (isRead) expect(calm.tables.dump()).toEqual(slow.tables.dump())
        const host = serviceOn(sources, shape)
        const handle = await host.service.triggerRecalcBatchAsync(request)
        const first = await handle.result
        checkTotals(first)
        const hasFailed = first.status !== 'completed'
        let last = first
        for (host.resumes = 1; host.resumes <= 3 && last.status !== 'completed'; host.resumes++) {
          last = await (await host.service.resumeJob(handle.id)).result
          checkTotals(last)
        }
        expect(last).toMatchObject({ status: 'completed', failedDays: 0, errorCount: 0 })
        expect(sources.dump()).toEqual(calm.tables.dump())
        if (!hasFailed) expect(counted(last)).toEqual(counted(right))
        else if (last.periods) expect(last.periods).toMatchObject({ failed: 0 })
        // Once more: nothing is different.
        const again = await host.service.triggerRecalcBatch(request)
        const keepsAll = [...model.days, ...model.periods].every(({ hasStored }) => hasStored)
        if (keepsAll) expect(again.unchangedDays).toBe(again.processedDays)
        if (keepsAll) expect(again.periods?.unchanged).toBe(again.periods?.processed)

        function serviceOn(tables: Tables, options: typeof shape) {
          let commits = 0
          const isCalm = options !== shape
          const made = { tables, resumes: 0, service: undefined as unknown as RecalcService<TablesTx> }
          const isBroken = (what: string, employeeId: string, from: string, to: string) =>
            !isCalm &&
            failing.some((fault) => {
              if (made.resumes >= fault.mendedBy) return false
              const date = addDays(FIRST, fault.day)
              return fault.what === what && EMPLOYEES[fault.employee] === employeeId && date >= from && date <= to
            })
          made.service = new RecalcService<TablesTx>({
            ...options,
            stages: [
              ...stagesOf(
                model.days,
                (_, { employeeId, date }) => {
                  if (isBroken('day', employeeId, date, date)) throw new Error('broken day')
                },
                periodsReadBy(model.periods),
              ),
              ...periodStagesOf(model.periods, ({ employeeId, from, to }) => {
                if (isBroken('period', employeeId, from, to)) throw new Error('broken period')
              }),
            ],
            backend: memoryBackend({
              unitOfWork: tables.unitOfWork(() => {
                if (options === shape && interrupted.includes(commits++)) throw new Interruption('deadlock')
              }),
            }),
            closedPeriods: {
              async closed({ employeeIds, from, to }) {
                if (employeeIds.some((id) => isBroken('closed', id, from, to))) throw new Error('broken periods')
                return new Map()
              },
            },
            employees: { listEmployees: async () => [] },
            retry: { attempts: 50, minDelayMs: 0, maxDelayMs: 0 },
          })
          return made
        }
      },
    ),
    { numRuns: runs(50, 400) },
  )
})

function checkTotals({ totalDays, processedDays, skippedDays, failedDays, errorCount, errors, periods }: RecalcResult) {
  expect(processedDays + skippedDays + failedDays).toBe(totalDays)
  expect(errors).toHaveLength(errorCount)
  expect(new Set(errors.map((error) => `${error.period} ${error.stage} ${error.employeeId} ${error.date}`)).size).toBe(
    errorCount,
  )
  if (periods) expect(errors.filter(({ period }) => period)).toHaveLength(periods.failed)
}

function counted({ startedAt: _, finishedAt: __, ...result }: RecalcResult) {
  return result
}
