import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { memoryBackend } from 'recalc-service'
import { createRecalcApi } from 'recalc-service/http'
import { expect, test } from 'vitest'
import { office } from '../../jobs/support/office.ts'
import { gate } from '../../support/gate.ts'
import { settled } from '../../support/settled.ts'
import { authorize } from '../support/api-under-test.ts'
import { listenerOf, serve } from '../support/server.ts'
import { lastEventIn, streamSocket, textOf } from './support/stream-socket.ts'

const CLIENTS = 20
const FEW = 1_000
const MANY = 10_000

/** What buffers on the way to a client may hold. Were every event kept, it would be ten times as much. */
const MEGABYTES_PER_CLIENT = 0.4

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Megabytes in use, buffers among them. */
async function megabytes(): Promise<number> {
  // What a first collection finds of buffers is given back while others go on.
  for (let pass = 0; pass < 3; pass++) {
    collectGarbage()
    await settled()
  }
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

test('clients that read nothing cost the same after ten times as many events, and hear the end once they read', async () => {
  const gates = new Map([1, FEW, MANY].map((day) => [day, gate()]))
  let days = 0
  const { service } = office({
    // What a job keeps of its events is bounded, so that whatever grows is held for the clients.
    backend: memoryBackend({ maxEvents: 500 }),
    progressIntervalMs: 0,
    block: { employees: 1, days: 1 },
    staff: ['e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'e7'],
    calculate: () => {
      days += 1
      return gates.get(days)?.pass() ?? (days % 20 === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined)
    },
  })
  const { server } = await serve(listenerOf(createRecalcApi(service, { authorize }).fetch))
  const { port } = server.address() as AddressInfo
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: '2015-01-01', to: '2024-12-31' })
  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => streamSocket(port, job.id)))
  // It has come, and nobody takes it.
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once('readable', () => resolve(undefined)))),
  )
  gates.get(1)?.open()
  await gates.get(FEW)?.arrived
  const few = await megabytes()
  gates.get(FEW)?.open()
  await gates.get(MANY)?.arrived
  const many = await megabytes()
  console.log(`${few.toFixed(1)} MB after ${FEW} events, ${many.toFixed(1)} MB after ${MANY}`)
  expect(many - few).toBeLessThan(CLIENTS * MEGABYTES_PER_CLIENT)
  gates.get(MANY)?.open()
  for (const text of await Promise.all(sockets.map(textOf))) expect(lastEventIn(text)).toBe('complete')
  await service.stop()
})
