import {
  JobConflictError,
  type JobHandle,
  memoryBackend,
  NotResumableError,
  ServiceStoppedError,
  tenantStage,
} from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { dyingOffice, eventsOf, office, RANGE, typesOf } from './support/office.ts'

const POLL_MS = 500

/** Services on one backend and one clock: `web` stores jobs, `worker` does them. */
function webAndWorker(options: Parameters<typeof office>[0] = {}) {
  const shared = { backend: memoryBackend(), clock: manualClock() }
  return {
    ...shared,
    web: office({ ...shared, worker: false }),
    worker: office({ ...shared, ...options }),
  }
}

describe('a service that is no worker', () => {
  test('stores jobs, calculates none, and its handles watch them while a service that was started does them', async () => {
    const { web, worker, clock } = webAndWorker()
    await web.service.start()
    const job = await web.service.triggerRecalcAllAsync(RANGE)
    await clock.advance(60_000)
    expect(await job.snapshot()).toMatchObject({ status: 'queued', runs: 0 })
    expect((await web.service.listJobs({ status: 'queued' })).map(({ id }) => id)).toEqual([job.id])
    await worker.service.start()
    expect(await job.result).toMatchObject({ status: 'completed', processedDays: 6 })
    const events = await eventsOf(job)
    expect([events[0]?.type, events[1]?.type, events.at(-1)?.type]).toEqual(['queued', 'started', 'completed'])
    expect([web.calculated, worker.calculated.length]).toEqual([[], 6])
  })

  test('has jobs taken within a poll by a service that runs already', async () => {
    const { web, worker, clock } = webAndWorker()
    await worker.service.start()
    const job = await web.service.triggerRecalcAsync({ tenantId: 'acme', employeeId: 'e1', date: '2025-01-01' })
    expect(await job.snapshot()).toMatchObject({ status: 'queued' })
    await clock.advance(POLL_MS)
    expect(await job.result).toMatchObject({ status: 'completed', processedDays: 1 })
  })

  test('notes changes and settles none, started or not', async () => {
    const { web, worker, clock } = webAndWorker()
    await web.service.start()
    const change = { tenantId: 'acme', employeeId: 'e1', table: 'hours', dates: { from: RANGE.from, to: RANGE.from } }
    await web.service.noteChange(undefined, change)
    await clock.advance(60_000)
    expect(await web.service.freshness()).toMatchObject({ changes: 1 })
    await worker.service.start()
    await clock.advance(2_000)
    expect([web.calculated, worker.calculated]).toEqual([[], ['e1 2025-01-01']])
  })

  test('leaves a job that is resumed to a worker, which does no more than what is left', async () => {
    const { web, worker, clock } = webAndWorker()
    worker.failing.add('e1 2025-01-02')
    await worker.service.start()
    const job = await web.service.triggerRecalcAllAsync(RANGE)
    await clock.advance(POLL_MS)
    expect(await job.result).toMatchObject({ status: 'completed_with_errors', failedDays: 1 })
    worker.failing.clear()
    const resumed = await web.service.resumeJob(job.id)
    expect(await resumed.snapshot()).toMatchObject({ status: 'queued', result: null })
    await clock.advance(POLL_MS)
    expect(await resumed.result).toMatchObject({ status: 'completed', processedDays: 6 })
    expect(web.calculated).toEqual([])
    expect(typesOf(await eventsOf(resumed)).filter((type) => type === 'resumed')).toHaveLength(1)
    await expect(web.service.resumeJob(job.id)).rejects.toThrow(NotResumableError)
  })

  test('cancels, by a call or a signal, jobs that nobody has taken yet', async () => {
    const { web, worker, clock } = webAndWorker()
    const first = await web.service.triggerRecalcAllAsync(RANGE)
    expect(await web.service.cancelJob(first.id, 'enough')).toBe(true)
    expect(await first.result).toMatchObject({ status: 'cancelled', processedDays: 0 })
    const abort = new AbortController()
    const second = await web.service.triggerRecalcAllAsync(RANGE, { signal: abort.signal })
    abort.abort(new Error('not needed'))
    expect(await second.result).toMatchObject({ status: 'cancelled' })
    await worker.service.start()
    await clock.advance(60_000)
    expect(worker.calculated).toEqual([])
  })

  test('refuses a job while one of its scope waits, unless it is to wait as well', async () => {
    const { web, worker } = webAndWorker()
    const first = await web.service.triggerRecalcAllAsync(RANGE)
    await expect(web.service.triggerRecalcAllAsync(RANGE)).rejects.toMatchObject({ activeJobId: first.id })
    const second = await web.service.triggerRecalcAllAsync(RANGE, { whenBusy: 'queue' })
    await worker.service.start()
    expect(await first.result).toMatchObject({ status: 'completed' })
    expect(await second.result).toMatchObject({ status: 'completed' })
  })
})

