// npm run demo:cluster -- --database URL --redis URL: one web process that only stores a job, workers that share it, of which
// two are killed on the way, and what each of them has calculated.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createService, type Database, openDatabase, openOffice, type Place, TENANT } from './office.ts'

const USAGE = `Usage:
  npm run demo:cluster -- --database URL --redis URL [--workers 4] [--employees 200]

  --database   mysql://user:password@127.0.0.1:3306/cluster or postgres://user:password@127.0.0.1:5432/cluster
  --redis      redis://127.0.0.1:6379
On Debian both come with: apt-get install mariadb-server redis-server`

const FROM = '2025-01-01'
const TO = '2025-03-31'

/** At this share of the job one worker is killed, at that another. */
const KILLS = [0.25, 0.5]

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    redis: { type: 'string' },
    workers: { type: 'string', default: '4' },
    employees: { type: 'string', default: '200' },
  },
})
const [workers, employees] = [Number(values.workers), Number(values.employees)]
const isEnough =
  Number.isSafeInteger(workers) && workers > KILLS.length && Number.isSafeInteger(employees) && employees > 0
if (values.database === undefined || values.redis === undefined || !isEnough) {
  console.error(USAGE)
  process.exit(2)
}
process.exitCode = (await run({ database: values.database, redis: values.redis })) ? 0 : 1

async function run(place: Place): Promise<boolean> {
  const db = await openDatabase(place)
  await openOffice(db, employees, FROM, TO)
  const web = createService(db, { worker: false })
  const job = await web.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: TO })
  console.log(`The web process has stored a job. It calculates nothing itself. ${workers} workers begin.`)

  const fleet = Array.from({ length: workers }, () => startWorker(place))
  const kills = [...KILLS]
  job.on('progress', ({ current, total }) => {
    console.log(`${String(Math.round((current / total) * 100)).padStart(3)}%  ${current} of ${total} days`)
    const [share = 2] = kills
    if (current / total < share) return
    kills.shift()
    const victim = fleet.shift()
    victim?.kill('SIGKILL')
    console.log(`Worker ${victim?.pid} is killed in the middle of its work.`)
  })
  const { status, processedDays, totalDays } = await job.result
  console.log(`${status}: ${processedDays} of ${totalDays} days`)

  for (const worker of fleet) {
    worker.kill('SIGTERM')
    await once(worker, 'close')
  }
  const isRight = await tell(db)
  await web.stop()
  await db.destroy()
  return status === 'completed' && kills.length === 0 && isRight
}

function startWorker({ database, redis }: Place): ChildProcess {
  const file = fileURLToPath(new URL('worker.ts', import.meta.url))
  return spawn(process.execPath, [file, database, redis], { stdio: 'inherit' })
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
