import {
  CooldownError,
  dayStage,
  IdempotencyConflictError,
  JobConflictError,
  type JobHandle,
  type JobTriggerOptions,
  memoryBackend,
  type RecalcService,
  tenantStage,
} from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { changedStore } from './support/changed-store.ts'
import { dyingOffice, eventsOf, office, RANGE, TENANT, typesOf } from './support/office.ts'

type Service = RecalcService<undefined>
type Ask = (service: Service, options: JobTriggerOptions) => Promise<JobHandle>

const all: Ask = (service, options) => service.triggerRecalcAllAsync(RANGE, options)
const batch: Ask = (service, options) =>
  service.triggerRecalcBatchAsync({ ...RANGE, employeeIds: ['e1', 'e2'] }, options)
const range: Ask = (service, options) => service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e1' }, options)
const day: Ask = (service, options) =>
  service.triggerRecalcAsync({ tenantId: TENANT, employeeId: 'e1', date: RANGE.from }, options)

const key = { idempotencyKey: 'monday' }

describe.each([
  ['day', day],
  ['range', range],
  ['batch', batch],
  ['all', all],
] as const)('a %s job that is asked for again with the same key', (_, ask) => {
  test('is the first one while it is queued and while it runs, and tells its result to both', async () => {
    const door = gate()
    const { service, calculated } = office({ calculate: () => door.pass() })
    const first = await ask(service, key)
    const queued = await ask(service, key)
    await door.arrived
    const running = await ask(service, key)
    expect([queued.id, running.id]).toEqual([first.id, first.id])
    door.open()
    const result = await first.result
    expect(await queued.result).toEqual(result)
    expect(await running.result).toEqual(result)
    expect(new Set(calculated).size).toBe(calculated.length)
    expect(await service.listJobs()).toHaveLength(1)
  })

  test('is the first one after its end, whatever became of it', async () => {
    const { service, failing } = office()
    failing.add('e1 2025-01-01')
    const first = await ask(service, key)
    const result = await first.result
    expect(result.status).toBe('completed_with_errors')
    const again = await ask(service, key)
    expect(again.id).toBe(first.id)
    expect(await again.result).toEqual(result)
    expect(await eventsOf(again)).toEqual(await eventsOf(first))
    failing.clear()
    await (await service.resumeJob(first.id)).result
    expect(await (await ask(service, key)).result).toMatchObject({ status: 'completed', failedDays: 0 })
  })

  test('is the first one for all of many that ask at once', async () => {
    const { service } = office()
    const handles = await Promise.all(Array.from({ length: 20 }, () => ask(service, key)))
    expect(new Set(handles.map(({ id }) => id)).size).toBe(1)
    const results = await Promise.all(handles.map(({ result }) => result))
    for (const result of results) expect(result).toEqual(results[0])
    expect(typesOf(await eventsOf(handles[0]!)).filter((type) => type === 'started')).toHaveLength(1)
  })

  test('has an id that is a UUID, the same in every process', async () => {
    const ids = await Promise.all([ask(office().service, key), ask(office().service, key)])
    expect(ids[0]!.id).toBe(ids[1]!.id)
    expect(ids[0]!.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})

test('the same key wins over exclusive and over every cooldown', async () => {
  const door = gate()
  const { service } = office({ calculate: () => door.pass(), cooldownMs: 60_000 })
  const first = await all(service, key)
  await door.arrived
  await expect(all(service, { idempotencyKey: 'tuesday' })).rejects.toBeInstanceOf(JobConflictError)
  expect((await all(service, key)).id).toBe(first.id)
  door.open()
  await first.result
  await expect(all(service, { idempotencyKey: 'tuesday' })).rejects.toBeInstanceOf(CooldownError)
  expect((await all(service, { ...key, cooldownMs: 3_600_000 })).id).toBe(first.id)
})

test('a key that was refused is not used up', async () => {
  const door = gate()
  const { service } = office({ calculate: () => door.pass() })
  const first = await all(service, {})
  await expect(all(service, key)).rejects.toBeInstanceOf(JobConflictError)
  door.open()
  await first.result
  const second = await all(service, key)
  expect(second.id).not.toBe(first.id)
  expect(await second.result).toMatchObject({ status: 'completed' })
})

describe('the same key with another request', () => {
  const request = { ...RANGE, employeeIds: ['e1', 'e2'] }
  const options = { idempotencyKey: 'monday', reason: 'new rules' }
  const others: readonly (readonly [string, Ask])[] = [
    ['other employees', (service) => service.triggerRecalcBatchAsync({ ...request, employeeIds: ['e1'] }, options)],
    ['no employees', (service) => service.triggerRecalcBatchAsync({ ...request, employeeIds: [] }, options)],
    ['other dates', (service) => service.triggerRecalcBatchAsync({ ...request, to: '2025-01-02' }, options)],
    ['everybody', (service) => service.triggerRecalcAllAsync(RANGE, options)],
    ['one employee', (service) => service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e1' }, options)],
    ['another reason', (service) => service.triggerRecalcBatchAsync(request, { ...options, reason: 'other' })],
    ['no reason', (service) => service.triggerRecalcBatchAsync(request, { ...options, reason: undefined as never })],
    ['other tables', (service) => service.triggerRecalcBatchAsync(request, { ...options, tables: ['scores'] })],
    ['other rows to keep', (service) => service.triggerRecalcBatchAsync(request, { ...options, clearExisting: false })],
    [
      'another way to fail',
      (service) => service.triggerRecalcBatchAsync(request, { ...options, onError: 'fail-fast' }),
    ],
  ]
  test.for(others)('is refused: %s', async ([, ask]) => {
    const { service } = office({ stages: [scores] })
    const first = await service.triggerRecalcBatchAsync(request, options)
    for (const _ of ['while it runs', 'after its end']) {
      const refused = await ask(service, options).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(IdempotencyConflictError)
      expect(refused).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT', jobId: first.id })
      expect((refused as Error).message).toContain(first.id)
      await first.result
    }
    expect(await service.listJobs()).toHaveLength(1)
  })

  test('is the same request however it is spelled', async () => {
    const { service } = office({ stages: [scores] })
    const first = await service.triggerRecalcBatchAsync(request, { ...options, tables: ['scores'] })
    const spelled = { ...request, employeeIds: ['e2', 'e1', 'e2'] }
    const defaults = { clearExisting: true, onError: 'continue', cooldownMs: 7 } as const
    const again = await service.triggerRecalcBatchAsync(spelled, {
      ...options,
      ...defaults,
      tables: ['scores', 'scores'],
    })
    expect(again.id).toBe(first.id)
    await first.result
  })

  test('is a job of its own for another tenant', async () => {
    const { service } = office()
    const mine = await all(service, key)
    const other = await service.triggerRecalcAllAsync({ ...RANGE, tenantId: 'another' }, key)
    expect(other.id).not.toBe(mine.id)
    await Promise.all([mine.result, other.result])
  })
})

test('a stage or a zone that was deployed between two calls does not make the second one another request', async () => {
  const backend = memoryBackend()
  const first = await all(office({ backend, stages: [scores] }).service, key)
  await first.result
  const ranking = tenantStage<undefined>({ name: 'ranking', writes: ['ranking'], run: async () => {} })
  const deployed = office({ backend, stages: [scores, ranking], zone: 'Europe/Berlin' })
  expect((await all(deployed.service, key)).id).toBe(first.id)
})

test('a job that has been forgotten leaves its key free', async () => {
  const { service, calculated } = office({ backend: memoryBackend({ maxJobs: 1 }) })
  const first = await range(service, key)
  await first.result
  for (const name of ['other', 'another']) await (await range(service, { idempotencyKey: name })).result
  calculated.length = 0
  const again = await range(service, key)
  expect(again.id).toBe(first.id)
  expect(await again.result).toMatchObject({ status: 'completed' })
  expect(calculated).toHaveLength(3)
  expect(typesOf(await eventsOf(again)).filter((type) => type === 'queued')).toHaveLength(1)
})

test('a job that another service works on is followed to its end', async () => {
  const door = gate()
  const backend = memoryBackend()
  const one = office({ backend, calculate: () => door.pass() })
  const other = office({ backend })
  const first = await all(one.service, key)
  const handle = await all(other.service, key)
  const heard: string[] = []
  handle.on('completed', () => heard.push('completed'))
  door.open()
  expect(await handle.result).toEqual(await first.result)
  expect(other.calculated).toEqual([])
  await one.clock.advance(0)
  expect(heard).toEqual(['completed'])
})

test('a job whose process died before it could answer is the one that is asked for again, and is taken up', async () => {
  const clock = manualClock()
  const backend = memoryBackend()
  const { id } = await all(dyingOffice(backend, clock).service, key)
  const next = office({ backend, clock })
  const again = await all(next.service, key)
  expect(again.id).toBe(id)
  await clock.advance(30_000)
  await next.service.start()
  expect(await again.result).toMatchObject({ status: 'completed', processedDays: 6 })
  await next.service.stop()
})

test('an answer that was lost on the way is made up for by asking again', async () => {
  const whole = memoryBackend()
  let lost = true
  const backend = changedStore(whole, (jobs) => ({
    async create(...request) {
      const admission = await jobs.create(...request)
      if (lost) throw new Error('gone')
      return admission
    },
  }))
  const { service, clock } = office({ backend })
  await expect(all(service, key)).rejects.toThrow('gone')
  lost = false
  const again = await all(service, key)
  // Nobody works on it until its lease has run out.
  await clock.advance(30_000)
  await service.start()
  expect(await again.result).toMatchObject({ status: 'completed', processedDays: 6 })
  expect(await service.listJobs()).toHaveLength(1)
  await service.stop()
})

test('the signal of a repeated call cancels nothing, that of the first one does', async () => {
  const door = gate()
  const { service } = office({ calculate: () => door.pass() })
  const [mine, repeated] = [new AbortController(), new AbortController()]
  const first = await all(service, { ...key, signal: mine.signal })
  await all(service, { ...key, signal: repeated.signal })
  await door.arrived
  repeated.abort()
  expect((await first.snapshot()).cancelRequested).toBe(false)
  mine.abort('enough')
  door.open()
  expect(await first.result).toMatchObject({ status: 'cancelled' })
})

const scores = dayStage<number, undefined, undefined>({
  name: 'scores',
  writes: ['scores'],
  load: async () => undefined,
  calculate: () => 1,
  save: async () => {},
})
