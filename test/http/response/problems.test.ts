import { BackendUnavailableError, memoryBackend } from 'recalc-service'
import { afterEach, expect, test, vi } from 'vitest'
import { changedStore } from '../../jobs/support/changed-store.ts'
import { ALL, apiUnderTest, KEYS } from '../support/api-under-test.ts'

afterEach(() => vi.restoreAllMocks())

const JOB = '00000000-0000-4000-8000-000000000000'

/** Every request that there is, with what it needs to be let through. */
const requests: readonly (readonly [method: string, path: string, json?: object])[] = [
  ['POST', '/', ALL],
  ['POST', '/day', { tenant_id: 'acme', employee_id: 'e1', date: '2025-01-01' }],
  ['POST', '/estimate', ALL],
  ['GET', `/status/${JOB}`],
  ['GET', '/jobs'],
  ['GET', `/errors/${JOB}`],
  ['GET', `/employees/${JOB}`],
  ['GET', `/stream/${JOB}`],
  ['POST', `/cancel/${JOB}`],
  ['POST', `/resume/${JOB}`],
  ['GET', '/me'],
]

const calls = requests.map(([method, path]) => [method, path] as const)

test.each(calls)('%s %s wants credentials before it looks at anything else', async (method, path) => {
  const { client, calculated } = await apiUnderTest()
  for (const key of [null, 'wrong']) {
    const { status, headers, body } = await client.as(key).send(path, {
      method,
      ...(method === 'POST' && { body: '{', headers: { 'Content-Type': 'text/plain' } }),
    })
    expect([status, body.code]).toEqual([401, 'UNAUTHORIZED'])
    expect(headers.get('www-authenticate')).toBe('ApiKey header="X-API-Key"')
  }
  expect(calculated).toEqual([])
})

test('an action that the caller lacks is refused before its request is looked at', async () => {
  const { client } = await apiUnderTest()
  const actions: Readonly<Record<string, string>> = {
    '/': 'start',
    '/day': 'start',
    '/estimate': 'read',
    '/jobs': 'read',
    '/me': 'read',
  }
  for (const [method, path] of requests) {
    const action = actions[path] ?? (/^\/(cancel|resume|settle|release|history)/.exec(path)?.[1] || 'read')
    const other = client.as(action === 'read' ? KEYS.starter : KEYS.reader)
    const { status, body } = await other.send(path, { method, ...(method === 'POST' && { body: '{' }) })
    expect([path, status, body.code]).toEqual([path, 403, 'FORBIDDEN'])
  }
})

test('a path or a method that there is not', async () => {
  const { client, url } = await apiUnderTest()
  for (const path of [
    '/nothing',
    '/status',
    '/status/',
    '/status/a/b',
    '/jobs/1',
    '/%zz',
    '/status/..%2fjobs',
    '/__proto__',
  ]) {
    expect([path, (await client.get(path)).status]).toEqual([path, 404])
  }
  expect((await fetch(`${url}/elsewhere`)).status).toBe(404)
  const { status, headers, body } = await client.send('/jobs', { method: 'DELETE' })
  expect([status, headers.get('allow'), body.code]).toEqual([405, 'GET, HEAD, OPTIONS', 'METHOD_NOT_ALLOWED'])
  expect((await client.get('/day')).headers.get('allow')).toBe('POST, OPTIONS')
  expect((await client.send('/', { method: 'PUT' })).headers.get('allow')).toBe('POST, GET, HEAD, OPTIONS')
  const options = await client.as(null).send('/jobs', { method: 'OPTIONS' })
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  expect(options.headers.get('access-control-allow-methods')).toBeNull()
})

test('a slash at the end makes no difference, and HEAD is GET without a body', async () => {
  const { client } = await apiUnderTest()
  expect((await client.get('/jobs/')).body).toEqual({ jobs: [], next: null })
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)
  for (const path of ['/jobs', `/status/${job.job_id}`, `/stream/${job.job_id}`, '/openapi.json', '/']) {
    const { status, text } = await client.send(path, { method: 'HEAD' })
    expect([path, status, text]).toEqual([path, 200, ''])
  }
})

test.each(['getJob', 'listJobs', 'triggerRecalc', 'triggerRecalcAllAsync', 'estimate'] as const)(
  'when %s fails nothing of what it said gets out, and it is logged',
  async (method) => {
    const { client, service, log } = await apiUnderTest()
    const error = Object.assign(new Error('SELECT secret FROM passwords'), { code: 'ER_PARSE_ERROR' })
    vi.spyOn(service, method).mockRejectedValue(error)
    for (const [verb, path, json] of requests) {
      const { status, text, body } = await client.send(path, { method: verb, ...(json && { json }) })
      if (status !== 500) continue
      expect(body).toEqual({
        type: 'about:blank',
        title: 'Internal Server Error',
        status: 500,
        detail: 'Something went wrong; it was logged',
        code: 'INTERNAL',
      })
      expect(text).not.toMatch(/secret|ER_PARSE|stack/)
    }
    expect(log).toContainEqual({ level: 'error', message: 'A request failed', error })
  },
)

