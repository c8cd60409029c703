import type { Transaction } from 'kysely'
import { type RecalcBackend, RecalcService } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { beforeAll, describe, expect, test } from 'vitest'
import { failureOn, JobBench, laneOf, unnumbered } from '../../src/testing/conformance/job-bench.ts'
import { testDatabase } from '../support/mariadb.ts'

// The tests' server takes statements of 1 MB at most, and so do many others.
const MAX_ALLOWED_PACKET = 1024 * 1024

const database = await testDatabase()
const kysely = database.kysely<object>()
const backend: RecalcBackend<Transaction<object>> = sqlBackend(kysely)
const bench = new JobBench(backend)

beforeAll(async () => {
  await sqlBackend(kysely).migrate()
  // Where RECALC_TEST_MYSQL_URL points at a server that takes more, nothing here would prove anything.
  const [rows] = await (await database.connection()).query('select @@global.max_allowed_packet as bytes')
  expect((rows as { bytes: number }[])[0]!.bytes).toBeLessThanOrEqual(64 * MAX_ALLOWED_PACKET)
})

/** Ids of what grows most on its way into a statement. */
const alphabets: Readonly<Record<string, string>> = {
  'quotes and backslashes': `"\\'`.repeat(13),
  'control characters': '\u0000\u0001\u0008\n\u001a'.repeat(8),
  'halves of emoji': '\ud83d'.repeat(40),
}

describe('no statement is bigger than what a server with max_allowed_packet = 1 MB takes', () => {
  test.each(Object.entries(alphabets))('for a batch of 100,000 employees with ids of %s', async (_, text) => {
    const employeeIds = Array.from({ length: 100_000 }, (_, i) => `${text}${i}`)
    const job = await bench.create({ employeeIds })
    const { plan } = (await bench.takeOver(job)).record
    // A diff of so many would take minutes.
    expect(plan.employeeIds?.length).toBe(employeeIds.length)
    expect(plan.employeeIds?.every((id, i) => id === employeeIds[i])).toBe(true)
  })

  test.each(Object.entries(alphabets))('for 5,000 failures in one block with messages of %s', async (_, text) => {
    const job = await bench.create()
    const failures = Array.from({ length: 5_000 }, (_, i) =>
      failureOn(`${text}${i}`, '2025-01-01', { message: text.repeat(20) }),
    )
    await bench.commit(job.lease, { failed: failures.length, failures })
    const stored = unnumbered(await bench.failures(job))
    expect(stored.length).toBe(failures.length)
    expect(stored.every((failure, i) => failure.employeeId === failures[i]!.employeeId)).toBe(true)
    expect(stored[4_999]).toEqual(failures[4_999])
    const half = failures.slice(0, 2_500)
    await bench.commit(job.lease, { repaired: half.length, resolved: half })
    expect(unnumbered(await bench.failures(job))).toHaveLength(2_500)
  })

  test('for ids of 5,000 control characters, each of which takes seven bytes', async () => {
    const employeeIds = Array.from({ length: 200 }, (_, i) => '\u0001'.repeat(5_000) + i)
    const job = await bench.create({ employeeIds })
    const claim = await bench.takeOver(job)
    expect(claim.record.plan.employeeIds).toEqual(employeeIds)
    await bench.jobs.openLanes(
      claim.lease,
      employeeIds.map((id, i) => laneOf(i + 1, [id])),
      { dispatchedThrough: employeeIds[199]!, allDispatched: true },
    )
    const failures = employeeIds.map((id) => failureOn(id, '2025-01-01'))
    await bench.commit(claim.lease, { failed: 200, failures })
    expect(unnumbered(await bench.failures(job))).toEqual(failures)
  })

  test.each(Object.entries(alphabets))('for lanes of 1,000 employees with ids of %s', async (_, text) => {
    const job = await bench.create()
    const lanes = Array.from({ length: 100 }, (_, lane) => {
      const employeeIds = Array.from({ length: 1_000 }, (_, i) => `${text}${lane}/${i}`)
      return laneOf(lane + 1, employeeIds)
    })
    await bench.jobs.openLanes(job.lease, lanes, undefined)
    const { checkpoint } = await bench.takeOver(job)
    expect(checkpoint.openLanes.length).toBe(100)
    expect(checkpoint.openLanes[99]!.employeeIds[999]).toBe(`${text}99/999`)
  })
})

test('a job whose every day fails with a message of 3 MB ends like any other, its messages cut', async () => {
  const text = Object.values(alphabets).join('')
  const message = text.repeat(Math.ceil(3_000_000 / text.length))
  const recalc = new RecalcService<Transaction<object>>({
    dailyCalc: {
      async calculateDay() {
        throw new RangeError(message)
      },
    },
    employees: { listEmployees: async () => [] },
    backend,
    maxErrorsKept: 1_000,
  })
  const employeeIds = Array.from({ length: 150 }, (_, i) => `${i}`)
  const job = await recalc.triggerRecalcBatchAsync({
    tenantId: text,
    employeeIds,
    from: '2025-01-01',
    to: '2025-01-01',
  })
  const result = await job.result
  expect({ status: result.status, failedDays: result.failedDays, errorCount: result.errorCount }).toEqual({
    status: 'completed_with_errors',
    failedDays: 150,
    errorCount: 150,
  })
  const stored = await job.snapshot()
  expect(stored.status).toBe('completed_with_errors')
  expect(stored.result?.errorCount).toBe(150)
  const [first] = await backend.jobs.failures(job.id, { after: 0, limit: 1 })
  expect(first!.code).toBe('RangeError')
  expect(message.startsWith(first!.message.slice(0, 1_000))).toBe(true)
  let failures = 0
  for await (const event of job.events()) if (event.type === 'failure') failures += 1
  expect(failures).toBe(150)
})
