import type { AddressInfo, Socket } from 'node:net'
import { memoryBackend } from 'recalc-service'
import { createRecalcApi } from 'recalc-service/http'
import { expect, test } from 'vitest'
import { office, RANGE } from '../../jobs/support/office.ts'
import { settled } from '../../support/settled.ts'
import { authorize } from '../support/api-under-test.ts'
import { listenerOf, serve } from '../support/server.ts'
import { streamSocket } from './support/stream-socket.ts'
import { turnstile } from './support/turnstile.ts'
import { until, watchedBackend } from './support/watched-store.ts'

/** What keeps the process busy: sockets, timers. */
function resources(): Readonly<Record<string, number>> {
  const found = process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name.startsWith('TCP'))
  return Object.fromEntries(
    ['Timeout', 'TCPSocketWrap'].map((name) => [name, found.filter((one) => one === name).length]),
  )
}

/** How a client goes: at which moment. */
const departures: Readonly<Record<string, (socket: Socket) => Promise<void> | void>> = {
  'before the first byte': () => {},
  'when the server has taken the request': () => new Promise((resolve) => setImmediate(resolve)),
  'after the first bytes': (socket) => new Promise((resolve) => socket.once('data', () => resolve())),
  'within a frame': (socket) => new Promise((resolve) => socket.once('readable', () => resolve(void socket.read(40)))),
  'after it has heard all there is': async (socket) => {
    let text = ''
    for await (const part of socket.iterator({ destroyOnReturn: false })) {
      text += part
      if (text.includes('event: stage')) return
    }
  },
}

test('of clients that are gone, a thousand in a row and whatever they were doing, nothing is left', async () => {
  const { pass, admit } = turnstile()
  const { backend, watchers } = watchedBackend(memoryBackend())
  const { service, clock } = office({
    backend,
    progressIntervalMs: 0,
    block: { employees: 1, days: 1 },
    calculate: pass,
  })
  const { server } = await serve(listenerOf(createRecalcApi(service, { authorize, clock }).fetch))
  const { port } = server.address() as AddressInfo
  const job = await service.triggerRecalcAllAsync(RANGE)
  // Until the job is under way, its start has timers of its own.
  await settled()
  const pendingBefore = clock.pending
  const before = resources()
  const ways = Object.values(departures)
  for (let round = 0; round < 1_000 / ways.length; round++) {
    const sockets = await Promise.all(ways.map(() => streamSocket(port, job.id)))
    await Promise.all(
      sockets.map(async (socket, i) => {
        await ways[i]?.(socket)
        if (round % 2 === 0) socket.destroy()
        else socket.resetAndDestroy()
      }),
    )
  }
  await until(() => watchers() === 0 && resources().TCPSocketWrap === before.TCPSocketWrap)
  expect(clock.pending).toBe(pendingBefore)
  await until(() => (resources().Timeout ?? 0) <= (before.Timeout ?? 0))
  // Who comes afterwards is served as ever.
  const late = await streamSocket(port, job.id)
  await new Promise((resolve) => late.once('data', resolve))
  admit(1_000)
  expect((await job.result).status).toBe('completed')
  await service.stop()
})
