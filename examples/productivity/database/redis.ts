import { Redis } from 'ioredis'

/** Where what is asked for all the time is kept, so that nobody has to ask the database. */
export interface Cache {
  /** Replaces all of them at once, or rejects within seconds. */
  replace(entries: ReadonlyMap<string, string>, secondsToLive: number): Promise<void>
  close(): Promise<void>
}

/** The longest that a cache may keep a job waiting. */
const PATIENCE_MS = 2_000

/** @param url Such as `redis://127.0.0.1:6379`. */
export function redisCache(url: string): Cache {
  let redis: Redis | undefined
  return {
    async replace(entries, secondsToLive) {
      redis ??= clientOf(url)
      const client = redis
      try {
        const transaction = client.multi()
        for (const [key, value] of entries) transaction.set(key, value, 'EX', secondsToLive)
        const replies = await transaction.exec()
        const failed = replies?.find(([error]) => error)
        if (failed) throw failed[0]
      } catch (error) {
        // A connection on which no answer came may be dead without anybody having been told: the next time it is another.
        client.disconnect()
        if (redis === client) redis = undefined
        throw error
      }
    },
    async close() {
      redis?.disconnect()
    },
  }
}

function clientOf(url: string): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: PATIENCE_MS,
    commandTimeout: PATIENCE_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(times * 200, PATIENCE_MS),
  })
  // Whoever waits for a command hears of it; a connection that is lost in between is made again.
  redis.on('error', () => {})
  return redis
}
