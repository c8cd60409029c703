import { InvalidOptionsError, type JobHandle, memoryBackend, RecalcService, tenantStage } from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { expect, test } from 'vitest'
import { DispatchHub } from '../../support/dispatch-hub.ts'
import { mortal } from '../support/mortal.ts'
import { eventsOf, office, RANGE } from '../support/office.ts'

const STAFF = Array.from({ length: 40 }, (_, i) => `e${String(i).padStart(2, '0')}`)
const EVERY_DAY = STAFF.flatMap((id) => ['1', '2', '3'].map((day) => `${id} 2025-01-0${day}`)).sort()

/** Services of a few processes, which share jobs, and a hub that carries lanes between them. */
function offices(count: number, options: Parameters<typeof office>[0] = {}, hub = new DispatchHub()) {
  const clock = manualClock()
  const { jobs, lanes } = memoryBackend()
  const block = { employees: 2, days: 2 }
  const all = Array.from({ length: count }, () => {
    const dead = { now: false }
    const backend = mortal({ jobs, lanes: lanes!, unitOfWork: memoryBackend().unitOfWork }, dead)
    const dispatcher = hub.dispatcher(() => dead.now)
    return { ...office({ clock, backend, block, staff: STAFF, ...options, dispatcher }), dead }
  })
  return { all, clock, hub, jobs, lanes: lanes! }
}

/** Lets time pass until a job has ended. */
async function ended(job: JobHandle, clock: ReturnType<typeof manualClock>) {
  let isOver = false
  const result = job.result.finally(() => {
    isOver = true
  })
  for (let i = 0; i < 5_000 && !isOver; i++) await clock.advance(20)
  return await result
}

test('services with a dispatcher share the lanes of a job, and each day is calculated once', async () => {
  const { all, clock, hub } = offices(3)
  const [first] = all
  for (const { service } of all) await service.start()
  const job = await first!.service.triggerRecalcAllAsync(RANGE)
  const result = await ended(job, clock)
  const calculated = all.flatMap((one) => one.calculated)
  expect(result).toMatchObject({ status: 'completed', processedDays: 120, totalDays: 120 })
  expect(calculated.sort()).toEqual(EVERY_DAY)
  expect(hub.calls.every((calls) => calls > 0)).toBe(true)
  for (const { service } of all) await service.stop()
})

test('failures of all services are told in the order of their commits, once each', async () => {
  const { all, clock } = offices(3)
  for (const one of all) {
    one.failing.add('e03 2025-01-02').add('e20 2025-01-01').add('e39 2025-01-03')
    await one.service.start()
  }
  const job = await all[0]!.service.triggerRecalcAllAsync(RANGE)
  const events = eventsOf(job)
  const result = await ended(job, clock)
  const told = (await events).filter(({ type }) => type === 'failure')
  expect(result).toMatchObject({ status: 'completed_with_errors', failedDays: 3, errorCount: 3, processedDays: 117 })
  expect(told).toEqual(result.errors.map((error) => expect.objectContaining(error)))
  const seqs = (await events).map(({ seq }) => seq)
  expect(seqs).toEqual(seqs.map((_, i) => i + 1))
  for (const { service } of all) await service.stop()
})

test('pointers that come twice, late, or never leave no day out and count none twice', async () => {
  const fates = ['twice', 'never', 'late', 'once'] as const
  let number = 0
  const hub = new DispatchHub(() => fates[number++ % 4]!)
  const { all, clock } = offices(2, {}, hub)
  for (const { service } of all) await service.start()
  const job = await all[0]!.service.triggerRecalcAllAsync(RANGE)
  const result = await ended(job, clock)
  const calculated = all.flatMap((one) => one.calculated)
  expect(result).toMatchObject({ status: 'completed', processedDays: 120 })
  expect(new Set(calculated).size).toBe(120)
  for (const { service } of all) await service.stop()
})

