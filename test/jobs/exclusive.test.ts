import { CooldownError, JobConflictError, JobNotFoundError, type RecalcService } from 'recalc-service'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { office, RANGE } from './support/office.ts'

type Trigger = (service: RecalcService<undefined>, tenantId?: string) => ReturnType<RecalcService['triggerRecalcAsync']>

const all: Trigger = (service, tenantId = 'acme') => service.triggerRecalcAllAsync({ ...RANGE, tenantId })
const batch: Trigger = (service, tenantId = 'acme') =>
  service.triggerRecalcBatchAsync({ ...RANGE, tenantId, employeeIds: ['e1'] })
const range: Trigger = (service, tenantId = 'acme') =>
  service.triggerRecalcRangeAsync({ ...RANGE, tenantId, employeeId: 'e1' })
const day: Trigger = (service, tenantId = 'acme') =>
  service.triggerRecalcAsync({ tenantId, employeeId: 'e1', date: RANGE.from })

describe('exclusive', () => {
  test("'tenant', the default, lets one big job of each tenant in, and names the one that is active", async () => {
    const door = gate()
    const { service } = office({ calculate: () => door.pass() })
    const active = await all(service)
    for (const trigger of [all, batch]) {
      const refused = await trigger(service).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(JobConflictError)
      expect(refused).toMatchObject({ code: 'JOB_CONFLICT', activeJobId: active.id })
    }
    const other = await batch(service, 'another')
    expect(await service.listJobs()).toHaveLength(2)
    door.open()
    await Promise.all([active.result, other.result])
    await (await all(service)).result
  })

  test("'global' lets one big job in", async () => {
    const door = gate()
    const { service } = office({ exclusive: 'global', calculate: () => door.pass() })
    const active = await batch(service)
    await expect(all(service, 'another')).rejects.toMatchObject({ activeJobId: active.id })
    door.open()
    await active.result
    await (await all(service, 'another')).result
  })

  test("'none' lets every job in", async () => {
    const { service } = office({ exclusive: 'none' })
    const jobs = await Promise.all([all(service), all(service), batch(service)])
    for (const job of jobs) expect(await job.result).toMatchObject({ status: 'completed' })
  })

  test.for(['none', 'tenant', 'global'] as const)('%s never keeps a day or a range waiting', async (exclusive) => {
    const door = gate()
    const { service } = office({ exclusive, cooldownMs: 60_000, calculate: () => door.pass() })
    const big = await all(service)
    const small = await Promise.all([day(service), day(service), range(service), range(service)])
    door.open()
    for (const job of [big, ...small]) expect(await job.result).toMatchObject({ status: 'completed' })
  })

  test('of many at once exactly one is let in', async () => {
    const { service } = office()
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => all(service)))
    const [winner, ...others] = attempts.filter((attempt) => attempt.status === 'fulfilled')
    expect(others).toEqual([])
    const activeJobId = winner!.value.id
    for (const attempt of attempts)
      if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ activeJobId })
    await winner!.value.result
  })

  test('a tenant cannot be confused with the global scope', async () => {
    const door = gate()
    const { service, backend, clock } = office({ exclusive: 'global', calculate: () => door.pass() })
    await all(service)
    const perTenant = office({ backend, clock })
    await (await all(perTenant.service, 'global')).result
    door.open()
  })
})

