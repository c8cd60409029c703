import { memoryBackend, RecalcService, type RecalcServiceOptions } from 'recalc-service'
import { bullmqDispatcher } from 'recalc-service/bullmq'
import { afterAll, expect, test } from 'vitest'
import { InvalidOptionsError } from '../../src/index.ts'
import { HostProcess } from '../support/crash-process.ts'
import type { DispatchOrders, DispatchReport } from '../support/dispatching-process.ts'
import { testRedis } from '../support/redis.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const redis = await testRedis(2)
const RANGE = { tenantId: 'acme', from: '2025-01-01', to: '2025-01-03' }
const STAFF = Array.from({ length: 60 }, (_, i) => ({ id: `e${100 + i}` }))

const open: RecalcService[] = []
afterAll(async () => {
  for (const service of open) await service.stop({ timeoutMs: 5_000 })
})

/** A service of one process, of several that share jobs and a queue. */
function serviceOn(
  backend: RecalcServiceOptions['backend'],
  options: {
    readonly url?: string
    readonly queueName: string
    readonly messages?: string[]
    readonly calculate?: () => void | Promise<void>
    readonly dispatcher?: RecalcServiceOptions['dispatcher']
  },
) {
  const { url = redis.url, queueName, messages = [], calculate } = options
  const { dispatcher = bullmqDispatcher({ connection: { url }, queueName }) } = options
  const calculated: string[] = []
  const log = (_: object, message: string) => void messages.push(message)
  const service = new RecalcService({
    backend: backend!,
    block: { employees: 3, days: 3 },
    leaseMs: 1_500,
    concurrency: 2,
    employees: {
      listEmployees: async ({ after, limit }) => STAFF.filter(({ id }) => !after || id > after).slice(0, limit),
    },
    dailyCalc: {
      async calculateDay({ employeeId, date }) {
        calculated.push(`${employeeId} ${date}`)
        await (calculate ? calculate() : new Promise((resolve) => setTimeout(resolve, 2)))
      },
    },
    logger: { debug: () => {}, info: log, warn: log, error: log },
    dispatcher,
  })
  open.push(service)
  return { service, calculated }
}

test('services share the lanes of a job over Redis, and leave nothing there', async () => {
  const backend = memoryBackend()
  const services = [1, 2].map(() => serviceOn(backend, { queueName: 'shared' }))
  for (const { service } of services) await service.start()
  const job = await services[0]!.service.triggerRecalcAllAsync(RANGE)
  const result = await job.result
  expect(result).toMatchObject({ status: 'completed', processedDays: 180 })
  expect(new Set(services.flatMap(({ calculated }) => calculated)).size).toBe(180)
  expect(services.every(({ calculated }) => calculated.length > 0)).toBe(true)
  for (const { service } of services) await service.stop()
  const left = await redis.client.keys('bull:shared-1:*')
  expect(left.filter((key) => key.includes(job.id))).toEqual([])
})

