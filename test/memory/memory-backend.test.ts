import { InvalidOptionsError, type JobHandle, LeaseLostError, memoryBackend, type RecalcBackend } from 'recalc-service'
import { describe, expect, test } from 'vitest'
import { eventsOf, office, RANGE, typesOf } from '../jobs/support/office.ts'
import { gate } from '../support/gate.ts'

describe('maxJobs', () => {
  test('finished jobs beyond it are forgotten, the oldest first, as soon as another one is made', async () => {
    const { service } = office({ backend: memoryBackend({ maxJobs: 2 }) })
    const jobs: JobHandle[] = []
    for (let i = 0; i < 4; i++) {
      jobs.push(await service.triggerRecalcAllAsync(RANGE))
      await jobs.at(-1)!.result
    }
    await service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e1' })
    const known = (await service.listJobs()).map(({ id }) => jobs.findIndex((job) => job.id === id))
    expect(known).toEqual([-1, 3, 2])
  })

  test('jobs that are active are never forgotten', async () => {
    const door = gate()
    const { service } = office({
      backend: memoryBackend({ maxJobs: 1 }),
      exclusive: 'none',
      concurrency: 2,
      calculate: (day) => day.startsWith('e1') && door.pass(),
    })
    const waiting = await Promise.all(
      [1, 2, 3].map(() => service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e1' })),
    )
    const done: JobHandle[] = []
    for (let i = 0; i < 3; i++) {
      done.push(await service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e2' }))
      await done.at(-1)!.result
    }
    const known = (await service.listJobs()).map(({ id }) => id)
    expect(known.toSorted()).toEqual([...waiting, ...done.slice(-2)].map(({ id }) => id).toSorted())
    door.open()
    for (const job of waiting) expect(await job.result).toMatchObject({ status: 'completed' })
  })

  test('is 100 by default', async () => {
    const { service } = office()
    for (let i = 0; i < 105; i++) await (await service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e1' })).result
    expect(await service.listJobs({ limit: 1_000 })).toHaveLength(101)
  })
})

describe('maxEvents', () => {
  test('events of a job beyond it are forgotten, the oldest first; the rest keep their numbers', async () => {
    const { service } = office({ backend: memoryBackend({ maxEvents: 3 }) })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.result
    const events = await eventsOf(job)
    expect(typesOf(events)).toEqual(['progress', 'progress', 'completed'])
    expect(events.map(({ seq }) => seq)).toEqual([4, 5, 6])
    const after: number[] = []
    for await (const { seq } of job.events({ after: 5 })) after.push(seq)
    expect(after).toEqual([6])
    expect(await job.snapshot()).toMatchObject({ lastSeq: 6 })
  })

  test('also of one that tells more at once than is kept', async () => {
    const { service, failing } = office({ backend: memoryBackend({ maxEvents: 1 }) })
    for (const day of ['01', '02', '03']) failing.add(`e1 2025-01-${day}`)
    const job = await service.triggerRecalcAllAsync(RANGE)
    expect(await job.result).toMatchObject({ failedDays: 3 })
    expect(typesOf(await eventsOf(job))).toEqual(['completed'])
  })
})

test('limits that are no whole numbers from 1 are refused', () => {
  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3']) {
    const maxJobs = value as number
    expect(() => memoryBackend({ maxJobs })).toThrow(InvalidOptionsError)
    expect(() => memoryBackend({ maxEvents: maxJobs })).toThrow(/Expected `maxEvents` to be a whole number from 1, got/)
  }
})

test('the unit of work hands out nothing and takes nothing back', async () => {
  const { unitOfWork } = memoryBackend()
  expect(await unitOfWork.run(async (tx) => tx)).toBeUndefined()
  const mine = { ...unitOfWork }
  expect(memoryBackend({ unitOfWork: mine }).unitOfWork).toBe(mine)
})

test('a step that was saved before the job was taken over takes no effect after the commit', async () => {
  const backend: RecalcBackend<undefined> = memoryBackend()
  const { service, clock } = office({ backend, calculate: () => new Promise(() => {}) })
  const { id } = await service.triggerRecalcAllAsync(RANGE)
  const lease = { jobId: id, claimId: 'whoever', token: 1 }
  const step = { unchanged: 0, skipped: 0, failed: 0, repaired: 0, failures: [], resolved: [], moved: [] }
  const complete = await backend.jobs.saveStep(undefined, lease, { ...step, processed: 3 })
  const now = clock.now() + 60_000
  await backend.jobs.claim(id, { claimId: 'another', now, leaseMs: 30_000, from: ['running', 'queued'] })
  expect(() => complete?.()).toThrow(LeaseLostError)
  expect((await backend.jobs.get(id))?.counters.processedDays).toBe(0)
})

test('the checkpoint of a job does not grow with its employees', async () => {
  const sizes: number[] = []
  for (const employees of [100, 10_000]) {
    const staff = Array.from({ length: employees }, (_, i) => `employee-${100_000 + i}`)
    const backend: RecalcBackend<undefined> = memoryBackend()
    const door = gate()
    // Nearly everybody is done when the job is looked at.
    const last = `${staff.at(-3)} 2025-01-01`
    const { service } = office({ backend, staff, concurrency: 4, calculate: (day) => day === last && door.pass() })
    const job = await service.triggerRecalcAllAsync({ ...RANGE, to: RANGE.from })
    await door.arrived
    await job.cancel()
    door.open()
    expect(await job.result).toMatchObject({ status: 'cancelled' })
    const request = { claimId: 'another', now: 0, leaseMs: 30_000, from: ['cancelled'] as const }
    const claim = await backend.jobs.claim(job.id, request)
    if (!('lease' in claim)) throw new Error('the job should have been claimed')
    const { openLanes, dispatchedThrough } = claim.checkpoint
    expect(dispatchedThrough).toBe(staff.at(-1))
    sizes.push(openLanes.flatMap(({ employeeIds }) => employeeIds).length)
  }
  // A page at most: lanes that were handed out and not reached.
  expect(Math.max(...sizes)).toBeLessThanOrEqual(100)
})
