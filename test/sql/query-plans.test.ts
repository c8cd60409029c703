import { CompiledQuery, type LogEvent, type Transaction } from 'kysely'
import { dayStage, RecalcService } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { manualClock } from 'recalc-service/testing'
import { beforeAll, expect, test } from 'vitest'
import { hash } from '../../src/sql/hash.ts'
import type { RecalcTables } from '../../src/sql/tables.ts'
import { failureOn, JobBench, LEASE_MS, START } from '../../src/testing/conformance/job-bench.ts'
import { testDatabase } from '../support/mariadb.ts'

interface PlanRow {
  readonly table: string | null
  readonly type: string | null
  readonly key: string | null
}

type Tables = { readonly [Name in keyof RecalcTables as `recalc_${Name}`]: RecalcTables[Name] }

const JOBS = 2_000
const PARTS = 8

const database = await testDatabase()
const queries = new Map<string, CompiledQuery>()
const kysely = database.kysely<Tables>(
  {},
  { log: ({ query }: LogEvent) => void (queries.has(query.sql) || queries.set(query.sql, query)) },
)
const clock = manualClock({ start: START })
const backend = sqlBackend(kysely, { clock })
const bench = new JobBench(backend)

/** Every other job is of the same tenant. */
function tenantOf(job: number): string {
  return job % 2 === 0 ? 'tenant 7' : `tenant ${job % 50}`
}

/** Copies a job that has ended, with its lanes, events and failures, until there are many, of many tenants. */
async function fill(): Promise<void> {
  const job = await bench.create({ tenantId: 'many', scope: 'many', employeeIds: ['1'] })
  await bench.commit(job.lease, { failed: 1, failures: [failureOn('1', '2025-01-01')] })
  await bench.end(job)
  const { id } = job.record
  const jobRow = await kysely.selectFrom('recalc_jobs').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const lane = await kysely.selectFrom('recalc_lanes').selectAll().where('job_id', '=', id).executeTakeFirstOrThrow()
  const events = kysely.selectFrom('recalc_events').selectAll().where('job_id', '=', id).orderBy('seq')
  const { body: event } = await events.executeTakeFirstOrThrow()
  for (let from = 0; from < JOBS; from += 100) {
    const numbers = Array.from({ length: 100 }, (_, i) => from + i)
    const parts = numbers.flatMap((n) => Array.from({ length: PARTS }, (_, part) => ({ job_id: `job-${n}`, part })))
    await kysely
      .insertInto('recalc_jobs')
      .values(
        numbers.map((n) => ({
          ...jobRow,
          id: `job-${n}`,
          tenant_hash: hash('tenant', tenantOf(n)),
          scope_hash: hash('scope', tenantOf(n)),
          created_at: START - (n + 1) * 60_000,
          finished_at: START - (n + 1) * 60_000 + 1,
        })),
      )
      .execute()
    await kysely
      .insertInto('recalc_lanes')
      .values(parts.map(({ job_id, part }) => ({ ...lane, job_id, lane_id: part })))
      .execute()
    await kysely
      .insertInto('recalc_events')
      .values(parts.map(({ job_id, part }) => ({ job_id, seq: part + 1, body: event })))
      .execute()
    await kysely
      .insertInto('recalc_failures')
      .values(parts.map(({ job_id, part }) => ({ job_id, failure_hash: hash(`${part}`), body: '{}' })))
      .execute()
    await kysely
      .insertInto('recalc_job_employees')
      .values(parts.map(({ job_id, part }) => ({ job_id, part, employee_ids: '["1"]' })))
      .execute()
    await kysely
      .insertInto('recalc_locks')
      .values(parts.map(({ job_id, part }) => ({ lock_hash: hash(job_id, `${part}`) })))
      .execute()
  }
  const failures = Array.from({ length: 2_000 }, (_, i) => ({
    job_id: 'job-9',
    failure_hash: hash(`more ${i}`),
    body: '{}',
  }))
  await kysely.insertInto('recalc_failures').values(failures).execute()
  const tables = ['jobs', 'lanes', 'events', 'failures', 'job_employees', 'locks'].map((table) => `recalc_${table}`)
  await kysely.executeQuery(CompiledQuery.raw(`analyze table ${tables.join(', ')}`))
}