test('a job comes to its end when Redis is flushed on the way', async () => {
  const backend = memoryBackend()
  let days = 0
  const calculate = async () => {
    days += 1
    if (days === 30) await redis.client.flushdb()
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const services = [1, 2].map(() => serviceOn(backend, { queueName: 'flushed', calculate }))
  for (const { service } of services) await service.start()
  const job = await services[0]!.service.triggerRecalcAllAsync(RANGE)
  const result = await job.result
  expect(result).toMatchObject({ status: 'completed', processedDays: 180 })
  for (const { service } of services) await service.stop()
})

test('where Redis is away a service does its jobs by itself, says so once, and stops in time', async () => {
  const messages: string[] = []
  const { service, calculated } = serviceOn(memoryBackend(), {
    url: 'redis://127.0.0.1:1',
    queueName: 'away',
    messages,
  })
  await service.start()
  const job = await service.triggerRecalcAllAsync(RANGE)
  const result = await job.result
  expect(result).toMatchObject({ status: 'completed', processedDays: 180 })
  expect(new Set(calculated).size).toBe(180)
  const told = messages.filter((message) => message === 'Redis does not take or give lanes; it is tried again')
  expect(told).toHaveLength(1)
  const before = performance.now()
  await service.stop({ timeoutMs: 20_000 })
  expect(performance.now() - before).toBeLessThan(20_000)
})

test('a job outlives a Redis that is killed and comes back empty', async () => {
  let server: RedisServer | undefined = await startRedis()
  const { url, port } = server
  const backend = memoryBackend()
  let days = 0
  const calculate = async () => {
    days += 1
    if (days === 30) {
      await server?.stop()
      server = undefined
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const services = [1, 2].map(() => serviceOn(backend, { url, queueName: 'killed', calculate }))
  for (const { service } of services) await service.start()
  const job = await services[0]!.service.triggerRecalcAllAsync(RANGE)
  const result = await job.result
  expect(result).toMatchObject({ status: 'completed', processedDays: 180 })
  expect(port).toBeGreaterThan(0)
  for (const { service } of services) await service.stop({ timeoutMs: 20_000 })
})

test('a process that stops while Redis is away comes to its end', async () => {
  const server = await startRedis()
  await using host = new HostProcess<DispatchOrders, DispatchReport>('./dispatching-process.ts')
  host.order({ redis: server.url })
  await host.told('done')
  await server.stop()
  host.order({ redis: server.url })
  await host.told('stopped')
  await host.ended()
  expect(host.errors).toBe('')
})

test('bad options are refused', () => {
  const connection = { url: redis.url }
  for (const bad of [
    undefined,
    {},
    { connection: null },
    { connection, queueName: 'a:b' },
    { connection, queueName: '' },
    { connection, concurrency: 0 },
    { connection, concurency: 1 },
    { connection: { ...connection, keyPrefix: 'x:' } },
    // Clients as they are by default, or made for something else.
    { connection: { options: { maxRetriesPerRequest: 20 }, __proto__: {} } },
    { connection: { options: { maxRetriesPerRequest: null, keyPrefix: 'x:' }, __proto__: {} } },
  ]) {
    expect(() => bullmqDispatcher(bad as never)).toThrow(InvalidOptionsError)
  }
})

test('a dispatcher that another service has, or had, is refused at the start', async () => {
  const dispatcher = bullmqDispatcher({ connection: { url: redis.url }, queueName: 'one' })
  const [first, second] = [1, 2].map(() => serviceOn(memoryBackend(), { queueName: 'one', dispatcher }).service)
  await first!.start()
  await expect(second!.start()).rejects.toThrow(InvalidOptionsError)
  await first!.stop()
  await expect(second!.start()).rejects.toThrow('each service to have a `dispatcher` of its own')
})

test('messages that are no pointers are dropped, and said to be', async () => {
  const messages: string[] = []
  const { Queue } = await import('bullmq')
  const queue = new Queue('odd-1', { connection: { url: redis.url } })
  for (const data of [null, 7, [], {}, { jobId: 7 }, { jobId: 'a', laneId: 'b', token: 'c' }]) {
    await queue.add('lane', data)
  }
  const { service } = serviceOn(memoryBackend(), { queueName: 'odd', messages })
  await service.start()
  const job = await service.triggerRecalcAllAsync(RANGE)
  const result = await job.result
  expect(result).toMatchObject({ status: 'completed', processedDays: 180 })
  const dropped = () => messages.filter((one) => one.startsWith('The dispatcher brought something else'))
  await expect.poll(() => dropped().length, { timeout: 10_000 }).toBe(6)
  const left = await queue.getJobCounts('wait', 'active', 'delayed', 'failed')
  await queue.close()
  await service.stop()
  expect(left).toEqual({ wait: 0, active: 0, delayed: 0, failed: 0 })
})
