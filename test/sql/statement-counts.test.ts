import type { Transaction } from 'kysely'
import { dayStage, RecalcService, type RecalcServiceOptions, systemClock } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { manualClock } from 'recalc-service/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import type { JobWithPlan } from '../../src/jobs/job-record.ts'
import type { StatementHook } from '../support/crash-database.ts'
import { DispatchHub } from '../support/dispatch-hub.ts'
import { engines } from './support/engines.ts'

const TENANT = 'acme'
const employeeIds = Array.from({ length: 1_000 }, (_, i) => `${1_000 + i}`)

/** A stage that costs no statement of its own. */
const nothing = dayStage<number, null, Transaction<object>>({
  name: 'nothing',
  title: 'Doing nothing',
  reads: {},
  writes: ['nothing'],
  load: async () => null,
  calculate: () => 1,
  save: async () => {},
})

describe.each(engines)('what it costs in statements on $name, begin and commit included', async ({ name, open }) => {
  const database = await open()
  let statements: string[] = []
  const hook: StatementHook = (statement, run) => {
    statements.push(statement)
    return run()
  }
  const kysely = database.connect<object>(hook)
  const backend = sqlBackend(kysely)
  const clock = manualClock()
  const options = { backend, clock, employees: { listEmployees: async () => [] } }
  const service = (more: Partial<RecalcServiceOptions<Transaction<object>>>) =>
    new RecalcService<Transaction<object>>({ stages: [nothing], ...options, ...more } as RecalcServiceOptions<
      Transaction<object>
    >)

  beforeEach(async () => {
    await backend.migrate()
    statements = []
  })

  /** All statements of a job over the given number of employees and days. */
  async function ofJob(
    employees: number,
    block: { readonly employees: number; readonly days: number },
    to: string,
    recalc = service({ block, concurrency: 4 }),
  ) {
    statements = []
    const job = await recalc.triggerRecalcBatchAsync({
      tenantId: TENANT,
      employeeIds: employeeIds.slice(0, employees),
      from: '2025-01-01',
      to,
    })
    const { status } = await job.result
    expect(status).toBe('completed')
    return statements
  }

  test('a job’s block costs at most 6', async () => {
    const block = { employees: 25, days: 5 }
    const few = await ofJob(100, block, '2025-01-05') // 4 blocks
    const many = await ofJob(100, block, '2025-04-10') // 80 blocks, 20 in each of the same lanes
    expect(many.length - few.length).toBeLessThanOrEqual(6 * 76)
    expect(many.length - few.length).toBeGreaterThan(4 * 76)
  })

  test('a block costs less than 7 with its share of opening and closing lanes, where each lane has but one', async () => {
    const block = { employees: 1, days: 31 }
    const few = await ofJob(32, block, '2025-01-01')
    const many = await ofJob(320, block, '2025-01-01')
    expect((many.length - few.length) / 288).toBeLessThan(7)
  })

  /** The same where two services share its lanes. How often they are looked at is a matter of time, so that is told apart. */
  async function ofSharedJob(
    employees: number,
    block: { readonly employees: number; readonly days: number },
    to: string,
  ) {
    const hub = new DispatchHub()
    // Nothing but looks at lanes comes by the clock while this takes.
    const rare = { clock: systemClock, queuePollMs: 60_000, progressIntervalMs: 60_000, leaseMs: 600_000 }
    const options = () => ({ block, concurrency: 4, ...rare, dispatcher: hub.dispatcher() })
    const [first, second] = [service(options()), service(options())]
    for (const one of [first, second]) await one.start()
    const own = await ofJob(employees, block, to, first)
    const isLook = (statement: string) => statement.startsWith('select') && statement.includes('lanes_counted')
    const shared = { looks: own.filter(isLook), others: own.filter((statement) => !isLook(statement)) }
    expect(hub.calls.every((calls) => calls > 0)).toBe(true)
    for (const one of [first, second]) await one.stop()
    return shared
  }

  test('a block costs as much where services share the lanes, and to take a lane costs 2', async () => {
    const block = { employees: 25, days: 5 }
    const few = await ofSharedJob(200, block, '2025-01-05') // 8 blocks
    const many = await ofSharedJob(200, block, '2025-04-10') // 160 blocks, 20 in each of the same lanes
    const perBlock = (many.others.length - few.others.length) / 152
    // The services' own looks for jobs and changes come by the clock as well, a statement or two in all.
    expect(perBlock).toBeLessThan(6.1)
    expect(perBlock).toBeGreaterThan(4)
    expect(few.looks.length).toBeGreaterThan(0)

    const single = { employees: 1, days: 31 }
    const lanes = await ofSharedJob(32, single, '2025-01-01')
    const moreLanes = await ofSharedJob(320, single, '2025-01-01')
    expect((moreLanes.others.length - lanes.others.length) / 288).toBeLessThan(9)
  })

  test('a day, and many days, of one employee cost at most 5 when nobody is in the way', async () => {
    const recalc = service({ block: { employees: 25, days: 31 } })
    for (const employeeId of ['seen', 'seen', 'never seen']) {
      statements = []
      await recalc.triggerRecalc({ tenantId: TENANT, employeeId, date: '2025-01-01' })
      expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(5)
    }
    statements = []
    await recalc.triggerRecalcRange({ tenantId: TENANT, employeeId: 'seen', from: '2025-01-01', to: '2025-01-31' })
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(5)
  })

  test('a day costs at most 5 with a calculator of its own, too', async () => {
    const recalc = new RecalcService({ ...options, dailyCalc: { async calculateDay() {} } })
    await recalc.triggerRecalc({ tenantId: TENANT, employeeId: '7', date: '2025-01-01' })
    expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(5)
  })

  test('asking for a job, looking at it, reading its events and its failures costs little', async () => {
    const recalc = service({})
    const job = await recalc.triggerRecalcAsync({ tenantId: TENANT, employeeId: '7', date: '2025-01-01' })
    await job.result
    const cost = async (call: () => Promise<unknown>) => {
      statements = []
      await call()
      return statements.length
    }
    expect(await cost(() => recalc.getJob(job.id))).toBeLessThanOrEqual(2)
    expect(await cost(() => recalc.listJobs())).toBe(1)
    expect(await cost(() => recalc.listJobs({ tenantId: [TENANT, 'another', 'a third'] }))).toBe(1)
    expect(await cost(() => recalc.listJobs({ tenantId: TENANT, after: job.id }))).toBe(2)
    expect(await cost(() => recalc.listJobFailures(job.id))).toBe(2)
    expect(await cost(() => recalc.listJobEmployees(job.id))).toBeLessThanOrEqual(5)
    expect(await cost(() => backend.jobs.events(job.id, { after: 0, limit: 100 }))).toBe(1)
    expect(await cost(() => backend.jobs.failures(job.id, { after: 0, limit: 100 }))).toBe(1)
    expect(await cost(() => backend.jobs.listAbandoned({ now: 0, limit: 100, after: job.id }))).toBe(1)
    expect(await cost(() => backend.jobs.listWaiting({ limit: 100, after: null, except: [job.id] }))).toBe(1)
    const claimed = await backend.jobs.create(
      { ...((await backend.jobs.get(job.id)) as JobWithPlan), id: 'renewed', status: 'queued' },
      { type: 'queued', seq: 1, jobId: 'renewed', at: new Date(0), tenantId: TENANT, reason: null } as never,
      { claimId: 'mine', now: 0, leaseMs: 1_000, cooldownMs: 0, whenBusy: 'reject', worker: true },
    )
    if (!('lease' in claimed)) throw new Error('Expected the job to be let in')
    const beat = await cost(() => backend.jobs.renew(claimed.lease, { now: 1, leaseMs: 1_000 }))
    expect(beat).toBeLessThanOrEqual(name === 'SQLite' ? 5 : 6)
  })
})
