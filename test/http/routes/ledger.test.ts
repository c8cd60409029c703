import { createRecalcApi } from 'recalc-service/http'
import { expect, test } from 'vitest'
import { office } from '../../jobs/support/office.ts'
import { gate } from '../../support/gate.ts'
import { settled } from '../../support/settled.ts'
import { apiUnderTest, authorize, KEYS } from '../support/api-under-test.ts'
import { BASE } from '../support/server.ts'

const day = (date: string) => ({ dates: { from: date, to: date } })

async function withChanges(options: Parameters<typeof apiUnderTest>[0] = {}) {
  const under = await apiUnderTest(options)
  const note = (tenantId: string, employeeId: string, date: string) =>
    under.service.noteChange(undefined, { tenantId, employeeId, table: 'hours', ...day(date) })
  return { ...under, note }
}

test('tells how fresh the caller’s tenants are, or one of them', async () => {
  const { client, note, clock } = await withChanges()
  await note('acme', 'e1', '2025-01-01')
  await note('acme', 'e2', '2025-01-01')
  await note('globex', 'e1', '2025-01-01')
  const acme = {
    tenant_id: 'acme',
    dirty_employees: 2,
    changes: 2,
    oldest_at: new Date(clock.now()).toISOString(),
    failing: 0,
    held: 0,
  }
  expect((await client.get('/freshness')).body).toEqual({ tenants: [acme], more: false })
  expect((await client.get('/freshness?tenant_id=acme')).body.tenants).toEqual([acme])
  const admin = client.as(KEYS.admin)
  expect((await admin.get('/freshness')).body.tenants).toMatchObject([acme, { tenant_id: 'globex', changes: 1 }])
  await client.post('/settle', { tenant_id: 'acme' })
  expect((await client.get('/freshness')).body.tenants).toMatchObject([{ changes: 0, oldest_at: null }])
  expect((await admin.get('/freshness')).body.tenants).toMatchObject([{ tenant_id: 'globex' }])
})

test('tells of so many tenants only that there are more', async () => {
  const { client, note } = await withChanges()
  for (let i = 0; i < 51; i++) await note(`t${i}`, 'e1', '2025-01-01')
  const { tenants, more } = (await client.as(KEYS.admin).get('/freshness')).body
  expect([tenants.length, more]).toEqual([50, true])
})

test('settles an employee or a tenant, and says what came of it', async () => {
  const { client, note, calculated, failing } = await withChanges()
  await note('acme', 'e1', '2025-01-01')
  await note('acme', 'e2', '2025-01-02')
  failing.add('e2 2025-01-02')
  const one = await client.post('/settle', { tenant_id: 'acme', employee_id: 'e1' })
  expect([one.status, one.body]).toEqual([200, { settled: true, days: 1, failed: 0, failed_stages: [] }])
  expect(calculated).toEqual(['e1 2025-01-01'])
  const all = await client.post('/settle', { tenant_id: 'acme' })
  expect(all.body).toEqual({ settled: true, days: 1, failed: 1, failed_stages: [] })
})

test('lists what fails with its error, page by page', async () => {
  const { client, note, failing, clock } = await withChanges({
    http: { describeFailure: ({ code, message }) => `${code}: ${message}` },
  })
  for (const date of ['2025-01-01', '2025-01-02', '2025-01-03']) await note('acme', 'e1', date)
  failing.add('e1 2025-01-02')
  await client.post('/settle', { tenant_id: 'acme' })
  await note('acme', 'e2', '2025-01-03')
  const first = (await client.get('/dirty?tenant_id=acme&limit=1')).body
  expect(first.changes).toEqual([
    {
      id: expect.any(Number),
      employee_id: 'e1',
      state: 'failing',
      table: null,
      stage: null,
      at: [],
      start_date: '2025-01-02',
      end_date: '2025-01-02',
      attempts: 1,
      code: 'RangeError',
      message: 'RangeError: no hours for e1 2025-01-02',
      noted_at: new Date(clock.now()).toISOString(),
      due_at: new Date(clock.now() + 1_000).toISOString(),
    },
  ])
  expect(first.next).toBe(first.changes[0].id)
  const second = (await client.get(`/dirty?tenant_id=acme&limit=1&after=${first.next}`)).body
  expect(second).toMatchObject({
    changes: [{ employee_id: 'e2', state: 'waiting', table: 'hours', start_date: '2025-01-03', due_at: null }],
    next: null,
  })
  expect((await client.get('/dirty?tenant_id=acme&state=held')).body.changes).toEqual([])
})

