// npm run demo:cluster: one web process that only stores a job, and workers that share it. One of them is killed on the way and
// one stands still for a while; it is told what each has calculated, and whether that is right.
import { parseArgs } from 'node:util'
import type { Logger } from 'recalc-service'
import { serveUntilInterrupted } from '../shared/demo/serve.ts'
import { Fleet } from './fleet.ts'
import { createService, type Database, LEASE_MS, openDatabase, openOffice, type Place, TENANT } from './office.ts'
import { isDatabaseName, startServers } from './servers.ts'

const USAGE = `Usage:
  npm run demo:cluster -- [--database mariadb] [--redis URL] [--workers 4] [--employees 200] [--port 8080]

  --database   mariadb or postgres, which are then started on this machine, or the URL of one that runs:
               mysql://user:password@127.0.0.1:3306/cluster or postgres://user:password@127.0.0.1:5432/cluster
  --redis      the URL of a Redis, such as redis://127.0.0.1:6379. Default: one is started
  --workers    at least 3: one is killed, one stands still
  --port       afterwards the web process serves the console there, and workers do what is started in it
On Debian all of them come with: apt-get install mariadb-server postgresql redis-server`

const FROM = '2025-01-01'
const TO = '2025-03-31'

/** At this share of the job a worker is killed, and at that one another is put to sleep: for longer than its lease lasts. */
const KILL_AT = 0.2
const STALL_AT = 0.4
const STALL_MS = 1.5 * LEASE_MS

const { values } = parseArgs({
  options: {
    database: { type: 'string', default: 'mariadb' },
    redis: { type: 'string' },
    workers: { type: 'string', default: '4' },
    employees: { type: 'string', default: '200' },
    port: { type: 'string' },
  },
})
const { database, redis } = values
const [workers, employees, port] = [Number(values.workers), Number(values.employees), Number(values.port ?? 0)]
const isKnown = isDatabaseName(database) || /^(mysql|postgres(ql)?):\/\//.test(database)
const isEnough = Number.isSafeInteger(workers) && workers >= 3 && Number.isSafeInteger(employees) && employees > 0
const isPort = Number.isSafeInteger(port) && port >= 0 && port < 65_536
if (!isKnown || !isEnough || !isPort) {
  console.error(USAGE)
  process.exit(2)
}

/** Warnings for people; an application would hand pino over as it is. */
const logger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (_fields, message) => console.warn(`Warning: ${message}`),
  error: (_fields, message) => console.error(`Error: ${message}`),
}

const place = await startServers(database, redis)
process.exitCode = (await run(place)) ? 0 : 1
await place.stop()

async function run(place: Place): Promise<boolean> {
  const db = await openDatabase(place)
  await openOffice(db, employees, FROM, TO)
  const web = createService(db, { worker: false })
  const job = await web.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: TO })
  console.log(`The web process has stored a job. It calculates nothing itself. ${workers} workers begin.`)

  const fleet = new Fleet(workers, place)
  const mishaps = [
    { share: KILL_AT, strike: () => `Worker ${fleet.killOne()} is killed in the middle of its work.` },
    {
      share: STALL_AT,
      strike: () => `Worker ${fleet.stallOne(STALL_MS)} stands still for longer than its lease lasts.`,
    },
  ]
  job.on('progress', ({ current, total }) => {
    console.log(`${String(Math.round((current / total) * 100)).padStart(3)}%  ${current} of ${total} days`)
    while (mishaps[0] && current / total >= mishaps[0].share) console.log(mishaps.shift()?.strike())
  })
  const { status, processedDays, totalDays } = await job.result
  console.log(`${status}: ${processedDays} of ${totalDays} days`)

  await fleet.stop()
  const isRight = await tell(db)
  if (port > 0) {
    const again = new Fleet(workers, place)
    await serveUntilInterrupted(web, port, { tenantId: TENANT, logger })
    await again.stop()
  }
  await web.stop()
  await db.destroy()
  return status === 'completed' && mishaps.length === 0 && isRight
}

/** Who has calculated how much, and whether every balance is what a plain sum says. */
async function tell(db: Database): Promise<boolean> {
  const shares = await db
    .selectFrom('balances')
    .select(({ fn }) => ['worker', fn.countAll().as('days')])
    .groupBy('worker')
    .orderBy('worker')
    .execute()
  for (const { worker, days } of shares) console.log(`Worker ${worker} has calculated ${days} days.`)
  const rows = await db.selectFrom('balances').selectAll().orderBy('employee_id').orderBy('date').execute()
  const booked = await db.selectFrom('bookings').selectAll().orderBy('employee_id').orderBy('date').execute()
  let sum = 0
  const isRight = booked.every(({ employee_id, date, minutes }, i) => {
    sum = (date === FROM ? 0 : sum) + minutes
    const row = rows[i]
    return row?.employee_id === employee_id && row.date === date && row.minutes === sum
  })
  console.log(isRight ? 'Every balance is right.' : 'Some balances are wrong.')
  return isRight && rows.length === booked.length
}
