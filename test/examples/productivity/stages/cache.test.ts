import { connect, createServer, type Server, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import type { Logger } from 'recalc-service'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Cache, redisCache } from '../../../../examples/productivity/database/redis.ts'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import type { Database } from '../../../../examples/productivity/schema/tables.ts'
import { type RedisServer, startRedis, testRedis } from '../../../support/redis.ts'
import { roles } from '../support/arbitraries.ts'
import { warehouse } from '../support/warehouse.ts'
import { activity, at, day, shift, tenantId, zone } from './june-17.ts'

const shared = await testRedis(1)
const keys = ['currently_working', 'working_today', 'today_clock_times'] as const
const noon = at(12)

/** Anna works, Bob idles, Carla has left, Dora was here yesterday. */
function busyDay() {
  return warehouse({
    employees: ['Anna', 'Bob', 'Carla', 'Dora'].map((name) => ({ id: name.toLowerCase(), name })),
    roleConfigs: roles,
    clockTimes: [
      shift(at(8), null, { employee: 'anna' }),
      shift(at(7), null, { employee: 'bob', breaks: 30 }),
      shift(at(6), at(11), { employee: 'carla' }),
      shift(at(-10), at(-4), { employee: 'dora' }),
    ],
    activityLogs: [
      activity(at(11), at(11, 58), { employee: 'anna', role: 4, items: 3 }),
      activity(at(8), at(9), { employee: 'bob' }),
    ],
  })
}

/** A cache that is closed at the end of the test. */
function cacheAt(url: string): Cache {
  const cache = redisCache(url)
  onTestFinished(() => cache.close())
  return cache
}

/** Runs a job to its end: how it ended, how long it took, and what it warned of. */
async function run(db: Database, cache?: Cache) {
  const warnings: string[] = []
  const ignored = () => {}
  const warn: Logger['warn'] = (_, message) => warnings.push(message)
  const logger: Logger = { debug: ignored, info: ignored, warn, error: warn }
  const productivity = createProductivity(db, { zone, asOf: new Date(noon), logger, ...(cache && { cache }) })
  const began = performance.now()
  const job = await productivity.triggerRecalcAllAsync({ tenantId, from: day, to: day })
  const { status } = await job.result
  return { status, warnings, seconds: (performance.now() - began) / 1000 }
}

const refreshed = { status: 'completed', warnings: [] }
const notRefreshed = { status: 'completed', warnings: ['Redis did not take them: the caches were not refreshed'] }

async function cached(redis = shared.client) {
  const values = await redis.mget(...keys)
  return values.map((value) => (value === null ? null : JSON.parse(value)))
}

/** What a private server has in its caches. */
async function cachedBy(server: RedisServer) {
  const seen = new Redis(server.url)
  try {
    return await cached(seen)
  } finally {
    seen.disconnect()
  }
}

async function privateRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedis(settings)
  onTestFinished(() => server.stop())
  return server
}

describe('the caches', () => {
  it('hold who is working, who was here today, and when they clocked, for five minutes', async () => {
    const db = await busyDay()
    expect(await run(db, cacheAt(shared.url))).toMatchObject(refreshed)
    const anna = {
      employee_id: 'anna',
      name: 'Anna',
      status: 'working',
      since: at(8),
      last_activity_at: at(11, 58),
      role_id: 4,
      items_today: 3,
      points_today: 9.99,
    }
    const bob = {
      ...anna,
      employee_id: 'bob',
      name: 'Bob',
      status: 'idle',
      since: at(9),
      last_activity_at: at(9),
      role_id: 1,
      items_today: 1,
      points_today: 1,
    }
    const carla = {
      ...anna,
      employee_id: 'carla',
      name: 'Carla',
      status: 'off',
      since: at(11),
      last_activity_at: null,
      role_id: null,
      items_today: 0,
      points_today: 0,
    }
    expect(await cached()).toEqual([
      [anna, bob],
      [anna, bob, carla],
      [
        { id: 3, employee_id: 'carla', clock_in: at(6), clock_out: at(11), break_minutes: 0 },
        { id: 2, employee_id: 'bob', clock_in: at(7), clock_out: null, break_minutes: 30 },
        { id: 1, employee_id: 'anna', clock_in: at(8), clock_out: null, break_minutes: 0 },
      ],
    ])
    for (const key of keys) {
      const secondsToLive = await shared.client.ttl(key)
      expect(secondsToLive).toBeGreaterThan(290)
      expect(secondsToLive).toBeLessThanOrEqual(300)
    }
  })

  it('lose what is not so any more', async () => {
    const db = await busyDay()
    const cache = cacheAt(shared.url)
    await run(db, cache)
    await db.deleteFrom('clock_times').where('employee_id', '<>', 'bob').execute()
    await db.deleteFrom('activity_logs').where('employee_id', '<>', 'bob').execute()
    await run(db, cache)
    expect(await cached()).toMatchObject([[{ name: 'Bob' }], [{ name: 'Bob' }], [{ employee_id: 'bob' }]])
    await db.deleteFrom('clock_times').execute()
    await db.deleteFrom('activity_logs').execute()
    await run(db, cache)
    expect(await cached()).toEqual([[], [], []])
  })

  it('are replaced all at once', async () => {
    const monitor = await shared.client.monitor()
    const commands: string[] = []
    const isOver = Promise.withResolvers<void>()
    type Words = readonly [command: string, key?: string]
    monitor.on('monitor', (_time: string, [command, key]: Words, _from: string, database: string) => {
      // What clients say when they connect, and what is said to other databases of the server.
      if (['client', 'info', 'select'].includes(command) || database !== '1') return
      commands.push([command, command === 'set' ? key : undefined].filter(Boolean).join(' '))
      if (command === 'exec') isOver.resolve()
    })
    await run(await busyDay(), cacheAt(shared.url))
    await isOver.promise
    monitor.disconnect()
    expect(commands).toEqual(['multi', ...keys.map((key) => `set ${key}`), 'exec'])
  })

  it('are left alone, all of them, when Redis refuses one', async () => {
    const server = await privateRedis()
    const db = await busyDay()
    const cache = cacheAt(server.url)
    await run(db, cache)
    const before = await cachedBy(server)
    const admin = new Redis(server.url)
    onTestFinished(() => admin.disconnect())
    await admin.config('SET', 'maxmemory', '1')
    await db.deleteFrom('clock_times').execute()
    expect(await run(db, cache)).toMatchObject(notRefreshed)
    await admin.config('SET', 'maxmemory', '0')
    expect(await cachedBy(server)).toEqual(before)
  })
})

