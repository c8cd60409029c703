import type { Kysely } from 'kysely'
import { type Clock, memoryBackend, parseIsoDate, RecalcService } from 'recalc-service'
import type { JobStore } from 'recalc-service/backend'
import { sqlBackend } from 'recalc-service/sql'
import { manualClock } from 'recalc-service/testing'
import { expect, test } from 'vitest'
import { addDays } from '../../../src/calendar/date-range.ts'
import { toEpochDay } from '../../../src/calendar/epoch-day.ts'
import { periodStagesOf, periodsBehind } from '../../changes/support/random-periods.ts'
import { pipelines, SOURCES, stagesOf } from '../../changes/support/random-pipeline.ts'
import { Interruption, Tables, type TablesTx } from '../../changes/support/tables.ts'
import { sqliteHostDb } from '../../support/crash-database.ts'
import { DispatchHub, type Fate } from '../../support/dispatch-hub.ts'
import { fc } from '../../support/fc.ts'
import { runs } from '../../support/runs.ts'
import { mortal } from '../support/mortal.ts'
import { sqliteWithTables } from '../support/sqlite-with-tables.ts'

const EMPLOYEES = ['ann', 'bob', 'cyd', 'dan', 'eve'] as const
const FIRST = parseIsoDate('2025-01-20', 'date')
const SERVICES = 3

const models = pipelines.chain((days) => periodsBehind(days).map((periods) => ({ days, periods })))
const sources = fc.array(
  fc.record({ table: fc.constantFrom(...SOURCES), employee: fc.nat(4), day: fc.nat(39), value: fc.nat(3) }),
  { maxLength: 20 },
)
const brokenDays = fc.array(fc.record({ employee: fc.nat(4), day: fc.nat(39) }), { maxLength: 3 })
/** What befalls the services when so many days have been calculated. */
const mishaps = fc.array(
  fc.record({ day: fc.nat(150), what: fc.constantFrom('kill', 'cancel', 'pause'), whom: fc.nat(SERVICES - 1) }),
  { maxLength: 3 },
)
const fates = fc.array(fc.constantFrom<Fate>('once', 'twice', 'late', 'never'), { minLength: 1, maxLength: 7 })
const shapes = fc.record({
  block: fc.record({ employees: fc.integer({ min: 1, max: 4 }), days: fc.integer({ min: 1, max: 20 }) }),
  concurrency: fc.integer({ min: 1, max: 3 }),
})

/** Where jobs and lanes are kept; `open` gives a store for one case, from which each service makes its own backend. */
const backends = [
  {
    name: 'in memory',
    cases: 40,
    async open(tables: Tables) {
      const { jobs, lanes } = memoryBackend()
      const backendOf = (onCommit: () => void) => ({ jobs, lanes: lanes!, unitOfWork: tables.unitOfWork(onCommit) })
      return { jobs, backendOf, close: async () => {} }
    },
  },
  {
    name: 'in SQLite',
    cases: 10,
    async open(tables: Tables, clock: Clock) {
      const kysely = sqliteHostDb(':memory:') as unknown as Kysely<object>
      const { jobs, migrate } = sqlBackend(kysely, { clock })
      await migrate()
      const backendOf = (onCommit: () => void) => sqliteWithTables(kysely, tables, clock, onCommit)
      return { jobs: jobs as JobStore, backendOf, close: () => kysely.destroy() }
    },
  },
]

