import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { ALL, apiUnderTest } from '../support/api-under-test.ts'
import { BASE } from '../support/server.ts'

test('every field that is wrong is named, with what was expected of it', async () => {
  const { client, calculated } = await apiUnderTest()
  const { status, body } = await client.post('/', {
    tenant_id: '',
    start_date: '2025-02-30',
    employee_ids: ['e1', 7, ''],
    tables: [],
    clear_existing: 'yes',
    reason: 5,
    tenantId: 'acme',
  })
  expect([status, body.code, body.title]).toEqual([400, 'INVALID_REQUEST', 'Bad Request'])
  const fields = ['tenant_id', 'start_date', 'end_date', 'employee_ids[1]', 'employee_ids[2]', 'tables']
  expect(body.errors.map(({ field }: { field: string }) => field)).toEqual([
    ...fields,
    'clear_existing',
    'reason',
    'tenantId',
  ])
  expect(body.errors[1].message).toBe(
    'Expected `start_date` to be a calendar date as YYYY-MM-DD from 1900-01-01 to 9999-12-31, got "2025-02-30"',
  )
  expect(calculated).toEqual([])
})

test.each([
  [{ ...ALL, end_date: '2024-12-31' }, 'end_date'],
  [{ ...ALL, end_date: '2095-01-01' }, 'end_date'],
  [{ ...ALL, tables: ['all', 'scores'] }, 'tables'],
  [{ ...ALL, employee_ids: 'e1' }, 'employee_ids'],
  [{ ...ALL, employee_ids: null }, 'employee_ids'],
  [{ ...ALL, tenant_id: 'a\u0000b' }, 'tenant_id'],
  [{ ...ALL, tenant_id: '\ud800' }, 'tenant_id'],
  [{ ...ALL, tenant_id: 'a'.repeat(256) }, 'tenant_id'],
  [{ ...ALL, reason: 'a'.repeat(1_001) }, 'reason'],
  [[], ''],
  [null, ''],
  ['text', ''],
  [7, ''],
])('refuses %j', async (json, field) => {
  const { client } = await apiUnderTest()
  const { status, body } = await client.post('/', json)
  expect([status, body.errors[0].field]).toEqual([400, field])
  expect(body.errors[0].message).not.toMatch(/`(from|to|tenantId|employeeIds)`/)
})

test('prototype keys are fields that nobody knows', async () => {
  const { client } = await apiUnderTest()
  for (const key of ['__proto__', 'constructor', 'toString']) {
    const text = JSON.stringify(ALL).replace('{', `{"${key}":{"tenant_id":"globex"},`)
    const { status, body } = await client.send('/', {
      method: 'POST',
      body: text,
      headers: { 'Content-Type': 'application/json' },
    })
    expect([status, body.errors[0].field]).toEqual([400, key])
    expect((await client.get(`/jobs?${key}=1`)).body.errors[0].field).toBe(key)
  }
})

test.each([
  '/jobs?limit=0',
  '/jobs?limit=201',
  '/jobs?limit=1.5',
  '/jobs?limit=-1',
  '/jobs?limit=1e2',
  '/jobs?limit=',
  '/jobs?limit=%zz',
  '/jobs?limit=1&limit=2',
  '/jobs?status=done',
  '/jobs?tenant_id=',
  '/jobs?page=2',
])('refuses the query of %s', async (path) => {
  const { client } = await apiUnderTest()
  const { status, body } = await client.get(path)
  expect([status, body.code, body.errors.length]).toEqual([400, 'INVALID_REQUEST', 1])
})