describe('cooldownMs', () => {
  test('counts from when the last big job of the scope was made', async () => {
    const { service, clock } = office({ cooldownMs: 60_000 })
    await (await all(service)).result
    await clock.advance(20_000)
    const refused = await batch(service).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(CooldownError)
    expect(refused).toMatchObject({ code: 'COOLDOWN', retryAfterMs: 40_000 })
    await (await all(service, 'another')).result
    await (await range(service)).result
    await clock.advance(39_999)
    await expect(all(service)).rejects.toMatchObject({ retryAfterMs: 1 })
    await clock.advance(1)
    await (await all(service)).result
    await expect(all(service)).rejects.toMatchObject({ retryAfterMs: 60_000 })
  })

  test('can be longer for one job, never shorter', async () => {
    const { service, clock } = office({ cooldownMs: 60_000 })
    const start = (cooldownMs: number) => service.triggerRecalcAllAsync(RANGE, { cooldownMs })
    await (await start(3_600_000)).result
    await clock.advance(60_000)
    await expect(start(90_000)).rejects.toMatchObject({ retryAfterMs: 30_000 })
    await expect(
      service.triggerRecalcBatchAsync({ ...RANGE, employeeIds: ['e1'] }, { cooldownMs: 60_001 }),
    ).rejects.toMatchObject({ retryAfterMs: 1 })
    await (await start(0)).result
    await clock.advance(59_999)
    await expect(start(0)).rejects.toMatchObject({ retryAfterMs: 1 })
  })

  test('of one job holds for those that exclude each other only', async () => {
    const one = { cooldownMs: 60_000 }
    const { service } = office()
    await (await service.triggerRecalcAllAsync(RANGE, one)).result
    await (await service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e1' }, one)).result
    await (await service.triggerRecalcAllAsync({ ...RANGE, tenantId: 'another' }, one)).result
    const { service: free } = office({ exclusive: 'none' })
    for (const _ of ['first', 'second']) await (await free.triggerRecalcAllAsync(RANGE, one)).result
  })

  test('does not keep anybody from resuming', async () => {
    const { service, failing } = office({ cooldownMs: 60_000 })
    failing.add('e1 2025-01-01')
    const job = await all(service)
    await job.result
    failing.clear()
    expect(await (await service.resumeJob(job.id)).result).toMatchObject({ status: 'completed' })
  })
})

test('jobs are listed newest first, by tenant and status', async () => {
  const { service, failing, clock } = office({ exclusive: 'none' })
  const ids: string[] = []
  for (const tenantId of ['a', 'b', 'a']) {
    if (ids.length === 2) failing.add('e1 2025-01-01')
    const job = await all(service, tenantId)
    await job.result
    ids.push(job.id)
    await clock.advance(1)
  }
  const list = async (query = {}) => (await service.listJobs(query)).map(({ id }) => ids.indexOf(id))
  expect(await list()).toEqual([2, 1, 0])
  expect(await list({ tenantId: 'a' })).toEqual([2, 0])
  expect(await list({ tenantId: 'a', status: 'completed' })).toEqual([0])
  expect(await list({ limit: 2 })).toEqual([2, 1])
})

test('a listed job is what getJob() gives, without the failures that its result lists', async () => {
  const { service, failing } = office()
  failing.add('e1 2025-01-01')
  const job = await all(service)
  await job.result
  const { result, ...alone } = await service.getJob(job.id)
  expect(result?.errors).toHaveLength(1)
  expect(await service.listJobs()).toEqual([{ ...alone, result: { ...result, errors: [] } }])
})

test('jobs of several tenants are listed page by page, and none is hidden or repeated by new ones', async () => {
  const { service, clock } = office({ exclusive: 'none' })
  const ids: string[] = []
  for (const tenantId of ['a', 'b', 'c', 'a', 'b', 'a']) {
    const job = await all(service, tenantId)
    await job.result
    ids.push(job.id)
    await clock.advance(1)
  }
  const numbers = (jobs: readonly { readonly id: string }[]) => jobs.map(({ id }) => ids.indexOf(id))
  const tenantId = ['a', 'b']
  const first = await service.listJobs({ tenantId, limit: 2 })
  expect(numbers(first)).toEqual([5, 4])
  await (await all(service, 'a')).result
  const second = await service.listJobs({ tenantId, limit: 2, after: first.at(-1)!.id })
  expect(numbers(second)).toEqual([3, 1])
  expect(numbers(await service.listJobs({ tenantId, after: second.at(-1)!.id }))).toEqual([0])
  expect(await service.listJobs({ tenantId, after: ids[0]! })).toEqual([])
  expect(await service.listJobs({ tenantId: [] })).toEqual([])
})

test('the page after a job that has been forgotten, or is not of the tenants asked for, is refused', async () => {
  const { service } = office()
  const job = await all(service, 'a')
  await job.result
  for (const query of [
    { after: 'nobody' },
    { after: job.id, tenantId: 'b' },
    { after: job.id, tenantId: ['b', 'c'] },
  ]) {
    await expect(service.listJobs(query)).rejects.toBeInstanceOf(JobNotFoundError)
  }
})
