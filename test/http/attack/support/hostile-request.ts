import fc from 'fast-check'
import { KEYS } from '../../support/api-under-test.ts'
import { BASE } from '../../support/server.ts'

/** A request as nobody should send it. */
export interface HostileRequest {
  readonly method: string
  /** Of the request line, as it is. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | null
}

/** What a path may hold in the place of a job's id: `JOB0`, `JOB1`… stand for jobs that there are. */
export const JOBS = ['JOB0', 'JOB1', 'JOB2', 'JOB3'] as const

const words = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'null', 'undefined', 'NaN'],
  ...['..', '.', '%2e%2e', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', '%', '%zz', '%00', '%ff', '%c0%ae', '%u0041', '%252e'],
  ...['%f0%9f%98%80', '*', ':job_id', '{job_id}', "'%20OR%201=1--", '-0', '1e999', '9'.repeat(400), 'a'.repeat(5_000)],
  ...['00000000-0000-4000-8000-000000000000', ';jsessionid=1', '~', '@', '\\..\\..'],
] as const

const anyText = fc.oneof(
  fc.constantFrom(...words),
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => encodeURIComponent(text.toWellFormed())),
)
/** What a request line can hold. */
const segment = anyText.map((text) => text.replace(/[^\x21-\x7e]/g, '+').replaceAll('#', '+'))
const jobOrNot = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...JOBS) }, { weight: 1, arbitrary: segment })

/** What there is: where, how it is asked for, and what an honest body is made of. */
const places = [
  ...[0, 1, 2].map(() => ['POST', '/', ['tenant_id', 'start_date', 'end_date']] as const),
  ['POST', '', ['tenant_id', 'start_date', 'end_date', 'employee_ids', 'tables', 'clear_existing', 'reason']],
  ['POST', '/estimate', ['tenant_id', 'start_date', 'end_date', 'employee_ids']],
  ['POST', '/day', ['tenant_id', 'employee_id', 'date']],
  ['GET', '/', []],
  ['GET', '/jobs', []],
  ['GET', '/me', []],
  ['GET', '/openapi.json', []],
  ...['/status/', '/errors/', '/employees/', '/stream/'].map((path) => ['GET', path, []] as const),
  ['POST', '/cancel/', ['reason']],
  ['POST', '/resume/', []],
] as const satisfies readonly (readonly [string, string, readonly FieldName[]])[]

const askew = [
  '//jobs',
  '/jobs/',
  '/jobs//',
  '/./jobs',
  '/x/../jobs',
  '/%6aobs',
  '/JOBS',
  '/jobs/1',
  '/nothing',
] as const
const elsewhere = fc.oneof(
  fc.constantFrom(...askew),
  fc.array(segment, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
)
const prefix = fc.oneof(
  { weight: 30, arbitrary: fc.constant(BASE) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '/', '//api/system/recalculate', `${BASE}${BASE}`, '/api/%73ystem/recalculate'),
  },
)

const parameterNames = ['limit', 'after', 'status', 'tenant_id', 'last_event_id', '__proto__', 'constructor', 'x[]', '']
const parameterValues = fc.oneof(
  fc.constantFrom('0', '1', '50', '200', '201', '-1', '1.5', '0x10', ' 1', 'completed', 'acme', 'globex', ...JOBS),
  segment,
)
const parameter = fc.tuple(fc.constantFrom(...parameterNames), parameterValues).map((pair) => pair.join('='))
const query = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  { weight: 3, arbitrary: fc.array(parameter, { maxLength: 4 }).map((pairs) => `?${pairs.join('&')}`) },
  { weight: 1, arbitrary: segment.map((text) => `?${text}`) },
)
const dates = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('2025-01-01', '2025-01-02', '2025-01-03', '2024-02-29') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('2025-02-29', '2025-1-1', '0000-00-00', '9999-12-31', '1900-01-01', '2025-01-01T00:00'),
  },
)
const staff = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('e1', 'e2', 'e3', '__proto__') },
  { weight: 1, arbitrary: fc.constantFrom('', 'e\u0000', '\ud800', 'x'.repeat(256)) },
)
const fields = {
  tenant_id: fc.oneof(
    { weight: 15, arbitrary: fc.constant('acme') },
    { weight: 1, arbitrary: fc.constantFrom('globex', 'nobody', '', 'ACME', 'acme ', '\u0000') },
  ),
  start_date: dates,
  end_date: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('2025-01-03', '2025-02-01') },
    { weight: 1, arbitrary: dates },
  ),
  employee_ids: fc.oneof(
    { weight: 3, arbitrary: fc.array(staff, { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constantFrom<string[]>([], Array(2_000).fill('e1')) },
  ),
  tables: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(['all'], ['daily'], ['idle'], ['idle', 'daily', 'idle']) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom('all', 'daily', 'idle', 'other', ''), { maxLength: 3 }) },
  ),
  clear_existing: fc.oneof(
    { weight: 4, arbitrary: fc.boolean() },
    { weight: 1, arbitrary: fc.constantFrom<unknown>('true', 0, null) },
  ),
  reason: fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
    { weight: 1, arbitrary: fc.constantFrom('x'.repeat(1_001), '\u0000', '\udfff') },
  ),
  employee_id: staff,
  date: dates,
}
type FieldName = keyof typeof fields

