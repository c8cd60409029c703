import { expect, test } from 'vitest'
import { ALL, apiUnderTest, KEYS } from '../support/api-under-test.ts'

const KEY = { 'Idempotency-Key': 'a-key-of-mine' }

test('a repeated request gets the very same answer, whatever became of its job, and starts nothing', async () => {
  const { client, clock, calculated } = await apiUnderTest({ calculate: () => clock.advance(1_000) })
  const first = await client.post('/', ALL, KEY)
  expect(first.status).toBe(201)
  const during = await client.post('/', ALL, KEY)
  expect([during.status, during.text]).toEqual([201, first.text])
  await client.heard(first.body.job_id)
  // By now there is a finished job to estimate by.
  expect((await client.post('/estimate', ALL)).body.estimated_duration_seconds).not.toBeNull()
  const after = await client.post('/', ALL, KEY)
  expect([after.status, after.text]).toEqual([201, first.text])
  expect(after.headers.get('location')).toBe(first.headers.get('location'))
  expect((await client.get('/jobs')).body.jobs).toHaveLength(1)
  expect(calculated).toHaveLength(6)
})

test('many at once start one job', async () => {
  const { client } = await apiUnderTest()
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.post('/', ALL, KEY)))
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
  expect((await client.get('/jobs')).body.jobs).toHaveLength(1)
})

test.each([
  { ...ALL, end_date: '2025-01-04' },
  { ...ALL, employee_ids: ['e1'] },
  { ...ALL, reason: 'another' },
  { ...ALL, clear_existing: false },
])('the same key with another request is refused: %j', async (other) => {
  const { client } = await apiUnderTest()
  const first = await client.post('/', ALL, KEY)
  const { status, body } = await client.post('/', other, KEY)
  expect([status, body.code, body.job_id]).toEqual([422, 'IDEMPOTENCY_CONFLICT', first.body.job_id])
})

test('keys of two tenants are no business of each other', async () => {
  const { client } = await apiUnderTest()
  const acme = await client.post('/', ALL, KEY)
  const globex = await client.as(KEYS.globex).post('/', { ...ALL, tenant_id: 'globex' }, KEY)
  expect([acme.status, globex.status]).toEqual([201, 201])
  expect(globex.body.job_id).not.toBe(acme.body.job_id)
})

test.each(['', ' ', 'a b', 'a'.repeat(256), 'schl\u00fcssel'])('refuses the key %j', async (key) => {
  const { client, calculated } = await apiUnderTest()
  const { status, body } = await client.post('/', ALL, { 'Idempotency-Key': key })
  expect([status, body.errors[0].field]).toEqual([400, 'idempotency-key'])
  expect(calculated).toEqual([])
})
