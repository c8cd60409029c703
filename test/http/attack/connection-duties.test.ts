import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { KEYS } from '../support/api-under-test.ts'
import { BASE, listenerOf } from '../support/server.ts'
import { AttackedApi } from './support/attacked-api.ts'

/** An API behind a server of node:http whose patience is short. */
async function impatientServer() {
  const attacked = await AttackedApi.open()
  const patience = { headersTimeout: 200, requestTimeout: 300, connectionsCheckingInterval: 50 }
  const server = createServer(patience, listenerOf(attacked.api.fetch))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { attacked, port }
}

function headOf(method: string, path: string, more: readonly string[] = []): string {
  const head = [`${method} ${BASE}${path} HTTP/1.1`, 'Host: localhost', `X-API-Key: ${KEYS.acme}`, ...more, '', '']
  return head.join('\r\n')
}

/** Says something and hears what comes back until the server closes. */
async function heardAfter(port: number, said: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.write(said)
  let text = ''
  for await (const part of socket.setEncoding('utf8')) text += part
  return text
}

test('who sends a head or a body drop by drop is shown out by the host’s server, and has started nothing', async () => {
  const { attacked, port } = await impatientServer()
  const body = JSON.stringify({ tenant_id: 'acme', start_date: '2025-01-01', end_date: '2025-01-01' })
  const json = ['Content-Type: application/json', `Content-Length: ${body.length}`]
  const halfHead = headOf('POST', '/', json).slice(0, -2)
  const allButOneByte = headOf('POST', '/', json) + body.slice(0, -1)
  const chunked = headOf('POST', '/', ['Content-Type: application/json', 'Transfer-Encoding: chunked'])
  const openEnd = `${chunked}${body.length.toString(16)}\r\n${body}\r\n`
  for (const said of [halfHead, allButOneByte, openEnd]) {
    expect(await heardAfter(port, said)).not.toMatch(/ (2\d\d|5\d\d) /)
  }
  expect(attacked.started).toBe(0)
  expect(attacked.logged).toEqual([])
})

test('requests on one connection that do not wait for answers are each answered once, in their order', async () => {
  const { attacked, port } = await impatientServer()
  const start = (key: string) => {
    const body = JSON.stringify({ tenant_id: 'acme', start_date: '2025-01-01', end_date: '2025-01-01', reason: key })
    const more = ['Content-Type: application/json', `Idempotency-Key: ${key}`, `Content-Length: ${body.length}`]
    return headOf('POST', '/', more) + body
  }
  const said = [
    start('a'),
    headOf('GET', '/me'),
    start('b'),
    headOf('GET', '/nothing'),
    start('a'),
    headOf('GET', '/jobs?limit=0'),
    headOf('GET', '/jobs', ['Connection: close']),
  ]
  const text = await heardAfter(port, said.join(''))
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
  expect(statuses).toEqual([201, 200, 201, 404, 201, 400, 200])
  expect(attacked.started).toBe(2)
})
