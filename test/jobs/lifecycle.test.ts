import { memoryBackend, type RecalcBackend, ServiceStoppedError } from 'recalc-service'
import type { JobStore } from 'recalc-service/backend'
import { manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { changedStore } from './support/changed-store.ts'
import { dyingOffice, eventsOf, office, RANGE, typesOf } from './support/office.ts'

describe('stop()', () => {
  test('lets the day in flight commit, leaves the job interrupted and waits for that', async () => {
    const door = gate()
    const { service, calculated, clock } = office({ calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    let stopped = false
    const stopping = service.stop().then(() => {
      stopped = true
    })
    await clock.advance(0)
    expect(stopped).toBe(false)
    door.open()
    await stopping
    expect(calculated).toEqual(['e1 2025-01-01'])
    expect(await job.result).toMatchObject({ status: 'interrupted', processedDays: 1 })
    expect(typesOf(await eventsOf(job))).toEqual(['queued', 'started', 'stage', 'progress', 'progress', 'interrupted'])
    expect(await job.snapshot()).toMatchObject({ status: 'interrupted', cancelRequested: false })
  })

  test('leaves no timer behind', async () => {
    const door = gate()
    const { service, clock } = office({ calculate: () => door.pass() })
    await service.start()
    await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    // The next look for abandoned jobs, for waiting jobs, for changes and at units of work, and the next heartbeat.
    expect(clock.pending).toBe(5)
    door.open()
    await service.stop()
    expect(clock.pending).toBe(0)
    await clock.advance(300_000)
    expect(clock.pending).toBe(0)
  })

  test('called again, at once or later, is the same stop', async () => {
    const door = gate()
    const { service } = office({ calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    const order: string[] = []
    const stops = ['first', 'second', 'dispose'].map(async (name) => {
      await (name === 'dispose' ? service[Symbol.asyncDispose]() : service.stop())
      order.push(name)
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(order).toEqual([])
    door.open()
    await Promise.all(stops)
    await service.stop()
    expect(await job.result).toMatchObject({ status: 'interrupted' })
  })

  test('of a service that did nothing is done at once', async () => {
    await office().service.stop()
  })

  test('also ends with `await using`', async () => {
    const { service, clock } = office()
    {
      await using own = service
      await own.start()
      expect(clock.pending).toBe(3) // abandoned jobs, waiting jobs, and changes
    }
    expect(clock.pending).toBe(0)
    await expect(service.start()).rejects.toThrow(ServiceStoppedError)
  })

  test('refuses new work, and still tells about what was done', async () => {
    const { service, failing } = office()
    failing.add('e1 2025-01-01')
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.result
    await service.stop()
    const refused = [
      () => service.triggerRecalcAllAsync(RANGE),
      () => service.triggerRecalcBatchAsync({ ...RANGE, employeeIds: [] }),
      () => service.triggerRecalcAll(RANGE),
      () => service.resumeJob(job.id),
      () => service.start(),
      () => service.estimate(RANGE),
    ]
    for (const call of refused) await expect(call()).rejects.toThrow(ServiceStoppedError)
    expect(await service.getJob(job.id)).toMatchObject({ status: 'completed_with_errors' })
    expect(await (await service.openJob(job.id)).result).toEqual(await job.result)
    expect(await service.listJobs()).toHaveLength(1)
    expect(await service.cancelJob(job.id)).toBe(false)
  })

  test('while a job is being stored waits for it, and lets it end before anything is calculated', async () => {
    const door = gate()
    const backend = changedStore(memoryBackend(), (whole) => ({
      async create(...job) {
        await door.pass()
        return await whole.create(...job)
      },
    }))
    const { service, calculated, clock } = office({ backend })
    const triggered = service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    const stopping = service.stop()
    await clock.advance(0)
    door.open()
    await stopping
    expect(await (await triggered).snapshot()).toMatchObject({ status: 'interrupted', processedDays: 0 })
    expect(calculated).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('while a job is refused is not held up by the refusal', async () => {
    const door = gate()
    const backend = changedStore(memoryBackend(), () => ({
      async create() {
        await door.pass()
        return { activeJobId: 'another' }
      },
    }))
    const { service } = office({ backend })
    const triggered = service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    const stopping = service.stop()
    door.open()
    await expect(triggered).rejects.toThrow('Job another is still active')
    await stopping
  })

  test('while interrupted jobs are taken up waits for them too', async () => {
    const door = gate()
    const jobs = memoryBackend()
    await interruptedJob(jobs)
    const backend = changedStore(jobs, (whole) => ({
      async claim(...job) {
        await door.pass()
        return await whole.claim(...job)
      },
    }))
    const { service, calculated, clock } = office({ backend })
    const starting = service.start()
    await door.arrived
    const stopping = service.stop()
    await clock.advance(0)
    door.open()
    await stopping
    await starting
    expect(calculated).toEqual([])
    expect(await service.listJobs()).toMatchObject([{ status: 'interrupted', runs: 2 }])
    expect(clock.pending).toBe(0)
  })
})

describe('start()', () => {
  test('takes up interrupted jobs, also those of another service', async () => {
    const backend = memoryBackend()
    const jobId = await interruptedJob(backend)
    const { service, calculated } = office({ backend })
    await service.start()
    expect(await (await service.openJob(jobId)).result).toMatchObject({ status: 'completed', processedDays: 6 })
    expect(calculated).toHaveLength(5)
    await service.stop()
  })

  test('leaves alone what was cancelled, failed or completed', async () => {
    const { service, backend, failing } = office()
    failing.add('e1 2025-01-01')
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.result
    const { service: other, clock } = office({ backend })
    await other.start()
    await clock.advance(300_000)
    expect(await job.snapshot()).toMatchObject({ status: 'completed_with_errors', runs: 1 })
    await other.stop()
  })

  test('finds what is interrupted later, and jobs of a dead service whose lease has run out', async () => {
    const backend = memoryBackend()
    const clock = manualClock()
    const { service, calculated } = office({ backend, clock, leaseMs: 10_000 })
    await service.start()
    const job = await dyingOffice(backend, clock).service.triggerRecalcAllAsync(RANGE)
    await clock.advance(29_999)
    expect(calculated).toEqual([])
    await clock.advance(3_335) // it looks every third of its lease
    expect(await (await service.openJob(job.id)).result).toMatchObject({ status: 'completed', processedDays: 6 })
    expect(calculated).toHaveLength(6)
    await service.stop()
  })

  test('never takes the job of a live service, however long a day takes', async () => {
    const door = gate()
    const { service, backend, clock } = office({ calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    const other = office({ backend, clock })
    await other.service.start()
    await clock.advance(600_000)
    door.open()
    expect(await job.result).toMatchObject({ status: 'completed' })
    expect(await job.snapshot()).toMatchObject({ runs: 1 })
    expect(other.calculated).toEqual([])
    await other.service.stop()
  })

  test('never takes a job that its own service works on, although its lease could not be renewed in time', async () => {
    const door = gate()
    const backend = changedStore(memoryBackend(), () => ({ renew: () => new Promise<never>(() => {}) }))
    const { service, clock, calculated } = office({ backend, calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await service.start()
    // The last beat began as the lease ran out, and has a deadline of its own.
    await clock.advance(39_000)
    await expect(service.resumeJob(job.id)).rejects.toThrow('it is running')
    door.open()
    expect(await job.result).toMatchObject({ status: 'completed', processedDays: 6 })
    expect(calculated).toHaveLength(6)
    expect(await job.snapshot()).toMatchObject({ runs: 1 })
    const stopping = service.stop()
    await clock.advance(60_000) // renewals without an answer have a deadline
    await stopping
    expect(clock.pending).toBe(0)
  })

  test('of two services at once takes every job up exactly once', async () => {
    const backend = memoryBackend()
    const ids = []
    for (let i = 0; i < 5; i++) ids.push(await interruptedJob(backend, `tenant ${i}`))
    const offices = [office({ backend }), office({ backend })]
    await Promise.all(offices.map(({ service }) => service.start()))
    const [{ service }] = offices as [(typeof offices)[0]]
    for (const id of ids) {
      const job = await service.openJob(id)
      expect(await job.result).toMatchObject({ status: 'completed', processedDays: 6 })
      expect(await job.snapshot()).toMatchObject({ runs: 2 })
    }
    expect(offices.flatMap(({ calculated }) => calculated)).toHaveLength(25)
    await Promise.all(offices.map((one) => one.service.stop()))
  })

  test('called several times at once begins once', async () => {
    let lists = 0
    const backend = changedStore(memoryBackend(), (whole) => ({
      listAbandoned(query) {
        lists += 1
        return whole.listAbandoned(query)
      },
    }))
    const { service, clock } = office({ backend })
    await Promise.all([service.start(), service.start(), service.start()])
    await service.start()
    expect({ lists, pending: clock.pending }).toEqual({ lists: 1, pending: 3 })
    await service.stop()
  })

  test('that fails can be tried again, and leaves nothing going', async () => {
    const away = new Error('the database is away')
    const backend = failingTimes(1, 'listAbandoned', away)
    const { service, clock } = office({ backend })
    await expect(service.start()).rejects.toBe(away)
    expect(clock.pending).toBe(0)
    await service.start()
    expect(clock.pending).toBe(3) // abandoned jobs, waiting jobs, and changes
    await service.stop()
  })

  test('goes on looking after it could not look once', async () => {
    const jobs = memoryBackend()
    let away = false
    const backend = changedStore(jobs, (whole) => ({
      listAbandoned: (query) => (away ? Promise.reject(new Error('away')) : whole.listAbandoned(query)),
    }))
    const { service, clock, log } = office({ backend, leaseMs: 30_000 })
    await service.start()
    away = true
    await clock.advance(20_000)
    expect(log.filter(({ level }) => level === 'error')).toHaveLength(2)
    away = false
    const jobId = await interruptedJob(jobs)
    await clock.advance(10_000)
    expect(await (await service.openJob(jobId)).result).toMatchObject({ status: 'completed' })
    await service.stop()
    expect(clock.pending).toBe(0)
  })

  test('is not kept from the other jobs by one that cannot be taken up', async () => {
    const backend = memoryBackend()
    const first = await interruptedJob(backend, 'first')
    const second = await interruptedJob(backend, 'second')
    const broken = changedStore(backend, (whole) => ({
      claim: (id, request) => (id === first ? Promise.reject(new Error('broken')) : whole.claim(id, request)),
    }))
    const { service, log, clock } = office({ backend: broken })
    await service.start()
    await clock.advance(0)
    expect(await (await service.openJob(second)).result).toMatchObject({ status: 'completed' })
    const warnings = log.filter(({ level }) => level === 'warn')
    expect(warnings.length).toBeGreaterThan(0)
    for (const warning of warnings) expect(warning).toMatchObject({ error: { message: 'broken' } })
    await service.stop()
  })
})

/** A job with one day done, left by a service that was stopped. */
async function interruptedJob(backend: RecalcBackend<undefined>, tenantId = 'acme'): Promise<string> {
  const door = gate()
  const { service } = office({ backend, calculate: () => door.pass() })
  const job = await service.triggerRecalcAllAsync({ ...RANGE, tenantId })
  await door.arrived
  const stopping = service.stop()
  door.open()
  await stopping
  return job.id
}

function failingTimes(times: number, method: keyof JobStore, error: Error): RecalcBackend<undefined> {
  let left = times
  const backend: RecalcBackend<undefined> = memoryBackend()
  return changedStore(backend, (whole) => ({
    [method]: (...args: readonly unknown[]) => {
      left -= 1
      if (left >= 0) return Promise.reject(error)
      return (whole[method] as (...args: readonly unknown[]) => unknown)(...args)
    },
  }))
}
