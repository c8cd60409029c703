import { expect, test } from 'vitest'
import { ALL, apiUnderTest } from '../support/api-under-test.ts'

const ADMIN = 'https://admin.example.com'

/** Headers that `fetch` would not let a test set. */
function requestOf(url: string, method: string, path: string, headers: Record<string, string>): Request {
  const body = method === 'POST' ? { body: JSON.stringify(ALL) } : {}
  const all = { 'X-API-Key': 'key-of-acme', 'Content-Type': 'application/json', ...headers }
  return new Request(`${url}/api/system/recalculate${path}`, { method, headers: all, ...body })
}

test.each([
  [{ 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }],
  [{ 'Sec-Fetch-Site': 'same-site', Origin: 'https://other.example.com' }],
  [{ Origin: 'https://evil.example' }],
  [{ Origin: 'null' }],
  [{ Origin: 'garbage' }],
  [{ Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example' }],
  [{ Origin: 'https://evil.example', Host: '127.0.0.1' }],
  [{ Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site', Host: 'evil.example' }],
  [{ Origin: 'http://intranet.example', Host: 'evil.intranet.example' }],
  [{ Origin: 'http://intranet:8080', Host: 'intranet' }],
  [{ Origin: 'http://intranet', Host: '' }],
  [{ Origin: 'http://intranet', Host: 'not a host' }],
  [{ Origin: 'http://', Host: '' }],
  [{ Origin: 'app://intranet', Host: 'intranet' }],
  [{ Origin: 'https://evil.example', 'Sec-Fetch-Site': 'same-origin, cross-site' }],
])('a page of another origin starts nothing: %j', async (headers) => {
  const { api, url, calculated } = await apiUnderTest()
  for (const path of ['/', '/day', '/cancel/x', '/resume/x']) {
    const response = await api.fetch(requestOf(url, 'POST', path, headers as Record<string, string>))
    expect(await response.json()).toMatchObject({ status: 403, code: 'CROSS_ORIGIN' })
  }
  expect(calculated).toEqual([])
})

test('a page of its own, a person, and whoever is no browser are let through', async () => {
  const { api, url } = await apiUnderTest()
  for (const headers of [
    {},
    { 'Sec-Fetch-Site': 'same-origin', Origin: url },
    { 'Sec-Fetch-Site': 'none' },
    { Origin: url },
    { Origin: url.replace('http:', 'https:') },
  ]) {
    const response = await api.fetch(requestOf(url, 'POST', '/estimate', headers as Record<string, string>))
    expect(response.status).toBe(200)
  }
})

test('a page on plain http is let through by the Host that its browser has addressed, whatever the URL says', async () => {
  const { api } = await apiUnderTest()
  for (const [Origin, Host] of [
    ['http://intranet', 'intranet'],
    ['http://intranet', 'Intranet'],
    ['http://intranet:8080', 'intranet:8080'],
    ['http://intranet', 'intranet:80'],
    ['https://intranet', 'intranet:443'],
    ['http://[fd00::7]:3000', '[fd00::7]:3000'],
  ] as const) {
    const own = requestOf('http://localhost:3000', 'POST', '/estimate', { Origin, Host })
    expect([Origin, Host, (await api.fetch(own)).status]).toEqual([Origin, Host, 200])
  }
})

test('behind a proxy that rewrites Host the problem names the remedy, and the remedy works', async () => {
  const headers = { Origin: 'http://intranet', Host: 'backend:3000', 'X-Forwarded-Host': 'intranet' }
  const request = () => requestOf('http://backend:3000', 'POST', '/estimate', headers)
  const { api } = await apiUnderTest()
  const refused = await api.fetch(request())
  expect(await refused.json()).toMatchObject({ status: 403, detail: expect.stringContaining('`allowedOrigins`') })
  const allowing = await apiUnderTest({ http: { allowedOrigins: ['http://intranet'] } })
  expect((await allowing.api.fetch(request())).status).toBe(200)
})

test('nobody elsewhere may read anything unless the host says so', async () => {
  const { api, url } = await apiUnderTest()
  for (const method of ['GET', 'OPTIONS']) {
    const response = await api.fetch(requestOf(url, method, '/jobs', { Origin: ADMIN }))
    const headers = [...response.headers.keys()].filter((name) => name.startsWith('access-control'))
    expect(headers).toEqual([])
  }
})

test('allowed origins may call and read, and only they', async () => {
  const { api, url } = await apiUnderTest({ http: { allowedOrigins: [ADMIN] } })
  const own = await api.fetch(requestOf(url, 'POST', '/estimate', { Origin: ADMIN, 'Sec-Fetch-Site': 'cross-site' }))
  expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, ADMIN])
  expect(own.headers.get('vary')).toBe('Origin')
  const preflight = await api.fetch(requestOf(url, 'OPTIONS', '/stream/x', { Origin: ADMIN }))
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-headers')).toContain('Last-Event-ID')
  const other = await api.fetch(requestOf(url, 'GET', '/jobs', { Origin: 'https://evil.example' }))
  expect(other.headers.get('access-control-allow-origin')).toBeNull()
  const evil = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }
  expect((await api.fetch(requestOf(url, 'POST', '/', evil))).status).toBe(403)
})
