import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { createConnection } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { JobConflictError } from '../../../src/index.ts'
import { until } from '../../support/crash-observers.ts'
import type { Cluster } from '../../support/galera-cluster.ts'
import { gate } from '../../support/gate.ts'
import { withDatabase } from '../../support/mariadb.ts'
import { seed } from '../../support/seed.ts'
import { Random } from '../random.ts'
import {
  type BalanceDb,
  createBalanceTables,
  DATES,
  DAYS,
  EMPLOYEES,
  FROM,
  type Host,
  hostOn,
  type Options,
  TENANT,
  TO,
} from './balance-host.ts'

const RUN = { tenantId: TENANT, from: FROM, to: TO }
const ALL = { ...RUN, employeeIds: EMPLOYEES }
const ADA = { ...RUN, employeeId: 'ada' }

/** What a cluster of several writers must not change. */
export function clusterCases(cluster: () => Cluster, rounds: number, { canKill = true } = {}): void {
  let database: string
  let hosts: Host[] = []

  const hostAt = (node: 0 | 1 | 2, options?: Options) => {
    const host = hostOn(withDatabase(cluster().nodes[node].url, database), options)
    hosts.push(host)
    return host
  }

  /** The balances of a plain loop, in the rows. */
  async function expectRight(db: BalanceDb, employeeIds = EMPLOYEES, round = 0): Promise<void> {
    const { bookings, balances } = await db.connection().execute(async (session) => {
      for (const statement of cluster().catchUp) await sql.raw(statement).execute(session)
      const own = (table: 'bookings' | 'balances') =>
        session
          .selectFrom(table)
          .selectAll()
          .where('employee_id', 'in', employeeIds)
          .orderBy('employee_id')
          .orderBy('work_date')
      const bookings = await own('bookings').execute()
      return { bookings, balances: await own('balances').execute() }
    })
    const expected = employeeIds.toSorted().flatMap((id) => {
      let balance = 0
      const days = bookings.filter((row) => row.employee_id === id)
      return days.map((row) => {
        balance += (row as unknown as { minutes: number }).minutes
        return `${id} ${row.work_date} ${balance}`
      })
    })
    expect(expected).toHaveLength(employeeIds.length * DAYS)
    const rows = balances.map(
      (row) => `${row.employee_id} ${row.work_date} ${(row as unknown as { balance: number }).balance}`,
    )
    expect([round, rows]).toEqual([round, expected])
  }

  async function freshDatabase() {
    database = `recalc_${randomUUID().replaceAll('-', '').slice(0, 12)}`
    const admin = await createConnection(cluster().nodes[0].url)
    await admin.query(`create database ${database}`)
    await admin.end()
    const host = hostAt(0)
    await createBalanceTables(host.db)
    await host.backend.migrate()
    for (const { url } of cluster().nodes) {
      await until('the node has the tables', async () => {
        const session = await createConnection(withDatabase(url, database)).catch(() => undefined)
        const [rows] = (await session?.query(`show columns from recalc_locks like 'reserved_by'`).catch(() => [])) ?? []
        await session?.end()
        return Array.isArray(rows) && rows.length > 0
      })
    }
  }

  beforeAll(freshDatabase)
  afterEach(async () => {
    await Promise.all(hosts.map((host) => host.close()))
    hosts = []
  })
  afterAll(async () => {
    await Promise.all(hosts.map((host) => host.close()))
  })

  test('of two nodes that want into one scope at once, one is let in', async () => {
    for (let round = 0; round < 8; round++) {
      const pair = [hostAt(0, { exclusive: 'tenant' }), hostAt(1, { exclusive: 'tenant' })]
      const started = await Promise.allSettled(pair.map(({ service }) => service.triggerRecalcBatchAsync(ALL)))
      const jobs = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      const refused = started.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
      const conflicts = refused.filter((error) => error instanceof JobConflictError)
      expect(refused).toEqual(conflicts)
      const results = await Promise.all(jobs.map((job) => job.result))
      expect(results.map(({ status }) => status)).toEqual(jobs.map(() => 'completed'))
      const ran = await (pair[0] as Host).service.listJobs({ tenantId: TENANT })
      const inOrder = ran.toSorted((a, b) => timeOf(a.startedAt) - timeOf(b.startedAt))
      const overlapping = inOrder.filter((job, i) => timeOf(job.startedAt) < timeOf(inOrder[i - 1]?.finishedAt))
      expect(overlapping).toEqual([])
    }
  })

  test('an edit and its trigger on one node win over a slower block of another', async () => {
    const door = gate()
    let isFirst = true
    const slow = hostAt(0, {
      async loaded(employeeIds) {
        if (!isFirst || !employeeIds.includes('ada')) return
        isFirst = false
        await door.pass()
      },
    })
    const quick = hostAt(1)
    const run = slow.service.triggerRecalcRange(ADA)
    await door.arrived
    await quick.book('ada', FROM, 500)
    await quick.service.triggerRecalcRange(ADA)
    door.open()
    await run
    await expectRight(quick.db, ['ada'])
  })

  test('one employee on three nodes at once is calculated as by one after the other', async () => {
    // What was loaded is old by the time it is saved, unless somebody notices.
    const three = ([0, 1, 2] as const).map((node) => hostAt(node, { loaded: () => pauseMs(30 * (2 - node)) }))
    for (let round = 1; round <= 5; round++) {
      await Promise.all(
        three.map(async (host, i) => {
          await host.book('bob', DATES[i] as never, 1_000 * round + i)
          await host.service.triggerRecalcRange({ ...ADA, employeeId: 'bob' })
        }),
      )
      await expectRight((three[0] as Host).db, ['bob'])
    }
  })

  test('employees who are triggered every 100 ms starve no job', async () => {
    const slow = hostAt(0, { loaded: () => pauseMs(400) })
    const busy = hostAt(1)
    let isOver = false
    let triggers = 0
    const triggering = (async () => {
      while (!isOver) {
        await busy.book('ada', FROM, (triggers % 7) + 1)
        await busy.service.triggerRecalc({ tenantId: TENANT, employeeId: 'ada', date: FROM })
        triggers += 1
        await pauseMs(100)
      }
    })()
    const job = await slow.service.triggerRecalcBatchAsync(ALL)
    const { status } = await job.result.finally(() => {
      isOver = true
    })
    await triggering
    expect(status).toBe('completed')
    expect(triggers).toBeGreaterThan(0)
    await busy.service.triggerRecalcRange(ADA)
    await expectRight(busy.db)
  })

  test('sessions of the host’s pool are left as they were', async () => {
    const host = hostAt(0)
    const settings = () =>
      sql`show session variables where variable_name in
        ('wsrep_sync_wait', 'group_replication_consistency')`.execute(host.db)
    const before = await settings()
    await host.service.triggerRecalcRange(ADA)
    await host.service.listJobs()
    const after = await Promise.all(Array.from({ length: 8 }, settings))
    expect(after.map(({ rows }) => rows)).toEqual(after.map(() => before.rows))
  })

  test('a run on a node that lags behind waits for the edit of another', async () => {
    const [edits, runs] = [hostAt(0), hostAt(1)]
    await runs.service.triggerRecalcRange({ ...ADA, employeeId: 'cleo' })
    const catchUp = await cluster().nodes[1].lag()
    await edits.book('cleo', FROM, 700)
    const job = await edits.service.triggerRecalcBatchAsync({ ...RUN, employeeIds: ['dora'] })
    const run = runs.service.triggerRecalcRange({ ...ADA, employeeId: 'cleo' })
    const found = runs.service.getJob(job.id)
    await waitingSessions(cluster().nodes[1].url, 2)
    await catchUp()
    await run
    const snapshot = await found
    expect(snapshot.id).toBe(job.id)
    await job.result
    await expectRight(runs.db, ['cleo', 'dora'])
  })

  test('a node that is without the others in the middle of a block, and comes back, loses nothing', async () => {
    const door = gate()
    let isFirst = true
    const alone = hostAt(2, {
      async loaded() {
        if (!isFirst) return
        isFirst = false
        await door.pass()
      },
    })
    const other = hostAt(0)
    await other.book('emil', FROM, 321)
    const job = await alone.service.triggerRecalcBatchAsync(ALL)
    await door.arrived
    await cluster().nodes[2].isolate()
    door.open()
    await other.service.start()
    await completed(other, job.id)
    await cluster().nodes[2].rejoin()
    const seen = await alone.service.getJob(job.id)
    expect(seen.status).toBe('completed')
    await alone.service.triggerRecalcRange(ADA)
    await expectRight(alone.db)
  })

  test.runIf(canKill)('a job whose node is killed goes on on another', async () => {
    const door = gate()
    const doomed = hostAt(2, { loaded: () => door.pass() })
    const other = hostAt(1)
    await other.book('fay', FROM, 123)
    const job = await doomed.service.triggerRecalcBatchAsync(ALL)
    await door.arrived
    await other.service.start()
    await cluster().nodes[2].kill()
    door.open()
    await completed(other, job.id)
    await cluster().nodes[2].restart()
    await expectRight(other.db)
  })

  test(`in ${rounds} random rounds every row is as on one server, and nothing is left waiting`, async () => {
    const random = new Random(seed)
    const options: Options = { whenBusy: 'queue', loaded: () => pauseMs(random.between(0, 60)) }
    const three = [hostAt(0, options), hostAt(1, options), hostAt(2, options)] as const
    await Promise.all(three.map(({ service }) => service.start()))
    for (let round = 0; round < rounds; round++) {
      // Nothing comes later in a round that would mend what went wrong in it: one job, and each employee's edit.
      const editing = EMPLOYEES.filter(() => random.chance(0.7)).map((employeeId) => {
        const [edits, runs] = [random.pick(three), random.pick(three)]
        const [date, minutes, delayMs] = [random.pick(DATES), random.between(1, 900), random.between(0, 150)]
        const isNoted = random.chance(0.4)
        return async () => {
          await pauseMs(delayMs)
          await edits.book(employeeId, date, minutes, { isNoted })
          if (!isNoted) await runs.service.triggerRecalcRange({ ...RUN, employeeId })
        }
      })
      const job = await random.pick(three).service.triggerRecalcBatchAsync(ALL)
      await Promise.all(editing.map((edit) => edit()))
      const { status } = await job.result
      expect(status).toBe('completed')
      await random.pick(three).service.settle({ tenantId: TENANT })
      const left = await three[0].service.freshness({ tenantId: TENANT })
      expect([round, left.changes]).toEqual([round, 0])
      await expectRight(random.pick(three).db, EMPLOYEES, round)
    }
    const jobs = await three[0].service.listJobs({ tenantId: TENANT, limit: 20 })
    expect(jobs.map(({ status }) => status)).toEqual(jobs.map(() => 'completed'))
  })
}

function pauseMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function timeOf(date: Date | null | undefined): number {
  return date?.getTime() ?? 0
}

/** Resolves once a job is completed, as a host sees it that is without an answer while the cluster counts its nodes. */
async function completed({ service }: Host, jobId: string): Promise<void> {
  await until('another node has done the job', async () => {
    const job = await service.getJob(jobId).catch(() => undefined)
    return job?.status === 'completed'
  })
}

/** Resolves once so many sessions wait for what their node lacks. */
async function waitingSessions(url: string, least: number): Promise<void> {
  const admin = await createConnection(url)
  await until('sessions wait for the other nodes', async () => {
    const [rows] = await admin.query(`select id from information_schema.processlist where (info like '%select 1%'
      or info like 'start transaction%') and command = 'Query' and id <> connection_id()`)
    return (rows as readonly unknown[]).length >= least
  })
  await admin.end()
}
