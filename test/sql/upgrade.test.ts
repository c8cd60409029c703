import { type Kysely, sql } from 'kysely'
import { recalcMigrations, sqlBackend } from 'recalc-service/sql'
import { describe, expect, test } from 'vitest'
import { employeeHash, hash } from '../../src/sql/hash.ts'
import { JobBench, LEASE_MS, laneOf, START, unnumbered } from '../../src/testing/conformance/job-bench.ts'
import { engines } from './support/engines.ts'

/** What the first release stored; bodies as it wrote them. */
interface OldJob {
  readonly id: string
  readonly status: string
  readonly stages?: readonly string[]
  readonly phases?: readonly string[]
  readonly totalDays?: number
  readonly processedDays?: number
  readonly failedDays?: number
  readonly errorCount?: number
  readonly after?: string | null
  readonly allHandedOut?: boolean
  readonly tenantStagesDone?: number
  readonly cancel?: string
  readonly lanes?: readonly OldLane[]
  readonly failures?: readonly OldFailure[]
}

interface OldLane {
  readonly id: number
  readonly employeeIds: readonly string[]
  readonly datesDone: number
  readonly finished?: boolean
  readonly processedDays?: number
  readonly failedDays?: number
  readonly errorCount?: number
}

interface OldFailure {
  readonly employeeId: string | null
  readonly date: string | null
  readonly stage: string
}

const FROM = '2025-01-01'
const TO = '2025-01-31'
const many = Array.from({ length: 1_200 }, (_, i) => ({
  employeeId: `${2_000 + i}`,
  date: '2025-01-07',
  stage: 'scores',
}))

const jobs: readonly OldJob[] = [
  {
    id: 'running',
    status: 'running',
    totalDays: 155,
    processedDays: 7,
    after: 'é',
    lanes: [
      { id: 1, employeeIds: ['1', '2'], datesDone: 31, finished: true, processedDays: 62 },
      { id: 2, employeeIds: ['3', 'é'], datesDone: 5, processedDays: 10 },
    ],
  },
  {
    id: 'interrupted',
    status: 'interrupted',
    totalDays: 124,
    after: '4',
    allHandedOut: true,
    cancel: '"gönug"',
    lanes: [
      { id: 1, employeeIds: ['1', '2', '3'], datesDone: 4, processedDays: 10, failedDays: 2, errorCount: 1 },
      { id: 2, employeeIds: ['4'], datesDone: 1, failedDays: 1, errorCount: 1 },
    ],
    failures: [
      { employeeId: '2', date: '2025-01-03', stage: 'scores' },
      { employeeId: '4', date: '2025-01-01', stage: 'scores' },
    ],
  },
  {
    id: 'errors',
    status: 'completed_with_errors',
    phases: ['scores', 'totals', 'ranking'],
    totalDays: 62,
    processedDays: 60,
    failedDays: 2,
    errorCount: 3,
    after: '2',
    allHandedOut: true,
    tenantStagesDone: 1,
    failures: [
      { employeeId: '1', date: '2025-01-03', stage: 'scores' },
      { employeeId: '1', date: '2025-01-09', stage: 'scores' },
      { employeeId: null, date: null, stage: 'ranking' },
    ],
  },
  {
    id: 'blocked',
    status: 'completed_with_errors',
    totalDays: 31,
    processedDays: 2,
    failedDays: 29,
    errorCount: 1,
    allHandedOut: true,
    tenantStagesDone: 1,
    failures: [{ employeeId: 'ü', date: '2025-01-03', stage: 'scores' }],
  },
  {
    id: 'failed',
    status: 'failed',
    stages: [],
    phases: ['dailyCalc'],
    totalDays: 62,
    after: '9',
    lanes: [
      { id: 1, employeeIds: ['8'], datesDone: 9, processedDays: 8, failedDays: 1, errorCount: 1 },
      { id: 2, employeeIds: ['9'], datesDone: 2, processedDays: 1, failedDays: 1, errorCount: 1 },
    ],
    failures: [
      { employeeId: '8', date: '2025-01-04', stage: 'dailyCalc' },
      { employeeId: '9', date: '2025-01-02', stage: 'dailyCalc' },
    ],
  },
  { id: 'tenant', status: 'cancelled', phases: ['totals', 'ranking'], tenantStagesDone: 1 },
  { id: 'many', status: 'failed', totalDays: 40_000, failedDays: many.length, errorCount: many.length, failures: many },
  ...Array.from({ length: 45 }, (_, i) => ({ id: `more ${i}`, status: 'completed', allHandedOut: true })),
]

