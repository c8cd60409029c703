import { type Kysely, sql } from 'kysely'
import { sqlBackend } from 'recalc-service/sql'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { failureOn, type HeldJob, JobBench, LEASE_MS, laneOf, START } from '../../src/testing/conformance/job-bench.ts'
import { engines } from './support/engines.ts'

const parts = ['events', 'failures', 'lanes', 'job_employees'] as const

// Every job of the bench ends at this time.
const END = START + 60_001

describe.each(engines)('purgeJobs on $name', async ({ open }) => {
  const database = await open()
  const kysely: Kysely<object> = database.connect()
  const backend = sqlBackend(kysely)
  const bench = new JobBench(backend)

  beforeAll(() => backend.migrate())

  beforeEach(async () => {
    await backend.purgeJobs({ finishedBefore: new Date(8e15) })
  })

  async function ended(): Promise<HeldJob> {
    const job = await bench.create({ employeeIds: ['1', '2'] })
    await bench.jobs.openLanes(job.lease, [laneOf(1, ['1'])], undefined)
    await bench.commit(job.lease, { failed: 1, failures: [failureOn('1', '2025-01-01')] })
    await bench.end(job, 'failed')
    return job
  }

  async function rowsOf(jobId: string): Promise<readonly number[]> {
    const counts = parts.map(async (part) => {
      const { rows } = await sql<{ n: number | string }>`
        select count(*) as n from ${sql.table(`recalc_${part}`)} where job_id = ${jobId}`.execute(kysely)
      return Number(rows[0]!.n)
    })
    return await Promise.all(counts)
  }

  test('removes what ended before the given moment, with all that belongs to it', async () => {
    const jobs = [await ended(), await ended()]
    expect(await rowsOf(jobs[0]!.record.id)).toEqual([2, 1, 1, 1])
    expect(await backend.purgeJobs({ finishedBefore: new Date(END) })).toBe(0)
    expect(await backend.purgeJobs({ finishedBefore: new Date(END + 1) })).toBe(2)
    for (const { record } of jobs) {
      expect(await bench.jobs.get(record.id)).toBeUndefined()
      expect(await rowsOf(record.id)).toEqual([0, 0, 0, 0])
    }
  })

  test('leaves jobs that are active, or were taken up again, however old they are', async () => {
    const active = await bench.create()
    const resumed = await ended()
    await bench.takeOver(resumed)
    expect(await backend.purgeJobs({ finishedBefore: new Date(8e15) })).toBe(0)
    for (const { record } of [active, resumed]) expect(await bench.jobs.get(record.id)).toBeDefined()
    for (const { record } of [active, resumed]) {
      await bench.end({ record, lease: (await bench.takeOver({ record }, 100 * LEASE_MS)).lease })
    }
  })

  test.each<[object | undefined, string]>([
    [{ finishedBefore: new Date(Number.NaN) }, '`finishedBefore` to be a valid Date'],
    [{ finishedBefore: '2025-01-01' }, '`finishedBefore` to be a valid Date'],
    [{ before: new Date() }, '`before` is not known'],
    [undefined, '`options` to be an object { finishedBefore }'],
  ])('of %j is refused', async (options, message) => {
    const purged = backend.purgeJobs(options as never)
    await expect(purged).rejects.toThrow(message)
    await expect(purged).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
  })

  test('removes many, each once, also when two purge at the same time', async () => {
    const jobs: HeldJob[] = []
    for (let i = 0; i < 45; i++) jobs.push(await ended())
    const other = sqlBackend(database.connect())
    const finishedBefore = new Date(8e15)
    const counts = await Promise.all([backend.purgeJobs({ finishedBefore }), other.purgeJobs({ finishedBefore })])
    expect(counts[0] + counts[1]).toBe(45)
    expect(await bench.jobs.list({})).toEqual([])
  })

  test('keeps the cooldown of a scope whose last job is still there', async () => {
    const job = await bench.create({ scope: 's' })
    await bench.end(job)
    await backend.purgeJobs({ finishedBefore: new Date(END) })
    expect((await bench.submit({ scope: 's', at: 10, cooldownMs: 1_000 })).admission).toEqual({ retryAfterMs: 990 })
  })
})
