import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkEndedJob, type Outcome, outcomeOf } from '../../support/crash-checks.ts'
import { type StatementHook, sqliteHostDb } from '../../support/crash-database.ts'
import {
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
const KEY = { idempotencyKey: 'monday' }
const workload: Workload = { employees: 4, dates: 5, failures: 3 }

type Phase = 'first' | 'again'

async function work(db: HostDb, phase: Phase): Promise<string> {
  const { service } = hostOn(db, { concurrency: 2 })
  try {
    const ask = () => service.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: lastDate(workload) }, KEY)
    const asked = await ask()
    expect((await ask()).id).toBe(asked.id)
    const handle = phase === 'again' ? await service.resumeJob(asked.id) : asked
    return (await handle.result).status
  } finally {
    await service.stop()
  }
}

async function startingPoint(phase: Phase, path: string): Promise<void> {
  const db = sqliteHostDb(path)
  await createTables(db)
  await fillTenant(db, TENANT, workload, randomOf(seed))
  if (phase === 'again') {
    await work(db, 'first')
    await correctBookings(db, TENANT)
  }
  await db.destroy()
}

/** One run from the starting point, whose statements the hook stands in front of. */
async function runFrom(start: string, path: string, phase: Phase, hook: StatementHook): Promise<Outcome> {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  copyFileSync(start, path)
  const disturbed = sqliteHostDb(path, hook)
  try {
    await work(disturbed, phase)
  } finally {
    await disturbed.destroy()
  }
  const db = sqliteHostDb(path)
  const host = hostOn(db)
  try {
    await checkEndedJob(host, TENANT)
    return await outcomeOf(host, TENANT)
  } finally {
    await db.destroy()
  }
}

const busy = () => Object.assign(new Error('database is locked'), { code: 'ERR_SQLITE_ERROR', errcode: 5 })

describe.each(['first', 'again'] as const)('in the %s run of a job', (phase) => {
  function paths(): readonly [string, string] {
    const folder = temporaryFolder()
    return [join(folder, 'start'), join(folder, 'live')]
  }

  it.each([
    ['a transient error instead of any statement', () => true, false],
    ['the loss of the answer to any commit', (statement: string) => statement === 'commit', true],
  ] as const)('%s changes nothing about the end', async (_, counts, executes) => {
    const [start, live] = paths()
    await startingPoint(phase, start)
    let statements = 0
    let undisturbed: Outcome | undefined
    for (let fault = 0; fault <= statements; fault++) {
      let number = 0
      let during = true
      let lost = false
      let struck = ''
      const outcome = await runFrom(start, live, phase, async (statement, run) => {
        // Where the answer to a commit is lost, the connection is: there is nothing left to roll back.
        if (statement === 'rollback' && lost) {
          lost = false
          throw busy()
        }
        if (!during || !counts(statement) || statement === 'rollback') return run()
        number += 1
        if (fault === 0) statements = number
        if (number !== fault) return run()
        struck = statement
        lost = executes
        if (executes) await run()
        during = false
        throw busy()
      }).catch((error: unknown) => {
        throw new Error(`seed ${seed}, fault ${fault} at ${struck}`, { cause: error })
      })
      undisturbed ??= outcome
      expect(outcome, `seed ${seed}, fault ${fault} at ${struck}`).toEqual(undisturbed)
    }
    expect(statements).toBeGreaterThan(executes ? 5 : 50)
  })
})
