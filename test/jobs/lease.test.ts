import { LeaseLostError, memoryBackend } from 'recalc-service'
import type { JobStore } from 'recalc-service/backend'
import { manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { changedStore } from './support/changed-store.ts'
import { eventsOf, office, RANGE, typesOf } from './support/office.ts'

/** Two processes over one store: separate locks, one clock. */
function twoProcesses(stalled: {
  calculate: (day: string, signal: AbortSignal) => unknown
  renew?: JobStore['renew']
}) {
  const clock = manualClock()
  const { jobs } = memoryBackend()
  const { renew = () => new Promise<never>(() => {}), calculate } = stalled
  const own = { jobs, unitOfWork: memoryBackend().unitOfWork }
  const first = office({ clock, calculate, backend: changedStore(own, () => ({ renew })) })
  const second = office({ clock, backend: { jobs, unitOfWork: memoryBackend().unitOfWork } })
  return { clock, jobs, first, second }
}

describe('an owner whose job was taken over', () => {
  test('writes nothing more once it wakes, and ends interrupted', async () => {
    const door = gate()
    const { clock, first, second } = twoProcesses({ calculate: (day) => day === 'e1 2025-01-02' && door.pass() })
    const job = await first.service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await clock.advance(30_000)
    await second.service.start()
    const opened = await second.service.openJob(job.id)
    expect(await opened.result).toMatchObject({ status: 'completed', processedDays: 6, totalDays: 6 })
    const before = { events: await eventsOf(job), snapshot: await job.snapshot() }
    door.open()
    const result = await job.result
    expect(result).toMatchObject({ status: 'interrupted', error: { code: 'LEASE_LOST' } })
    expect({ events: await eventsOf(job), snapshot: await job.snapshot() }).toEqual(before)
    expect(before.snapshot.status).toBe('completed')
    // The day that was in flight counts once: it is the new owner's.
    expect(first.calculated).toEqual(['e1 2025-01-01', 'e1 2025-01-02'])
    expect(second.calculated).toHaveLength(5)
    const stopping = Promise.all([first.service.stop(), second.service.stop()])
    await clock.advance(60_000) // renewals without an answer have a deadline
    await stopping
    expect(clock.pending).toBe(0)
  })

  test('writes nothing although it had saved its day, and only the commit came too late', async () => {
    const clock = manualClock()
    const { jobs } = memoryBackend()
    const door = gate()
    const { unitOfWork } = memoryBackend()
    let units = 0
    const slowCommit = {
      ...unitOfWork,
      async run<T>(work: (tx: undefined) => Promise<T>) {
        units += 1
        const second = units === 2
        const done = await unitOfWork.run(work)
        if (second) await door.pass()
        return done
      },
    }
    const hanging = changedStore({ jobs, unitOfWork: slowCommit }, () => ({ renew: () => new Promise(() => {}) }))
    const first = office({ clock, backend: hanging })
    const second = office({ clock, backend: { jobs, unitOfWork } })
    const job = await first.service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await clock.advance(30_000)
    const resumed = await second.service.resumeJob(job.id)
    expect(await resumed.result).toMatchObject({ status: 'completed', processedDays: 6 })
    door.open()
    expect(await job.result).toMatchObject({ status: 'interrupted', error: { code: 'LEASE_LOST' } })
    expect(await job.snapshot()).toMatchObject({ status: 'completed', processedDays: 6, totalDays: 6 })
  })

  test('gives up what is in flight when its heartbeat learns of it', async () => {
    const reasons: unknown[] = []
    const door = gate()
    let asleep = true
    const store: { jobs?: JobStore } = {}
    const { clock, jobs, first, second } = twoProcesses({
      renew: async (...request) => {
        if (asleep) return await new Promise<never>(() => {})
        return await store.jobs!.renew(...request)
      },
      calculate: async (_, signal) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason)
          door.open()
        })
        await door.pass()
      },
    })
    store.jobs = jobs
    const job = await first.service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    asleep = false
    await takeAway(jobs, job.id, clock.now() + 60_000)
    await clock.advance(10_000)
    expect(reasons).toEqual([expect.any(LeaseLostError)])
    expect(await job.result).toMatchObject({ status: 'interrupted', error: { code: 'LEASE_LOST' } })
    await Promise.all([first.service.stop(), second.service.stop()])
    await clock.advance(60_000) // the deadline of the renewal that was never answered
    expect(clock.pending).toBe(0)
  })
})

