import { Kysely, type LogEvent, MysqlDialect, type Transaction } from 'kysely'
import { createPool } from 'mysql2'
import { RecalcService } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { startMariadb } from '../test/support/mariadb-server.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { type Contender, median, printSpeeds, race } from './measure.ts'
import { peakOf, printPeak } from './memory.ts'
import { bullmqPerDay } from './message-per-day.ts'
import { DATES, employees, FROM, nothingDaily, nothingStage, TO } from './nothing.ts'

const EMPLOYEES = Math.ceil(1_000_000 / DATES)
const BLOCKS = Math.ceil(EMPLOYEES / 25)
const TENANT = 'bench'

/** Durable jobs on MariaDB against a queue that keeps every employee-day by itself. */
export async function benchDurable(): Promise<void> {
  const [mariadb, redis] = await Promise.all([startMariadb(), startRedis()])
  let statements = 0
  const count = ({ level }: LogEvent) => {
    if (level === 'query') statements += 1
  }
  const pool = createPool({ uri: `${mariadb.url}/mysql`, connectionLimit: 10 })
  await pool.promise().query('create database bench')
  const benchPool = createPool({ uri: `${mariadb.url}/bench`, connectionLimit: 10 })
  const db = new Kysely<unknown>({ dialect: new MysqlDialect({ pool: benchPool }), log: count })
  try {
    const backend = sqlBackend(db)
    await backend.migrate()
    const options = { backend, employees: employees(EMPLOYEES), exclusive: 'none' } as const
    const recalc = new RecalcService({ ...options, stages: [nothingStage] })
    const perBlock: number[] = []
    const job: Contender = {
      name: 'recalc-service, a durable job on MariaDB',
      async run() {
        const before = statements
        const handle = await recalc.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: TO })
        const { processedDays } = await handle.result
        perBlock.push((statements - before) / BLOCKS)
        return processedDays
      },
    }
    const [ours, queue] = await race([job, bullmqPerDay(redis.port)], 3)
    if (ours && queue) printSpeeds('(d) durable jobs, a calculator that does nothing', [ours, queue])
    console.log(`    ${median(perBlock).toFixed(2)} statements per block, page opening and events included`)
    await benchTrigger(new RecalcService({ ...options, dailyCalc: nothingDaily }), () => statements)
    await recalc.stop()
    console.log('\n    peak memory above the idle process (resident set)')
    const url = `${mariadb.url}/bench`
    printPeak('a job over 1,000,000 employees', peakOf('durable-memory-child.ts', [url, 'all']))
    printPeak('a job over an explicit batch of 100,000 ids', peakOf('durable-memory-child.ts', [url, 'batch']))
  } finally {
    await db.destroy()
    await pool.promise().end()
    await Promise.all([mariadb.stop(), redis.stop()])
  }
}

async function benchTrigger(recalc: RecalcService<Transaction<unknown>>, statements: () => number): Promise<void> {
  const calls = 500
  await recalc.triggerRecalc({ tenantId: TENANT, employeeId: '7', date: FROM })
  const before = statements()
  const begin = performance.now()
  for (let i = 0; i < calls; i++) await recalc.triggerRecalc({ tenantId: TENANT, employeeId: '7', date: FROM })
  const ms = (performance.now() - begin) / calls
  const trips = (statements() - before) / calls
  console.log(`    one triggerRecalc: ${trips} round trips and ${ms.toFixed(2)} ms beyond the calculator's own work`)
}
