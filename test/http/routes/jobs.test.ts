import { TenantNotFoundError, tenantStage } from 'recalc-service'
import { expect, test } from 'vitest'
import { gate } from '../../support/gate.ts'
import { ALL, apiUnderTest, KEYS } from '../support/api-under-test.ts'
import { BASE } from '../support/server.ts'

const RELATIVE_URL = new RegExp(`^${BASE}/(status|stream)/[0-9a-f-]{36}$`)

test('a job is started, runs, and tells how it stands', async () => {
  const { client, calculated, service } = await apiUnderTest()
  const started = await client.post('/', { ...ALL, reason: 'new rules' })
  expect(started.status).toBe(201)
  expect(started.body).toEqual({
    job_id: expect.any(String),
    status: 'queued',
    employees: 2,
    total_days: 6,
    estimated_duration_seconds: null,
    stream_url: expect.stringMatching(RELATIVE_URL),
    status_url: expect.stringMatching(RELATIVE_URL),
  })
  expect(started.headers.get('location')).toBe(started.body.status_url)
  expect(started.headers.get('cache-control')).toBe('no-store')
  expect(started.headers.get('x-content-type-options')).toBe('nosniff')
  expect(started.headers.get('access-control-allow-origin')).toBeNull()

  await (await service.openJob(started.body.job_id)).result
  expect(calculated).toHaveLength(6)
  const { status, body } = await client.get(`/status/${started.body.job_id}`)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    job_id: started.body.job_id,
    tenant_id: 'acme',
    kind: 'all',
    status: 'completed',
    start_date: '2025-01-01',
    end_date: '2025-01-03',
    reason: 'new rules',
    stage: 1,
    stage_name: 'dailyCalc',
    stages: [{ number: 1, name: 'dailyCalc', title: 'Recalculating days', status: 'done' }],
    progress: 1,
    processed_days: 6,
    total_days: 6,
    started_at: '2025-01-01T00:00:00.000Z',
    finished_at: '2025-01-01T00:00:00.000Z',
    runs: 1,
    cancel_requested: false,
    elapsed_seconds: 0,
    remaining_seconds: null,
    errors: [],
    error_count: 0,
    stream_url: started.body.stream_url,
  })
})

test('a running job tells its stage, its time and what is left', async () => {
  const { arrived, pass, open } = gate()
  const { client, clock } = await apiUnderTest({
    calculate: (day) => (day === 'e2 2025-01-03' ? pass() : clock.advance(1_000)),
    progressIntervalMs: 0,
  })
  const { body: job } = await client.post('/', ALL)
  await arrived
  const { body } = await client.get(`/status/${job.job_id}`)
  expect(body).toMatchObject({ status: 'running', processed_days: 5, elapsed_seconds: 5, finished_at: null })
  expect(body.progress).toBeCloseTo(5 / 6)
  expect(body.remaining_seconds).toBeCloseTo(1)
  expect(body.stages).toEqual([expect.objectContaining({ status: 'running' })])
  open()
})

test('employee_ids narrows a job down, and an empty list is nobody', async () => {
  const { client, calculated } = await apiUnderTest()
  const some = await client.post('/', { ...ALL, employee_ids: ['e2', 'e2'] })
  expect(some.body).toMatchObject({ employees: 1, total_days: 3 })
  await client.heard(some.body.job_id)
  expect(calculated.every((day) => day.startsWith('e2 '))).toBe(true)
  const none = await client.post('/', { ...ALL, employee_ids: [] })
  expect(none.body).toMatchObject({ employees: 0, total_days: 0 })
  await client.heard(none.body.job_id)
  expect(calculated).toHaveLength(3)
})

test('tables: ["all"] is everything, and an unknown table is refused by the name it has in the body', async () => {
  const { client } = await apiUnderTest()
  const all = await client.post('/', { ...ALL, tables: ['all'] })
  expect(all.body.total_days).toBe(6)
  const unknown = await client.post('/estimate', { ...ALL, tables: ['scores'] })
  expect(unknown.status).toBe(400)
  expect(unknown.body.errors).toEqual([{ field: 'tables', message: expect.stringContaining('"scores"') }])
})

test('an estimate tells size and time, and starts nothing', async () => {
  const { client, clock, calculated } = await apiUnderTest({ calculate: () => clock.advance(500) })
  expect((await client.post('/estimate', ALL)).body).toEqual({
    employees: 2,
    total_days: 6,
    estimated_duration_seconds: null,
  })
  expect(calculated).toEqual([])
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)
  const { body } = await client.post('/estimate', { ...ALL, employee_ids: ['e1'] })
  expect(body).toEqual({ employees: 1, total_days: 3, estimated_duration_seconds: 1.5 })
})

