import { expect, test } from 'vitest'
import { BackendUnavailableError, type JobEvent } from '../../../src/index.ts'
import { backoffMs } from '../../../src/run/units/backoff.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { type Probe, TransientError } from '../../support/database.ts'
import { closedThrough, employeeList, fill, TENANT, world } from '../../support/service.ts'
import { settled } from '../../support/settled.ts'
import { scores, stageOf, summary } from '../../support/stages.ts'

const day = { tenantId: TENANT, employeeId: 'a', date: '2025-01-01' }

/** Throws a transient error the first `times` times at one point. */
function transientAt(name: string, times: number): { readonly probe: Probe; readonly attempts: () => number } {
  let passed = 0
  return {
    probe: (point) => {
      if (point.name !== name) return
      passed += 1
      if (passed <= times) throw new TransientError('Deadlock found')
    },
    attempts: () => passed,
  }
}

for (const name of ['begin', 'lock', 'closed', 'load', 'stored', 'save', 'commit'] as const) {
  test(`a transient error at ${name} is tried again, and nothing is half written meanwhile`, async () => {
    const { probe, attempts } = transientAt(name, 2)
    const { service, database } = world({ stages: [stageOf(scores)] }, { probe, closedPeriods: closedThrough({}) })
    fill(database, 'hours', 'a', { '2025-01-01': 4 })
    const result = await service.triggerRecalc(day)
    expect(result).toMatchObject({ status: 'completed', processedDays: 1, unchangedDays: 0, errors: [] })
    expect(attempts()).toBe(3)
    expect(database.writes).toEqual([{ table: 'scores', key: 'acme/a/2025-01-01', value: 40 }])
  })

  test(`a transient error at ${name} that stays ends the run as BackendUnavailableError`, async () => {
    const { probe, attempts } = transientAt(name, Number.POSITIVE_INFINITY)
    const { service, database } = world({ stages: [stageOf(scores)] }, { probe, closedPeriods: closedThrough({}) })
    fill(database, 'hours', 'a', { '2025-01-01': 4 })
    const error: unknown = await service.triggerRecalc(day).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(BackendUnavailableError)
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', attempts: 3, cause: expect.any(TransientError) })
    expect(attempts()).toBe(3)
    expect(database.writes).toEqual([])
    expect(database.lockedKeys).toEqual([])
  })
}

/** After so long the watchdog of the units of work sees that there is none, and sleeps. */
const WATCH_MS = 1_000

test('a calculator is told which attempt it is', async () => {
  const seen: number[] = []
  let failures = 2
  const { service } = world({
    dailyCalc: {
      async calculateDay(_, { attempt }) {
        seen.push(attempt)
        if (failures-- > 0) throw new TransientError('deadlock')
      },
    },
  })
  await service.triggerRecalc(day)
  expect(seen).toEqual([1, 2, 3])
})

test('the wait doubles up to its limit, and its upper half is left to chance', () => {
  const policy = { attempts: 9, minDelayMs: 100, maxDelayMs: 1_000 }
  const bounds = [1, 2, 3, 4, 5, 1_100].map((attempt) => [
    backoffMs(policy, attempt, () => 0),
    backoffMs(policy, attempt, () => 1),
  ])
  expect(bounds).toEqual([
    [50, 100],
    [100, 200],
    [200, 400],
    [400, 800],
    [500, 1_000],
    [500, 1_000],
  ])
  expect(backoffMs({ ...policy, minDelayMs: 0 }, 1_100)).toBe(0)
})

