import { JobNotFoundError, memoryBackend } from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { changedStore } from './support/changed-store.ts'
import { dyingOffice, eventsOf, office, RANGE, typesOf } from './support/office.ts'

/** An office whose calculator waits at the first day of `e1`. */
function waiting(options: Parameters<typeof office>[0] = {}) {
  const door = gate()
  return { door, ...office({ calculate: (day) => day === 'e1 2025-01-01' && door.pass(), ...options }) }
}

describe('a job that is cancelled', () => {
  test('lets the day in flight commit, starts no other and ends with the reason', async () => {
    const { service, door, calculated } = waiting()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    expect(await job.cancel('wrong rules')).toBe(true)
    expect(await job.snapshot()).toMatchObject({ status: 'running', cancelRequested: true })
    door.open()
    expect(await job.result).toMatchObject({ status: 'cancelled', processedDays: 1, failedDays: 0, totalDays: 6 })
    expect(calculated).toEqual(['e1 2025-01-01'])
    const events = await eventsOf(job)
    expect(typesOf(events)).toEqual(['queued', 'started', 'stage', 'progress', 'progress', 'cancelled'])
    expect(events.at(-1)).toMatchObject({ reason: 'wrong rules', result: await job.result })
    expect(await job.snapshot()).toMatchObject({ status: 'cancelled', progress: 1 / 6 })
  })

  test('by the service ends likewise, without a reason when none is given', async () => {
    const { service, door } = waiting()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    expect(await service.cancelJob(job.id)).toBe(true)
    door.open()
    expect((await eventsOf(job)).at(-1)).toMatchObject({ type: 'cancelled', reason: null })
  })

  test('twice keeps the first reason', async () => {
    const { service, door } = waiting()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    expect([await job.cancel('first'), await job.cancel('second')]).toEqual([true, true])
    door.open()
    expect((await eventsOf(job)).at(-1)).toMatchObject({ type: 'cancelled', reason: 'first' })
  })

  test('at its very beginning calculates nothing', async () => {
    const { service, calculated } = office()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.cancel()
    expect(await job.result).toMatchObject({ status: 'cancelled' })
    expect(calculated.length).toBeLessThan(6)
  })

  test('after its end stays as it ended', async () => {
    const { service } = office()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.result
    const before = await job.snapshot()
    expect(await job.cancel('late')).toBe(false)
    expect(await service.cancelJob(job.id, 'late')).toBe(false)
    expect(await job.snapshot()).toEqual(before)
    expect(typesOf(await eventsOf(job)).at(-1)).toBe('completed')
  })

  test('while its last day is calculated is cancelled although nothing is left to do', async () => {
    const door = gate()
    const { service } = office({ calculate: (day) => day === 'e2 2025-01-03' && door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await job.cancel('enough')
    door.open()
    expect(await job.result).toMatchObject({ status: 'cancelled', processedDays: 6 })
    expect(await (await service.resumeJob(job.id)).result).toMatchObject({ status: 'completed', processedDays: 6 })
  })
})

test('cancelling a job that is not there throws', async () => {
  await expect(office().service.cancelJob('nobody')).rejects.toThrow(JobNotFoundError)
})

describe('the signal of a trigger', () => {
  test('cancels its job when it aborts, with what it says as the reason', async () => {
    const { service, door } = waiting()
    const caller = new AbortController()
    const job = await service.triggerRecalcAllAsync(RANGE, { signal: caller.signal })
    await door.arrived
    caller.abort(new Error('the caller left'))
    expect(await job.snapshot()).toMatchObject({ cancelRequested: true })
    door.open()
    expect((await eventsOf(job)).at(-1)).toMatchObject({ type: 'cancelled', reason: 'the caller left' })
  })

  test('that has aborted already makes no job', async () => {
    const { service } = office()
    const why = new Error('too late')
    const call = service.triggerRecalcAllAsync(RANGE, { signal: AbortSignal.abort(why) })
    await expect(call).rejects.toBe(why)
    expect(await service.listJobs()).toEqual([])
  })

  test('that aborts while the job is stored lets it end before anything is calculated', async () => {
    const caller = new AbortController()
    const backend = changedStore(memoryBackend(), (whole) => ({
      async create(...job) {
        const admission = await whole.create(...job)
        caller.abort('changed my mind')
        return admission
      },
    }))
    const { service, calculated } = office({ backend })
    const job = await service.triggerRecalcAllAsync(RANGE, { signal: caller.signal })
    expect(await job.result).toMatchObject({ status: 'cancelled', processedDays: 0 })
    expect((await eventsOf(job)).at(-1)).toMatchObject({ reason: 'changed my mind' })
    expect(calculated).toEqual([])
  })

  test('cancels although that cannot be stored, which is logged', async () => {
    const caller = new AbortController()
    const away = new Error('the database is away')
    const backend = changedStore(memoryBackend(), () => ({ requestCancel: () => Promise.reject(away) }))
    const { service, door, log } = waiting({ backend })
    const job = await service.triggerRecalcAllAsync(RANGE, { signal: caller.signal })
    await door.arrived
    caller.abort('enough')
    door.open()
    expect(await job.result).toMatchObject({ status: 'cancelled', processedDays: 1 })
    expect(log).toContainEqual(expect.objectContaining({ level: 'warn', error: away }))
  })

  test('has nothing to do with the job once it has ended, nor with its later runs', async () => {
    const { service, door } = waiting()
    const caller = new AbortController()
    const job = await service.triggerRecalcAllAsync(RANGE, { signal: caller.signal })
    await door.arrived
    await job.cancel()
    door.open()
    await job.result
    const resumed = await service.resumeJob(job.id)
    caller.abort('late')
    expect(await resumed.result).toMatchObject({ status: 'completed' })
    expect(await resumed.snapshot()).toMatchObject({ cancelRequested: false })
  })
})

test('another service over the same backend cancels a job at its next heartbeat', async () => {
  const { service, door, backend, clock } = waiting({ leaseMs: 30_000 })
  const job = await service.triggerRecalcAllAsync(RANGE)
  await door.arrived
  const other = office({ backend, clock })
  expect(await other.service.cancelJob(job.id, 'from afar')).toBe(true)
  await clock.advance(9_999)
  await clock.advance(1)
  door.open()
  expect((await eventsOf(await other.service.openJob(job.id))).at(-1)).toMatchObject({
    type: 'cancelled',
    reason: 'from afar',
  })
  await Promise.all([service.stop(), other.service.stop()])
  expect(clock.pending).toBe(0)
})

test('a job whose worker died before it could heed the cancellation is not run by whoever recovers it', async () => {
  const backend = memoryBackend()
  const clock = manualClock()
  const job = await dyingOffice(backend, clock).service.triggerRecalcAllAsync(RANGE)
  const healthy = office({ backend, clock })
  expect(await healthy.service.cancelJob(job.id, 'no longer wanted')).toBe(true)
  await clock.advance(30_000)
  await healthy.service.start()
  const taken = await healthy.service.openJob(job.id)
  expect(await taken.result).toMatchObject({ status: 'cancelled' })
  expect(healthy.calculated).toEqual([])
  await healthy.service.stop()
})