test('one day is recalculated while the caller waits', async () => {
  const { client, calculated } = await apiUnderTest()
  const { status, body } = await client.post('/day', { tenant_id: 'acme', employee_id: 'e1', date: '2025-03-30' })
  expect(status).toBe(200)
  expect(body).toMatchObject({ status: 'completed', total_days: 1, processed_days: 1, errors: [], error_count: 0 })
  expect(calculated).toEqual(['e1 2025-03-30'])
})

test('a day that fails is a problem that carries the result', async () => {
  const { client, failing } = await apiUnderTest()
  failing.add('e1 2025-03-30')
  const { status, body } = await client.post('/day', { tenant_id: 'acme', employee_id: 'e1', date: '2025-03-30' })
  expect(status).toBe(422)
  expect(body).toMatchObject({ code: 'RECALC_FAILED', result: { status: 'failed', failed_days: 1, error_count: 1 } })
  expect(body.detail).toBe('The day could not be recalculated: no hours for e1 2025-03-30')
  expect(body.result.errors).toEqual([
    {
      employee_id: 'e1',
      date: '2025-03-30',
      through: '2025-03-30',
      stage: 'dailyCalc',
      code: 'RangeError',
      message: 'no hours for e1 2025-03-30',
      attempts: 1,
    },
  ])
})

test('failures and employees come in pages', async () => {
  const { client, failing } = await apiUnderTest({ staff: ['e1', 'e2', 'e3'] })
  for (const day of ['e1 2025-01-01', 'e1 2025-01-03', 'e3 2025-01-02']) failing.add(day)
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)

  const status = await client.get(`/status/${job.job_id}`)
  expect(status.body).toMatchObject({ status: 'completed_with_errors', failed_days: 3, error_count: 3 })
  const first = await client.get(`/errors/${job.job_id}?limit=2`)
  expect(first.body.errors).toHaveLength(2)
  const second = await client.get(`/errors/${job.job_id}?limit=2&after=${first.body.next}`)
  expect(second.body).toMatchObject({ errors: [expect.any(Object)], next: null })
  expect([...first.body.errors, ...second.body.errors]).toEqual(status.body.errors)

  const grid = await client.get(`/employees/${job.job_id}?limit=2`)
  expect(grid.body).toMatchObject({ start_date: '2025-01-01', end_date: '2025-01-03', next: 'e2' })
  expect(grid.body.employees).toEqual([
    {
      employee_id: 'e1',
      name: 'Employee e1',
      dates_done: 3,
      failed_dates: ['2025-01-01', '2025-01-03'],
      blocked_from: null,
      closed: [],
    },
    { employee_id: 'e2', name: 'Employee e2', dates_done: 3, failed_dates: [], blocked_from: null, closed: [] },
  ])
  const rest = await client.get(`/employees/${job.job_id}?after=e2`)
  expect(rest.body).toMatchObject({ employees: [{ employee_id: 'e3' }], next: null })
})

test('what failed of one employee comes by itself, in pages, and nobody else’s', async () => {
  const { client, failing } = await apiUnderTest({ staff: ['e1', 'e2'] })
  for (const day of ['e1 2025-01-01', 'e1 2025-01-02', 'e1 2025-01-03', 'e2 2025-01-02']) failing.add(day)
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)
  const first = await client.get(`/errors/${job.job_id}?employee_id=e1&limit=2`)
  const second = await client.get(`/errors/${job.job_id}?employee_id=e1&limit=2&after=${first.body.next}`)
  expect(second.body.next).toBeNull()
  const all = [...first.body.errors, ...second.body.errors]
  expect(all.map(({ employee_id, message }) => [employee_id, message])).toEqual([
    ['e1', 'no hours for e1 2025-01-01'],
    ['e1', 'no hours for e1 2025-01-02'],
    ['e1', 'no hours for e1 2025-01-03'],
  ])
  const everybody = (await client.get(`/errors/${job.job_id}`)).body.errors as readonly { employee_id: string }[]
  expect(all).toEqual(everybody.filter(({ employee_id }) => employee_id === 'e1'))
  const nobody = await client.get(`/errors/${job.job_id}?employee_id=nobody`)
  expect(nobody.body).toEqual({ errors: [], next: null })
  expect((await client.get(`/errors/${job.job_id}?employee_id=`)).status).toBe(400)
})

