import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { fc } from '../../support/fc.ts'
import { runs } from '../../support/runs.ts'
import { seed } from '../../support/seed.ts'
import { ALL, KEYS } from '../support/api-under-test.ts'
import { BASE, listenerOf, serve } from '../support/server.ts'
import { AttackedApi } from './support/attacked-api.ts'
import { converse } from './support/raw-connection.ts'

const BODY = JSON.stringify(ALL)

const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('POST', 'POST', 'POST', 'GET') },
  { weight: 1, arbitrary: fc.constantFrom('TRACE', 'CONNECT', 'HEAD', 'OPTIONS', 'PRI', 'post', 'P\u0000ST', '') },
)
const target = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(BASE, `${BASE}/`, `${BASE}/estimate`, `${BASE}/jobs`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['*', '', '/', '//', '//x', '///', `http://evil.example${BASE}`, 'http://[', `${BASE}/../..`, `${BASE}/%`],
      ...[`${BASE}/status/\u00e9`, `${BASE}\\jobs`, `${BASE}?${'a=b&'.repeat(3_000)}`, `/${'x'.repeat(20_000)}`],
    ),
  },
)
const version = fc.oneof(
  { weight: 12, arbitrary: fc.constant('HTTP/1.1') },
  { weight: 1, arbitrary: fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/9.9', 'http/1.1', '') },
)
const host = fc.oneof(
  { weight: 12, arbitrary: fc.constant('Host: localhost') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('Host: ', 'Host: a b', 'Host: ][', 'Host: x\r\nHost: y', 'X: y', 'Host: @/?#'),
  },
)
const oddHeader = fc.constantFrom(
  ...['Expect: 100-continue', 'Expect: garbage', 'Upgrade: websocket\r\nConnection: Upgrade', 'Upgrade: h2c'],
  ...['Connection: close', 'Connection: keep-alive', 'Connection: garbage', 'Transfer-Encoding: identity'],
  ...['Transfer-Encoding: gzip, chunked', 'Content-Length: -1', 'Content-Length: 5', 'Content-Length: 1e3'],
  ...['Content-Length: 99999999999999999999', ' folded: header', 'no colon', ': empty', 'X: \u0000', 'X: \u00ff'],
  ...[`X: ${'y'.repeat(20_000)}`, 'Trailer: X-API-Key', 'X-API-Key: other', 'Content-Type: application/json'],
)
const odd = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(oddHeader, { maxLength: 2 }) },
)

/** The length that is promised, and what comes. */
const framed = fc.constantFrom<readonly [length: string, parts: readonly string[]]>(
  [`Content-Length: ${BODY.length}`, [BODY]],
  [`Content-Length: ${BODY.length}`, [BODY]],
  [`Content-Length: ${BODY.length}`, [BODY.slice(0, 10), BODY.slice(10)]],
  [`Content-Length: ${BODY.length + 10}`, [BODY]],
  [`Content-Length: ${BODY.length}`, [BODY.slice(0, -1)]],
  [`Content-Length: ${BODY.length - 1}`, [BODY]],
  ['Transfer-Encoding: chunked', [`${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`]],
  ['Transfer-Encoding: chunked', [`${BODY.length.toString(16)}\r\n${BODY}\r\n`]],
  ['Transfer-Encoding: chunked', [`zz\r\n${BODY}\r\n0\r\n\r\n`]],
  ['Transfer-Encoding: chunked', [`ffffffffffffffff\r\n${BODY}`]],
  ['Content-Length: 2000000', ['x'.repeat(100_000)]],
  ['Content-Length: 2000000', Array<string>(20).fill('x'.repeat(100_000))],
  [`Content-Length: ${BODY.length}\r\nTransfer-Encoding: chunked`, [BODY]],
  [`Content-Length: ${BODY.length}\r\nContent-Length: 3`, [BODY]],
  ['X: no length', [BODY]],
  ['Content-Length: 0', []],
)
const end = fc.oneof(
  { weight: 8, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r') },
)

const said = fc
  .tuple(method, target, version, host, odd, framed, end)
  .map(([method, target, version, host, odd, [length, parts], end]) => {
    const credentials = `X-API-Key: ${KEYS.acme}${end}Content-Type: application/json`
    const head = [`${method} ${target} ${version}`, host, credentials, length, ...odd, '', ''].join(end)
    return [Buffer.from(head, 'latin1'), ...parts]
  })
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => [Buffer.from(bytes)]),
  fc
    .constantFrom('', '\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\x02\x00', 'GET')
    .map((text) => [text]),
)

test('of hundreds of malformed connections none hangs, gets a 5xx, or starts what it did not ask for', async () => {
  const attacked = await AttackedApi.open()
  const { server } = await serve(listenerOf(attacked.api.fetch))
  const { port } = server.address() as AddressInfo
  const heard = new Map<number, number>()
  const attack = fc.asyncProperty(
    fc.oneof({ weight: 8, arbitrary: said }, { weight: 1, arbitrary: garbage }),
    async (parts) => {
      const { text, statuses } = await converse(port, parts)
      for (const status of statuses) heard.set(status, (heard.get(status) ?? 0) + 1)
      expect(statuses.filter((status) => status >= 500)).toEqual([])
      expect(text).not.toMatch(/node_modules|\.ts:\d+|evil\.example/)
      const made = attacked.takeStarted()
      expect(made).toHaveLength(statuses.filter((status) => status === 201).length)
      for (const { plan } of made) {
        expect(plan).toMatchObject({ tenantId: 'acme', from: ALL.start_date, to: ALL.end_date, employeeIds: null })
      }
    },
  )
  await fc.assert(attack, { numRuns: runs(200, 2_000), seed })
  expect(attacked.logged).toEqual([])
  for (const status of [200, 201, 400, 404, 413]) expect([status, heard.get(status) ?? 0]).not.toEqual([status, 0])
  // Whatever was said to it, it goes on.
  expect((await fetch(`http://127.0.0.1:${port}${BASE}/openapi.json`)).status).toBe(200)
})
