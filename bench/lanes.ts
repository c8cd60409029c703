import { Kysely, MysqlDialect } from 'kysely'
import { createPool } from 'mysql2'
import { RecalcService, type RecalcServiceOptions } from 'recalc-service'
import { bullmqDispatcher } from 'recalc-service/bullmq'
import { sqlBackend } from 'recalc-service/sql'
import { startMariadb } from '../test/support/mariadb-server.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { delayedWay } from './lanes/delayed-way.ts'
import { BURNT_MS, createTables, stageFor, type Tables, type Work } from './lanes/stages.ts'
import { type WorkerMemory, Workers, type WorkersOptions } from './lanes/workers.ts'
import { type Contender, printSpeeds, race } from './measure.ts'
import { bullmqPerDay } from './message-per-day.ts'
import { employees, FROM, TO } from './nothing.ts'

const TENANT = 'bench'
const YEAR_END = '2025-12-31'
const ROUNDS = 3
/** The way to the database of a machine in another building. */
const ROUND_TRIP_MS = Number(process.env.BENCH_ROUND_TRIP_MS ?? 5)

/** The servers that all of them share. */
interface Place {
  readonly db: Kysely<Tables>
  readonly url: string
  readonly redis: string
}

/** Lanes over several processes, against one process, against no dispatcher, and against a message per employee-day. */
export async function benchLanes(): Promise<void> {
  const [mariadb, redis] = await Promise.all([startMariadb({ settings: ['--max-connections=500'] }), startRedis()])
  const pool = createPool(mariadb.url)
  await pool.promise().query('create database bench')
  pool.end()
  const url = `${mariadb.url}/bench`
  const db = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: createPool({ uri: url, connectionLimit: 20 }) }) })
  try {
    await sqlBackend(db).migrate()
    await createTables(db)
    const place = { db, url, redis: redis.url }
    await benchProcessors(place)
    await benchDistance(place)
    await benchDispatching(place, redis.port)
    await benchMillion(place)
  } finally {
    await db.destroy()
    await Promise.all([mariadb.stop(), redis.stop()])
  }
}

async function benchProcessors(place: Place): Promise<void> {
  const given = { ...place, work: 'burning', employees: 100, lanes: 4 } as const
  const ways = [2, 1].map((count) => workersOn(place.db, count, given))
  printSpeeds(`a day takes ${BURNT_MS} ms of a processor`, await raceOf(ways))
}

async function benchDistance(place: Place): Promise<void> {
  const way = await delayedWay(place.url, ROUND_TRIP_MS)
  // Two cores stand for all machines here, so that what is calculated takes next to nothing.
  const given = { ...place, url: way.url, work: 'nothing', employees: 5_000, lanes: 1 } as const
  const ways = [8, 4, 2, 1].map((count) => workersOn(place.db, count, given))
  printSpeeds(`a round trip to the database takes ${ROUND_TRIP_MS} ms`, await raceOf(ways))
  way.close()
}

async function benchDispatching(place: Place, redisPort: number): Promise<void> {
  for (const [title, employees, to] of [
    ['lanes of one block', 4_000, TO],
    ['lanes of a year', 400, YEAR_END],
  ] as const) {
    const own = (name: string, options: Partial<RecalcServiceOptions>): Contender & { stop(): Promise<void> } => {
      const service = serviceOn(place.db, 'rows', employees, options)
      const started = service.start()
      return {
        name,
        prepare: async () => void (await Promise.all([started, place.db.deleteFrom('derived').execute()])),
        run: () => runJob(service, to),
        stop: () => service.stop(),
      }
    }
    const dispatcher = bullmqDispatcher({ connection: { url: place.redis }, queueName: 'own' })
    const ways = [own('one process, with a dispatcher', { dispatcher }), own('one process, without', {})]
    printSpeeds(`what dispatching costs, rows written, ${title}`, await race(ways, 5))
    for (const way of ways) await way.stop()
  }

  const given = { ...place, work: 'nothing', employees: 10_000, lanes: 4 } as const
  const lanes = workersOn(place.db, 1, given)
  const [ours, queue] = await race([lanes, bullmqPerDay(redisPort)], ROUNDS)
  await lanes.stop()
  if (ours && queue) printSpeeds('a calculator that does nothing', [ours, queue])
}

/** BENCH_LANE_EMPLOYEES=1000000 for all of them. */
async function benchMillion(place: Place): Promise<void> {
  const count = Number(process.env.BENCH_LANE_EMPLOYEES ?? 200_000)
  const workers = await Workers.start(4, { ...place, work: 'nothing', employees: count, lanes: 4 })
  const service = serviceOn(place.db, 'nothing', count, { worker: false })
  const begin = performance.now()
  const days = await runJob(service)
  const seconds = (performance.now() - begin) / 1_000
  const memory = await workers.stop()
  await service.stop()
  console.log(
    `\n${days.toLocaleString('en')} days of ${count.toLocaleString('en')} employees over 4 workers: ${seconds.toFixed(0)} s, ` +
      `peak memory above the idle process by quarters of the time, in MB: ${memory.map(above).join(', ')}`,
  )
}

function above({ idleMb, peaksMb }: WorkerMemory): string {
  return peaksMb.map((peak) => (peak - idleMb).toFixed(0)).join(' / ')
}

/** A web process that only stores the job, and workers that stay for all rounds. */
function workersOn(db: Kysely<Tables>, count: number, given: WorkersOptions): Contender & { stop(): Promise<void> } {
  const service = serviceOn(db, given.work, given.employees, { worker: false })
  let workers: Workers | undefined
  return {
    name: `${count} ${count === 1 ? 'process' : 'processes'} of ${given.lanes} ${given.lanes === 1 ? 'lane' : 'lanes'}`,
    async prepare() {
      await db.deleteFrom('derived').execute()
      workers = await Workers.start(count, given)
    },
    run: () => runJob(service),
    async check() {
      await workers?.stop()
      workers = undefined
    },
    stop: () => service.stop(),
  }
}

async function raceOf(ways: readonly (Contender & { stop(): Promise<void> })[]) {
  const measured = await race(ways, ROUNDS)
  for (const way of ways) await way.stop()
  return measured
}

function serviceOn(db: Kysely<Tables>, work: Work, count: number, options: Partial<RecalcServiceOptions>) {
  return new RecalcService({
    backend: sqlBackend(db, { pollMs: 20 }),
    employees: employees(count),
    stages: [stageFor(work)],
    exclusive: 'none',
    ...options,
  } as RecalcServiceOptions)
}

async function runJob(service: RecalcService, to: string = TO): Promise<number> {
  const job = await service.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to })
  const { status, processedDays, totalDays } = await job.result
  if (status !== 'completed' || processedDays !== totalDays) {
    throw new Error(`Expected all of ${totalDays} days, got ${processedDays} (${status})`)
  }
  return processedDays
}
