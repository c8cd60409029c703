import { CallTimeoutError, memoryBackend, type RecalcBackend, ServiceStoppedError } from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { changedStore } from './support/changed-store.ts'
import { eventsOf, office, RANGE, typesOf } from './support/office.ts'

const never = () => new Promise<never>(() => {})

describe('stop({ timeoutMs }) returns in time', () => {
  const day = { ...RANGE, to: RANGE.from }
  const silent = {
    'the employee repository': () => office({ employees: { listEmployees: never } }),
    'a calculator': () => office({ calculate: never }),
    'a unit of work': () => office({ backend: { ...memoryBackend(), unitOfWork: silentUnits() } }),
    'the job store, as it writes events': () => office({ backend: silentStore('append') }),
    'the job store, as it reads': () => office({ backend: silentStore('events') }),
    'the job store, as it writes lanes': () => office({ backend: silentStore('openLanes') }),
  } as const

  test.for(Object.entries(silent))('although %s never answers', async ([, make]) => {
    const { service, clock, log } = make()
    await service.start()
    const job = await service.triggerRecalcAllAsync(RANGE)
    job.on('progress', () => {})
    await clock.advance(100)
    let stopped = false
    const stopping = service.stop({ timeoutMs: 5_000 }).then(() => {
      stopped = true
    })
    await clock.advance(5_000)
    expect(stopped).toBe(true)
    await stopping
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
    await clock.advance(120_000) // the deadlines of calls that were never answered
    expect(clock.pending).toBe(0)
  })

  test('and what was given up is rolled back and not done: another process finds it and does it', async () => {
    const clock = manualClock()
    const { jobs } = memoryBackend()
    const door = gate()
    const first = office({
      clock,
      backend: { jobs, unitOfWork: memoryBackend().unitOfWork },
      calculate: (name) => name === 'e1 2025-01-02' && door.pass(),
    })
    const job = await first.service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    const stopping = first.service.stop({ timeoutMs: 5_000 })
    await clock.advance(5_000)
    await stopping
    const second = office({ clock, backend: { jobs, unitOfWork: memoryBackend().unitOfWork } })
    await clock.advance(30_000)
    await second.service.start()
    await clock.advance(0)
    door.open()
    await clock.advance(0)
    expect(await second.service.getJob(job.id)).toMatchObject({ status: 'completed', processedDays: 6 })
    expect(second.calculated).toHaveLength(5)
    await second.service.stop()
  })

  test('and a synchronous call that is given up rejects', async () => {
    const { service, clock } = office({ calculate: never })
    const call = service.triggerRecalcAll(day).catch((error: unknown) => error)
    await clock.advance(0)
    const stopping = service.stop({ timeoutMs: 1_000 })
    await clock.advance(1_000)
    await stopping
    expect(await call).toBeInstanceOf(ServiceStoppedError)
  })
})

test('a call whose day committed while the service was stopped resolves', async () => {
  const door = gate()
  const { service, clock } = office({ calculate: () => door.pass() })
  const call = service.triggerRecalc({ tenantId: RANGE.tenantId, employeeId: 'e1', date: RANGE.from })
  await door.arrived
  const stopping = service.stop()
  await clock.advance(0)
  door.open()
  expect(await call).toMatchObject({ status: 'completed', processedDays: 1 })
  await stopping
})

test('a call with more days to do when the service was stopped rejects', async () => {
  const door = gate()
  const { service } = office({ calculate: () => door.pass() })
  const call = service.triggerRecalcAll(RANGE).catch((error: unknown) => error)
  await door.arrived
  const stopping = service.stop()
  door.open()
  expect(await call).toBeInstanceOf(ServiceStoppedError)
  await stopping
})

test('a job whose connections went silent is given up, and another process finishes it within two leases', async () => {
  const clock = manualClock()
  const { jobs } = memoryBackend()
  const sick = office({ clock, backend: { jobs, unitOfWork: silentUnits() }, retry: { attempts: 1 } })
  const healthy = office({ clock, backend: { jobs, unitOfWork: memoryBackend().unitOfWork } })
  const job = await sick.service.triggerRecalcAllAsync(RANGE)
  await healthy.service.start()
  await clock.advance(60_000)
  expect(await healthy.service.getJob(job.id)).toMatchObject({ status: 'completed', processedDays: 6 })
  expect(await job.result).toMatchObject({ status: 'interrupted', error: { code: 'BACKEND_UNAVAILABLE' } })
  expect(typesOf(await eventsOf(await healthy.service.openJob(job.id)))).toContain('interrupted')
  await Promise.all([sick.service.stop(), healthy.service.stop()])
})

test('a job store that does not answer rejects every call once a lease is over', async () => {
  const { service, clock } = office({ backend: silentStore('get', 'list'), leaseMs: 10_000 })
  const calls = [service.getJob('x'), service.listJobs()].map((call) => call.catch((error: unknown) => error))
  await clock.advance(10_000)
  for (const call of calls) expect(await call).toBeInstanceOf(CallTimeoutError)
})

function silentUnits(): RecalcBackend<undefined>['unitOfWork'] {
  return { ...memoryBackend().unitOfWork, run: never }
}

function silentStore(...methods: readonly (keyof RecalcBackend['jobs'])[]): RecalcBackend<undefined> {
  return changedStore(memoryBackend(), () => Object.fromEntries(methods.map((name) => [name, never])))
}