function bodyOf({ status, stages = ['scores', 'totals'], phases = ['scores', 'totals'], failures = [] }: OldJob) {
  const ended = status !== 'running'
  const instant = new Date(START + 1).toISOString()
  const counters = { totalDays: 1, processedDays: 0, unchangedDays: 0, skippedDays: 0, failedDays: 0, errorCount: 0 }
  const errors = failures.slice(0, 2).map(failureBody)
  return JSON.stringify({
    plan: {
      kind: 'all',
      tenantId: 'acmé',
      from: FROM,
      to: TO,
      zone: 'Europe/Berlin',
      stages,
      clearExisting: true,
      onError: 'continue',
    },
    reason: 'new rülés',
    scope: null,
    fingerprint: null,
    phases: phases.map((name, i) => ({ number: i + 1, name, title: name })),
    phase: 1,
    progress: 0.5,
    remainingMs: null,
    createdAt: new Date(START).toISOString(),
    startedAt: instant,
    resumedAt: instant,
    finishedAt: ended ? instant : null,
    runs: 1,
    fault: null,
    result: ended ? { status, ...counters, errors, startedAt: instant, finishedAt: instant } : null,
  })
}

function failureBody(failure: OldFailure) {
  return { ...failure, code: 'TypeError', message: 'no clock times für heute', attempts: 1 }
}

const nothing = { processed_days: 0, unchanged_days: 0, skipped_days: 0, failed_days: 0, error_count: 0 }

/** Makes the tables of the first release, and puts its jobs into them. */
async function fill(kysely: Kysely<never>, prefix: string): Promise<void> {
  await recalcMigrations(prefix)[`${prefix}0001_jobs`]!.up(kysely)
  const db = kysely as unknown as Kysely<Record<string, Record<string, unknown>>>
  const insert = async (table: string, rows: readonly Record<string, unknown>[]) => {
    for (let i = 0; i < rows.length; i += 100) {
      await db
        .insertInto(`${prefix}${table}`)
        .values(rows.slice(i, i + 100))
        .execute()
    }
  }
  for (const [i, job] of jobs.entries()) {
    const { id, status, lanes = [], failures = [] } = job
    await insert('jobs', [
      {
        ...nothing,
        id,
        admission_id: `admission of ${id}`,
        tenant_hash: hash('tenant', 'acmé'),
        scope_hash: null,
        status,
        created_at: START + i,
        finished_at: status === 'running' ? null : START + 100,
        body: bodyOf(job),
        total_days: job.totalDays ?? 0,
        processed_days: job.processedDays ?? 0,
        failed_days: job.failedDays ?? 0,
        error_count: job.errorCount ?? 0,
        handed_out: JSON.stringify(job.after ?? null),
        all_handed_out: job.allHandedOut ? 1 : 0,
        next_lane_id: 3,
        last_seq: 1,
        lease_owner: 'process 1',
        lease_token: 2,
        lease_expires_at: START,
        cancel: job.cancel ?? null,
      },
    ])
    const lease_token = status === 'running' ? 2 : 0
    const zero = { ...nothing, job_id: id, lane_id: 0, lease_token, steps: 1, employee_ids: '[]', dates_done: 0 }
    await insert('lanes', [
      { ...zero, finished: 0, unchanged_days: 0, skipped_days: 3, tenant_stages_done: job.tenantStagesDone ?? 0 },
      ...lanes.map((lane) => ({
        ...zero,
        lane_id: lane.id,
        employee_ids: JSON.stringify(lane.employeeIds),
        dates_done: lane.datesDone,
        finished: lane.finished ? 1 : 0,
        processed_days: lane.processedDays ?? 0,
        failed_days: lane.failedDays ?? 0,
        error_count: lane.errorCount ?? 0,
        tenant_stages_done: 0,
      })),
    ])
    await insert(
      'failures',
      failures.map((failure) => ({
        job_id: id,
        failure_hash: hash(
          failure.employeeId === null ? `stage ${failure.stage}` : `day ${failure.date}/${failure.employeeId}`,
        ),
        employee_hash: employeeHash(failure.employeeId),
        body: JSON.stringify(failureBody(failure)),
      })),
    )
    const queued = { type: 'queued', seq: 1, jobId: id, at: new Date(START).toISOString(), tenantId: 'acmé' }
    await insert('events', [{ job_id: id, seq: 1, body: JSON.stringify(queued) }])
  }
}

async function rowsOf(kysely: Kysely<never>, prefix: string) {
  const of = async (table: string, order: string) =>
    (await sql`select * from ${sql.table(`${prefix}${table}`)} order by ${sql.raw(order)}`.execute(kysely)).rows
  return {
    jobs: await of('jobs', 'id'),
    lanes: await of('lanes', 'job_id, lane_id'),
    failures: await of('failures', 'job_id, number'),
  }
}