/** Does whatever a store can do. */
async function useAll(): Promise<void> {
  const { jobs } = backend
  const lane = (id: number, employeeIds: readonly string[]) => ({ id, employeeIds, datesDone: 0 })
  const job = await bench.create({
    tenantId: 'tenant 7',
    scope: 'tenant 7',
    cooldownMs: 1,
    employeeIds: ['1', '2', '3'],
  })
  const { id } = job.record
  await jobs.openLanes(job.lease, [lane(1, ['1', '2']), lane(2, ['3'])], { after: '3', all: false })
  await jobs.splitLane(job.lease, 1, [lane(3, ['1']), lane(4, ['2'])])
  const failures = ['2025-01-01', '2025-01-02', '2025-01-03'].map((date) => failureOn('3', date))
  await bench.commit(job.lease, { failed: 3, failures, lane: { id: 2, datesDone: 31, finished: true } })
  await bench.commit(job.lease, { repeated: true, lane: { id: 3, datesDone: 31, finished: true } })
  await jobs.openLanes(job.lease, [lane(5, ['4'])], { after: '4', all: true })
  await bench.commit(job.lease, {
    failed: -1,
    settled: failures.slice(0, 1),
    moved: [{ failure: failures[1]!, to: '2025-01-09' as never }],
  })
  await jobs.renew(job.lease, { owner: 'owner-1', now: START, leaseMs: LEASE_MS })
  await jobs.requestCancel(id, 'enough')
  const unwatch = jobs.watch(id, () => {})
  await clock.advance(1_000)
  unwatch()
  await bench.end(job, 'interrupted')
  await jobs.listInterrupted(START)
  const { lease } = await bench.takeOver(job)
  await bench.end({ ...job, lease }, 'completed')
  await jobs.list({})
  await jobs.list({ limit: 5 })
  await jobs.list({ tenantId: 'tenant 9' })
  await jobs.list({ status: 'interrupted' })
  await jobs.list({ status: 'completed', limit: 20 })
  await jobs.list({ tenantId: 'tenant 9', status: 'completed', limit: 20 })
  await jobs.events('job-9', { after: 3, limit: 2 })
  await jobs.failures('job-9', { after: 3, limit: 2 })
  await backend.purgeJobs({ finishedBefore: new Date(START - (JOBS - 5) * 60_000) })
  await backend.unitOfWork.run((tx) => backend.unitOfWork.lockEmployees(tx, 'tenant 7', ['1', '2']))
  const stage = dayStage<number, null, Transaction<Tables>>({
    name: 'scores',
    title: 'Scores',
    reads: {},
    writes: ['scores'],
    load: async () => null,
    calculate: () => 1,
    save: async () => {},
  })
  const recalc = new RecalcService({ stages: [stage], employees: { listEmployees: async () => [] }, backend })
  await recalc.estimate({ tenantId: 'tenant 9', employeeIds: ['1'], from: '2025-01-01', to: '2025-01-01' })
}

beforeAll(async () => {
  await backend.migrate()
  await fill()
  queries.clear()
  await useAll()
})

/** What was asked, with the parameters of the first time. */
function asked(): readonly CompiledQuery[] {
  return [...queries.values()].filter(({ sql }) => /^\s*(select|update|delete)/.test(sql))
}

test('every query is planned along an index', async () => {
  const unplanned: unknown[] = []
  for (const { sql, parameters } of asked()) {
    const { rows } = await kysely.executeQuery<PlanRow>(CompiledQuery.raw(`explain ${sql}`, [...parameters]))
    for (const { table, type, key } of rows) {
      // Without a table: found at once, or known to be nowhere.
      if (table !== null && (type === 'ALL' || key === null)) unplanned.push({ sql, table, type, key })
    }
  }
  expect(unplanned).toEqual([])
})

test('every query reads few rows, however many jobs, lanes, events and failures there are', async () => {
  expect(asked().length).toBeGreaterThan(25)
  const heavy: unknown[] = []
  for (const { sql, parameters } of asked()) {
    const rowsRead = await kysely
      .transaction()
      .execute(async (tx) => {
        const idle = -(await reads(tx)) + (await reads(tx))
        const before = await reads(tx)
        await tx.executeQuery(CompiledQuery.raw(sql, [...parameters]))
        throw new RolledBack((await reads(tx)) - before - idle)
      })
      .catch((error: unknown) => {
        if (error instanceof RolledBack) return error.rowsRead
        throw error
      })
    // Where jobs are listed, their lanes are added up for five counters.
    const most = /sum\(/.test(sql) ? Number(parameters.at(-1)) * 5 * (PARTS + 2) + 50 : 50
    if (rowsRead > most) heavy.push({ sql, parameters, rowsRead })
  }
  expect(heavy).toEqual([])
})

class RolledBack extends Error {
  readonly rowsRead: number

  constructor(rowsRead: number) {
    super('rolled back')
    this.rowsRead = rowsRead
  }
}

/** The rows that this connection has read so far. */
async function reads(tx: Transaction<Tables>): Promise<number> {
  const { rows } = await tx.executeQuery<{ Value: string }>(
    CompiledQuery.raw("show session status like 'Handler_read%'"),
  )
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
}
