import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { checkEndedJob, outcomeOf } from '../../support/crash-checks.ts'
import { mysqlHostDb, type StatementHook } from '../../support/crash-database.ts'
import {
  createTables,
  FROM,
  fillTenant,
  type HostDb,
  type HostTables,
  hostOn,
  lastDate,
  randomOf,
  type Workload,
} from '../../support/crash-host.ts'
import { until } from '../../support/crash-observers.ts'
import { startMariadb, withDatabase } from '../../support/mariadb.ts'
import { postgresKysely, startPostgres } from '../../support/postgres.ts'
import type { PrivateServer } from '../../support/private-server.ts'
import { seed } from '../../support/seed.ts'

const workload: Workload = { employees: 100, dates: 16, failures: 0 }
const request = (tenantId: string) => ({ tenantId, from: FROM, to: lastDate(workload) })

/** A server of a test's own, which refuses every write of the host while it is read-only. */
interface Failing {
  readonly server: PrivateServer
  setReadOnly(isReadOnly: boolean): Promise<void>
  connect(hook?: StatementHook): HostDb
}

/** MariaDB's read-only mode does not bind an administrator, which the host is therefore not. */
async function failingMariadb(): Promise<Failing> {
  const server = await startMariadb()
  const admin = mysqlHostDb(server.url, { connectionLimit: 1 }).db
  for (const statement of [
    'create database host',
    "create user host@'127.0.0.1'",
    "grant all on host.* to host@'127.0.0.1'",
  ]) {
    await sql.raw(statement).execute(admin)
  }
  await admin.destroy()
  const url = withDatabase(server.url.replace('root@', 'host@'), 'host')
  return {
    server,
    async setReadOnly(isReadOnly) {
      const own = mysqlHostDb(server.url, { connectionLimit: 1 }).db
      await sql.raw(`set global read_only = ${isReadOnly ? 1 : 0}`).execute(own)
      await own.destroy()
    },
    connect: (hook) => mysqlHostDb(url, { connectionLimit: 8 }, hook).db,
  }
}

async function failingPostgres(): Promise<Failing> {
  const server = await startPostgres()
  const url = withDatabase(server.url, 'postgres')
  return {
    server,
    async setReadOnly(isReadOnly) {
      const { kysely } = postgresKysely<HostTables>(url, { max: 1 })
      await sql.raw(`alter system set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`).execute(kysely)
      await sql`select pg_reload_conf()`.execute(kysely)
      await kysely.destroy()
    },
    connect: (hook) => postgresKysely<HostTables>(url, { max: 8 }, { hook }).kysely,
  }
}

/** Blocks last long enough for a job to be under way when its database goes. */
const slow: StatementHook = async (statement, run) => {
  if (statement.startsWith('select') && statement.includes('crash_bookings')) {
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  return await run()
}

const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1_000))

const outages = [
  ['killed', 1],
  ['killed', 3],
  ['killed', 8],
  ['killed', 25],
  ['read-only', 2],
  ['read-only', 12],
] as const

describe.concurrent.each([
  { name: 'MariaDB', start: failingMariadb },
  { name: 'PostgreSQL', start: failingPostgres },
])('a job on $name', ({ start }) => {
  const does = 'is completed without anybody’s help when its server was %s for %i s'
  test.for(outages)(does, async ([how, duration], { onTestFinished }) => {
    const { server, connect, setReadOnly } = await start()
    onTestFinished(() => server.stop())
    const [db, observing] = [connect(slow), connect()]
    await createTables(observing)
    const host = hostOn(db)
    const calm = hostOn(observing, { leaseMs: 60_000 })
    for (const tenantId of ['struck', 'calm']) await fillTenant(observing, tenantId, workload, randomOf(seed))
    await host.service.start()
    const { id } = await host.service.triggerRecalcAllAsync(request('struck'))
    await until('the job is under way', async () => (await calm.service.getJob(id)).processedDays > 0)
    const { processedDays, totalDays } = await calm.service.getJob(id)
    expect(processedDays).toBeLessThan(totalDays / 2)

    if (how === 'killed') await server.kill()
    else await setReadOnly(true)
    await seconds(duration)
    if (how === 'killed') await server.restart()
    else await setReadOnly(false)

    await until('the job ends', async () => (await calm.service.getJob(id)).status === 'completed')
    await host.service.stop()
    expect((await calm.service.getJob(id)).runs, 'the outage was noticed').toBeGreaterThan(1)
    await (await calm.service.triggerRecalcAllAsync(request('calm'))).result
    await checkEndedJob(calm, 'struck')
    expect(await outcomeOf(calm, 'struck')).toEqual(await outcomeOf(calm, 'calm'))
    await calm.service.stop()
    await Promise.all([db.destroy(), observing.destroy()])
  })
})