test.each(['jobs', 'errors', 'employees'])(
  'the longest page that is described is one that %s gives',
  async (resource) => {
    const { client } = await apiUnderTest()
    const { body: job } = await client.post('/', ALL)
    await client.heard(job.job_id)
    const path = resource === 'jobs' ? '/jobs' : `/${resource}/${job.job_id}`
    const { paths } = (await client.get('/openapi.json')).body
    const described = paths[`${BASE}${path.replace(job.job_id, '{job_id}')}`].get.parameters
    const { maximum } = described.find(({ name }: { name: string }) => name === 'limit').schema
    expect((await client.get(`${path}?limit=${maximum}`)).status).toBe(200)
    expect((await client.get(`${path}?limit=${maximum + 1}`)).status).toBe(400)
  },
)

test('a page of employees stays small when every day of everybody fails, and the next one goes on behind it', async () => {
  const staff = Array.from({ length: 40 }, (_, i) => `e${i + 10}`)
  const { client } = await apiUnderTest({
    staff,
    maxDays: 1_000,
    calculate: (day) => {
      throw new RangeError(`${day} ${'x'.repeat(400)}`)
    },
  })
  const { body: job } = await client.post('/', { ...ALL, start_date: '2024-01-01', end_date: '2024-12-31' })
  await client.heard(job.job_id)
  const seen: string[] = []
  let after = ''
  do {
    const { body, text } = await client.get(`/employees/${job.job_id}?limit=200${after}`)
    expect(text.length).toBeLessThan(100_000)
    for (const { employee_id: id, failed_dates: failed } of body.employees) {
      seen.push(id)
      expect(failed).toHaveLength(366)
    }
    after = body.next === null ? '' : `&after=${body.next}`
  } while (after !== '')
  expect(seen).toEqual(staff)
})

test('a job says who wanted it to end and why, and a list says so, too', async () => {
  const { arrived, pass, open } = gate()
  const { client, service } = await apiUnderTest({ calculate: () => pass() })
  const { body: job } = await client.post('/', ALL)
  await arrived
  expect((await client.get(`/status/${job.job_id}`)).body).toMatchObject({ cancel_reason: null, error: null })
  await client.post(`/cancel/${job.job_id}`, { reason: 'wrong month' })
  open()
  await (await service.openJob(job.job_id)).result
  const { body } = await client.get(`/status/${job.job_id}`)
  expect(body).toMatchObject({ status: 'cancelled', cancel_requested: true, cancel_reason: 'wrong month', error: null })
  expect((await client.get('/jobs')).body.jobs).toEqual([expect.objectContaining({ cancel_reason: 'wrong month' })])
})

test('a job says what made it fail, in the words of the library', async () => {
  const employees = { listEmployees: async () => [{ id: '' }], countEmployees: async () => 1 }
  const { client } = await apiUnderTest({ employees })
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)
  const { body } = await client.get(`/status/${job.job_id}`)
  expect(body).toMatchObject({ status: 'failed', error: { code: 'CONTRACT', message: expect.stringContaining('id') } })
})

test('a tenant that the host does not know is a 404, not a fault', async () => {
  const zone = (tenantId: string) => {
    if (tenantId !== 'acme') throw new TenantNotFoundError(tenantId)
    return 'Europe/Berlin'
  }
  const { client, log } = await apiUnderTest({ zone })
  const admin = client.as(KEYS.admin)
  const day = { tenant_id: 'nobody', employee_id: 'e1', date: '2025-01-01' }
  for (const answer of [
    await admin.post('/', { ...ALL, tenant_id: 'nobody' }),
    await admin.post('/estimate', { ...ALL, tenant_id: 'nobody' }),
    await admin.post('/day', day),
  ]) {
    expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
      404,
      'TENANT_NOT_FOUND',
      'There is no such tenant',
    ])
  }
  expect(log).toEqual([])
  // Nobody learns which tenants there are from credentials that do not cover them.
  expect((await client.post('/day', day)).status).toBe(403)
  expect((await client.post('/estimate', ALL)).status).toBe(200)
})