describe("whenBusy: 'queue'", () => {
  /** The first job waits at the door, the others behind it. */
  async function line(length: number, options: Parameters<typeof office>[0] = {}) {
    const door = gate()
    const order: string[] = []
    const calculate = async (day: string) => {
      if (day === 'e1 2025-01-01') await door.pass()
    }
    const one = office({ calculate, whenBusy: 'queue', ...options })
    const jobs = []
    for (let i = 0; i < length; i++) {
      const job = await one.service.triggerRecalcAllAsync(RANGE)
      job.on('started', () => order.push(`start ${i}`))
      void job.result.then(
        ({ status }) => order.push(`${status} ${i}`),
        () => {},
      )
      jobs.push(job)
    }
    await door.arrived
    return { ...one, door, jobs, order }
  }

  test('has jobs of one scope start by themselves, one after the other, also in a service that was not started', async () => {
    const { jobs, door, order, service, clock } = await line(4)
    expect(await Promise.all(jobs.map(async (job) => (await job.snapshot()).status))).toEqual([
      'running',
      'queued',
      'queued',
      'queued',
    ])
    door.open()
    await Promise.all(jobs.map((job) => job.result))
    await clock.advance(0)
    expect(order).toEqual([0, 1, 2, 3].flatMap((i) => [`start ${i}`, `completed ${i}`]))
    await service.stop()
    expect(clock.pending).toBe(0)
  })

  test('has the next one start when the one before it is cancelled while it waits, and when it fails', async () => {
    const { jobs, door, order, clock, failing } = await line(4, {})
    await jobs[1]?.cancel()
    expect(await jobs[1]?.result).toMatchObject({ status: 'cancelled', processedDays: 0 })
    failing.add('e2 2025-01-01')
    door.open()
    await Promise.all(jobs.map((job) => job.result))
    await clock.advance(0)
    expect(order.filter((step) => step.startsWith('start'))).toEqual(['start 0', 'start 2', 'start 3'])
  })

  test('does not concern what would not collide: a day of one employee goes ahead', async () => {
    const { service, door } = await line(2)
    const day = await service.triggerRecalcAsync({ tenantId: 'acme', employeeId: 'e2', date: '2025-01-01' })
    door.open()
    expect(await day.result).toMatchObject({ status: 'completed' })
  })

  test('holds for a job that is resumed, which is refused otherwise', async () => {
    const { service, jobs, door, clock } = await line(2)
    await jobs[1]?.cancel()
    await expect(service.resumeJob(jobs[1]!.id, { whenBusy: 'reject' })).rejects.toThrow(JobConflictError)
    const resumed = await service.resumeJob(jobs[1]!.id)
    expect(await resumed.snapshot()).toMatchObject({ status: 'queued' })
    door.open()
    await clock.advance(0)
    expect(await resumed.result).toMatchObject({ status: 'completed' })
  })

  test('has a job wait for that of a dead worker, which is taken up first', async () => {
    const { backend, clock } = webAndWorker()
    const dying = dyingOffice(backend, clock)
    const dead = await dying.service.triggerRecalcAllAsync(RANGE)
    const worker = office({ backend, clock, leaseMs: 30_000 })
    const waiting = await worker.service.triggerRecalcAllAsync(RANGE, { whenBusy: 'queue' })
    await worker.service.start()
    await clock.advance(25_000)
    expect(await waiting.snapshot()).toMatchObject({ status: 'queued' })
    await clock.advance(20_000)
    expect(await waiting.result).toMatchObject({ status: 'completed' })
    const [first, second] = await Promise.all([worker.service.getJob(dead.id), waiting.snapshot()])
    expect(first.status).toBe('completed')
    expect(first.finishedAt!.getTime()).toBeLessThanOrEqual(second.startedAt!.getTime())
    await worker.service.stop()
  })

  test('has a job wait for one that was interrupted as well, when both wait for a worker', async () => {
    const { service, jobs, door, backend, clock } = await line(2)
    const order: unknown[] = []
    const onLog = (message: string, fields: object) => {
      if (message === 'Job started') order.push((fields as { readonly jobId: string }).jobId)
    }
    const worker = office({ backend, clock, leaseMs: 30_000, onLog })
    await worker.service.start()
    void jobs[1]?.result.catch(() => {})
    const stopping = service.stop()
    door.open()
    await stopping
    await clock.advance(POLL_MS)
    expect(await (await worker.service.openJob(jobs[1]!.id)).result).toMatchObject({ status: 'completed' })
    expect(order).toEqual(jobs.map(({ id }) => id))
    await worker.service.stop()
  })

  test('leaves jobs that wait to others when the service is stopped: their handles say so', async () => {
    const { service, jobs, door, backend, clock } = await line(2)
    const waiting = expect(jobs[1]?.result).rejects.toThrow(ServiceStoppedError)
    const stopping = service.stop()
    door.open()
    await stopping
    await waiting
    const other = office({ backend, clock })
    await other.service.start()
    const handle = await other.service.openJob(jobs[1]!.id)
    expect(await handle.result).toMatchObject({ status: 'completed' })
    expect(await other.service.getJob(jobs[0]!.id)).toMatchObject({ status: 'completed' })
  })
})

