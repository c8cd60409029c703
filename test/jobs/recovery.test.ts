import { expect, test } from 'vitest'
import { memoryBackend, RecalcService } from '../../src/index.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { gate } from '../support/gate.ts'
import { office, RANGE } from './support/office.ts'

const REQUEST = { tenantId: 'acme', from: '2025-01-01', to: '2025-01-03' }

/** A service whose process dies in the middle of a job: it never does anything again, and its lease runs out. */
async function deadWorker() {
  const clock = manualClock()
  const { jobs } = memoryBackend()
  // Each process has locks of its own; the dead one's are gone with it.
  const process = () => ({ ...memoryBackend(), jobs })
  const employees = { listEmployees: async ({ after }: { after?: string }) => (after ? [] : [{ id: 'ada' }]) }
  const door = gate()
  const calculated: string[] = []
  const hanging = { calculateDay: () => door.pass() }
  const dead = new RecalcService({ dailyCalc: hanging, employees, backend: process(), clock, leaseMs: 30_000 })
  const job = await dead.triggerRecalcAllAsync(REQUEST)
  await door.arrived
  // A dead process sends no heartbeat: its timers are on a clock of its own that stands still.
  const later = manualClock({ start: clock.now() + 60_000 })
  const successor = (recovery: 'resume' | 'mark') =>
    new RecalcService({
      dailyCalc: { calculateDay: async ({ date }) => void calculated.push(date) },
      employees,
      backend: process(),
      clock: later,
      recovery,
    })
  return { job, successor, calculated, later }
}

async function typesOf(service: RecalcService<undefined>, jobId: string): Promise<readonly string[]> {
  const types: string[] = []
  const job = await service.openJob(jobId)
  for await (const { type } of job.events()) types.push(type)
  return types
}

test('a job whose worker died is taken up, and its events say that a run was cut off', async () => {
  const { job, successor, calculated } = await deadWorker()
  const service = successor('resume')
  await service.start()
  const taken = await service.openJob(job.id)
  expect((await taken.result).status).toBe('completed')
  expect(calculated).toEqual(['2025-01-01', '2025-01-02', '2025-01-03'])
  const types = await typesOf(service, job.id)
  expect(types.filter((type) => ['started', 'interrupted', 'resumed', 'completed'].includes(type))).toEqual([
    'started',
    'interrupted',
    'resumed',
    'completed',
  ])
})

test("with recovery 'mark' it is ended as interrupted, and nothing is calculated until somebody resumes it", async () => {
  const { job, successor, calculated, later } = await deadWorker()
  const service = successor('mark')
  await service.start()
  await later.advance(0)
  const marked = await service.getJob(job.id)
  expect(marked.status).toBe('interrupted')
  expect(marked.result?.error?.code).toBe('LEASE_LOST')
  expect(calculated).toEqual([])
  expect((await typesOf(service, job.id)).at(-1)).toBe('interrupted')

  const resumed = await service.resumeJob(job.id)
  expect((await resumed.result).status).toBe('completed')
  expect(calculated).toHaveLength(3)
})

test('start() resolves with 40 interrupted jobs, of which at most `concurrency` run at once, until all are done', async () => {
  const clock = manualClock()
  const backend = memoryBackend()
  const ids: string[] = []
  for (let tenant = 0; tenant < 40; tenant++) {
    const stopped = office({ clock, backend })
    const job = await stopped.service.triggerRecalcAllAsync({ ...RANGE, tenantId: `tenant ${tenant}` })
    await stopped.service.stop()
    ids.push(job.id)
  }
  const door = gate()
  let [open, most] = [0, 0]
  const { service } = office({
    clock,
    backend,
    concurrency: 4,
    async calculate() {
      open += 1
      most = Math.max(most, open)
      await door.pass()
      open -= 1
    },
  })
  await service.start() // although nobody opens the door
  await clock.advance(60_000)
  const statuses = async () => (await service.listJobs()).map(({ status }) => status)
  expect((await statuses()).filter((status) => status === 'running')).toHaveLength(4)
  door.open()
  await clock.advance(10_000)
  expect(new Set(await statuses())).toEqual(new Set(['completed']))
  expect(await service.listJobs()).toHaveLength(ids.length)
  expect(most).toBe(4)
  await service.stop()
})

test('a job that waits out a pause is tried again on time, however often others end meanwhile', async () => {
  const clock = manualClock()
  const whole = memoryBackend()
  const ids: string[] = []
  for (let tenant = 0; tenant < 30; tenant++) {
    const stopped = office({ clock, backend: whole })
    ids.push((await stopped.service.triggerRecalcAllAsync({ ...RANGE, tenantId: `tenant ${tenant}` })).id)
    await stopped.service.stop()
  }
  const deadlock = new Error('deadlock')
  let deadlocks = 3 // one run of it
  const unitOfWork = {
    ...whole.unitOfWork,
    async lockEmployees(tx: undefined, tenantId: string, employeeIds: readonly string[]) {
      if (tenantId === 'tenant 0' && deadlocks-- > 0) throw deadlock
      await whole.unitOfWork.lockEmployees(tx, tenantId, employeeIds)
    },
    isTransient: (error: unknown) => error === deadlock,
  }
  const { service } = office({
    clock,
    backend: { ...whole, unitOfWork },
    leaseMs: 30_000,
    // Each of the jobs has six days, and ends before the next look.
    calculate: () => new Promise<void>((resolve) => void clock.setTimeout(resolve, 1_000)),
  })
  await service.start()
  await clock.advance(60_000)
  expect((await service.getJob(ids[0]!)).status).toBe('completed')
  expect((await service.getJob(ids.at(-1)!)).status).toBe('interrupted')
  const stopping = service.stop()
  await clock.advance(1_000)
  await stopping
})

test('recovered jobs, new ones and calls together open at most `concurrency` units of work, and calls go first', async () => {
  const clock = manualClock()
  const door = gate()
  let [open, most] = [0, 0]
  const { service, calculated } = office({
    clock,
    concurrency: 2,
    staff: ['e1', 'e2', 'e3', 'e4'],
    async calculate() {
      open += 1
      most = Math.max(most, open)
      await door.pass()
      open -= 1
    },
  })
  const jobs = await Promise.all([
    service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e1' }),
    service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e2' }),
    service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e3' }),
  ])
  await clock.advance(0)
  const call = service.triggerRecalc({ tenantId: RANGE.tenantId, employeeId: 'e4', date: RANGE.from })
  await clock.advance(0)
  expect(calculated).toHaveLength(2)
  door.open()
  await Promise.all([call, ...jobs.map(({ result }) => result)])
  // The call came last, and was served as soon as a unit of work had ended.
  expect(calculated.indexOf('e4 2025-01-01')).toBe(2)
  expect(most).toBe(2)
})
