import { apiKeys } from 'recalc-service/http'
import { expect, test, vi } from 'vitest'
import { apiUnderTest } from '../support/api-under-test.ts'

const HOUR = 3_600_000
const everything = { tenants: ['acme'], actions: '*' } as const

test('a key is known until it expires, and tells until when', async () => {
  const expiresAt = new Date('2025-01-01T01:00:00Z')
  const { client, clock } = await apiUnderTest({
    http: { authorize: apiKeys({ 'key-of-acme': { ...everything, expiresAt }, 'another-key': everything }) },
  })
  expect((await client.get('/me')).body.expires_at).toBe('2025-01-01T01:00:00.000Z')
  await clock.advance(HOUR - 1)
  expect((await client.get('/me')).status).toBe(200)
  await clock.advance(1)
  const { status, body, headers } = await client.get('/me')
  expect([status, body.code, body.detail]).toEqual([401, 'UNAUTHORIZED', 'These credentials have expired'])
  expect(headers.get('www-authenticate')).toBe('ApiKey header="X-API-Key"')
  expect((await client.as('another-key').get('/me')).body.expires_at).toBeNull()
})

test('a key that is changed afterwards by the host expires as it was configured', async () => {
  const expiresAt = new Date('2025-01-01T01:00:00Z')
  const authorize = apiKeys({ 'key-of-acme': { ...everything, expiresAt } })
  const { client, clock } = await apiUnderTest({ http: { authorize } })
  expiresAt.setFullYear(2099)
  await clock.advance(HOUR)
  expect((await client.get('/me')).status).toBe(401)
})

test('an authorize that gives an end that is none lets nobody in', async () => {
  const authorize = vi.fn(() => ({ ...everything, expiresAt: 'soon' }) as never)
  const { client, log } = await apiUnderTest({ http: { authorize } })
  expect((await client.get('/me')).status).toBe(500)
  expect(log.at(-1)).toMatchObject({ message: 'A request failed', error: expect.any(TypeError) })
})
