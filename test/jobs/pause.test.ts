import { JobNotFoundError, memoryBackend } from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { dyingOffice, eventsOf, office, RANGE, typesOf } from './support/office.ts'

function waiting(options: Parameters<typeof office>[0] = {}) {
  const door = gate()
  return { door, ...office({ calculate: (day) => day === 'e1 2025-01-01' && door.pass(), ...options }) }
}

describe('a job that is paused', () => {
  test('lets the day in flight commit, starts no other, and goes on when it is resumed', async () => {
    const { service, door, calculated } = waiting()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    expect(await service.pauseJob(job.id)).toBe(true)
    expect(await job.snapshot()).toMatchObject({ status: 'running', pauseRequested: true, cancelRequested: false })
    door.open()
    expect(await job.result).toMatchObject({ status: 'paused', processedDays: 1, failedDays: 0, totalDays: 6 })
    expect(calculated).toEqual(['e1 2025-01-01'])
    expect(typesOf(await eventsOf(job)).at(-1)).toBe('paused')
    expect(await service.pauseJob(job.id)).toBe(true)
    const resumed = await service.resumeJob(job.id)
    expect(await resumed.result).toMatchObject({ status: 'completed', processedDays: 6 })
    expect(calculated).toHaveLength(6)
    expect(await resumed.snapshot()).toMatchObject({ runs: 2, pauseRequested: false })
    expect(await service.pauseJob(job.id)).toBe(false)
    await expect(service.pauseJob('nobody')).rejects.toThrow(JobNotFoundError)
  })

  test('completes when there was nothing left to do', async () => {
    const { service, door } = waiting()
    const job = await service.triggerRecalcAsync({ tenantId: 'acme', employeeId: 'e1', date: RANGE.from })
    await door.arrived
    await service.pauseJob(job.id)
    door.open()
    expect(await job.result).toMatchObject({ status: 'completed' })
  })

  test('is taken up by nobody, and stands in nobody’s way', async () => {
    const { service, door, backend, clock } = waiting()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await service.pauseJob(job.id)
    door.open()
    await job.result
    const other = office({ backend, clock })
    await other.service.start()
    await clock.advance(600_000)
    expect(await job.snapshot()).toMatchObject({ status: 'paused', runs: 1 })
    const next = await other.service.triggerRecalcAllAsync(RANGE)
    expect(await next.result).toMatchObject({ status: 'completed' })
    await other.service.stop()
  })

  test('while it waits pauses at once, and the one behind it goes ahead', async () => {
    const { service, door } = waiting({ whenBusy: 'queue' })
    const [first, second, third] = [
      await service.triggerRecalcAllAsync(RANGE),
      await service.triggerRecalcAllAsync(RANGE),
      await service.triggerRecalcAllAsync(RANGE),
    ]
    await door.arrived
    expect(await service.pauseJob(second.id)).toBe(true)
    expect(await second.result).toMatchObject({ status: 'paused', processedDays: 0 })
    door.open()
    for (const job of [first, third]) expect(await job.result).toMatchObject({ status: 'completed' })
    expect(await (await service.resumeJob(second.id)).result).toMatchObject({ status: 'completed' })
  })

  test('by another process pauses at the next heartbeat', async () => {
    const { service, door, backend, clock } = waiting({ leaseMs: 30_000 })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    const other = office({ backend, clock, worker: false })
    expect(await other.service.pauseJob(job.id)).toBe(true)
    await clock.advance(10_000)
    door.open()
    expect(await job.result).toMatchObject({ status: 'paused' })
  })

  test('after its worker died is left paused, not resumed, by whoever recovers jobs', async () => {
    const backend = memoryBackend()
    const clock = manualClock()
    const dying = dyingOffice(backend, clock)
    const job = await dying.service.triggerRecalcAllAsync(RANGE)
    await clock.advance(0)
    const worker = office({ backend, clock, leaseMs: 30_000 })
    expect(await worker.service.pauseJob(job.id)).toBe(true)
    await worker.service.start()
    await clock.advance(60_000)
    expect(await worker.service.getJob(job.id)).toMatchObject({ status: 'paused' })
    expect(worker.calculated).toEqual([])
    await worker.service.stop()
  })

  test('can be cancelled, also while another job of its scope runs', async () => {
    const { service, door } = waiting({ whenBusy: 'queue' })
    const first = await service.triggerRecalcAllAsync(RANGE)
    const second = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await service.pauseJob(second.id)
    await second.result
    expect(await service.cancelJob(second.id, 'enough')).toBe(true)
    expect(await service.getJob(second.id)).toMatchObject({ status: 'cancelled', cancelReason: 'enough' })
    door.open()
    expect(await first.result).toMatchObject({ status: 'completed' })
  })

  test('and cancelled before it has paused ends as cancelled', async () => {
    const { service, door } = waiting()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await service.pauseJob(job.id)
    await service.cancelJob(job.id, 'enough')
    expect(await service.pauseJob(job.id)).toBe(false)
    door.open()
    expect(await job.result).toMatchObject({ status: 'cancelled' })
  })
})