test('a job ends all the same when nothing is ever delivered, or the dispatcher is away', async () => {
  for (const isAway of [true, false]) {
    const hub = new DispatchHub(() => 'never')
    hub.isAway = isAway
    const { all, clock } = offices(1, {}, hub)
    const job = await all[0]!.service.triggerRecalcAllAsync(RANGE)
    const result = await ended(job, clock)
    expect(result).toMatchObject({ status: 'completed', processedDays: 120 })
    await all[0]!.service.stop()
  }
})

test('lanes of a worker that dies are calculated by others once its claims have run out', async () => {
  const { all, clock } = offices(2, { concurrency: 2 })
  const [boss, mate] = all
  for (const { service } of all) await service.start()
  const job = await boss!.service.triggerRecalcAllAsync(RANGE)
  mate!.dead.now = true
  const result = await ended(job, clock)
  expect(result).toMatchObject({ status: 'completed', processedDays: 120 })
  expect(new Set(all.flatMap((one) => one.calculated)).size).toBe(120)
  await boss!.service.stop()
})

test('when the worker of a job dies, another goes on with it and its lanes', async () => {
  const { all, clock, lanes, jobs } = offices(2, { leaseMs: 3_000 })
  const [boss, mate] = all
  for (const { service } of all) await service.start()
  const job = await boss!.service.triggerRecalcAllAsync(RANGE)
  boss!.dead.now = true
  const handle = await mate!.service.openJob(job.id)
  const result = await ended(handle, clock)
  expect(result).toMatchObject({ status: 'completed', processedDays: 120 })
  expect((await jobs.get(job.id))?.runs).toBe(2)
  expect(await lanes.claim({ jobId: job.id, laneId: 1, token: 2 }, { claimId: 'late', now: 0, claimMs: 1 })).toBe(
    undefined,
  )
  await mate!.service.stop()
})

test('a cancel reaches every worker within a block, and the job ends with what was done', async () => {
  let begun = 0
  let cancel = () => {}
  const { all, clock } = offices(3, {
    calculate: () => {
      begun += 1
      if (begun === 10) cancel()
    },
  })
  for (const { service } of all) await service.start()
  const job = await all[0]!.service.triggerRecalcAllAsync(RANGE)
  // Somebody else than the worker of the job asks for it.
  cancel = () => void all[2]!.service.cancelJob(job.id, 'enough')
  const result = await ended(job, clock)
  expect(result.status).toBe('cancelled')
  // At most one block of each lane that was open: two for each service, of four days.
  expect(begun).toBeLessThanOrEqual(10 + 3 * 2 * 4)
  expect(result.processedDays).toBe(begun)
  const again = await ended(await all[1]!.service.resumeJob(job.id), clock)
  expect(again).toMatchObject({ status: 'completed', processedDays: 120 })
  for (const { service } of all) await service.stop()
})

test('a paused job is left by all, and is taken up where it was', async () => {
  let begun = 0
  let pause = () => {}
  const { all, clock } = offices(2, {
    calculate: () => {
      begun += 1
      if (begun === 10) pause()
    },
  })
  for (const { service } of all) await service.start()
  const job = await all[0]!.service.triggerRecalcAllAsync(RANGE)
  pause = () => void all[1]!.service.pauseJob(job.id)
  const result = await ended(job, clock)
  expect(result.status).toBe('paused')
  expect(result.processedDays).toBe(begun)
  const again = await ended(await all[1]!.service.resumeJob(job.id), clock)
  expect(again).toMatchObject({ status: 'completed', processedDays: 120 })
  expect(begun).toBe(120)
  for (const { service } of all) await service.stop()
})

test('a lane that fails as a whole is halved by whoever has it, and only what is at fault fails', async () => {
  const { all, clock } = offices(2, { block: { employees: 8, days: 2 } })
  for (const { service } of all) await service.start()
  const job = await all[0]!.service.triggerRecalcAllAsync(RANGE)
  for (const one of all) one.failing.add('e11 2025-01-02')
  const result = await ended(job, clock)
  expect(result).toMatchObject({ processedDays: 119, failedDays: 1 })
  for (const { service } of all) await service.stop()
})