test('a database that is away, and a service that was stopped, are temporary', async () => {
  const { client, service } = await apiUnderTest()
  const away = new BackendUnavailableError(3, new Error('connect ECONNREFUSED 10.0.0.7:3306'))
  vi.spyOn(service, 'triggerRecalc').mockRejectedValue(away)
  const day = await client.post('/day', { tenant_id: 'acme', employee_id: 'e1', date: '2025-01-01' })
  expect([day.status, day.body.code]).toEqual([503, 'BACKEND_UNAVAILABLE'])
  expect([day.headers.get('retry-after'), day.body.retry_after_seconds]).toEqual(['5', 5])
  expect(day.text).not.toContain('10.0.0.7')
  await service.stop()
  const start = await client.post('/', ALL)
  expect([start.status, start.body.code]).toEqual([503, 'SERVICE_STOPPED'])
  expect(start.headers.get('retry-after')).toBe('5')
})

test('whatever the backend takes for temporary is so over HTTP, also when the host’s own code met it', async () => {
  const { jobs, unitOfWork } = memoryBackend()
  const backend = { jobs, unitOfWork: { ...unitOfWork, isTransient: (error: unknown) => error === away } }
  const away = new Error('the server has gone away')
  const { client, service } = await apiUnderTest({ backend })
  const estimate = vi.spyOn(service, 'estimate').mockRejectedValue(away)
  expect((await client.post('/estimate', ALL)).status).toBe(503)
  estimate.mockRejectedValue(new Error('the server has gone away'))
  expect((await client.post('/estimate', ALL)).status).toBe(500)
})

test('a backend that throws when it is asked whether an error is temporary is answered, too', async () => {
  const { jobs, unitOfWork } = memoryBackend()
  const isTransient = () => {
    throw new TypeError('cannot read properties of undefined')
  }
  const { client, service, log } = await apiUnderTest({ backend: { jobs, unitOfWork: { ...unitOfWork, isTransient } } })
  const error = new Error('secret')
  vi.spyOn(service, 'listJobs').mockRejectedValue(error)
  const { status, body } = await client.get('/jobs')
  expect([status, body.code]).toEqual([500, 'INTERNAL'])
  expect(log).toContainEqual({ level: 'error', message: 'A request failed', error })
})

test('an authorize that throws, or gives nonsense, lets nobody in', async () => {
  const answers: unknown[] = [undefined, true, {}, { tenants: '*' }, { tenants: '*', actions: 'read' }]
  for (const answer of answers) {
    const { client, log } = await apiUnderTest({ http: { authorize: () => answer as never } })
    expect((await client.get('/jobs')).status).toBe(500)
    expect(log.at(-1)?.message).toBe('A request failed')
  }
  const failing = await apiUnderTest({ http: { authorize: () => Promise.reject(new Error('LDAP is away')) } })
  const { status, text } = await failing.client.get('/jobs')
  expect(status).toBe(500)
  expect(text).not.toContain('LDAP')
})

test('an authorize of the host, without a challenge, is asked once per request', async () => {
  const authorize = vi.fn((request: Request) => {
    const isKnown = request.headers.get('authorization') === 'Bearer token'
    return Promise.resolve(isKnown ? ({ tenants: ['acme'], actions: ['read'] } as const) : null)
  })
  const { client } = await apiUnderTest({ http: { authorize } })
  const refused = await client.get('/jobs')
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, null])
  expect((await client.get('/jobs', { Authorization: 'Bearer token' })).status).toBe(200)
  expect(authorize).toHaveBeenCalledTimes(2)
})

test('events that cannot be read end the stream, and are logged', async () => {
  const plain = memoryBackend()
  let broken = false
  const backend = changedStore(plain, (jobs) => ({
    events: (...args) => (broken ? Promise.reject(new Error('gone')) : jobs.events(...args)),
  }))
  const { client, log } = await apiUnderTest({ backend })
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)
  broken = true
  const heard = await client.heard(job.job_id)
  expect(heard.map(({ event }) => event)).toEqual(['snapshot'])
  expect(log.at(-1)).toMatchObject({ level: 'error', message: 'Job events could not be read' })
})