describe('a service that takes jobs', () => {
  test('has at most maxJobs of them at once, and the next as soon as one has ended', async () => {
    const doors = new Map<string, ReturnType<typeof gate>>()
    const door = (employee: string) => {
      const one = doors.get(employee) ?? gate()
      doors.set(employee, one)
      return one
    }
    const calculate = (day: string) => door(day.split(' ')[0] ?? '').pass()
    const { web, worker, clock } = webAndWorker({ calculate, maxJobs: 2, concurrency: 4 })
    const asked = ['e1', 'e2', 'e3'].map((employeeId) =>
      web.service.triggerRecalcAsync({ tenantId: `tenant ${employeeId}`, employeeId, date: '2025-01-01' }),
    )
    const jobs = await Promise.all(asked)
    await worker.service.start()
    await Promise.all(['e1', 'e2'].map((employee) => door(employee).arrived))
    await clock.advance(60_000)
    expect(await jobs[2]?.snapshot()).toMatchObject({ status: 'queued' })
    door('e1').open()
    await door('e3').arrived
    door('e2').open()
    door('e3').open()
    for (const job of jobs) expect(await job.result).toMatchObject({ status: 'completed' })
  })

  test('is fair between tenants: one that floods it delays another by no more than a turn', async () => {
    const { web, worker, clock } = webAndWorker({ maxJobs: 1, exclusive: 'none' })
    const day = { employeeId: 'e1', date: '2025-01-01' }
    const jobs = new Map<JobHandle, string>()
    for (const tenantId of ['flood', 'flood', 'flood', 'flood', 'flood', 'a', 'b']) {
      jobs.set(await web.service.triggerRecalcAsync({ tenantId, ...day }), tenantId)
      await clock.advance(1)
    }
    const order: string[] = []
    for (const [job, tenantId] of jobs) job.on('started', () => order.push(tenantId))
    await worker.service.start()
    await Promise.all([...jobs.keys()].map((job) => job.result))
    expect(order).toEqual(['flood', 'a', 'b', 'flood', 'flood', 'flood', 'flood'])
  })

  test('takes jobs of one employee or one day before others, but not for ever', async () => {
    const { web, worker, clock } = webAndWorker({ maxJobs: 1, exclusive: 'none' })
    const large = await web.service.triggerRecalcAllAsync(RANGE)
    const small = await web.service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e1' })
    const order: string[] = []
    large.on('started', () => order.push('large'))
    small.on('started', () => order.push('small'))
    await worker.service.start()
    await Promise.all([large.result, small.result])
    expect(order).toEqual(['small', 'large'])
    await worker.service.stop()

    const patient = await web.service.triggerRecalcAllAsync(RANGE)
    await clock.advance(11 * 60_000)
    const late = await web.service.triggerRecalcAsync({ tenantId: 'acme', employeeId: 'e1', date: '2025-01-01' })
    patient.on('started', () => order.push('patient'))
    late.on('started', () => order.push('late'))
    const next = office({ backend: web.backend, clock, maxJobs: 1 })
    await next.service.start()
    await Promise.all([patient.result, late.result])
    expect(order.slice(2)).toEqual(['patient', 'late'])
  })

  test('leaves jobs whose stages it does not have to others, and takes those behind them', async () => {
    const { web, backend, clock } = webAndWorker()
    const stranger = office({
      backend,
      clock,
      worker: false,
      stages: [tenantStage({ name: 'totals', title: 'Totals', reads: [], writes: ['totals'], run: async () => {} })],
    })
    const foreign = await stranger.service.triggerRecalcAsync({
      tenantId: 'acme',
      employeeId: 'e1',
      date: '2025-01-01',
    })
    const own = await web.service.triggerRecalcAsync({ tenantId: 'acme', employeeId: 'e1', date: '2025-01-01' })
    const worker = office({ backend, clock })
    await worker.service.start()
    expect(await own.result).toMatchObject({ status: 'completed' })
    await clock.advance(5_000)
    expect(await foreign.snapshot()).toMatchObject({ status: 'queued' })
    expect(worker.log.filter(({ message }) => message.includes('does not have'))).toHaveLength(1)
  })
})