const leaf = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(1e308, -0, 2 ** 53, 'acme', '2025-01-01', ...words),
)
const strangeNames = [...Object.keys(fields), '__proto__', 'constructor', 'tenantId', 'foo', '', '\u0000']
const strange = fc.dictionary(fc.constantFrom(...strangeNames), leaf, { maxKeys: 3 })

function honestBody(names: readonly FieldName[]): fc.Arbitrary<Record<string, unknown>> {
  const [required, optional] = [names.slice(0, 3), names.slice(3)]
  const all = Object.fromEntries([...required, ...optional].map((name) => [name, fields[name]]))
  return fc.record(all, { requiredKeys: [...required] })
}

/** As text: an object cannot say the same name twice. */
function objectText(entries: readonly (readonly [string, unknown])[]): string {
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value) ?? 'null'}`).join(',')}}`
}

function jsonText(names: readonly FieldName[]): fc.Arbitrary<string> {
  const nearly = fc.tuple(honestBody(names), strange)
  return fc.oneof(
    { weight: 24, arbitrary: honestBody(names).map((value) => JSON.stringify(value)) },
    { weight: 4, arbitrary: nearly.map(([a, b]) => objectText([...Object.entries(a), ...Object.entries(b)])) },
    { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.constantFrom(...oddities) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  )
}

const oddities = [
  ...['{"tenant_id":1e999}', '{"tenant_id":"acme"', '{"a":1}{"b":2}', 'NaN', '[]', '""', 'null', '{"__proto__":{}}'],
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `${'{"tenant_id":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
  JSON.stringify({ tenant_id: 'acme', start_date: '2025-01-01', end_date: '2025-01-01', foo: 'x'.repeat(1_100_000) }),
]

function bodyOf(names: readonly FieldName[]): fc.Arbitrary<Buffer | null> {
  const text = jsonText(names)
  return fc.oneof(
    { weight: 20, arbitrary: text.map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: text.map((text) => Buffer.from(`\ufeff${text}`)) },
    { weight: 1, arbitrary: text.map((text) => Buffer.from(text, 'utf16le')) },
    { weight: 1, arbitrary: text.map((text) => Buffer.from(text).subarray(0, -1)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.constant(null) },
  )
}

const jsonTypes = ['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON;charset="UTF-8"']
const otherTypes = [
  'application/json; charset=utf-16',
  'text/plain',
  'multipart/form-data',
  ';;',
  'application/jsonp',
  '',
]
const headers = fc.record(
  {
    'X-API-Key': fc.oneof(
      { weight: 12, arbitrary: fc.constant<string>(KEYS.acme) },
      { weight: 1, arbitrary: fc.constantFrom<string>(KEYS.reader, KEYS.starter, KEYS.admin) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('wrong', '', `${KEYS.acme}, ${KEYS.acme}`, ` ${KEYS.globex}x`, '\u00e9'),
      },
    ),
    'Content-Type': fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...jsonTypes) },
      { weight: 1, arbitrary: fc.constantFrom(...otherTypes) },
    ),
  },
  { requiredKeys: ['X-API-Key', 'Content-Type'] },
)
const moreHeaders = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        'Content-Encoding': fc.constantFrom('identity', 'gzip', 'br, gzip', 'IDENTITY', '\u00e9'),
        'Last-Event-ID': fc.oneof(fc.nat(40).map(String), segment, fc.constantFrom('1, 2', '', '-1', '\u00ff')),
        'Idempotency-Key': fc.oneof(fc.constantFrom('k1', 'k2', 'k3', 'k4', '', 'a b', 'x'.repeat(256)), segment),
        Origin: fc.constantFrom('null', 'https://evil.example', 'garbage', 'http://localhost', 'http://127.0.0.1'),
        'Sec-Fetch-Site': fc.constantFrom('cross-site', 'none', 'same-origin', 'garbage'),
        Accept: fc.constantFrom('text/html', '*/*', 'nonsense'),
        'X-HTTP-Method-Override': fc.constantFrom('POST', 'DELETE'),
        'X-Forwarded-Host': fc.constantFrom('evil.example', ''),
        Range: fc.constantFrom('bytes=0-0', 'garbage'),
        'If-None-Match': fc.constant('*'),
      },
      { requiredKeys: [] },
    ),
  },
)

const otherMethods = ['HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND', 'GET', 'POST', 'pOsT', 'get']

/** Anything from an honest request to nonsense. */
export const hostileRequest: fc.Arbitrary<HostileRequest> = fc
  .constantFrom(...places)
  .chain(([method, place, names]) => {
    const route = place.length > 1 && place.endsWith('/') ? jobOrNot.map((job) => place + job) : fc.constant(place)
    const where = fc.oneof({ weight: 12, arbitrary: route }, { weight: 1, arbitrary: elsewhere })
    const how = fc.oneof(
      { weight: 12, arbitrary: fc.constant<string>(method) },
      { weight: 1, arbitrary: fc.constantFrom(...otherMethods) },
    )
    return fc
      .tuple(how, fc.tuple(prefix, where, query), headers, moreHeaders, bodyOf(names))
      .map(([method, path, credentials, more, body]) => ({
        method,
        path: path.join('').replace(/^(?!\/)/, '/'),
        headers: { ...credentials, ...more },
        body: /^(get|head)$/i.test(method) ? null : body,
      }))
  })