test('between attempts the run waits as long as the backoff says, without holding a unit of work or a lock', async () => {
  const clock = manualClock()
  const { probe, attempts } = transientAt('load', 2)
  const { service, database } = world(
    { stages: [stageOf(scores)] },
    { probe, clock, retry: { attempts: 3, minDelayMs: 1_000, maxDelayMs: 60_000 } },
  )
  const running = service.triggerRecalc(day)
  await settled()
  expect(attempts()).toBe(1)
  expect(database.lockedKeys).toEqual([])
  await clock.advance(499)
  expect(attempts()).toBe(1)
  await clock.advance(501)
  expect(attempts()).toBe(2)
  await clock.advance(499)
  expect(attempts()).toBe(2)
  await clock.advance(1_501)
  expect(attempts()).toBe(3)
  await expect(running).resolves.toMatchObject({ status: 'completed' })
  await clock.advance(WATCH_MS)
  expect(clock.pending).toBe(0)
})

test('a run that is stopped while it waits does not wait any longer', async () => {
  const clock = manualClock()
  const abort = new AbortController()
  const { probe, attempts } = transientAt('load', 2)
  const { service } = world(
    { stages: [stageOf(scores)] },
    { probe, clock, retry: { minDelayMs: 60_000, maxDelayMs: 60_000 } },
  )
  const running = service.triggerRecalc(day, { signal: abort.signal })
  await settled()
  abort.abort('enough')
  await expect(running).rejects.toBe('enough')
  expect(attempts()).toBe(1)
  await clock.advance(WATCH_MS)
  expect(clock.pending).toBe(0)
})

test('an error that is not transient is not tried again', async () => {
  let calls = 0
  const { service } = world({
    dailyCalc: {
      async calculateDay() {
        calls += 1
        throw new TypeError('nonsense')
      },
    },
  })
  await expect(service.triggerRecalc(day)).rejects.toMatchObject({
    code: 'RECALC_FAILED',
    cause: expect.any(TypeError),
    result: { status: 'failed', errors: [{ code: 'TypeError', message: 'nonsense', stage: 'dailyCalc', attempts: 1 }] },
  })
  expect(calls).toBe(1)
})

test('reading the employees is tried again, too', async () => {
  let failures = 2
  const list = employeeList(['a', 'b'])
  const { service } = world(
    { stages: [stageOf(scores)] },
    {
      employees: {
        listEmployees: (query) =>
          failures-- > 0 ? Promise.reject(new TransientError('gone')) : list.listEmployees(query),
      },
    },
  )
  const request = { tenantId: TENANT, from: '2025-01-01', to: '2025-01-01' }
  await expect(service.triggerRecalcAll(request)).resolves.toMatchObject({ totalDays: 2, processedDays: 2 })
  failures = 99
  await expect(service.triggerRecalcAll(request)).rejects.toThrow(BackendUnavailableError)
})

test('a tenant stage is tried again, in a unit of work of its own', async () => {
  const { probe, attempts } = transientAt('run', 2)
  const { service, database } = world({ stages: [stageOf(scores), summary()] }, { probe })
  fill(database, 'hours', 'a', { '2025-01-01': 4 })
  await service.triggerRecalc(day)
  expect(attempts()).toBe(3)
  expect(database.dump('summary')).toEqual({ acme: 40 })
})

test('a job tells each attempt that failed, and a synchronous run logs it', async () => {
  const logged: unknown[] = []
  const logger = { debug() {}, info() {}, error() {}, warn: (fields: object) => void logged.push(fields) }
  const { probe } = transientAt('load', 1)
  const { service } = world({ stages: [stageOf(scores)] }, { probe, logger })
  await service.triggerRecalc(day)
  expect(logged).toMatchObject([
    { stage: 'scores', attempt: 1, delayMs: 0, err: expect.objectContaining({ code: 'ER_LOCK_DEADLOCK' }) },
  ])

  const again = world({ stages: [stageOf(scores)] }, { probe: transientAt('load', 2).probe })
  const job = await again.service.triggerRecalcAsync(day)
  const events: JobEvent[] = []
  for await (const event of job.events()) events.push(event)
  expect(events.filter(({ type }) => type === 'retry')).toMatchObject([
    { stage: 'scores', attempt: 1, delayMs: 0, code: 'ER_LOCK_DEADLOCK', message: 'Deadlock found' },
    { stage: 'scores', attempt: 2 },
  ])
})