test.each(backends)(
  'however lanes are delivered and whoever dies or cancels, services together come to the rows of a plain run, with jobs $name',
  async ({ open, cases }) => {
    await fc.assert(
      fc.asyncProperty(
        models,
        sources,
        brokenDays,
        mishaps,
        fates,
        shapes,
        fc.integer({ min: 1, max: 40 }),
        async (model, rows, broken, trouble, fate, shape, days) => {
          const before = new Tables()
          for (const { table, employee, day, value } of rows) {
            before.edit(table, EMPLOYEES[employee] as string, toEpochDay(FIRST) + day, value)
          }
          const request = { tenantId: 'acme', employeeIds: EMPLOYEES, from: FIRST, to: addDays(FIRST, days - 1) }
          const calm = before.copy()
          const plain = new RecalcService<TablesTx>({
            stages: [...stagesOf(model.days, () => {}), ...periodStagesOf(model.periods, () => {})],
            backend: memoryBackend({ unitOfWork: calm.unitOfWork() }),
            employees: { listEmployees: async () => [] },
          })
          const right = await plain.triggerRecalcBatch(request)

          const clock = manualClock()
          const tables = before.copy()
          const { jobs, backendOf, close } = await open(tables, clock)
          let sent = 0
          const hub = new DispatchHub(() => fate[sent++ % fate.length] as Fate)
          let calculated = 0
          let isMended = false
          let jobId = ''
          const waiting = [...trouble].sort((a, b) => a.day - b.day)
          const alive = () => services.filter(({ dead }) => !dead.now)
          const onDay = () => {
            calculated += 1
            while (!isMended && waiting[0] && waiting[0].day <= calculated) {
              const { what, whom } = waiting.shift()!
              const one = services[whom]!
              // Somebody has to be left.
              if (what === 'kill' && alive().length > 1) one.dead.now = true
              else if (what === 'cancel' && !one.dead.now) void one.service.cancelJob(jobId).catch(() => {})
              else if (what === 'pause' && !one.dead.now) void one.service.pauseJob(jobId).catch(() => {})
            }
          }
          const services = Array.from({ length: SERVICES }, () => {
            const dead = { now: false }
            const own = backendOf(() => {
              if (dead.now) throw new Interruption('dead')
            })
            const backend = mortal(own as never, dead)
            const service = new RecalcService<TablesTx>({
              ...shape,
              clock,
              leaseMs: 1_000,
              maxRecoveries: 100,
              stages: [
                ...stagesOf(model.days, (_, { employeeId, date }) => {
                  onDay()
                  const isBroken = broken.some(
                    ({ employee, day }) => EMPLOYEES[employee] === employeeId && addDays(FIRST, day) === date,
                  )
                  if (isBroken && !isMended) throw new Error('broken day')
                }),
                ...periodStagesOf(model.periods, () => {}),
              ],
              backend: backend as never,
              employees: { listEmployees: async () => [] },
              retry: { attempts: 5, minDelayMs: 1, maxDelayMs: 2 },
              dispatcher: hub.dispatcher(() => dead.now),
            })
            return { service, dead }
          })
          for (const { service } of services) await service.start()
          jobId = (await services[0]!.service.triggerRecalcBatchAsync(request)).id

          for (let times = 0; ; times++) {
            for (let i = 0; i < 2_000; i++) {
              await clock.advance(50)
              const { status } = (await jobs.get(jobId))!
              if (status !== 'running' && status !== 'queued' && status !== 'interrupted') break
            }
            const record = (await jobs.get(jobId))!
            const { processedDays, skippedDays, failedDays, totalDays, errorCount } = record.counters
            expect(processedDays + skippedDays + failedDays).toBeLessThanOrEqual(totalDays)
            expect(await jobs.failures(jobId, { after: 0, limit: 1_000 })).toHaveLength(errorCount)
            if (record.status === 'completed') break
            expect(['completed_with_errors', 'cancelled', 'paused']).toContain(record.status)
            expect(times).toBeLessThan(8)
            isMended = times >= 2
            await alive()[0]!.service.resumeJob(jobId)
          }

          const record = (await jobs.get(jobId))!
          expect(record).toMatchObject({
            progress: 1,
            counters: { totalDays: right.totalDays, processedDays: right.processedDays, failedDays: 0, errorCount: 0 },
          })
          expect(record.counters.periods?.failed ?? 0).toBe(0)
          expect(tables.dump()).toEqual(calm.dump())
          expect((await jobs.checkpoint(jobId))?.openLanes).toEqual([])
          const events = await jobs.events(jobId, { after: 0, limit: 10_000 })
          expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
          for (const { service } of alive()) {
            const stopping = service.stop()
            await clock.advance(50)
            await stopping
          }
          await close()
        },
      ),
      { numRuns: runs(cases, 10 * cases) },
    )
  },
  120_000,
)
