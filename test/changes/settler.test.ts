import { memoryBackend } from 'recalc-service'
import { expect, onTestFinished, test } from 'vitest'
import type { ChangeLedger } from '../../src/changes/change-ledger.ts'
import { type Office, office } from '../jobs/support/office.ts'
import { gate } from '../support/gate.ts'
import { settled } from '../support/settled.ts'

type Options = NonNullable<Parameters<typeof office>[0]>

/** An office that settles in the background, and one beside it that only notes: its changes have to be looked for. */
function offices(options: Options = {}) {
  const backend = options.backend ?? memoryBackend()
  const settling = office({ ...options, backend })
  const noting = office({ backend, clock: settling.clock })
  onTestFinished(async () => {
    await settling.service.stop()
    await noting.service.stop()
  })
  return { ...settling, noting }
}

/** A ledger that does not answer while it is silent, but within units of work. */
function silentable(
  ledger: ReturnType<typeof memoryBackend>['changes'],
  isSilent: () => boolean,
): ChangeLedger<undefined> {
  if (!ledger) throw new Error('Expected a ledger')
  const inUnitOfWork = ['note', 'read', 'readWaiting', 'update', 'isEmpty', 'watch']
  return new Proxy(ledger, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (inUnitOfWork.includes(String(name)) || !isSilent()) return member.bind(target)
      return () => new Promise(() => {})
    },
  })
}

const note = ({ service }: Pick<Office, 'service'>, employeeId: string, from: string, to = from, tenantId = 'acme') =>
  service.noteChange(undefined, { tenantId, employeeId, table: 'hours', dates: { from, to } })

test('changes of the own process are settled at once, those of others within `intervalMs`', async () => {
  const { noting, calculated, clock, ...own } = offices({ settle: { intervalMs: 500 } })
  await own.service.start()
  await clock.advance(0)
  await note(own, 'e1', '2025-01-01')
  await clock.advance(2)
  expect(calculated).toEqual(['e1 2025-01-01'])
  await note(noting, 'e2', '2025-01-01')
  await clock.advance(400)
  expect(calculated).toHaveLength(1)
  await clock.advance(100)
  expect(calculated).toEqual(['e1 2025-01-01', 'e2 2025-01-01'])
})

test('more dirty days of a tenant than `jobAbove` become a job that people see; the days are calculated once', async () => {
  const { noting, calculated, clock, service } = offices({ settle: { jobAbove: 5 } })
  for (const employeeId of ['e1', 'e2']) await note(noting, employeeId, '2025-01-01', '2025-01-03')
  await service.start()
  await clock.advance(1_000)
  const jobs = await service.listJobs({ tenantId: 'acme' })
  expect(jobs).toMatchObject([{ status: 'completed', reason: 'Many days have changed', processedDays: 6 }])
  expect(calculated).toHaveLength(6)
  expect(await service.freshness()).toMatchObject({ changes: 0 })
})

test('the log line of many dirty days names their range by dates', async () => {
  const lines = new Map<string, object>()
  const onLog = (message: string, fields: object) => void lines.set(message, fields)
  const { noting, clock, service } = offices({ settle: { jobAbove: 2 }, onLog })
  await note(noting, 'e1', '2025-01-01', '2025-01-03')
  await service.start()
  await clock.advance(1_000)
  expect(lines.get('Many dirty days have become a job')).toMatchObject({ from: '2025-01-01', to: '2025-01-03' })
})

test('as many dirty days as `jobAbove` are settled without a job', async () => {
  const { noting, calculated, clock, service } = offices({ settle: { jobAbove: 6 } })
  for (const employeeId of ['e1', 'e2']) await note(noting, employeeId, '2025-01-01', '2025-01-03')
  await service.start()
  await clock.advance(1_000)
  expect(await service.listJobs()).toEqual([])
  expect(calculated).toHaveLength(6)
})