test('a service of another release leaves lanes to those that have their stages', async () => {
  const { all, clock, jobs, lanes, hub } = offices(1)
  const other = office({
    clock,
    backend: { jobs, lanes, unitOfWork: memoryBackend().unitOfWork },
    stages: [tenantStage({ name: 'other', title: 'Other', writes: ['others'], reads: [], async run() {} })],
    dispatcher: hub.dispatcher(),
  })
  await other.service.start()
  await all[0]!.service.start()
  const job = await all[0]!.service.triggerRecalcAllAsync(RANGE)
  const result = await ended(job, clock)
  expect(result).toMatchObject({ status: 'completed', processedDays: 120 })
  expect(other.calculated).toEqual([])
  expect(other.log.map(({ message }) => message)).toContain('Lanes of a job are left to a service that has its stages')
  for (const { service } of [...all, other]) await service.stop()
})

test('a fail-fast job ends with the failure, whoever met it', async () => {
  const { all, clock } = offices(2)
  for (const one of all) {
    one.failing.add('e30 2025-01-01')
    await one.service.start()
  }
  const job = await all[0]!.service.triggerRecalcAllAsync(RANGE, { onError: 'fail-fast' })
  const result = await ended(job, clock)
  expect(result).toMatchObject({ status: 'failed', errorCount: 1 })
  for (const { service } of all) await service.stop()
})

test('a service that stops gives its lanes back, and others do them', async () => {
  let begun = 0
  let stop = () => {}
  const { all, clock } = offices(2, {
    calculate: () => {
      begun += 1
      if (begun === 20) stop()
    },
  })
  for (const { service } of all) await service.start()
  const job = await all[0]!.service.triggerRecalcAllAsync(RANGE)
  stop = () => void all[1]!.service.stop()
  const result = await ended(job, clock)
  expect(result).toMatchObject({ status: 'completed', processedDays: 120 })
  expect(begun).toBe(120)
  await all[0]!.service.stop()
})

test('a dispatcher is refused without a backend that services share, or when it is none', () => {
  const base = { dailyCalc: { async calculateDay() {} }, employees: { listEmployees: async () => [] } }
  const dispatcher = new DispatchHub().dispatcher()
  expect(() => new RecalcService({ ...base, dispatcher })).toThrow(InvalidOptionsError)
  const { lanes: _, ...backend } = memoryBackend()
  expect(() => new RecalcService({ ...base, backend, dispatcher })).toThrow(InvalidOptionsError)
  expect(() => new RecalcService({ ...base, backend: memoryBackend(), dispatcher: {} as never })).toThrow(
    InvalidOptionsError,
  )
})

test('a dispatcher that rejects what it was not asked to promise ends no process, and no job', async () => {
  const dispatcher = {
    dispatch: async () => {},
    work: async () => {
      throw new Error('no queue')
    },
    stop: async () => {},
  }
  const clock = manualClock()
  const one = office({ clock, backend: memoryBackend(), block: { employees: 2, days: 2 }, staff: STAFF, dispatcher })
  await one.service.start()
  const job = await one.service.triggerRecalcAllAsync(RANGE)
  const result = await ended(job, clock)
  expect(result).toMatchObject({ status: 'completed', processedDays: 120 })
  expect(one.log.map(({ message }) => message)).toContain('The dispatcher brings no lanes')
  await one.service.stop()
})

test('a start that failed because of the dispatcher can be tried again', async () => {
  const hub = new DispatchHub()
  const dispatcher = hub.dispatcher()
  let isBroken = true
  const work: typeof dispatcher.work = (...args) => {
    if (isBroken) throw new Error('no queue')
    dispatcher.work(...args)
  }
  const clock = manualClock()
  const one = office({ clock, backend: memoryBackend(), staff: STAFF, dispatcher: { ...dispatcher, work } })
  await expect(one.service.start()).rejects.toThrow('no queue')
  isBroken = false
  await one.service.start()
  const job = await one.service.triggerRecalcAllAsync(RANGE)
  const result = await ended(job, clock)
  expect(result).toMatchObject({ status: 'completed', processedDays: 120 })
  expect(hub.calls[0]).toBeGreaterThan(0)
  await one.service.stop()
})
