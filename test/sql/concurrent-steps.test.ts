import { CompiledQuery, type Kysely, sql } from 'kysely'
import { sqlBackend } from 'recalc-service/sql'
import { beforeAll, expect, test } from 'vitest'
import type { Claim } from '../../src/jobs/job-store.ts'
import { emptyStep } from '../../src/run/checkpoint.ts'
import { failureOn, JobBench, LEASE_MS, laneOf, START } from '../../src/testing/conformance/job-bench.ts'
import { within } from '../../src/testing/conformance/within.ts'
import { testDatabase } from '../support/mariadb.ts'

const database = await testDatabase()
const kysely: Kysely<object> = database.kysely()
const backend = sqlBackend(kysely)
const bench = new JobBench(backend)

beforeAll(() => backend.migrate())

test('lanes are opened, and finished ones folded, without waiting for the block of another lane', async () => {
  for (let finished = 1; finished <= 12; finished++) {
    const job = await bench.create()
    const lanes = Array.from({ length: finished + 1 }, (_, i) => laneOf(i + 1, [`${i}`]))
    await bench.jobs.openLanes(job.lease, lanes, undefined)
    for (const { id } of lanes.slice(1)) {
      await bench.commit(job.lease, { processed: 1, lane: { id, datesDone: 31, finished: true } })
    }
    await backend.unitOfWork.run(async (tx) => {
      const lane = { id: 1, datesDone: 1, finished: false }
      await backend.jobs.saveStep(tx, job.lease, { ...emptyStep, processed: 1, lane })
      await within(bench.jobs.openLanes(job.lease, [laneOf(99, ['99'])], undefined), 'opening lanes beside a block')
    })
    expect((await bench.stored(job)).counters.processedDays).toBe(finished + 1)
  }
})

test('a claim that meets blocks with failures at their commit loses none and counts none twice', async () => {
  for (let round = 0; round < 10; round++) {
    const job = await bench.create()
    const lanes = [1, 2, 3, 4].map((id) => laneOf(id, [`${id}`]))
    await bench.jobs.openLanes(job.lease, lanes, undefined)
    const steps = lanes.map(({ id }) => {
      const failures = [failureOn(`${id}`, '2025-01-01')]
      return bench.commit(job.lease, { failed: 1, failures, lane: { id, datesDone: 1, finished: false } })
    })
    const [claim, ...outcomes] = await Promise.allSettled([bench.takeOver(job), ...steps])
    expect(claim.status).toBe('fulfilled')
    const saved = outcomes.filter(({ status }) => status === 'fulfilled').length
    const { failedDays, errorCount } = (await bench.stored(job)).counters
    const failures = await bench.failures(job)
    expect([failedDays, errorCount, failures.length]).toEqual([saved, saved, saved])
  }
})

test('of two claims of one process exactly one wins, also when both wait for a block and are tried again', async () => {
  const impatient: Kysely<object> = database.kysely(
    {},
    {
      hook: async (statement, run, connection) => {
        if (statement.startsWith('start transaction') || statement === 'begin') {
          await connection.executeQuery(CompiledQuery.raw('set innodb_lock_wait_timeout = 1'))
        }
        return run()
      },
    },
  )
  const { jobs } = sqlBackend(impatient)
  const job = await bench.create()
  await bench.jobs.openLanes(job.lease, [laneOf(1, ['1'])], undefined)
  const claim = (claimId: string) =>
    jobs.claim(job.record.id, { claimId, now: START + 2 * LEASE_MS, leaseMs: LEASE_MS, from: ['queued'] })
  let claims: Promise<Claim[]> | undefined
  await backend.unitOfWork.run(async (tx) => {
    const lane = { id: 1, datesDone: 1, finished: false }
    await backend.jobs.saveStep(tx, job.lease, { ...emptyStep, processed: 1, lane })
    claims = Promise.all([claim('one'), claim('other')])
    // Longer than the first attempts wait: both have been rolled back by then.
    await sql`select sleep(2)`.execute(tx)
  })
  const outcomes = await claims
  expect(outcomes?.filter((outcome) => 'lease' in outcome)).toHaveLength(1)
  expect(outcomes).toContainEqual({ status: 'running' })
})
