import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import type { Contender } from './measure.ts'
import { FROM, nothingDaily } from './nothing.ts'

const QUEUE_DAYS = 20_000

/** One queue job per employee-day, added in bulk and worked off with plenty of concurrency: as fast as BullMQ gets. */
export function bullmqPerDay(port: number): Contender {
  return {
    name: 'BullMQ on Redis, a queue job per employee-day',
    async run() {
      const connection = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null })
      const queue = new Queue('days', { connection })
      let done = 0
      const all = Promise.withResolvers<void>()
      const calculate = async () => {
        await nothingDaily.calculateDay()
        done += 1
        if (done === QUEUE_DAYS) all.resolve()
      }
      const worker = new Worker('days', calculate, { connection, concurrency: 200, removeOnComplete: { count: 0 } })
      for (let first = 0; first < QUEUE_DAYS; first += 1_000) {
        const days = Array.from({ length: 1_000 }, (_, i) => ({
          name: 'day',
          data: { employeeId: first + i, date: FROM },
        }))
        await queue.addBulk(days)
      }
      await all.promise
      await worker.close()
      await queue.obliterate({ force: true })
      await queue.close()
      await connection.quit()
      return done
    },
  }
}
