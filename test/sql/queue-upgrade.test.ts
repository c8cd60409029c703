import { type Kysely, sql } from 'kysely'
import { recalcMigrations, sqlBackend } from 'recalc-service/sql'
import { describe, expect, test } from 'vitest'
import { JobBench, LEASE_MS, START } from '../../src/testing/conformance/job-bench.ts'
import { engines } from './support/engines.ts'
import { fillFirstRelease } from './support/first-release.ts'
import { storedTables } from './support/schema.ts'

const jobs = [
  { id: 'running', status: 'running', totalDays: 31 },
  { id: 'interrupted', status: 'interrupted', totalDays: 31, cancel: '"enough"' },
  { id: 'failed', status: 'failed', totalDays: 31 },
]

/** The release before there were queues. */
async function beforeQueues(kysely: Kysely<never>, prefix: string): Promise<void> {
  await fillFirstRelease(kysely, jobs, prefix)
  const migrations = recalcMigrations(prefix)
  for (const name of ['0002_run_record', '0003_changes', '0004_periods', '0005_history'])
    await migrations[`${prefix}${name}`]?.up(kysely)
}

describe.each(engines)('a database of a release without queues on $name', async ({ open }) => {
  const database = await open()
  const kysely = database.connect<never>()

  test('is brought up to date: nothing of it waits or is to pause, and all of it can be taken up, ended and queued', async () => {
    await beforeQueues(kysely, 'recalc_')
    const backend = sqlBackend(kysely)
    for (const [name, { up }] of Object.entries(recalcMigrations())) if (name >= 'recalc_0006') await up(kysely)
    const bench = new JobBench(backend)
    const { jobs: store } = bench
    expect(await store.listWaiting({ limit: 10, after: null, except: [] })).toEqual({ jobs: [], next: null })
    for (const { id, status } of jobs) {
      expect(await store.get(id)).toMatchObject({ status, pauseRequested: false, waitingFor: null })
    }
    expect(await store.listAbandoned({ now: START + LEASE_MS, limit: 10, after: null })).toEqual([
      { jobId: 'running', status: 'running', cancelRequested: false, pauseRequested: false },
      { jobId: 'interrupted', status: 'interrupted', cancelRequested: true, pauseRequested: false },
    ])
    expect((await bench.takeOver({ record: { id: 'running' } })).takenOver).toBe(true)
    const requeued = await store.requeue('failed', { now: START, from: ['failed'], whenBusy: 'queue' })
    expect(requeued).toMatchObject({ record: { status: 'queued' } })
    expect((await store.listWaiting({ limit: 10, after: null, except: [] })).jobs).toMatchObject([{ jobId: 'failed' }])
    expect(await store.requestPause('running')).toBe(true)
  })

  test('is brought up to date by whoever comes after a process that died anywhere in the middle', async () => {
    let left = Number.POSITIVE_INFINITY
    const client = database.connect<never>((statement, run) => {
      left -= 1
      // What a dead process had begun the database takes back.
      if (left >= 0 || statement === 'rollback') return run()
      throw new Error('died')
    })
    await beforeQueues(kysely, 'whole_')
    await recalcMigrations('whole_').whole_0006_queue?.up(client)
    await beforeQueues(kysely, 'torn_')
    let deaths = 0
    for (let done = false; !done; deaths++) {
      left = deaths + 1
      done = await recalcMigrations('torn_')
        .torn_0006_queue!.up(client)
        .then(
          () => true,
          (error: unknown) => {
            expect(error).toEqual(new Error('died'))
            return false
          },
        )
    }
    left = Number.POSITIVE_INFINITY
    expect(deaths).toBeGreaterThan(2)
    expect(await storedTables(client, 'torn_')).toEqual(await storedTables(client, 'whole_'))
    const rowsOf = async (prefix: string) =>
      (await sql`select * from ${sql.table(`${prefix}jobs`)} order by id`.execute(client)).rows
    expect(await rowsOf('torn_')).toEqual(await rowsOf('whole_'))
  })
})
