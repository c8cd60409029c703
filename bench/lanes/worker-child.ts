// A process of its own, that calculates lanes of jobs until its input ends. Then it tells how much memory it took at most,
// in each quarter of the time.
import { Kysely, MysqlDialect } from 'kysely'
import { createPool } from 'mysql2'
import { RecalcService } from 'recalc-service'
import { bullmqDispatcher } from 'recalc-service/bullmq'
import { sqlBackend } from 'recalc-service/sql'
import { employees } from '../nothing.ts'
import { stageFor, type Tables, type Work } from './stages.ts'

const [url = '', redis = '', work = '', count = '', lanes = ''] = process.argv.slice(2)
const dialect = new MysqlDialect({ pool: createPool({ uri: url, connectionLimit: Number(lanes) + 4 }) })
const db = new Kysely<Tables>({ dialect })
const service = new RecalcService({
  backend: sqlBackend(db),
  employees: employees(Number(count)),
  stages: [stageFor(work as Work)],
  concurrency: Number(lanes),
  queuePollMs: 20,
  dispatcher: bullmqDispatcher({ connection: { url: redis } }),
})
await service.start()
const idleMb = rssMb()
const samples = [idleMb]
const sampling = setInterval(() => samples.push(rssMb()), 500)
console.log('started')
process.stdin.resume()
process.stdin.once('end', async () => {
  clearInterval(sampling)
  console.log(JSON.stringify({ idleMb, peaksMb: [0, 1, 2, 3].map(peakInQuarter) }))
  await service.stop()
  await db.destroy()
})

function rssMb(): number {
  return process.memoryUsage.rss() / 2 ** 20
}

function peakInQuarter(quarter: number): number {
  const at = (part: number) => Math.floor((part * samples.length) / 4)
  return Math.max(...samples.slice(at(quarter), at(quarter + 1)))
}