test('jobs come newest first, in pages, by tenant and by status', async () => {
  const { client, failing } = await apiUnderTest({ exclusive: 'none' })
  const ids: string[] = []
  for (let i = 0; i < 5; i++) {
    if (i === 2) failing.add('e1 2025-01-01')
    const { body } = await client.post('/', ALL)
    await client.heard(body.job_id)
    ids.unshift(body.job_id)
  }
  const idsOf = (body: { jobs: readonly { job_id: string }[] }) => body.jobs.map(({ job_id }) => job_id)
  const first = await client.get('/jobs?limit=2')
  const second = await client.get(`/jobs?limit=2&after=${first.body.next}`)
  const third = await client.get(`/jobs?limit=2&after=${second.body.next}&tenant_id=acme`)
  expect([first, second, third].flatMap(({ body }) => idsOf(body))).toEqual(ids)
  expect(third.body.next).toBeNull()
  expect(idsOf((await client.get('/jobs?status=completed')).body)).toEqual(ids.slice(3))
  expect(idsOf((await client.get('/jobs?status=running')).body)).toEqual([])
})

test('a job is cancelled, with the stage that it was in, and taken up again', async () => {
  const { arrived, pass, open } = gate()
  const { client, calculated } = await apiUnderTest({ calculate: () => pass(), block: { employees: 1, days: 1 } })
  const { body: job } = await client.post('/', ALL)
  await arrived
  const cancelled = await client.post(`/cancel/${job.job_id}`, { reason: 'wrong month' })
  expect(cancelled).toMatchObject({ status: 200, body: { cancelled: true, stage_at_cancel: 'dailyCalc' } })
  expect((await client.get(`/status/${job.job_id}`)).body.cancel_requested).toBe(true)
  open()
  const heard = await client.heard(job.job_id)
  expect(heard.at(-1)).toMatchObject({ event: 'cancelled', value: { reason: 'wrong month' } })
  const status = await client.get(`/status/${job.job_id}`)
  expect(status.body.stages).toEqual([expect.objectContaining({ status: 'stopped' })])
  expect((await client.post(`/cancel/${job.job_id}`)).body.cancelled).toBe(false)

  const resumed = await client.post(`/resume/${job.job_id}`)
  expect(resumed).toMatchObject({
    status: 202,
    body: { job_id: job.job_id, status: 'running', stream_url: job.stream_url, status_url: job.status_url },
  })
  await client.heard(job.job_id)
  expect((await client.get(`/status/${job.job_id}`)).body).toMatchObject({ status: 'completed', runs: 2 })
  expect(new Set(calculated).size).toBe(6)
  expect(calculated).toHaveLength(6)
})

test('a complete job cannot be taken up again', async () => {
  const { client } = await apiUnderTest()
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)
  const { status, body } = await client.post(`/resume/${job.job_id}`, {})
  expect([status, body.code]).toEqual([409, 'NOT_RESUMABLE'])
})

test('while a job runs another is refused with the id of the first', async () => {
  const { arrived, pass, open } = gate()
  const { client } = await apiUnderTest({ calculate: () => pass() })
  const first = await client.post('/', ALL)
  await arrived
  const { status, body } = await client.post('/', ALL)
  expect([status, body.code, body.active_job_id]).toEqual([409, 'JOB_CONFLICT', first.body.job_id])
  open()
})

test('within the cooldown, five minutes unless told otherwise, another job is refused until it is over', async () => {
  const { client, clock } = await apiUnderTest({ http: { cooldownMs: undefined } })
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)
  await clock.advance(1_500)
  const refused = await client.post('/', ALL)
  expect([refused.status, refused.body.code, refused.body.retry_after_seconds]).toEqual([429, 'COOLDOWN', 299])
  expect(refused.headers.get('retry-after')).toBe('299')
  await clock.advance(298_500)
  expect((await client.post('/', ALL)).status).toBe(201)
})

test('a caller learns what it may do, and which tables there are', async () => {
  const summary = {
    name: 'summary',
    title: 'Summing up',
    reads: [],
    writes: ['summaries', 'totals'],
    run: async () => {},
  }
  const { client } = await apiUnderTest({ stages: [tenantStage(summary)] })
  const tables = ['summaries', 'totals']
  expect((await client.get('/me')).body).toEqual({ tenants: ['acme'], actions: '*', expires_at: null, tables })
  expect((await client.as(KEYS.admin).get('/me')).body).toEqual({
    tenants: '*',
    actions: '*',
    expires_at: null,
    tables,
  })
  const reader = { tenants: ['acme'], actions: ['read'], expires_at: null, tables }
  expect((await client.as(KEYS.reader).get('/me')).body).toEqual(reader)
  const dailyCalc = await apiUnderTest()
  expect((await dailyCalc.client.get('/me')).body.tables).toEqual([])
})
