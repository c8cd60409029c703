import type { AddressInfo } from 'node:net'
import { memoryBackend } from 'recalc-service'
import { createRecalcApi } from 'recalc-service/http'
import { expect, test } from 'vitest'
import { office, RANGE } from '../../jobs/support/office.ts'
import { authorize } from '../support/api-under-test.ts'
import { listenerOf, serve } from '../support/server.ts'
import { lastEventIn, streamSocket, textOf } from './support/stream-socket.ts'
import { turnstile } from './support/turnstile.ts'
import { until, watchedBackend } from './support/watched-store.ts'

const eager = { progressIntervalMs: 0, block: { employees: 1, days: 1 } } as const

function idsIn(text: string): readonly number[] {
  return [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]))
}

test('five hundred clients of one job, who come at different times, all hear every event up to the last', async () => {
  const { pass, admit } = turnstile()
  const { backend, watchers } = watchedBackend(memoryBackend())
  const { service, failing } = office({ ...eager, backend, calculate: pass })
  failing.add('e1 2025-01-02')
  const { server } = await serve(listenerOf(createRecalcApi(service, { authorize }).fetch))
  const { port } = server.address() as AddressInfo
  const job = await service.triggerRecalcAllAsync(RANGE)
  const texts: Promise<string>[] = []
  let answered = 0
  for (let day = 0; day < 5; day++) {
    for (let i = 0; i < 100; i++) {
      const socket = await streamSocket(port, job.id)
      socket.once('data', () => {
        answered += 1
      })
      texts.push(textOf(socket))
    }
    await until(() => answered === texts.length)
    admit(1)
  }
  admit(1)
  const heard = await Promise.all(texts)
  expect(heard).toHaveLength(500)
  const [first] = heard
  expect(idsIn(first ?? '').length).toBeGreaterThan(9)
  for (const text of heard) expect([lastEventIn(text), idsIn(text)]).toEqual(['complete', idsIn(first ?? '')])
  expect(watchers()).toBe(0)
  await service.stop()
})

test('fifty streams of two jobs end when the service is stopped, and stopping ends', async () => {
  const { pass, admit } = turnstile()
  const { backend, watchers } = watchedBackend(memoryBackend())
  const { service } = office({ ...eager, backend, calculate: pass, exclusive: 'none', concurrency: 2 })
  const { server } = await serve(listenerOf(createRecalcApi(service, { authorize }).fetch))
  const { port } = server.address() as AddressInfo
  const jobs = [await service.triggerRecalcAllAsync(RANGE), await service.triggerRecalcAllAsync(RANGE)]
  const sockets = await Promise.all(Array.from({ length: 50 }, (_, i) => streamSocket(port, jobs[i % 2]?.id ?? '')))
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once('readable', () => resolve(undefined)))),
  )
  const texts = sockets.map(textOf)
  const stopping = service.stop()
  admit(1_000)
  await stopping
  for (const text of await Promise.all(texts)) expect(lastEventIn(text)).toBe('interrupted')
  expect(watchers()).toBe(0)
})