describe('heartbeats', () => {
  test('come every third of the lease as long as the run lasts, also while it comes to its end', async () => {
    const renewals: number[] = []
    const calculating = gate()
    const storing = gate()
    const backend = changedStore(memoryBackend(), (whole) => ({
      renew(lease, request) {
        renewals.push(request.now)
        return whole.renew(lease, request)
      },
      async append(lease, events, record) {
        if (record.status === 'cancelled') await storing.pass()
        return await whole.append(lease, events, record)
      },
    }))
    const { service, clock } = office({
      backend,
      clock: manualClock({ start: 0 }),
      leaseMs: 30_000,
      calculate: () => calculating.pass(),
    })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await calculating.arrived
    await clock.advance(20_000)
    await job.cancel()
    // The day in flight takes longer than the lease.
    await clock.advance(40_000)
    calculating.open()
    await storing.arrived
    // And so does storing the end.
    await clock.advance(40_000)
    expect(renewals).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100].map((seconds) => seconds * 1_000))
    storing.open()
    expect(await job.result).toMatchObject({ status: 'cancelled' })
    await service.stop()
    await clock.advance(60_000)
    expect(renewals).toHaveLength(10)
    expect(clock.pending).toBe(0)
  })

  /** An office whose store does not answer renewals until the gate is opened. */
  function silentRenewals() {
    const asked: number[] = []
    const answer = gate()
    const door = gate()
    const backend = changedStore(memoryBackend(), (whole) => ({
      async renew(lease, request) {
        asked.push(request.now)
        await answer.pass()
        return await whole.renew(lease, request)
      },
    }))
    const clock = manualClock({ start: 0 })
    return { ...office({ backend, clock, calculate: () => door.pass(), leaseMs: 30_000 }), asked, answer, door }
  }

  test('in flight as the run ends are waited for by stop(), and only by stop()', async () => {
    const { service, clock, asked, answer, door } = silentRenewals()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await clock.advance(10_000)
    door.open()
    expect(await job.result).toMatchObject({ status: 'completed' })
    // Whoever stops the service may close the database next.
    let stopped = false
    const stopping = service.stop().then(() => {
      stopped = true
    })
    await clock.advance(9_000)
    expect(stopped).toBe(false)
    answer.open()
    await stopping
    expect({ asked, pending: clock.pending }).toEqual({ asked: [10_000], pending: 0 })
  })

  test('in flight as the run ends are waited for no longer than a third of the lease', async () => {
    const { service, clock, door } = silentRenewals()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await clock.advance(10_000)
    door.open()
    await job.result
    const stopping = service.stop()
    await clock.advance(10_000)
    await stopping
  })

  test('that nobody answers do not pile up, and once the lease has run out by its own clock the run is given up', async () => {
    const { service, clock, asked, log } = silentRenewals()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await clock.advance(39_999)
    expect(await job.snapshot()).toMatchObject({ status: 'running' })
    await clock.advance(1)
    expect(await job.result).toMatchObject({ status: 'interrupted', error: { code: 'LEASE_LOST' } })
    expect(asked).toEqual([10_000, 30_000])
    expect(log.filter(({ level }) => level === 'warn')).toMatchObject([
      { error: { code: 'CALL_TIMEOUT' } },
      { error: { code: 'CALL_TIMEOUT' } },
      { message: 'The job is given up', error: { code: 'LEASE_LOST' } },
    ])
    await service.stop()
    await clock.advance(60_000)
    expect({ asked: asked.length, pending: clock.pending }).toEqual({ asked: 2, pending: 0 })
  })

  test('go on after one failed', async () => {
    let failures = 2
    let renewed = 0
    const door = gate()
    const backend = changedStore(memoryBackend(), (whole) => ({
      async renew(lease, request) {
        failures -= 1
        if (failures >= 0) throw new Error('away')
        renewed += 1
        return await whole.renew(lease, request)
      },
    }))
    const { service, clock, log } = office({ backend, calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await clock.advance(30_000)
    expect(renewed).toBe(1)
    expect(log.filter(({ level }) => level !== 'info').map(({ level }) => level)).toEqual(['warn', 'warn'])
    door.open()
    expect(await job.result).toMatchObject({ status: 'completed' })
  })
})