test('what a database says about itself stays inside', async () => {
  const { client, note } = await withChanges({
    calculate: () => {
      throw Object.assign(new Error("select secret from 'x'"), { code: 'ER_BAD_FIELD_ERROR' })
    },
  })
  await note('acme', 'e1', '2025-01-01')
  await client.post('/settle', { tenant_id: 'acme' })
  const { text } = await client.get('/dirty?tenant_id=acme')
  expect(text).toContain('ER_BAD_FIELD_ERROR')
  expect(text).not.toContain('secret')
})

test('releases what is held', async () => {
  const closed = new Map([['e1', '2025-01-31']])
  const { client, note, calculated } = await withChanges({ closedPeriods: { closedThrough: async () => closed } })
  await note('acme', 'e1', '2025-01-01')
  await client.post('/settle', { tenant_id: 'acme' })
  expect((await client.get('/freshness')).body.tenants).toMatchObject([{ held: 1 }])
  expect((await client.get('/dirty?tenant_id=acme&state=held')).body.changes).toMatchObject([{ attempts: 1 }])
  closed.clear()
  expect((await client.post('/release', { tenant_id: 'acme', employee_id: 'e2' })).body).toEqual({ released: 0 })
  expect((await client.post('/release', { tenant_id: 'acme' })).body).toEqual({ released: 1 })
  await client.post('/settle', { tenant_id: 'acme' })
  expect(calculated).toEqual(['e1 2025-01-01'])
})

test.each([
  ['POST', '/settle', { employee_id: 'e1' }],
  ['POST', '/settle', { tenant_id: 'acme', employee_id: '' }],
  ['POST', '/release', {}],
  ['GET', '/dirty', undefined],
  ['GET', '/dirty?tenant_id=acme&state=done', undefined],
  ['GET', '/dirty?tenant_id=acme&limit=501', undefined],
  ['GET', '/freshness?tenant_id=', undefined],
] as const)('refuses %s %s with %j', async (method, path, body) => {
  const { client } = await withChanges()
  const answer = method === 'GET' ? await client.get(path) : await client.post(path, body)
  expect([answer.status, answer.body.code]).toEqual([400, 'INVALID_REQUEST'])
})

test('a client that goes ends its settle: what is in flight ends, nothing more is begun, and nothing is lost', async () => {
  const { arrived, pass, open } = gate()
  const { service, clock, calculated } = office({ calculate: () => pass() })
  const { fetch } = createRecalcApi(service, { authorize, clock })
  await service.noteChange(undefined, {
    tenantId: 'acme',
    employeeId: 'e1',
    table: 'hours',
    dates: { from: '2025-01-01', to: '2025-01-02' },
  })
  const client = new AbortController()
  const answer = fetch(settleRequest(client.signal))
  await arrived
  client.abort()
  expect((await answer).status).toBe(202)
  open()
  await settled()
  expect(calculated).toEqual(['e1 2025-01-01'])
  expect(await service.listDirty({ tenantId: 'acme' })).toMatchObject([{ content: { days: [20_090, 20_090] } }])
  await service.stop()
})

test('nobody is kept waiting for longer than 25 seconds', async () => {
  const { arrived, pass, open } = gate()
  const { service, clock } = office({ calculate: () => pass() })
  const { fetch } = createRecalcApi(service, { authorize, clock })
  await service.noteChange(undefined, { tenantId: 'acme', employeeId: 'e1', table: 'hours', ...day('2025-01-01') })
  const answer = fetch(settleRequest(new AbortController().signal))
  await arrived
  await clock.advance(25_000)
  expect(await (await answer).json()).toEqual({ settled: false })
  open()
  await settled()
  await service.stop()
  expect(clock.pending).toBe(0)
})

function settleRequest(signal: AbortSignal): Request {
  return new Request(`http://localhost${BASE}/settle`, {
    method: 'POST',
    headers: { 'X-API-Key': KEYS.acme, 'Content-Type': 'application/json' },
    body: JSON.stringify({ tenant_id: 'acme' }),
    signal,
  })
}
