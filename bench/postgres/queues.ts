import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import PgBoss from 'pg-boss'
import { RecalcService } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { type Contender, printSpeeds, race } from '../measure.ts'
import { DATES, employees, FROM, nothingDaily, nothingStage, TO } from '../nothing.ts'

const EMPLOYEES = Math.ceil(1_000_000 / DATES)
const QUEUE_DAYS = 5_000
const ADDED_AT_ONCE = 1_000

/** It tells of every job, which takes its time. */
const silent = new Logger(() => () => {})

/** Durable jobs on PostgreSQL against queues there that keep every employee-day by itself. */
export async function benchQueues(server: string): Promise<void> {
  const admin = new pg.Client(`${server}/postgres`)
  await admin.connect()
  await admin.query('create database queues')
  await admin.end()
  const url = `${server}/queues`
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  const backend = sqlBackend(db)
  await backend.migrate()
  const recalc = new RecalcService({
    backend,
    employees: employees(EMPLOYEES),
    exclusive: 'none',
    stages: [nothingStage],
  })
  const job: Contender = {
    name: 'recalc-service, a durable job on PostgreSQL',
    async run() {
      const handle = await recalc.triggerRecalcAllAsync({ tenantId: 'bench', from: FROM, to: TO })
      return (await handle.result).processedDays
    },
  }
  try {
    const measured = await race([job, graphileWorker(url), pgBoss(url)], 3)
    printSpeeds('durable jobs on PostgreSQL, a calculator that does nothing', measured)
  } finally {
    await recalc.stop()
    await db.destroy()
  }
}

/** A queue's employee-days, added in bulk and worked off; resolves when the last of them is done. */
function countdown() {
  let done = 0
  const all = Promise.withResolvers<void>()
  return {
    all: all.promise,
    async calculate(days: number) {
      for (let day = 0; day < days; day++) await nothingDaily.calculateDay()
      done += days
      if (done === QUEUE_DAYS) all.resolve()
    },
  }
}

/** The employee-days in lists that are added at once. */
function* daysToAdd() {
  for (let first = 0; first < QUEUE_DAYS; first += ADDED_AT_ONCE) {
    yield Array.from({ length: ADDED_AT_ONCE }, (_, index) => ({ employeeId: first + index, date: FROM }))
  }
}

/** As its documentation has it for many small jobs: concurrency, and jobs fetched ahead by the local queue. */
function graphileWorker(connectionString: string): Contender {
  return {
    name: 'graphile-worker, a queue job per employee-day',
    async run() {
      const { all, calculate } = countdown()
      const utils = await makeWorkerUtils({ connectionString, logger: silent })
      await utils.migrate()
      for (const days of daysToAdd()) {
        await utils.addJobs(days.map((payload) => ({ identifier: 'day', payload })))
      }
      await utils.release()
      const runner = await run({
        connectionString,
        noHandleSignals: true,
        logger: silent,
        parsedCronItems: [],
        taskList: { day: () => calculate(1) },
        preset: {
          worker: { concurrentJobs: 24, maxPoolSize: 24, pollInterval: 500, localQueue: { size: 500 } },
        },
      })
      await all
      await runner.stop()
      return QUEUE_DAYS
    },
  }
}

/** Jobs fetched and completed in batches, the fastest way that it has. */
function pgBoss(connectionString: string): Contender {
  return {
    name: 'pg-boss, a queue job per employee-day, in batches',
    async run() {
      const { all, calculate } = countdown()
      const boss = new PgBoss({ connectionString, supervise: false, schedule: false })
      await boss.start()
      await boss.createQueue('day')
      for (const days of daysToAdd()) await boss.insert(days.map((data) => ({ name: 'day', data })))
      const options = { batchSize: 500, pollingIntervalSeconds: 0.5 }
      await boss.work('day', options, (jobs) => calculate(jobs.length))
      await all
      await boss.stop({ graceful: true })
      return QUEUE_DAYS
    },
  }
}
