import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasEnded } from '../../../src/jobs/job-record.ts'
import { checkEndedJob, look, type Outcome, outcomeOf } from '../../support/crash-checks.ts'
import { type StatementHook, sqliteHostDb } from '../../support/crash-database.ts'
import {
  clockAhead,
  correctBookings,
  createTables,
  FROM,
  fillTenant,
  type HostDb,
  hostOn,
  lastDate,
  randomOf,
  type Workload,
} from '../../support/crash-host.ts'
import { seed } from '../../support/seed.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const TENANT = 'acme'
/** No store call may take longer than a lease, and here some wait until a copy has been recovered. */
const LEASE_MS = 600_000
const workload: Workload = { employees: 5, dates: 6, failures: 5 }

/** What a process leaves that dies here and now: the file, and the log with all that was committed and more. */
function copyDatabase(from: string, to: string): void {
  for (const suffix of ['', '-wal']) {
    rmSync(to + suffix, { force: true })
    if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix)
  }
  rmSync(`${to}-shm`, { force: true })
}

async function filled(path: string): Promise<HostDb> {
  const db = sqliteHostDb(path)
  await createTables(db)
  await fillTenant(db, TENANT, workload, randomOf(seed))
  return db
}

/** Does what is to be done from wherever it stands, as the next process does. */
async function work(db: HostDb, phase: 'first' | 'again', generation: number): Promise<void> {
  const clock = clockAhead(generation * 2 * LEASE_MS)
  const { service } = hostOn(db, { clock, leaseMs: LEASE_MS, concurrency: 2 })
  try {
    await service.start()
    // Whoever got no answer asks again, with the same key.
    const request = { tenantId: TENANT, from: FROM, to: lastDate(workload) }
    const job = await service.triggerRecalcAllAsync(request, { idempotencyKey: 'monday' })
    const { status, runs } = await job.snapshot()
    const again = phase === 'again' && hasEnded(status) && status !== 'completed' && runs > 0
    await (again ? await service.resumeJob(job.id) : job).result
  } finally {
    await service.stop()
  }
}

describe('a process that dies between any two statements (SQLite)', () => {
  it.each(['first', 'again'] as const)('leaves what the next one brings to the same end (%s run)', async (phase) => {
    const path = temporaryFolder()
    const [start, live, image] = ['start', 'live', 'image'].map((name) => join(path, name)) as [string, string, string]
    const setUp = await filled(start)
    if (phase === 'again') {
      await work(setUp, 'first', 0)
      await correctBookings(setUp, TENANT)
    }
    await setUp.destroy()

    const undisturbed = async (): Promise<{ outcome: Outcome; statements: number }> => {
      let statements = 0
      const count: StatementHook = (_, run) => {
        statements += 1
        return run()
      }
      copyDatabase(start, live)
      const db = sqliteHostDb(live, count)
      await work(db, phase, 1)
      const total = statements
      const host = hostOn(db)
      await checkEndedJob(host, TENANT)
      const outcome = await outcomeOf(host, TENANT)
      await db.destroy()
      return { outcome, statements: total }
    }
    const { outcome, statements } = await undisturbed()
    expect(outcome.failures.length).toBeGreaterThan(0)

    // One process that lives, of which a copy is taken at every statement: what it would have left had it died there.
    let images = 0
    const recoverCopy = async () => {
      copyDatabase(live, image)
      images += 1
      const db = sqliteHostDb(image)
      try {
        expect(await look(db, TENANT)).toEqual({ torn: 0, missing: 0 })
        await work(db, phase, 2)
        const host = hostOn(db)
        await checkEndedJob(host, TENANT)
        expect(await outcomeOf(host, TENANT)).toEqual(outcome)
      } finally {
        await db.destroy()
      }
    }
    const problems: unknown[] = []
    copyDatabase(start, live)
    const db = sqliteHostDb(live, async (statement, run) => {
      if (problems.length === 0) {
        await recoverCopy().catch((error: unknown) => {
          console.log(`killed before statement ${images}: ${statement}`)
          problems.push(error)
        })
      }
      return run()
    })
    await work(db, phase, 1)
    await db.destroy()
    if (problems.length > 0) throw problems[0]
    console.log(`${images} images, ${statements} statements`)
    expect(images).toBeGreaterThanOrEqual(statements)
  })
})
