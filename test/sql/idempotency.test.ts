import { IdempotencyConflictError, type JobHandle, RecalcService, type RecalcServiceOptions } from 'recalc-service'
import type { Admission, Lease } from 'recalc-service/backend'
import { sqlBackend } from 'recalc-service/sql'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { JobBench } from '../../src/testing/conformance/job-bench.ts'
import type { StatementHook } from '../support/crash-database.ts'
import { engines } from './support/engines.ts'

const everybody = { tenantId: 'acme', from: '2025-01-01', to: '2025-01-03' }
const one = { ...everybody, employeeId: 'e1' }
const key = { idempotencyKey: 'monday' }
const identity = { id: '8a6e3f10-2b4c-8d5e-9f60-718293a4b5c6', fingerprint: 'x' }

const ways: readonly (readonly [string, (service: RecalcService<never>) => Promise<JobHandle>])[] = [
  ['jobs that exclude each other', (service) => service.triggerRecalcAllAsync(everybody, key)],
  ['jobs that exclude nobody', (service) => service.triggerRecalcRangeAsync(one, key)],
]

describe.each(engines)('jobs that are asked for more than once, on $name', async ({ open }) => {
  const database = await open()
  const backend = sqlBackend(database.connect<never>())

  beforeAll(() => backend.migrate())

  beforeEach(async () => {
    await backend.purgeJobs({ finishedBefore: new Date(8e15) })
    expect(await backend.jobs.list({})).toEqual([])
  })

  /** Services of as many processes: nothing is shared but the database. */
  function services(count: number): readonly RecalcService<never>[] {
    return Array.from({ length: count }, () => {
      const options = {
        dailyCalc: { async calculateDay() {} },
        employees: { listEmployees: async ({ after }: { after?: string }) => (after ? [] : [{ id: 'e1' }]) },
        backend: sqlBackend(database.connect<never>(), { pollMs: 10 }),
        cooldownMs: 3_600_000,
      }
      return new RecalcService<never>(options as unknown as RecalcServiceOptions<never>)
    })
  }

  // In the first round nobody has ever asked for a job of this tenant, in the others everybody has.
  describe.each(ways)('%s', (_, ask) => {
    test.each([1, 2, 3])('are one job for processes that ask at once (round %i)', async () => {
      const all = services(6)
      const handles = await Promise.all(all.map(ask))
      expect(new Set(handles.map(({ id }) => id)).size).toBe(1)
      expect(await backend.jobs.list({})).toHaveLength(1)
      const results = await Promise.all(handles.map(({ result }) => result))
      for (const result of results) expect(result).toEqual(results[0])
      expect(results[0]).toMatchObject({ status: 'completed', processedDays: 3 })
      const late = await ask(all[0]!)
      expect(await late.result).toEqual(results[0])
      await Promise.all(all.map((service) => service.stop()))
    })

    test('are refused to those who ask at once for something else', async () => {
      const all = services(6)
      const asked = await Promise.allSettled(
        all.map((service, i) =>
          i % 2 === 0 ? ask(service) : service.triggerRecalcRangeAsync({ ...one, employeeId: 'other' }, key),
        ),
      )
      const [job] = await backend.jobs.list({})
      for (const outcome of asked) {
        if (outcome.status === 'fulfilled') expect(outcome.value.id).toBe(job!.id)
        else {
          expect(outcome.reason).toBeInstanceOf(IdempotencyConflictError)
          expect(outcome.reason).toMatchObject({ jobId: job!.id })
        }
      }
      expect(asked.filter(({ status }) => status === 'rejected')).toHaveLength(3)
      await Promise.all(all.map((service) => service.stop()))
    })
  })

  test('leave their key free once they are purged', async () => {
    const [service] = services(1)
    const first = await service!.triggerRecalcRangeAsync(one, key)
    await first.result
    expect(await backend.purgeJobs({ finishedBefore: new Date(8e15) })).toBe(1)
    const second = await service!.triggerRecalcRangeAsync({ ...one, to: '2025-01-01' }, key)
    expect(second.id).toBe(first.id)
    expect(await second.result).toMatchObject({ status: 'completed', processedDays: 1 })
    await service!.stop()
  })

  const bench = new JobBench(backend)
  /** A deadlock to MySQL, MariaDB and PostgreSQL, a busy database to SQLite. */
  const busy = { errno: 1213, code: '40P01', errcode: 5 }

  test('are the other’s when that one was stored between two attempts', async () => {
    let other: Admission | undefined
    const hook: StatementHook = async (statement, run) => {
      if (other || !statement.startsWith('insert')) return await run()
      other = (await bench.submit({ identity, claimId: 'of the other' })).admission
      throw Object.assign(new Error('busy'), busy)
    }
    const slow = new JobBench(sqlBackend(database.connect<never>(hook)))
    const { admission } = await slow.submit({ identity, claimId: 'of the slow one' })
    expect(admission).toMatchObject({ existing: { id: identity.id } })
    expect(other).toHaveProperty('lease')
    await bench.end({ record: (await backend.jobs.get(identity.id))!, lease: leaseOf(other) })
  })

  test('are one’s own when the answer to the commit was lost', async () => {
    let lost = false
    const hook: StatementHook = async (statement, run) => {
      const answer = await run()
      if (lost || statement !== 'commit') return answer
      lost = true
      throw Object.assign(new Error('gone'), busy)
    }
    const unlucky = new JobBench(sqlBackend(database.connect<never>(hook)))
    const { admission, record } = await unlucky.submit({ identity, scope: 's' })
    expect(lost).toBe(true)
    expect(admission).toHaveProperty('lease')
    expect((await bench.submit({ identity, scope: 's' })).admission).toHaveProperty('existing')
    await bench.end({ record, lease: leaseOf(admission) })
  })
})

function leaseOf(admission: Admission | undefined): Lease {
  if (admission && 'lease' in admission) return admission.lease
  throw new Error('the job should have been let in')
}
