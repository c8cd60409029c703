import { request as send } from 'node:http'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KEYS, reception } from './support/reception.ts'
import { BASE } from './support/server.ts'

interface Hostile {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | null
}

const words = [
  '__proto__',
  'constructor',
  'toString',
  '..',
  '%2e%2e',
  '%',
  '%zz',
  '%00',
  '%ff',
  '%f0%9f%98%80',
  'a'.repeat(5_000),
  '*',
  ':job_id',
  "' OR 1=1 --",
  '-0',
  '1e999',
  '9'.repeat(400),
  'null',
] as const

const routes = ['', '/', '/day', '/estimate', '/jobs', '/me', '/openapi.json', '/nothing']
const jobRoutes = ['/status/', '/errors/', '/employees/', '/stream/', '/cancel/', '/resume/']

const word = fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary', maxLength: 30 }).map(encodeURIComponent))
const segment = word.map((text) => text.replace(/[^\x21-\x7e]/g, '+'))
const names = ['limit', 'after', 'status', 'tenant_id', 'last_event_id', '__proto__', 'constructor']
const query = fc
  .array(fc.tuple(fc.constantFrom(...names), segment), { maxLength: 4 })
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map((pair) => pair.join('=')).join('&')}`))
const path = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(...routes),
      fc.tuple(fc.constantFrom(...jobRoutes), segment).map((parts) => parts.join('')),
    ),
    query,
  )
  .map(([route, asked]) => BASE + route + asked)

const fields = [
  'tenant_id',
  'employee_id',
  'date',
  'start_date',
  'end_date',
  'employee_ids',
  'tables',
  'reason',
  '__proto__',
]
const leaf = fc.oneof(fc.jsonValue(), fc.constantFrom('acme', 'globex', '2025-01-01', '2025-13-45', '', ...words))
const valid = fc.record({
  tenant_id: fc.constantFrom('acme', 'acme', 'globex'),
  start_date: fc.constantFrom('2025-01-01', '2025-01-02'),
  end_date: fc.constantFrom('2025-01-02', '2025-01-03'),
})
const json = fc.oneof(
  valid.map((value) => JSON.stringify(value)),
  fc
    .tuple(valid, fc.dictionary(fc.constantFrom(...fields), leaf))
    .map((parts) => JSON.stringify(Object.assign({}, ...parts))),
  fc.dictionary(fc.constantFrom(...fields), leaf).map((value) => JSON.stringify(value)),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary' }),
)
const body = fc.oneof(
  fc.constant(null),
  json.map((text) => Buffer.from(text)),
  json.map((text) => Buffer.from(text, 'utf16le')),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
)

const contentTypes = ['application/json', 'application/json; charset=utf-16', 'text/plain', ';;', '']
const plain = fc.constant({ 'X-API-Key': KEYS.acme, 'Content-Type': 'application/json' })
const strange = fc.record(
  {
    'X-API-Key': fc.constantFrom(KEYS.acme, KEYS.acme, KEYS.acme, 'wrong', ''),
    'Content-Type': fc.constantFrom('application/json', 'application/json', ...contentTypes),
    'Content-Encoding': fc.constantFrom('identity', 'identity', 'gzip', 'br, gzip'),
    'Last-Event-ID': fc.oneof(fc.nat().map(String), segment),
    'Idempotency-Key': segment,
    Origin: fc.constantFrom('null', 'https://evil.example', 'garbage'),
    'Sec-Fetch-Site': fc.constantFrom('cross-site', 'none', 'garbage'),
    Accept: fc.constantFrom('text/html', '*/*', 'nonsense'),
  },
  { requiredKeys: [] },
)

const headers = fc.oneof(plain, strange)

const hostile: fc.Arbitrary<Hostile> = fc.record({
  method: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('GET', 'POST', 'POST') },
    { weight: 1, arbitrary: fc.constantFrom('HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE') },
  ),
  path,
  headers,
  body,
})

function answerTo(port: string, { method, path, headers, body }: Hostile): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = send({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body ?? undefined)
  })
}

test('no request, however strange, is answered with a 5xx, and none starts what it did not ask for', async () => {
  const { url, service, log } = await reception({ exclusive: 'none' })
  const { port } = new URL(url)
  const started = new Set<string>()
  await fc.assert(
    fc.asyncProperty(hostile, async (request) => {
      const { status, text } = await answerTo(port, request)
      expect(status).toBeGreaterThanOrEqual(200)
      expect(status).toBeLessThan(500)
      expect(text).not.toMatch(/node_modules|\.ts:\d+/)
      if (status === 201) started.add(JSON.parse(text).job_id)
    }),
    { numRuns: 600 },
  )
  expect(log.filter(({ level }) => level === 'error')).toEqual([])
  expect(await service.listJobs({ limit: 10_000 })).toHaveLength(started.size)
}, 120_000)
