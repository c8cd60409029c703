import { Redis } from 'ioredis'
import { type RawBuilder, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { addDays, type IsoDate } from '../../src/index.ts'
import { checkEndedJob, type Outcome, outcomeOf, rowsOf } from '../support/crash-checks.ts'
import { serverHostDb } from '../support/crash-database.ts'
import {
  createTables,
  FROM,
  fillTenant,
  type Host,
  type HostDb,
  type HostTables,
  hostOn,
  lastDate,
  randomOf,
  type Workload,
} from '../support/crash-host.ts'
import type { PrivateServer } from '../support/private-server.ts'
import { startRedis } from '../support/redis-server.ts'
import { seed } from '../support/seed.ts'
import { Fleet } from './lanes/fleet.ts'
import { Random } from './random.ts'
import { type Server, servers } from './servers.ts'

/** RECALC_TEST_LANE_JOBS=50 RECALC_TEST_LANE_WORKERS=8 RECALC_TEST_LANE_KILLS=100 for a long look. */
const JOBS = Number(process.env.RECALC_TEST_LANE_JOBS ?? 6)
const WORKERS = Number(process.env.RECALC_TEST_LANE_WORKERS ?? 4)
/** At least so many workers are killed. */
const KILLS = Number(process.env.RECALC_TEST_LANE_KILLS ?? 6)
/** So often does the database die and come back; Redis is emptied twice, and dies twice, whatever this says. */
const RESTARTS = Math.max(1, Math.floor(KILLS / 20))
/** From one kill to the next; nothing is expected to be done by then. */
const BETWEEN_KILLS_MS = 1_000
/** Longer than leases, than the database's patience with locks, and in the long look than BullMQ's with a worker. */
const FREEZE_MS = KILLS > 20 ? 12_000 : 3_000

/** How long a block takes at least: so that there is work left whenever something happens. */
const BLOCK_MS = KILLS > 20 ? 400 : 100

/** Every fifth job meets days that cannot be calculated. */
const workloadOf = (job: number): Workload => ({ employees: 32, dates: 24, failures: job % 5 === 4 ? 3 : 0 })

describe.each(servers)('lanes over Redis on $name', ({ start }) => {
  test(`${JOBS} jobs of ${WORKERS} workers that are killed and frozen, over servers that die, come to the rows of undisturbed ones`, async () => {
    await using stack = new AsyncDisposableStack()
    const server = stack.adopt(await start(), (one) => one.stop())
    const redis = stack.adopt(await startRedis(), (one) => one.stop())
    const url = await hostDatabase(server.url)
    const db = stack.adopt(serverHostDb(url, 4), (one) => one.destroy())
    const web = stack.adopt(hostOn(db, { worker: false }), ({ service }) => service.stop())
    await createTables(db)
    await fillTenants(db)

    const tenants = Array.from({ length: JOBS }, (_, job) => `wild-${job}`)
    for (const [job, tenantId] of tenants.entries()) {
      await web.service.triggerRecalcAllAsync({ tenantId, from: FROM, to: lastDate(workloadOf(job)) })
    }
    const begun = Date.now()
    const random = new Random(seed)
    const fleet = stack.use(new Fleet(WORKERS, { url, redis: redis.url, blockMs: BLOCK_MS }))
    const mishaps = mishapsOf({ server, redis, fleet, random })
    for (let kills = 0; kills < KILLS || mishaps.length > 0; kills++) {
      await fleet.replaceOne(random)
      await mishaps.shift()?.()
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_KILLS_MS))
    }
    const waiting = Date.now()
    await fleet.thaw()
    for (const tenantId of tenants) await ended(web, tenantId)
    await nothingLeft(redis.url)
    await fleet.end()
    expect(fleet.complaints).toEqual([])
    for (const [job, tenantId] of tenants.entries()) {
      await checkEndedJob(web, tenantId)
      const outcome = await outcomeOf(web, tenantId)
      expect(outcome).toEqual(await outcomeOf(web, `calm-${job}`))
      if (workloadOf(job).failures > 0) continue
      expect(outcome.status).toBe('completed')
      expect({ hours: outcome.hours, balances: outcome.balances }).toEqual(await plainLoop(db, tenantId))
    }
    expect(await count(db, sql`recalc_lanes where finished = 0`)).toBe(0)
    const resumed = await count(db, sql`recalc_events where body like '%"type":"resumed"%'`)
    expect(resumed).toBeGreaterThan(0)
    const seconds = (from: number) => `${Math.round((Date.now() - from) / 1_000)} s`
    console.log(
      `${fleet.kills} kills, ${RESTARTS} restarts, ${resumed} jobs taken over, ${seconds(begun)}, of which ${seconds(waiting)} in peace`,
    )
  }, 3_600_000)
})