describe.each(engines)('a database of the first release on $name', async ({ open }) => {
  const database = await open()
  const kysely = database.connect<never>()

  test('is brought up to date with its jobs, checkpoints, failures and counters', async () => {
    await fill(kysely, 'recalc_')
    const backend = sqlBackend(kysely)
    await backend.migrate()
    const bench = new JobBench(backend)
    const { jobs: store } = bench
    const of = async (id: string) => {
      const record = await store.get(id)
      const { totalDays, processedDays, skippedDays, failedDays, errorCount } = record!.counters
      return {
        record: record!,
        counters: [totalDays, processedDays, skippedDays, failedDays, errorCount],
        checkpoint: await store.checkpoint(id),
        through: unnumbered(await store.failures(id, { after: 0, limit: 10 })).map((failure) => failure.through),
      }
    }

    const running = await of('running')
    expect(running.record).toMatchObject({
      status: 'running',
      reason: 'new rülés',
      result: null,
      cancel: null,
      lastSeq: 1,
    })
    expect(running.record.plan.stages).toEqual(
      ['scores', 'totals'].map((name) => ({
        kind: 'unrecorded',
        name,
        saves: true,
        carries: false,
        reads: {},
        writes: [],
        blockDays: null,
      })),
    )
    expect(running.counters).toEqual([155, 79, 3, 0, 0])
    expect(running.checkpoint).toEqual({
      dispatchedThrough: 'é',
      allDispatched: false,
      nextLaneId: 3,
      openLanes: [laneOf(2, ['3', 'é'], 5)],
      tenantStagesDone: [],
    })

    // Who failed is out of the lane, and everything up to the last date waits behind the failure.
    const interrupted = await of('interrupted')
    expect(interrupted.record.cancel).toEqual({ reason: 'gönug' })
    expect(interrupted.checkpoint?.openLanes).toEqual([laneOf(1, ['1', '3'], 4)])
    expect(interrupted.through).toEqual([TO, TO])
    expect(interrupted.counters).toEqual([124, 10, 3, 29 + 31, 2])

    const errors = await of('errors')
    expect(errors.through).toEqual(['2025-01-03', '2025-01-09', null])
    expect(errors.counters).toEqual([65, 60, 3, 2, 3])
    expect(errors.checkpoint).toMatchObject({ allDispatched: true, openLanes: [], tenantStagesDone: ['totals'] })
    expect(errors.record.result?.errors.map(({ through }) => through)).toEqual(['2025-01-03', '2025-01-09'])
    expect(errors.record.result?.finishedAt).toEqual(new Date(START + 1))

    const blocked = await of('blocked')
    expect(blocked.through).toEqual([TO])
    expect(blocked.counters).toEqual([34, 2, 3, 29, 1])
    expect(blocked.record.result?.errors.map(({ through }) => through)).toEqual([TO])

    // Whether these days build on each other nobody can tell: each failure is taken up in a way that is right for both.
    const failed = await of('failed')
    expect(failed.record.plan.stages.map(({ name }) => name)).toEqual(['dailyCalc'])
    expect(failed.through).toEqual(['2025-01-04', TO])
    expect(failed.checkpoint?.openLanes).toEqual([laneOf(1, ['8'], 9)])
    expect(failed.counters).toEqual([62, 9, 3, 1 + 30, 2])

    expect((await of('tenant')).checkpoint?.tenantStagesDone).toEqual(['totals'])
    const all = await store.failures('many', { after: 0, limit: 2_000 })
    expect(all.map(({ employeeId }) => employeeId)).toEqual(many.map(({ employeeId }) => employeeId))
    expect((await store.list({ tenantId: 'acmé', limit: 1_000 })).length).toBe(jobs.length)

    const abandoned = await store.listAbandoned({ now: START + LEASE_MS, limit: 10, after: null })
    expect(abandoned).toEqual([
      { jobId: 'running', status: 'running', cancelRequested: false },
      { jobId: 'interrupted', status: 'interrupted', cancelRequested: true },
    ])
    for (const id of ['running', 'interrupted', 'errors', 'failed', 'tenant']) {
      const { lease, lastFailure } = await bench.takeOver({ record: { id } })
      await bench.commit(lease, { failures: [{ ...all[0]!, employeeId: 'new' }], failed: 1 })
      const [last] = (await store.failures(id, { after: 0, limit: 10 })).slice(-1)
      expect(last?.employeeId).toBe('new')
      expect(last?.number).toBe(lastFailure + 1)
    }
  })

  test('is brought up to date by whoever comes after a process that died anywhere in the middle', async () => {
    let left = Number.POSITIVE_INFINITY
    let statements = 0
    const client = database.connect<never>((statement, run) => {
      statements += 1
      left -= 1
      // What a dead process had begun the database takes back.
      if (left >= 0 || statement === 'rollback') return run()
      throw new Error('died')
    })
    const up = (prefix: string) => recalcMigrations(prefix)[`${prefix}0002_run_record`]!.up(client)
    await fill(kysely, 'whole_')
    await up('whole_')
    // Each comes further than the one before, until the work is done.
    const stride = Math.ceil(statements / 25)
    const whole = await rowsOf(client, 'whole_')
    expect(whole.jobs.length).toBe(jobs.length)
    await fill(kysely, 'torn_')
    let deaths = 0
    for (let done = false; !done; ) {
      left = (deaths + 1) * stride
      done = await up('torn_').then(
        () => true,
        (error: unknown) => {
          expect(error).toEqual(new Error('died'))
          return false
        },
      )
      if (!done) deaths += 1
    }
    left = Number.POSITIVE_INFINITY
    expect(deaths).toBeGreaterThan(4)
    expect(await rowsOf(client, 'torn_')).toEqual(whole)
    await up('torn_')
    expect(await rowsOf(client, 'torn_')).toEqual(whole)
  })
})
