import assert from 'node:assert/strict'
import { CompiledQuery, type Kysely, type LogEvent, type Transaction } from 'kysely'
import { dayStage, type JobStatus, RecalcService } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { manualClock } from 'recalc-service/testing'
import { ACTIVE } from '../../../src/jobs/job-record.ts'
import { emptyStep } from '../../../src/run/checkpoint.ts'
import { employeeHash, hash } from '../../../src/sql/hash.ts'
import type { RecalcTables } from '../../../src/sql/tables.ts'
import {
  failureOn,
  type HeldJob,
  JobBench,
  LEASE_MS,
  laneOf,
  START,
  stageFailure,
} from '../../../src/testing/conformance/job-bench.ts'

export type Tables = { readonly [Name in keyof RecalcTables as `recalc_${Name}`]: RecalcTables[Name] }

const JOBS = 2_000
const WAITING = 500
const PARTS = 8

/** Every query of the store, once it holds many jobs, with the parameters of the first time. */
export class AskedQueries {
  readonly #queries = new Map<string, CompiledQuery>()

  /** To be given to the Kysely whose queries are to be known. */
  readonly log = ({ query }: LogEvent): void => {
    if (!this.#queries.has(query.sql)) this.#queries.set(query.sql, query)
  }

  /** Fills the tables, and does whatever a store can do. */
  async ask(kysely: Kysely<Tables>, analyze: (tables: readonly string[]) => string): Promise<void> {
    const clock = manualClock({ start: START })
    const backend = sqlBackend(kysely, { clock })
    const store: Store = { kysely, clock, backend, bench: new JobBench(backend) }
    await backend.migrate()
    await fill(store)
    const tables = ['jobs', 'lanes', 'events', 'failures', 'job_employees', 'locks'].map((table) => `recalc_${table}`)
    await kysely.executeQuery(CompiledQuery.raw(analyze(tables)))
    this.#queries.clear()
    await useAll(store)
  }

  /** Those that look for rows. */
  all(): readonly CompiledQuery[] {
    return [...this.#queries.values()].filter(({ sql }) => /^\s*(select|update|delete)/.test(sql))
  }
}

/** The most rows that a query may read, whatever the tables hold. */
export function mostRows(sql: string, parameters: readonly unknown[]): number {
  if (!/sum\(/.test(sql)) return 50
  // Where jobs are listed, their lanes are added up for five counters; of each tenant that is named a page is read.
  const limit = Number(parameters.at(-1))
  const pages = sql.split('union').length
  return limit * (5 * (PARTS + 2) + 4 * pages) + 50
}

interface Store {
  readonly kysely: Kysely<Tables>
  readonly clock: ReturnType<typeof manualClock>
  readonly backend: ReturnType<typeof sqlBackend<Tables>>
  readonly bench: JobBench<Transaction<Tables>>
}

/**
 * Of the newer half every other job is of the same tenant, and there are many that failed and many that are at work. The
 * older half is of one tenant that has had no job since, and there alone are jobs that were cancelled.
 */
function jobOf(number: number): { readonly tenantId: string; readonly status: JobStatus } {
  const tenantId = number >= JOBS / 2 ? 'old' : number % 2 === 0 ? 'tenant 7' : `tenant ${number % 50}`
  if (number < 300) return { tenantId, status: 'failed' }
  if (number < 700) return { tenantId, status: 'running' }
  if (number === 700) return { tenantId, status: 'interrupted' }
  if (number >= FIRST_WAITING) return { tenantId: number % 4 === 0 ? 'others' : 'waits', status: 'queued' }
  if (number >= 1_200 && number < 1_900) return { tenantId, status: 'cancelled' }
  return { tenantId, status: number >= 1_980 ? 'failed' : 'completed' }
}

/** From then on jobs wait, in two scopes and without one. */
const FIRST_WAITING = JOBS

function waitingIn(number: number, tenantId: string) {
  const scope_hash = number % 2 === 0 ? hash('scope', `of ${tenantId}`) : null
  const queue_hash = scope_hash ?? hash('queue', `${tenantId} ${number % 3}`)
  return { scope_hash, queue_hash, queue_order: START + number }
}

/** Copies a job that has ended, with its lanes, events and failures, until there are many, of many tenants. */
async function fill({ kysely, bench }: Store): Promise<void> {
  const job = await bench.create({ tenantId: 'many', scope: 'many', employeeIds: ['1'] })
  await bench.jobs.openLanes(job.lease, [laneOf(1, ['1'])], undefined)
  await bench.commit(job.lease, { failed: 1, failures: [failureOn('1', '2025-01-01')] })
  await bench.end(job)
  const { id } = job.record
  const jobRow = await kysely.selectFrom('recalc_jobs').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const lane = await kysely.selectFrom('recalc_lanes').selectAll().where('job_id', '=', id).executeTakeFirstOrThrow()
  const events = kysely.selectFrom('recalc_events').selectAll().where('job_id', '=', id).orderBy('seq')
  const { body: event } = await events.executeTakeFirstOrThrow()
  for (let from = 0; from < JOBS + WAITING; from += 100) {
    const numbers = Array.from({ length: 100 }, (_, i) => from + i)
    const parts = numbers.flatMap((n) => Array.from({ length: PARTS }, (_, part) => ({ job_id: `job-${n}`, part })))
    await kysely
      .insertInto('recalc_jobs')
      .values(
        numbers.map((n) => {
          const { tenantId, status } = jobOf(n)
          return {
            ...jobRow,
            id: `job-${n}`,
            tenant_hash: hash('tenant', tenantId),
            scope_hash: hash('scope', `of ${tenantId}`),
            status,
            created_at: START - (n + 1) * 60_000,
            finished_at: ACTIVE.includes(status) ? null : START - (n + 1) * 60_000 + 1,
            lease_expires_at: START + 10 * LEASE_MS,
            ...(n >= FIRST_WAITING && waitingIn(n, tenantId)),
          }
        }),
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
      .values(parts.map(({ job_id, part }) => ({ job_id, ...failureRow(part + 1, `${part}`) })))
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
    ...failureRow(PARTS + 1 + i, `more ${i}`),
  }))
  await kysely.insertInto('recalc_failures').values(failures).execute()
}

function failureRow(number: number, employeeId: string) {
  return { number, failure_hash: hash(employeeId), employee_hash: employeeHash(employeeId), body: '{}' }
}

/** Does whatever whoever calculates lanes can do. */
async function useLanes({ backend, bench }: Pick<Store, 'backend' | 'bench'>, job: HeldJob): Promise<void> {
  const { lanes, unitOfWork } = backend
  assert.ok(lanes)
  const { jobId, token } = job.lease
  const claim = { jobId, token, claimId: 'one' }
  await bench.jobs.openLanes(job.lease, [laneOf(6, ['7', '8'])], undefined)
  await lanes.claim({ jobId, token, laneId: 6 }, { claimId: 'one', now: START, claimMs: LEASE_MS })
  await lanes.renew([claim], { now: START, claimMs: LEASE_MS })
  await lanes.report(claim, 6, { fault: { code: 'CODE', message: 'a message' } })
  await lanes.split(claim, 6, [laneOf(7, ['7']), laneOf(8, ['8'])])
  await lanes.progress(job.lease)
  await lanes.stop(job.lease)
  const step = { ...emptyStep, lane: { id: 7, datesDone: 31, finished: true } }
  await unitOfWork.run((tx) => lanes.save(tx, claim, step))
  await assert.rejects(unitOfWork.run((tx) => lanes.save(tx, claim, { ...step, repeated: true })))
  await lanes.release(claim)
}

/** Does whatever a store can do. */
async function useAll({ backend, bench, clock }: Store): Promise<void> {
  const { jobs } = backend
  await bench.submit({ scope: 'of old', cooldownMs: 1e12 })
  const job = await bench.create({
    tenantId: 'old',
    scope: 'new',
    cooldownMs: 1,
    employeeIds: ['1', '2', '3'],
  })
  const again = { tenantId: 'tenant 9', identity: { id: 'asked twice', fingerprint: 'x' } }
  await bench.create(again)
  await bench.submit(again)
  const { id } = job.record
  await jobs.openLanes(job.lease, [laneOf(1, ['1', '2']), laneOf(2, ['3'])], undefined)
  await jobs.splitLane(job.lease, 1, [laneOf(3, ['1']), laneOf(4, ['2'])])
  const failures = ['2025-01-01', '2025-01-02', '2025-01-03'].map((date) => failureOn('3', date))
  await bench.commit(job.lease, { failed: 3, failures, lane: { id: 2, datesDone: 31, finished: true } })
  await bench.commit(job.lease, { repeated: true, lane: { id: 3, datesDone: 31, finished: true } })
  await jobs.openLanes(job.lease, [laneOf(5, ['4'])], { dispatchedThrough: '4', allDispatched: true })
  await bench.commit(job.lease, {
    repaired: 1,
    resolved: failures.slice(0, 1),
    moved: [{ failure: failures[1]!, to: '2025-01-09' as never }],
  })
  await bench.commit(job.lease, { tenantStagesDone: ['totals'], repeated: true })
  await bench.commit(job.lease, { failures: [stageFailure('ranking')], repeated: true })
  await jobs.renew(job.lease, { now: START, leaseMs: LEASE_MS })
  await useLanes({ backend, bench }, job)
  await jobs.requestCancel(id, 'enough')
  await jobs.requestPause('job-300')
  await jobs.listWaiting({ limit: 5, after: null, except: [] })
  await jobs.listWaiting({ limit: 5, after: '5', except: ['job-2001', 'job-2002'] })
  await bench.submit({ tenantId: 'waits', scope: 'of waits' })
  const behind = await bench.wait({ tenantId: 'waits', scope: 'of waits', worker: false })
  await bench.claim(behind, { from: ['queued'], toEnd: true })
  await jobs.requeue('job-5', { now: START, from: ['failed'], whenBusy: 'queue' })
  const unwatch = jobs.watch(id, () => {})
  await clock.advance(1_000)
  unwatch()
  await bench.append(job, [{ type: 'stage', stage: 1, name: 'scores', title: 'Scores' }])
  await jobs.listAbandoned({ now: START, limit: 10, after: null })
  await jobs.listAbandoned({ now: START, limit: 10, after: 'job-800' })
  const { lease } = await bench.takeOver(job)
  await bench.end({ ...job, lease }, 'cancelled')
  await jobs.list({})
  await jobs.list({ limit: 5 })
  await jobs.list({ limit: 5, after: 'job-1000' })
  for (const tenantId of [
    'old',
    ['old', 'tenant 7', 'tenant 9'],
    Array.from({ length: 60 }, (_, i) => `tenant ${i}`),
  ]) {
    await jobs.list({ tenantId, limit: 5 })
    await jobs.list({ tenantId, limit: 5, status: 'failed' })
  }
  await jobs.list({ tenantId: 'old', limit: 5, after: 'job-1500' })
  await jobs.list({ tenantId: 'old', status: 'failed', limit: 5, after: 'job-1500' })
  await jobs.list({ status: 'cancelled', limit: 5 })
  await jobs.list({ status: 'cancelled', limit: 5, after: 'job-1500' })
  await jobs.events('job-9', { after: 3, limit: 2 })
  await jobs.failures('job-9', { after: 3, limit: 2 })
  await jobs.failuresOf('job-9', ['more 7', 'more 8', 'nobody'])
  await jobs.checkpoint('job-9')
  await jobs.employeeIds('job-9', { after: null, limit: 2 })
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
  await recalc.estimate({ tenantId: 'old', employeeIds: ['1'], from: '2025-01-01', to: '2025-01-01' })
}
