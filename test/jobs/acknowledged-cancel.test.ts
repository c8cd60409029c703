import { memoryBackend, tenantStage } from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { changedStore } from './support/changed-store.ts'
import { dyingOffice, eventsOf, office, RANGE, typesOf } from './support/office.ts'

describe('a cancel that was answered with true', () => {
  test('while the service stops ends the job as cancelled, and the next start() leaves it alone', async () => {
    const door = gate()
    const { service, backend, clock } = office({ calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    const stopping = service.stop()
    expect(await service.cancelJob(job.id, 'not needed')).toBe(true)
    door.open()
    await stopping
    expect(await job.result).toMatchObject({ status: 'cancelled', processedDays: 1 })
    expect((await eventsOf(job)).at(-1)).toMatchObject({ type: 'cancelled', reason: 'not needed' })
    const next = office({ backend, clock })
    await next.service.start()
    await clock.advance(60_000)
    expect(await job.snapshot()).toMatchObject({ status: 'cancelled', runs: 1 })
    expect(next.calculated).toEqual([])
    await next.service.stop()
  })

  test.for([0, 60_000])('of an interrupted job ends it, its stages unused; %i ms later', async (laterMs) => {
    const door = gate()
    const { service, backend, clock } = office({ calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    const stopping = service.stop()
    door.open()
    await stopping
    expect(await job.snapshot()).toMatchObject({ status: 'interrupted' })
    await clock.advance(laterMs)
    const other = office({ backend, clock })
    expect(await other.service.cancelJob(job.id, 'let it be')).toBe(true)
    const opened = await other.service.openJob(job.id)
    expect(await opened.result).toMatchObject({ status: 'cancelled', processedDays: 1 })
    expect((await eventsOf(opened)).at(-1)).toMatchObject({ type: 'cancelled', reason: 'let it be' })
    expect(await other.service.cancelJob(job.id)).toBe(false)
    expect(other.calculated).toEqual([])
  })

  test.for(['mark', 'resume'] as const)("holds for a dead worker's job with recovery '%s'", async (recovery) => {
    const clock = manualClock()
    const { jobs } = memoryBackend()
    const process = () => ({ jobs, unitOfWork: memoryBackend().unitOfWork })
    const job = await dyingOffice(process(), clock).service.triggerRecalcAllAsync(RANGE)
    await clock.advance(0)
    const later = manualClock({ start: clock.now() + 60_000 })
    // Its lease holds still when somebody cancels it.
    expect(await office({ backend: process(), clock }).service.cancelJob(job.id, 'enough')).toBe(true)
    expect(await jobs.get(job.id)).toMatchObject({ status: 'running' })
    const { service, calculated } = office({ backend: process(), clock: later, recovery })
    await service.start()
    await later.advance(0)
    const opened = await service.openJob(job.id)
    expect((await eventsOf(opened)).at(-1)).toMatchObject({ type: 'cancelled', reason: 'enough' })
    expect(calculated).toEqual([])
    await service.stop()
  })

  test.for(['mark', 'resume'] as const)(
    "of an interrupted job that could not be ended at once is made good by recovery '%s', with or without its stages",
    async (recovery) => {
      const door = gate()
      const { service, backend, clock } = office({ calculate: () => door.pass() })
      const job = await service.triggerRecalcAllAsync(RANGE)
      await door.arrived
      const stopping = service.stop()
      door.open()
      await stopping
      const away = changedStore(backend, () => ({ claim: () => Promise.reject(new Error('away')) }))
      expect(await office({ backend: away, clock }).service.cancelJob(job.id, 'enough')).toBe(true)
      expect(await job.snapshot()).toMatchObject({ status: 'interrupted', cancelRequested: true })
      const ranks = tenantStage<undefined>({ name: 'ranks', writes: ['ranks'], run: async () => {} })
      const other = office({ backend, clock, recovery, stages: [ranks] })
      await other.service.start()
      await clock.advance(0)
      expect(await job.snapshot()).toMatchObject({ status: 'cancelled' })
      await other.service.stop()
    },
  )

  test('too late to be seen by the run, as its end is written, is its end all the same', async () => {
    const backend = changedStore(memoryBackend(), (whole) => ({
      async append(lease, events, record) {
        if (record.status === 'completed') await whole.requestCancel(lease.jobId, 'just in time')
        return await whole.append(lease, events, record)
      },
    }))
    const { service } = office({ backend })
    const job = await service.triggerRecalcAllAsync(RANGE)
    expect(await job.result).toMatchObject({ status: 'cancelled', processedDays: 6 })
    const events = await eventsOf(job)
    expect(typesOf(events).filter((type) => ['completed', 'cancelled'].includes(type))).toEqual(['cancelled'])
    expect(events.at(-1)).toMatchObject({ reason: 'just in time' })
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  })

  test('whose answer is slow does not end the run that has taken the job up since', async () => {
    const answer = gate()
    const doors = [gate(), gate()]
    let runs = 0
    const backend = changedStore(memoryBackend(), (whole) => ({
      async requestCancel(jobId, reason) {
        const isRequested = await whole.requestCancel(jobId, reason)
        if (reason === 'slow') await answer.pass()
        return isRequested
      },
    }))
    const { service, clock } = office({
      backend,
      calculate: (day) => (day === 'e1 2025-01-01' || day === 'e1 2025-01-02') && doors[runs++]?.pass(),
    })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await doors[0]!.arrived
    const slow = service.cancelJob(job.id, 'slow')
    await answer.arrived
    await clock.advance(10_000) // the heartbeat hears of it
    doors[0]!.open()
    expect(await job.result).toMatchObject({ status: 'cancelled', processedDays: 1 })
    const resumed = await service.resumeJob(job.id)
    await doors[1]!.arrived
    answer.open()
    expect(await slow).toBe(true)
    doors[1]!.open()
    expect(await resumed.result).toMatchObject({ status: 'completed', processedDays: 6 })
  })
})