test.each([
  ['JSON that ends too soon', '{"tenant_id":'],
  ['no JSON', 'tenant_id=acme'],
  ['bytes that are no UTF-8', Buffer.from(JSON.stringify({ ...ALL, reason: '\xff\xfe' }), 'latin1')],
  ['UTF-16', Buffer.from('\ufeff{}', 'utf16le')],
  ['nothing', ''],
])('refuses a body of %s', async (_, body) => {
  const { client } = await apiUnderTest()
  const answer = await client.send('/', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
  expect([answer.status, answer.body.code]).toEqual([400, 'INVALID_REQUEST'])
})

test('takes a byte order mark and a charset of UTF-8', async () => {
  const { client } = await apiUnderTest()
  const body = `\ufeff${JSON.stringify(ALL)}`
  const headers = { 'Content-Type': 'Application/JSON; charset="UTF-8"' }
  expect((await client.send('/estimate', { method: 'POST', body, headers })).status).toBe(200)
})

test.each([
  [{ 'Content-Type': 'text/plain' }],
  [{ 'Content-Type': 'application/x-www-form-urlencoded' }],
  [{ 'Content-Type': 'multipart/form-data; boundary=x' }],
  [{ 'Content-Type': 'application/json; charset=utf-16' }],
  [{ 'Content-Type': 'application/json, text/plain' }],
  [{ 'Content-Type': 'application/jsonp' }],
  [{ 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }],
])('refuses a body with %j', async (headers) => {
  const { client, calculated } = await apiUnderTest()
  const isGzip = 'Content-Encoding' in headers
  const body = isGzip ? gzipSync(JSON.stringify(ALL)) : JSON.stringify(ALL)
  const answer = await client.send('/', { method: 'POST', body, headers: headers as Record<string, string> })
  expect([answer.status, answer.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
  expect(calculated).toEqual([])
})

test('a body that is too long is refused by what it says about itself', async () => {
  const { client } = await apiUnderTest({ http: { maxBodyBytes: 1_000 } })
  const { status, body } = await client.post('/', { ...ALL, reason: 'x'.repeat(1_000) })
  expect([status, body.code]).toEqual([413, 'BODY_TOO_LARGE'])
})

test('a body that is announced as too long is refused before any of it has come', async () => {
  const { url, client } = await apiUnderTest()
  const text = await answerOnSocket(url, [`X-API-Key: ${client.key}`, 'Content-Length: 1048577'], () => {})
  expect(text).toContain('HTTP/1.1 413 ')
})

test('a body that never ends is refused without waiting for the rest of it', async () => {
  const { url, client } = await apiUnderTest()
  const part = 'x'.repeat(65_536)
  const text = await answerOnSocket(url, [`X-API-Key: ${client.key}`, 'Transfer-Encoding: chunked'], (write) => {
    // The last chunk is never sent.
    for (let sent = 0; sent <= 1_048_576; sent += part.length) write(`10000\r\n${part}\r\n`)
  })
  expect(text).toContain('HTTP/1.1 413 ')
  expect(text).toContain('"code":"BODY_TOO_LARGE"')
})

/** What comes back on a connection of its own to a POST whose body `send` writes, as far as it likes. */
function answerOnSocket(
  url: string,
  headers: readonly string[],
  send: (write: (text: string) => void) => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => {
      text += part
      if (!text.includes('}')) return
      resolve(text)
      socket.destroy()
    })
    socket.on('error', reject)
    const head = [`POST ${BASE}/ HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json', ...headers, '', '']
    socket.write(head.join('\r\n'))
    send((part) => socket.write(part))
  })
}

test('deep nesting, long lists and huge numbers are refused, not suffered', async () => {
  const { client } = await apiUnderTest()
  const headers = { 'Content-Type': 'application/json' }
  const bodies = [
    '['.repeat(500_000) + ']'.repeat(500_000),
    `{"tenant_id":${'['.repeat(250_000)}${']'.repeat(250_000)}}`,
    `{"tenant_id":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
    JSON.stringify({ ...ALL, employee_ids: Array.from({ length: 500_000 }, () => 1) }),
    JSON.stringify({ ...ALL, employee_ids: Array.from({ length: 100_000 }, () => 'é'.repeat(2)) }).slice(0, -1) +
      ',"x":1}',
    `{"tenant_id":1e999,"start_date":-0,"end_date":123456789012345678901234567890}`,
    `{${Array.from({ length: 50_000 }, (_, i) => `"k${i}":1`).join()}}`,
  ]
  for (const body of bodies) {
    const answer = await client.send('/', { method: 'POST', body, headers })
    expect([answer.status, answer.text.length < 200_000 || answer.text.length]).toEqual([400, true])
  }
})

test('cancel and resume take no body, an empty object and nothing else', async () => {
  const { client } = await apiUnderTest()
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)
  const headers = { 'Content-Type': 'application/json' }
  expect((await client.post(`/cancel/${job.job_id}`)).status).toBe(200)
  expect((await client.send(`/cancel/${job.job_id}`, { method: 'POST', headers })).status).toBe(200)
  expect((await client.post(`/cancel/${job.job_id}`, { why: 'x' })).status).toBe(400)
  expect((await client.post(`/resume/${job.job_id}`, { reason: 'x' })).status).toBe(400)
  const form = { method: 'POST', body: 'reason=x', headers: { 'Content-Type': 'text/plain' } }
  expect((await client.send(`/cancel/${job.job_id}`, form)).status).toBe(415)
})