describe('a job', () => {
  it('completes without Redis, and says so once', async () => {
    expect(await run(await busyDay())).toMatchObject({
      status: 'completed',
      warnings: ['No Redis is configured: the caches were not refreshed'],
    })
  })

  it('completes within seconds when nobody listens at the address', async () => {
    const result = await run(await busyDay(), cacheAt('redis://127.0.0.1:1'))
    expect(result).toMatchObject(notRefreshed)
    expect(result.seconds).toBeLessThan(5)
  })

  it('completes within seconds when the server takes the connection and never answers', async () => {
    const silent = await listening(createServer(() => {}))
    const db = await busyDay()
    const cache = cacheAt(`redis://127.0.0.1:${silent}`)
    for (const _ of ['the first time', 'and ever after']) {
      const result = await run(db, cache)
      expect(result).toMatchObject(notRefreshed)
      expect(result.seconds).toBeLessThan(5)
    }
  })

  it('completes when Redis wants a password that nobody has', async () => {
    const server = await privateRedis(['--requirepass', 'secret'])
    const { port } = server
    expect(await run(await busyDay(), cacheAt(server.url))).toMatchObject(notRefreshed)
    expect(await run(await busyDay(), cacheAt(`redis://:wrong@127.0.0.1:${port}`))).toMatchObject(notRefreshed)
    expect(await run(await busyDay(), cacheAt(`redis://:secret@127.0.0.1:${port}`))).toMatchObject(refreshed)
  })

  it('completes when Redis dies while it is told, and the next one finds it again', async () => {
    const server = await privateRedis()
    const db = await busyDay()
    const cache = cacheAt(server.url)
    expect(await run(db, cache)).toMatchObject(refreshed)

    const killedMeanwhile: Cache = {
      ...cache,
      async replace(entries, secondsToLive) {
        process.kill(server.pid, 'SIGSTOP') // so that it does not answer before it dies
        const replaced = cache.replace(entries, secondsToLive)
        await Promise.all([replaced.catch(() => {}), server.kill()])
        return replaced
      },
    }
    const result = await run(db, killedMeanwhile)
    expect(result).toMatchObject(notRefreshed)
    expect(result.seconds).toBeLessThan(5)
    expect(await run(db, cache)).toMatchObject(notRefreshed)

    await server.restart()
    expect(await run(db, cache)).toMatchObject(refreshed)
    expect(await cachedBy(server)).toMatchObject([
      [{ name: 'Anna' }, { name: 'Bob' }],
      [{}, {}, {}],
      [{}, {}, {}],
    ])
  })

  it('does not trust a connection on which Redis has stopped to answer', async () => {
    const server = await privateRedis()
    let connections = 0
    const proxy = createServer((client) => {
      connections += 1
      if (connections > 1) forward(client, server.port)
    })
    const cache = cacheAt(`redis://127.0.0.1:${await listening(proxy)}`)
    const db = await busyDay()
    expect(await run(db, cache)).toMatchObject(notRefreshed)
    expect(await run(db, cache)).toMatchObject(refreshed)
    expect(connections).toBe(2)
  })
})

/** The port on which the server listens until the end of the test. */
async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('Expected the server to have a port')
  return address.port
}

function forward(client: Socket, port: number): void {
  const server = connect(port, '127.0.0.1')
  client.pipe(server).pipe(client)
  for (const socket of [client, server]) socket.on('error', () => {})
  client.on('close', () => server.destroy())
}
