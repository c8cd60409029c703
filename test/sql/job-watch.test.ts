import { sqlBackend } from 'recalc-service/sql'
import { manualClock } from 'recalc-service/testing'
import { expect, onTestFinished, test } from 'vitest'
import { JobBench } from '../../src/testing/conformance/job-bench.ts'
import type { StatementHook } from '../support/crash-database.ts'
import { sqliteDatabase } from './support/engines.ts'

const stage = { type: 'stage', stage: 1, name: 'scores', title: 'Scores' } as const

/** Two processes on one database: one works on jobs, the other watches. */
async function twoProcesses() {
  const database = sqliteDatabase(onTestFinished)
  let hook: StatementHook = (_, run) => run()
  let looks = 0
  const clock = manualClock()
  const warnings: string[] = []
  const worker = sqlBackend(database.connect())
  await worker.migrate()
  const watcher = sqlBackend(
    database.connect((statement, run, connection) => {
      looks += 1
      return hook(statement, run, connection)
    }),
    { clock, pollMs: 400, logger: { warn: (_, message = '') => void warnings.push(message) } },
  )
  return {
    bench: new JobBench(worker),
    watcher: watcher.jobs,
    clock,
    warnings,
    looks: () => looks,
    hookIn(newHook: StatementHook) {
      hook = newHook
    },
  }
}

test('what another process stores is told at the next look, once, and only to those who watch that job', async () => {
  const { bench, watcher, clock } = await twoProcesses()
  const [one, other] = [await bench.create(), await bench.create()]
  const told: string[] = []
  const unwatch = [one, other].map(({ record }, i) => watcher.watch(record.id, () => told.push(`job ${i}`)))
  await clock.advance(400) // what there is already counts as news
  told.length = 0
  await bench.append(one, [stage, stage])
  await clock.advance(399)
  expect(told).toEqual([])
  await clock.advance(1)
  expect(told).toEqual(['job 0'])
  await clock.advance(4_000)
  expect(told).toEqual(['job 0'])
  await bench.end(other)
  await clock.advance(400)
  expect(told).toEqual(['job 0', 'job 1'])
  for (const end of unwatch) end()
  expect(clock.pending).toBe(0)
})

test('however many watch, there is one look at a time, and none once nobody does', async () => {
  const { bench, watcher, clock, looks } = await twoProcesses()
  const jobs = [await bench.create(), await bench.create(), await bench.create()]
  const unwatch = jobs.flatMap(({ record }) => [1, 2, 3].map(() => watcher.watch(record.id, () => {})))
  await clock.advance(4_000)
  expect(looks()).toBe(10)
  for (const end of unwatch) end()
  expect(clock.pending).toBe(0)
  await clock.advance(4_000)
  expect(looks()).toBe(10)
})

test('whoever stops and begins to watch while a look is under way does not make it two', async () => {
  const { bench, watcher, clock, looks, hookIn, warnings } = await twoProcesses()
  const job = await bench.create()
  const first = watcher.watch(job.record.id, () => {})
  const look = Promise.withResolvers<void>()
  hookIn(async (_, run) => {
    await look.promise
    return run()
  })
  await clock.advance(400)
  expect(looks()).toBe(1)
  first()
  const second = watcher.watch(job.record.id, () => {})
  look.resolve()
  await clock.advance(0)
  await clock.advance(4_000)
  expect(looks()).toBe(11)
  expect(clock.pending).toBe(1)
  second()
  expect(clock.pending).toBe(0)
  await clock.advance(4_000)
  expect({ looks: looks(), warnings }).toEqual({ looks: 11, warnings: [] })
})

test('while the database is away looks do not pile up; what was stored meanwhile is told once it is back', async () => {
  const { bench, watcher, clock, hookIn, warnings } = await twoProcesses()
  const job = await bench.create()
  let told = 0
  const unwatch = watcher.watch(job.record.id, () => told++)
  await clock.advance(400)
  expect(told).toBe(1)
  hookIn(async () => {
    throw new Error('away')
  })
  await bench.append(job, [stage])
  await clock.advance(4_000)
  expect({ told, pending: clock.pending, warnings: warnings.length }).toEqual({ told: 1, pending: 1, warnings: 10 })
  hookIn((_, run) => run())
  await clock.advance(400)
  expect(told).toBe(2)
  unwatch()
  expect(clock.pending).toBe(0)
})
