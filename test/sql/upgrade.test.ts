import { type Kysely, sql } from 'kysely'
import { recalcMigrations, sqlBackend } from 'recalc-service/sql'
import { describe, expect, test } from 'vitest'
import { JobBench, LEASE_MS, laneOf, START, unnumbered } from '../../src/testing/conformance/job-bench.ts'
import { engines } from './support/engines.ts'
import { fillFirstRelease, type OldJob, TO } from './support/first-release.ts'

const many = Array.from({ length: 1_200 }, (_, i) => ({
  employeeId: `${2_000 + i}`,
  date: '2025-01-07',
  stage: 'scores',
}))

const told: readonly OldJob[] = [
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

const jobs = told.map((job) => ({ ...job, skippedDays: 3 }))

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
    await fillFirstRelease(kysely, jobs)
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
      { jobId: 'running', status: 'running', cancelRequested: false, pauseRequested: false },
      { jobId: 'interrupted', status: 'interrupted', cancelRequested: true, pauseRequested: false },
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
    await fillFirstRelease(kysely, jobs, 'whole_')
    await up('whole_')
    // Each comes further than the one before, until the work is done.
    const stride = Math.ceil(statements / 25)
    const whole = await rowsOf(client, 'whole_')
    expect(whole.jobs.length).toBe(jobs.length)
    await fillFirstRelease(kysely, jobs, 'torn_')
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