test('a burst is settled once, `quietMs` after its last change', async () => {
  const { noting, calculated, clock, service } = offices({ settle: { quietMs: 5_000, intervalMs: 100 } })
  await service.start()
  for (let change = 0; change < 4; change++) {
    await note(noting, 'e1', '2025-01-01', `2025-01-0${change + 1}`)
    await clock.advance(4_000)
    expect(calculated).toEqual([])
  }
  await clock.advance(1_200)
  expect(calculated).toEqual(['e1 2025-01-01', 'e1 2025-01-02', 'e1 2025-01-03', 'e1 2025-01-04'])
})

test('a change that was noted by a clock that goes wrong is not waited for until that time comes', async () => {
  const { calculated, clock, service, backend } = offices({ settle: { quietMs: 5_000, intervalMs: 100 } })
  const noting = office({ backend })
  await noting.clock.advance(86_400_000)
  await note(noting, 'e1', '2025-01-01')
  await service.start()
  await clock.advance(5_000)
  expect(calculated).toEqual(['e1 2025-01-01'])
  await noting.service.stop()
})

test('a burst that does not end is settled all the same, after ten quiet times', async () => {
  const { noting, calculated, clock, service } = offices({ settle: { quietMs: 5_000, intervalMs: 100 } })
  await service.start()
  for (let change = 0; change < 12; change++) {
    await note(noting, 'e1', '2025-01-01', `2025-01-${change + 10}`)
    await clock.advance(4_000)
    expect([change, calculated.length > 0]).toEqual([change, change >= 12])
  }
  await note(noting, 'e1', '2025-01-01')
  await clock.advance(4_000)
  expect(calculated.length).toBeGreaterThan(0)
})

test('a tenant with a thousand dirty employees keeps one with three waiting for three turns, not for all of them', async () => {
  const { noting, calculated, clock, service } = offices({ settle: { jobAbove: 1_000_000 }, concurrency: 1 })
  for (let i = 0; i < 1_000; i++) await note(noting, `big${i}`, '2025-01-01', '2025-01-01', 'big')
  for (let i = 0; i < 3; i++) await note(noting, `small${i}`, '2025-01-01', '2025-01-01', 'small')
  await service.start()
  await clock.advance(0)
  await expect.poll(() => calculated.filter((day) => day.startsWith('small')).length).toBe(3)
  const last = calculated.findIndex((day) => day.startsWith('small2'))
  // Two turns at once, each of one employee.
  expect(last).toBeLessThanOrEqual(10)
})

test('`stop` lets the block in flight commit, settles nothing more, and leaves the rest noted', async () => {
  const { arrived, pass, open } = gate()
  const { noting, calculated, clock, service } = offices({ concurrency: 1, calculate: () => pass() })
  for (const date of ['2025-01-01', '2025-01-02']) await note(noting, 'e1', date)
  await note(noting, 'e2', '2025-01-01')
  await service.start()
  const started = clock.advance(0)
  await arrived
  const stopped = service.stop()
  open()
  await Promise.all([stopped, started])
  expect(calculated).toEqual(['e1 2025-01-01'])
  const left = await noting.service.listDirty({ tenantId: 'acme' })
  expect(left.map(({ employeeId }) => employeeId).toSorted()).toEqual(['e1', 'e2'])
  await clock.advance(100_000)
  expect(calculated).toHaveLength(1)
})