describe('when events cannot be stored', () => {
  const transient = Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })

  /** A backend that fails the given appends, counted from 1; `answerLost`: after having stored them. */
  function failingAppends(fails: (append: number) => unknown, answerLost = false) {
    let appends = 0
    const { jobs, unitOfWork } = memoryBackend()
    const retrying = { ...unitOfWork, isTransient: (error: unknown) => error === transient }
    return changedStore({ jobs, unitOfWork: retrying }, (whole) => ({
      async append(lease, events, record) {
        appends += 1
        const error = fails(appends)
        if (!error) return await whole.append(lease, events, record)
        if (answerLost) await whole.append(lease, events, record)
        throw error
      },
    }))
  }

  test('for a while, they are stored a little later, without a gap', async () => {
    const { service, clock } = office({ backend: failingAppends((append) => append % 3 !== 0 && transient) })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await clock.advance(60_000)
    expect(await job.result).toMatchObject({ status: 'completed', processedDays: 6 })
    expect((await eventsOf(job)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
    expect(clock.pending).toBe(0)
  })

  test('as it seems, because the answer was lost, none is stored twice, the end included', async () => {
    const { service, clock } = office({ backend: failingAppends((append) => append % 2 === 1 && transient, true) })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await clock.advance(60_000)
    expect(await job.result).toMatchObject({ status: 'completed', processedDays: 6 })
    expect(typesOf(await eventsOf(job))).toEqual(['queued', 'started', 'stage', 'progress', 'progress', 'completed'])
  })

  test('at some moment, the run ends failed and tells why; nothing is left out', async () => {
    const broken = new TypeError('broken')
    const { service, clock, calculated } = office({
      backend: failingAppends((append) => append === 2 && broken),
      progressIntervalMs: 0,
      calculate: () => clock.advance(1),
    })
    const job = await service.triggerRecalcAllAsync(RANGE)
    expect(await job.result).toMatchObject({ status: 'failed', error: { code: 'TypeError', message: 'broken' } })
    expect(calculated.length).toBeLessThan(6)
    const events = await eventsOf(job)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
    expect(events.at(-1)).toMatchObject({ type: 'failed', result: await job.result })
    expect(await (await service.resumeJob(job.id)).result).toMatchObject({ status: 'completed', processedDays: 6 })
  })

  test('ever again, the result says interrupted, and whoever recovers the job finishes it', async () => {
    const away = new Error('away')
    const backend = failingAppends(() => away)
    const { service, clock, log } = office({ backend })
    const job = await service.triggerRecalcAllAsync(RANGE)
    expect(await job.result).toMatchObject({ status: 'interrupted', error: { message: 'away' } })
    expect(log.filter(({ level }) => level === 'error').map(({ error }) => error)).toContain(away)
    expect(clock.pending).toBe(0)
    await service.stop()
  })

  test('at its end, the result says interrupted, and the job is recovered without doing anything twice', async () => {
    const whole = memoryBackend()
    const gone = changedStore(whole, (jobs) => ({
      append: (lease, events, record) =>
        record.result ? Promise.reject(new Error('away')) : jobs.append(lease, events, record),
    }))
    const { service, clock, calculated } = office({ backend: gone })
    const job = await service.triggerRecalcAllAsync(RANGE)
    expect(await job.result).toMatchObject({ status: 'interrupted', processedDays: 6, error: { message: 'away' } })
    expect(await job.snapshot()).toMatchObject({ status: 'running', result: null })
    const healthy = office({ backend: whole, clock })
    await clock.advance(30_000)
    await healthy.service.start()
    expect(await (await healthy.service.openJob(job.id)).result).toMatchObject({
      status: 'completed',
      processedDays: 6,
    })
    expect(calculated).toHaveLength(6)
    expect(healthy.calculated).toEqual([])
    await healthy.service.stop()
  })

  test('quickly, a job does not wait for them, and writes them in fewer, larger pieces', async () => {
    const door = gate()
    const sizes: number[] = []
    const backend = changedStore(memoryBackend(), (whole) => ({
      async append(lease, events, record) {
        sizes.push(events.length)
        if (sizes.length === 1) await door.pass()
        return await whole.append(lease, events, record)
      },
    }))
    const { service, failing, calculated, clock } = office({ backend })
    for (const day of ['01', '02', '03']) failing.add(`e1 2025-01-${day}`)
    const job = await service.triggerRecalcAllAsync(RANGE)
    await clock.advance(0)
    expect(calculated).toHaveLength(6)
    expect((await job.snapshot()).status).toBe('queued')
    door.open()
    expect(await job.result).toMatchObject({ status: 'completed_with_errors' })
    expect(sizes).toHaveLength(3)
    expect((await eventsOf(job)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})

/** As another process would do it after a long while. */
async function takeAway(jobs: JobStore, jobId: string, now: number): Promise<void> {
  const claim = await jobs.claim(jobId, { claimId: 'another', now, leaseMs: 30_000, from: ['queued', 'running'] })
  expect(claim).toHaveProperty('lease')
}
