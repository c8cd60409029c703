import { JobConflictError, JobNotFoundError, memoryBackend, NotResumableError, tenantStage } from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { changedStore } from './support/changed-store.ts'
import { dyingOffice, eventsOf, office, RANGE, TENANT, typesOf } from './support/office.ts'

describe('a resumed job does what failed and what was not reached, nothing else', () => {
  test('after it was cancelled', async () => {
    const door = gate()
    const { service, calculated } = office({ calculate: (day) => day === 'e1 2025-01-02' && door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await job.cancel()
    door.open()
    expect(await job.result).toMatchObject({ status: 'cancelled', processedDays: 2 })
    calculated.length = 0
    const resumed = await service.resumeJob(job.id)
    expect(await resumed.result).toMatchObject({ status: 'completed', totalDays: 6, processedDays: 6 })
    expect(calculated).toEqual(['e1 2025-01-03', 'e2 2025-01-01', 'e2 2025-01-02', 'e2 2025-01-03'])
    expect(resumed.id).toBe(job.id)
    expect(await resumed.snapshot()).toMatchObject({
      runs: 2,
      status: 'completed',
      cancelRequested: false,
      progress: 1,
    })
  })

  test('after it completed with errors', async () => {
    const { service, failing, calculated } = office()
    failing.add('e1 2025-01-02').add('e2 2025-01-01')
    const job = await service.triggerRecalcAllAsync(RANGE)
    expect(await job.result).toMatchObject({ status: 'completed_with_errors', processedDays: 4, failedDays: 2 })
    calculated.length = 0
    failing.delete('e1 2025-01-02')
    const second = await service.resumeJob(job.id)
    expect(await second.result).toMatchObject({
      status: 'completed_with_errors',
      processedDays: 5,
      failedDays: 1,
      errorCount: 1,
      errors: [{ employeeId: 'e2', date: '2025-01-01' }],
    })
    expect(calculated.toSorted()).toEqual(['e1 2025-01-02', 'e2 2025-01-01'])
    calculated.length = 0
    failing.clear()
    const third = await service.resumeJob(job.id)
    expect(await third.result).toMatchObject({
      status: 'completed',
      processedDays: 6,
      failedDays: 0,
      errorCount: 0,
      errors: [],
    })
    expect(calculated).toEqual(['e2 2025-01-01'])
    expect(await third.snapshot()).toMatchObject({ runs: 3 })
  })

  test('after it stopped at a failed day', async () => {
    const { service, failing, calculated } = office()
    failing.add('e1 2025-01-03')
    const job = await service.triggerRecalcAllAsync(RANGE, { onError: 'fail-fast' })
    expect(await job.result).toMatchObject({ status: 'failed', processedDays: 2, failedDays: 1 })
    calculated.length = 0
    failing.clear()
    expect(await (await service.resumeJob(job.id)).result).toMatchObject({ status: 'completed', processedDays: 6 })
    expect(calculated).toEqual(['e1 2025-01-03', 'e2 2025-01-01', 'e2 2025-01-02', 'e2 2025-01-03'])
  })

  test('after it was interrupted, by another service over the same backend', async () => {
    const door = gate()
    const first = office({ calculate: (day) => day === 'e1 2025-01-01' && door.pass() })
    const job = await first.service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    const stopping = first.service.stop()
    door.open()
    await stopping
    expect(await job.result).toMatchObject({ status: 'interrupted', processedDays: 1 })
    const { service, calculated } = office({ backend: first.backend })
    expect(await (await service.resumeJob(job.id)).result).toMatchObject({ status: 'completed', processedDays: 6 })
    expect([...first.calculated, ...calculated]).toHaveLength(6)
  })

  test('and repeats tenant stages only when they failed or days were repaired', async () => {
    const runs: string[] = []
    let broken = true
    const stage = (name: string) =>
      tenantStage<undefined>({
        name,
        writes: [name],
        async run() {
          runs.push(name)
          if (name === 'ranks' && broken) throw new Error('no ranks')
        },
      })
    const { service } = office({ stages: [stage('totals'), stage('ranks')] })
    const job = await service.triggerRecalcAllAsync(RANGE)
    expect(await job.result).toMatchObject({ status: 'completed_with_errors', errorCount: 1 })
    expect(runs).toEqual(['totals', 'ranks'])
    broken = false
    const resumed = await service.resumeJob(job.id)
    expect(await resumed.result).toMatchObject({ status: 'completed', errorCount: 0 })
    expect(runs).toEqual(['totals', 'ranks', 'ranks'])
  })
})

test('a job keeps its plan: whoever has left or come is not asked about again', async () => {
  const staff = ['e1', 'e2']
  const door = gate()
  const { service, calculated } = office({ staff, calculate: (day) => day === 'e1 2025-01-01' && door.pass() })
  const job = await service.triggerRecalcBatchAsync({ ...RANGE, employeeIds: ['e2', 'e1'] })
  await door.arrived
  await job.cancel()
  door.open()
  await job.result
  staff.splice(0, 2, 'e3')
  expect(await (await service.resumeJob(job.id)).result).toMatchObject({ status: 'completed', processedDays: 6 })
  expect(new Set(calculated.map((day) => day.slice(0, 2)))).toEqual(new Set(['e1', 'e2']))
})

describe('resuming is refused', () => {
  test('when nobody has the id', async () => {
    await expect(office().service.resumeJob('nobody')).rejects.toThrow(JobNotFoundError)
  })

  test('when the job is complete', async () => {
    const { service } = office()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.result
    await expect(service.resumeJob(job.id)).rejects.toThrow(new NotResumableError(job.id, 'it is completed'))
    expect((await job.snapshot()).status).toBe('completed')
  })

  test('while it is running, here or in another service', async () => {
    const door = gate()
    const { service, backend, clock } = office({ calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    for (const one of [service, office({ backend, clock }).service]) {
      await expect(one.resumeJob(job.id)).rejects.toThrow(new NotResumableError(job.id, 'it is running'))
    }
    door.open()
    expect(await job.result).toMatchObject({ status: 'completed' })
  })

  test('when its stages are gone, whichever way the service calculates now', async () => {
    const totals = tenantStage<undefined>({
      name: 'totals',
      writes: ['totals'],
      run: () => Promise.reject(new Error('x')),
    })
    const ranks = tenantStage<undefined>({ ...totals, name: 'ranks', writes: ['ranks'] })
    const backend = memoryBackend()
    const before = office({ backend, stages: [totals] })
    const job = await before.service.triggerRecalcAllAsync(RANGE)
    await job.result
    const gone = (name: string) => `this service's stages are not those of the job: it has no stage "${name}"`
    for (const { service } of [office({ backend, stages: [ranks] }), office({ backend })]) {
      await expect(service.resumeJob(job.id)).rejects.toThrow(new NotResumableError(job.id, gone('totals')))
    }
    const daily = office({ backend })
    daily.failing.add('e1 2025-01-01')
    const dailyJob = await daily.service.triggerRecalcAllAsync(RANGE)
    await dailyJob.result
    await expect(before.service.resumeJob(dailyJob.id)).rejects.toThrow(
      new NotResumableError(dailyJob.id, gone('dailyCalc')),
    )
  })

  test('while another job of its scope is active', async () => {
    const door = gate()
    const { service, failing } = office({ calculate: (day) => day === 'e2 2025-01-01' && door.pass() })
    failing.add('e1 2025-01-01')
    const first = await service.triggerRecalcBatchAsync({ ...RANGE, employeeIds: ['e1'] })
    await first.result
    const second = await service.triggerRecalcBatchAsync({ ...RANGE, employeeIds: ['e2'] })
    await door.arrived
    const refused = await service.resumeJob(first.id).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(JobConflictError)
    expect(refused).toMatchObject({ activeJobId: second.id })
    expect((await first.snapshot()).status).toBe('completed_with_errors')
    door.open()
    await second.result
    await (await service.resumeJob(first.id)).result
  })
})

test('of many who resume a job at once exactly one does', async () => {
  const door = gate()
  const { service, backend, failing, clock } = office()
  failing.add('e1 2025-01-01')
  const job = await service.triggerRecalcAllAsync(RANGE)
  await job.result
  const offices = [1, 2, 3, 4].map(() => office({ backend, clock, calculate: () => door.pass() }))
  const attempts = await Promise.allSettled(offices.map((one) => one.service.resumeJob(job.id)))
  expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const attempt of attempts)
    if (attempt.status === 'rejected') expect(attempt.reason).toBeInstanceOf(NotResumableError)
  door.open()
  const opened = await service.openJob(job.id)
  expect(await opened.result).toMatchObject({ status: 'completed' })
  expect(offices.flatMap(({ calculated }) => calculated)).toEqual(['e1 2025-01-01'])
})

test('a job can be resumed the moment its end is visible, while the old run is still winding up', async () => {
  const door = gate()
  const backend = changedStore(memoryBackend(), (whole) => ({
    async append(lease, events, record) {
      const refusal = await whole.append(lease, events, record)
      // The end is stored; the run that stored it has not heard so yet.
      if (record.status === 'completed_with_errors') await door.pass()
      return refusal
    },
  }))
  const { service, failing, clock } = office({ backend })
  failing.add('e1 2025-01-01')
  const job = await service.triggerRecalcAllAsync(RANGE)
  await door.arrived
  failing.clear()
  const resumed = await service.resumeJob(job.id)
  expect(await resumed.result).toMatchObject({ status: 'completed' })
  door.open()
  expect(await job.result).toMatchObject({ status: 'completed_with_errors' })
  expect((await eventsOf(job)).map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
  await service.stop()
  expect(clock.pending).toBe(0)
})

test('a run that takes up a job while the old one winds up is known to the service: it can be cancelled and stopped', async () => {
  const oldEnd = gate()
  const work = gate()
  const backend = changedStore(memoryBackend(), (whole) => ({
    async append(lease, events, record) {
      const refusal = await whole.append(lease, events, record)
      if (record.status === 'completed_with_errors') await oldEnd.pass()
      return refusal
    },
  }))
  let second = false
  const { service, failing } = office({ backend, calculate: () => second && work.pass() })
  failing.add('e1 2025-01-01')
  const job = await service.triggerRecalcAllAsync(RANGE)
  await oldEnd.arrived
  second = true
  const resumed = await service.resumeJob(job.id)
  await work.arrived
  oldEnd.open()
  await job.result
  expect(await service.cancelJob(job.id, 'enough')).toBe(true)
  let stopped = false
  const stopping = service.stop().then(() => {
    stopped = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(stopped).toBe(false)
  work.open()
  await stopping
  expect(await resumed.result).toMatchObject({ status: 'cancelled' })
})

test('a job whose worker died can be resumed once its lease has run out, not before', async () => {
  const backend = memoryBackend()
  const clock = manualClock()
  const job = await dyingOffice(backend, clock).service.triggerRecalcAllAsync(RANGE)
  const { service, calculated } = office({ backend, clock })
  await clock.advance(29_999)
  await expect(service.resumeJob(job.id)).rejects.toThrow('it is running')
  await clock.advance(1)
  expect(await (await service.resumeJob(job.id)).result).toMatchObject({ status: 'completed', processedDays: 6 })
  expect(calculated).toHaveLength(6)
  expect(typesOf(await eventsOf(job)).filter((type) => type === 'started' || type === 'resumed')).toEqual([
    'started',
    'resumed',
  ])
  expect((await service.getJob(job.id)).tenantId).toBe(TENANT)
})
