import { type Access, createRecalcApi } from 'recalc-service/http'
import { manualClock } from 'recalc-service/testing'
import { expect, test, vi } from 'vitest'
import { office } from '../../jobs/support/office.ts'
import { gate } from '../../support/gate.ts'
import { settled } from '../../support/settled.ts'
import { ApiClient } from '../support/client.ts'
import { BASE, listenerOf, serve } from '../support/server.ts'

const acme: Access = { tenants: ['acme'], actions: ['read'] }

/** A job that waits, and a stream of it for somebody whose credentials the test decides on. */
async function openStream(first: Access = acme) {
  const { arrived, pass, open } = gate()
  const { service } = office({ calculate: () => pass() })
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-03' })
  await arrived
  const clock = manualClock()
  const authorize = vi.fn<(request: Request) => Access | null | Promise<Access | null>>(() => first)
  const log: { readonly level: string; readonly fields: object; readonly message: string }[] = []
  const note = (level: string) => (fields: object, message: string) => void log.push({ level, fields, message })
  const api = createRecalcApi(service, {
    authorize,
    clock,
    heartbeatMs: 15_000,
    logger: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
  })
  const response = await api.fetch(
    new Request(`http://localhost${BASE}/stream/${job.id}`, { headers: { 'X-API-Key': 'k' } }),
  )
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  const read = async () => {
    const { value, done } = await reader.read()
    return done ? undefined : decoder.decode(value)
  }
  return { service, job, clock, authorize, log, read, reader, open, api }
}

/** The stream with what has happened so far read. */
async function quietStream(first?: Access) {
  const stream = await openStream(first)
  await stream.read()
  await stream.read()
  return stream
}

test('a stream goes on for as long as its credentials are known, and asks at every heartbeat', async () => {
  const { clock, authorize, read, reader, open, service } = await quietStream()
  expect(authorize).toHaveBeenCalledTimes(1)
  for (const times of [2, 3, 4]) {
    const next = read()
    await clock.advance(15_000)
    expect(await next).toBe(':\n\n')
    expect(authorize).toHaveBeenCalledTimes(times)
    expect(authorize.mock.lastCall?.[0].headers.get('X-API-Key')).toBe('k')
  }
  await reader.cancel()
  open()
  await service.stop()
})

test.each<[string, Access | null]>([
  ['unknown', null],
  ['those of another tenant', { ...acme, tenants: ['globex'] }],
  ['without the right to read', { ...acme, actions: ['start'] }],
])('a stream ends within a heartbeat when its credentials are %s by now', async (_, then) => {
  const { clock, authorize, log, read, open, service } = await quietStream()
  authorize.mockReturnValue(then)
  const next = read()
  await clock.advance(15_000)
  expect(await next).toBeUndefined()
  expect(clock.pending).toBe(0)
  expect(log).toEqual([expect.objectContaining({ level: 'info', message: 'A stream ended with its credentials' })])
  open()
  await service.stop()
})

test('a stream that is never silent asks, too, before it tells what happened next', async () => {
  const { clock, authorize, read, open, service, job } = await quietStream()
  authorize.mockReturnValue(null)
  await clock.advance(15_001)
  open()
  await job.result
  expect(await read()).toBeUndefined()
  await service.stop()
})

test('a client that did not read for a while gets nothing for credentials that are unknown by now', async () => {
  const { clock, authorize, read, open, service } = await openStream()
  authorize.mockReturnValue(null)
  await clock.advance(15_001)
  expect(await read()).toBeUndefined()
  open()
  await service.stop()
})

test('a stream ends in the moment in which its key expires', async () => {
  const expiresAt = new Date('2025-01-01T00:00:20Z')
  const { clock, read, open, service } = await quietStream({ ...acme, expiresAt })
  const heartbeat = read()
  await clock.advance(15_000)
  expect(await heartbeat).toBe(':\n\n')
  let ended = false
  const end = read().then((text) => {
    ended = true
    return text
  })
  await clock.advance(4_999)
  expect(ended).toBe(false)
  await clock.advance(1)
  expect(await end).toBeUndefined()
  open()
  await service.stop()
})

test('a stream goes on when its credentials were prolonged before they expired', async () => {
  const { clock, authorize, read, reader, open, service } = await quietStream({
    ...acme,
    expiresAt: new Date('2025-01-01T00:00:10Z'),
  })
  authorize.mockReturnValue({ ...acme, expiresAt: new Date('2025-01-01T01:00:00Z') })
  const next = read()
  await clock.advance(10_000)
  expect(await next).toBe(':\n\n')
  await reader.cancel()
  open()
  await service.stop()
})

test('a stream ends when nobody can say whether its credentials are still known, and that is logged', async () => {
  const { clock, authorize, log, read, open, service } = await quietStream()
  const err = new Error('LDAP is away')
  authorize.mockRejectedValue(err)
  const next = read()
  await clock.advance(15_000)
  expect(await next).toBeUndefined()
  expect(log).toEqual([expect.objectContaining({ level: 'error', fields: expect.objectContaining({ err }) })])
  open()
  await service.stop()
})

test('a client that leaves while its credentials are being asked for leaves nothing behind', async () => {
  const { clock, authorize, read, reader, open, service, log } = await quietStream()
  const answer = Promise.withResolvers<Access>()
  authorize.mockReturnValue(answer.promise)
  const next = read()
  await clock.advance(15_000)
  await reader.cancel()
  expect(await next).toBeUndefined()
  answer.resolve(acme)
  await settled()
  expect([clock.pending, log]).toEqual([0, []])
  open()
  await service.stop()
})

test('over a socket, whose key is revoked is told so when it comes back', async () => {
  const { api, authorize, clock, job, open, service } = await openStream()
  const { url } = await serve(listenerOf(api.fetch))
  const client = await ApiClient.connect(url, 'k')
  const heard: string[] = []
  for await (const { event } of client.stream(job.id)) {
    heard.push(event ?? '')
    if (heard.length !== 5) continue
    // It has everything there is.
    authorize.mockReturnValue(null)
    await settled()
    await clock.advance(15_000)
  }
  expect(heard).not.toContain('complete')
  expect((await client.get(`/stream/${job.id}`)).status).toBe(401)
  open()
  await service.stop()
})