async function hostDatabase(server: string): Promise<string> {
  if (server.startsWith('postgres')) return `${server}/postgres`
  const admin = serverHostDb(`${server}/mysql`, 1)
  await admin.schema.createSchema('host').execute()
  await admin.destroy()
  return `${server}/host`
}

/** Each tenant is there twice; of one all is calculated here and now, by a job that nothing befalls. */
async function fillTenants(db: HostDb): Promise<void> {
  const { service } = hostOn(db)
  for (let job = 0; job < JOBS; job++) {
    const workload = workloadOf(job)
    for (const tenantId of [`calm-${job}`, `wild-${job}`]) {
      await fillTenant(db, tenantId, workload, randomOf(seed + job))
    }
    const all = { tenantId: `calm-${job}`, from: FROM, to: lastDate(workload) }
    await (await service.triggerRecalcAllAsync(all)).result
  }
  await service.stop()
}

/** What a loop over the bookings comes to that knows nothing of jobs. */
async function plainLoop(db: HostDb, tenantId: string): Promise<Pick<Outcome, 'hours' | 'balances'>> {
  const hours = (await rowsOf(db, 'crash_bookings', tenantId)) as readonly Omit<
    HostTables['crash_hours'],
    'tenant_id'
  >[]
  const balances: unknown[] = []
  let yesterday: { readonly employee_id: string; readonly work_date: string; readonly balance: number } | undefined
  for (const { employee_id, work_date, minutes, version } of hours) {
    const isNext = yesterday?.employee_id === employee_id && addDays(yesterday.work_date as IsoDate, 1) === work_date
    const today = { employee_id, work_date, balance: ((isNext && yesterday?.balance) || 0) + minutes - 480, version }
    balances.push(today)
    yesterday = today
  }
  return { hours, balances }
}

/** What happens once each, one after every kill, in an order that chance gives. */
function mishapsOf({
  server,
  redis,
  fleet,
  random,
}: {
  readonly server: Server
  readonly redis: Server
  readonly fleet: Fleet
  readonly random: Random
}): (() => Promise<void>)[] {
  const restart = async (one: PrivateServer) => {
    await one.kill()
    await one.restart()
  }
  const all = [
    ...Array.from({ length: RESTARTS }, () => () => restart(server)),
    ...[1, 2].flatMap(() => [
      () => restart(redis),
      () => emptied(redis.url),
      async () => fleet.freezeOne(random, FREEZE_MS),
    ]),
  ]
  const shuffled: (() => Promise<void>)[] = []
  while (all.length > 0) shuffled.push(...all.splice(random.between(0, all.length - 1), 1))
  return shuffled
}

async function emptied(url: string): Promise<void> {
  const client = new Redis(url)
  await client.flushall()
  client.disconnect()
}

/** The service asks again and again, also while the database is away. */
async function ended({ service }: Host, tenantId: string): Promise<void> {
  const stands = async () => (await service.listJobs({ tenantId }))[0]?.finishedAt ?? null
  await expect.poll(stands, { interval: 100, timeout: 600_000 }).not.toBe(null)
}

async function count(db: HostDb, rows: RawBuilder<unknown>): Promise<number> {
  const found = await sql<{ number: number }>`select count(*) as number from ${rows}`.execute(db)
  return Number(found.rows[0]?.number)
}

/** What was sent too often is taken away by whoever gets it. */
async function nothingLeft(url: string): Promise<void> {
  const client = new Redis(url)
  const messages = async () =>
    (await client.keys('bull:recalc-lanes-1:*')).filter((key) => /:[0-9a-f-]{36}-\d+-\d+$/.test(key))
  await expect.poll(messages, { interval: 100, timeout: 120_000 }).toEqual([])
  client.disconnect()
}
