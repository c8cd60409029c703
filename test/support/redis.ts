import { Redis } from 'ioredis'
import { afterAll } from 'vitest'
import { type RedisServer, startRedis } from './redis-server.ts'

export { type RedisServer, startRedis } from './redis-server.ts'

/** An empty Redis for a test file, and somebody who looks into it. */
export interface TestRedis {
  readonly url: string
  readonly client: Redis
}

/**
 * A Redis of the test file's own, gone at its end. RECALC_TEST_REDIS_URL points at another server instead, of which it takes
 * one database and empties it.
 *
 * @param database Which one of that server's; test files run side by side, so each has another.
 */
export async function testRedis(database: number): Promise<TestRedis> {
  const given = process.env.RECALC_TEST_REDIS_URL
  const server: RedisServer | undefined = given === undefined ? await startRedis() : undefined
  const url = new URL(server?.url ?? String(given))
  url.pathname = `/${database}`
  const client = new Redis(url.href)
  await client.flushdb()
  afterAll(async () => {
    await client.flushdb()
    client.disconnect()
    await server?.stop()
  })
  return { url: url.href, client }
}