test('a day that fails is tried again after pauses that double, is listed meanwhile, and holds up no other', async () => {
  const { noting, calculated, clock, service, failing } = offices({ settle: { intervalMs: 10 } })
  failing.add('e1 2025-01-01')
  await note(noting, 'e1', '2025-01-01', '2025-01-02')
  await service.start()
  await clock.advance(20)
  expect(calculated).toContain('e1 2025-01-02')
  const triedAt: number[] = []
  for (let passed = 20; passed < 40_000; passed += 10) {
    const before = calculated.length
    await clock.advance(10)
    if (calculated.length > before) triedAt.push(Math.round(passed / 1_000))
  }
  expect(triedAt).toEqual([1, 3, 7, 15, 31])
  expect(await service.listDirty({ tenantId: 'acme', state: 'failing' })).toMatchObject([
    { employeeId: 'e1', attempts: 6, error: { code: 'RangeError', message: 'no hours for e1 2025-01-01' } },
  ])
  failing.clear()
  await clock.advance(33_000)
  expect(await service.freshness()).toMatchObject({ changes: 0, failing: 0 })
})

test('a job takes the changes of its days with it, those of other days stay', async () => {
  const { noting, calculated, service } = offices()
  await note(noting, 'e1', '2025-01-01', '2025-01-05')
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-03' })
  await job.result
  expect(calculated).toHaveLength(6)
  expect(await service.settle({ tenantId: 'acme' })).toEqual({ days: 2, failed: 0, failedStages: [] })
  expect(calculated.slice(6)).toEqual(['e1 2025-01-04', 'e1 2025-01-05'])
})

test('a synchronous trigger takes the changes of its day with it', async () => {
  const { noting, calculated, service } = offices()
  await note(noting, 'e1', '2025-01-01')
  await service.triggerRecalc({ tenantId: 'acme', employeeId: 'e1', date: '2025-01-01' })
  expect(await service.settle({ tenantId: 'acme' })).toEqual({ days: 0, failed: 0, failedStages: [] })
  expect(calculated).toEqual(['e1 2025-01-01'])
})

test('a trigger that fails on a day that is failing already leaves its change noted', async () => {
  const { noting, failing, service } = offices()
  failing.add('e1 2025-01-01')
  await note(noting, 'e1', '2025-01-01')
  await service.settle({ tenantId: 'acme' })
  const day = { tenantId: 'acme', employeeId: 'e1', date: '2025-01-01' }
  await expect(service.triggerRecalc(day)).rejects.toMatchObject({ code: 'RECALC_FAILED' })
  expect(await service.listDirty({ tenantId: 'acme' })).toMatchObject([{ state: 'failing', attempts: 2 }])
})

test('who waits for a settle that `stop` ends is told', async () => {
  const { arrived, pass, open } = gate()
  const { noting, service } = offices({ concurrency: 1, calculate: () => pass() })
  await note(noting, 'e1', '2025-01-01', '2025-01-02')
  const settling = service.settle({ tenantId: 'acme' })
  await arrived
  const stopped = service.stop()
  open()
  await expect(settling).rejects.toMatchObject({ code: 'SERVICE_STOPPED' })
  await stopped
  await settled()
  expect(await noting.service.freshness()).toMatchObject({ changes: 1 })
})

test('a ledger that does not answer keeps nobody waiting, and is asked again', async () => {
  const whole = memoryBackend()
  let isSilent = false
  const changes = silentable(whole.changes, () => isSilent)
  const { noting, calculated, clock, service } = offices({ backend: { ...whole, changes }, leaseMs: 5_000 })
  await service.start()
  await clock.advance(0)
  await note(noting, 'e1', '2025-01-01')
  isSilent = true
  const tenant = { tenantId: 'acme' }
  const calls = [
    service.settle(tenant),
    service.freshness(),
    service.listDirty(tenant),
    service.listDirtyTenants(),
    service.releaseHeld(tenant),
  ]
  const outcomes = Promise.all(calls.map((call) => call.catch((error: unknown) => error)))
  await clock.advance(5_000)
  const late = expect.objectContaining({
    code: 'CALL_TIMEOUT',
    message: expect.stringContaining('the ledger of changes'),
  })
  expect(await outcomes).toEqual(calls.map(() => late))
  expect(calculated).toEqual([])
  isSilent = false
  await clock.advance(10_000)
  expect(calculated).toEqual(['e1 2025-01-01'])
})
