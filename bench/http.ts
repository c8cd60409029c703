import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { type Kysely, sql, type Transaction } from 'kysely'
import { type DayKey, dayKey, dayStage, RecalcService } from 'recalc-service'
import { createRecalcApi } from 'recalc-service/http'
import { sqlBackend } from 'recalc-service/sql'
import { openSqlite } from '../examples/shared/database/sqlite.ts'
import { type Contender, median, printSpeeds, race } from './measure.ts'
import { employees } from './nothing.ts'

const CLIENTS = 500
const ROUNDS = 5
const TENANT = 'bench'
const FROM = '2025-01-01'
const TO = '2025-12-31'
const EMPLOYEES = 2_500

interface Tables {
  hours: { employee: string; date: string; hours: number }
  pay: { employee: string; date: string; pay: number }
}

/** A job as fast as it is alone, and while five hundred clients in another process hear of everything that it does. */
export async function benchHttp(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'recalc-bench-'))
  const db = openSqlite<Tables>(join(folder, 'bench.sqlite'))
  const backend = sqlBackend(db)
  await backend.migrate()
  await fill(db)
  const recalc = new RecalcService({
    backend,
    stages: [payStage()],
    employees: employees(EMPLOYEES),
    exclusive: 'none',
  })
  const api = createRecalcApi(recalc, { authorize: () => ({ tenants: '*', actions: '*' }) })
  const server = createServer(getRequestListener(api.fetch))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const clients = fork(fileURLToPath(new URL('http-clients-child.ts', import.meta.url)), [
    String(port),
    String(CLIENTS),
  ])
  let told: Promise<number> = Promise.resolve(0)
  const cpuSeconds = new Map<string, number[]>()
  const contender = (name: string, watch: (jobId: string) => void): Contender => ({
    name,
    async run() {
      const before = process.cpuUsage()
      const job = await recalc.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: TO })
      watch(job.id)
      const { processedDays } = await job.result
      const { user, system } = process.cpuUsage(before)
      cpuSeconds.set(name, [...(cpuSeconds.get(name) ?? []), (user + system) / 1e6])
      return processedDays
    },
    async check() {
      const complete = await told
      if (complete !== 0 && complete !== CLIENTS) throw new Error(`Only ${complete} clients heard the end`)
      told = Promise.resolve(0)
    },
  })
  try {
    const alone = contender('a durable job on SQLite that nobody watches', () => {})
    const watched = contender(`the same while ${CLIENTS} clients connect and watch it to its end`, (jobId) => {
      told = completeOf(clients, jobId)
    })
    const measured = await race([alone, watched], ROUNDS)
    printSpeeds('(h) clients that watch a job over HTTP', measured)
    const [one, other] = measured.map(({ speeds }) => speeds)
    const ratios = (one ?? []).map((speed, round) => (other?.[round] ?? 0) / speed)
    console.log(`    watched against alone, round by round: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`)
    const [cpuAlone, cpuWatched] = [alone, watched].map(({ name }) => median(cpuSeconds.get(name)?.slice(1) ?? []))
    const cpu = [cpuWatched, cpuAlone].map((seconds) => seconds?.toFixed(1)).join(' against ')
    console.log(`    median ${median(ratios).toFixed(2)}; processor time ${cpu} s`)
  } finally {
    clients.kill()
    server.closeAllConnections()
    server.close()
    await recalc.stop()
    await db.destroy()
    rmSync(folder, { recursive: true })
  }
}

/** How many clients heard the job's end, once all of them have been closed. */
function completeOf(clients: ChildProcess, jobId: string): Promise<number> {
  return new Promise((resolve) => {
    clients.once('message', (complete) => resolve(Number(complete)))
    clients.send(jobId)
  })
}

async function fill(db: Kysely<Tables>): Promise<void> {
  await sql`create table hours (employee text, date text, hours real, primary key (employee, date)) without rowid`.execute(
    db,
  )
  await sql`create table pay (employee text, date text, pay real, primary key (employee, date)) without rowid`.execute(
    db,
  )
  const dates = Array.from({ length: 365 }, (_, day) => new Date(Date.UTC(2025, 0, 1 + day)).toISOString().slice(0, 10))
  await db.transaction().execute(async (tx) => {
    for (let number = 0; number < EMPLOYEES; number++) {
      const employee = String(number).padStart(8, '0') // as employees() makes them up
      const days = dates.map((date, day) => ({ employee, date, hours: (day % 9) + 0.5 }))
      await tx.insertInto('hours').values(days).execute()
    }
  })
}

/** The pay of a shift, minute by minute, with more for late ones: some work, if less than the reference back end's. */
function payOf(hours: number): number {
  let pay = 0
  for (let minute = 0; minute < 1_440; minute++) {
    const isWork = minute >= 480 && minute < 480 + hours * 60
    const rate = minute % 1_440 > 1_080 ? 40.25 : 31.5
    if (isWork) pay += Math.round((rate * 100) / 60) / 100
  }
  return pay
}

/** Reads a row and writes a row per day. */
function payStage() {
  return dayStage<number, ReadonlyMap<DayKey, number>, Transaction<Tables>>({
    name: 'pay',
    reads: { hours: [0, 0] },
    writes: ['pay'],
    async load({ employeeIds, from, to }, { tx }) {
      const rows = await tx
        .selectFrom('hours')
        .selectAll()
        .where('employee', 'in', employeeIds)
        .where('date', '>=', from)
        .where('date', '<=', to)
        .execute()
      return new Map(rows.map(({ employee, date, hours }) => [dayKey({ employeeId: employee, date }), hours]))
    },
    calculate: (day, hours) => payOf(hours.get(dayKey(day)) ?? 0),
    async save({ upserts }, { tx }) {
      for (let i = 0; i < upserts.length; i += 200) {
        const rows = upserts
          .slice(i, i + 200)
          .map(({ day, value }) => ({ employee: day.employeeId, date: day.date, pay: value }))
        await tx.replaceInto('pay').values(rows).execute()
      }
    },
  })
}
