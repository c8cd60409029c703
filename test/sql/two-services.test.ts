import type { Kysely, Transaction } from 'kysely'
import {
  CooldownError,
  dayStage,
  JobConflictError,
  type JobEvent,
  type JobHandle,
  RecalcService,
  type RecalcServiceOptions,
} from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { type ManualClock, manualClock } from 'recalc-service/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Gate, gate } from '../support/gate.ts'
import { servers } from '../support/servers.ts'
import { engines } from './support/engines.ts'

interface Tables {
  scores: { employee_id: string; date: string; by_whom: string }
}

type Tx = Transaction<Tables>

const TENANT = 'acme'
const HEARTBEAT = 10_000
const LEASE = 3 * HEARTBEAT
const POLL = 500
const employeeIds = ['1', '2', '3']
const dates = ['2025-01-01', '2025-01-02', '2025-01-03', '2025-01-04']
const request = { tenantId: TENANT, from: dates[0]!, to: dates.at(-1)! }

/** Each employee-day once, and who did it. */
async function rowsOf(kysely: Kysely<Tables>): Promise<Readonly<Record<string, string>>> {
  const rows = await kysely.selectFrom('scores').selectAll().orderBy('employee_id').orderBy('date').execute()
  return Object.fromEntries(rows.map(({ employee_id, date, by_whom }) => [`${employee_id} ${date}`, by_whom]))
}

function allBy(byWhom: (employeeId: string, date: string) => string): Readonly<Record<string, string>> {
  return Object.fromEntries(employeeIds.flatMap((id) => dates.map((date) => [`${id} ${date}`, byWhom(id, date)])))
}

/** A process of its own as far as the database can tell: own connections, own clock, own service. */
class Process {
  readonly clock: ManualClock
  readonly service: RecalcService<Tx>

  constructor(
    name: string,
    kysely: Kysely<Tables>,
    options: Partial<RecalcServiceOptions<Tx>> & { readonly passes?: (day: string) => Promise<void> } = {},
  ) {
    const { passes = async () => {}, ...rest } = options
    this.clock = manualClock()
    const stage = dayStage<string, null, Tx>({
      name: 'scores',
      title: 'Scores',
      reads: {},
      writes: ['scores'],
      load: async () => null,
      calculate: () => name,
      async save({ upserts }, { tx }) {
        const rows = upserts.map(({ day, value }) => ({ employee_id: day.employeeId, date: day.date, by_whom: value }))
        for (const row of rows) {
          await tx
            .deleteFrom('scores')
            .where('employee_id', '=', row.employee_id)
            .where('date', '=', row.date)
            .execute()
          await tx.insertInto('scores').values(row).execute()
          await passes(`${row.employee_id} ${row.date}`)
        }
      },
    })
    this.service = new RecalcService<Tx>({
      stages: [stage],
      employees: {
        listEmployees: async ({ after = '', limit }) =>
          employeeIds
            .filter((id) => id > after)
            .slice(0, limit)
            .map((id) => ({ id })),
      },
      backend: sqlBackend(kysely, { clock: this.clock, pollMs: POLL }),
      clock: this.clock,
      block: { employees: 1, days: 2 },
      concurrency: 1,
      leaseMs: LEASE,
      progressIntervalMs: 0,
      ...rest,
    } as RecalcServiceOptions<Tx>)
  }

  /** Lets the time go on, and real answers of the database come in, until something is so. Gives the time it took. */
  async until(condition: () => boolean, stepMs: number): Promise<number> {
    const start = this.clock.now()
    while (!condition()) {
      if (this.clock.now() - start > 10 * LEASE) throw new Error('Waited in vain')
      await this.clock.advance(stepMs)
      // The statements that this set going are answered when one that follows on the same pool of one is.
      for (let trip = 0; trip < 10 && !condition(); trip++) await this.service.listJobs({ limit: 1 })
    }
    return this.clock.now() - start
  }
}

describe.each(servers)('two services in two processes, on one $name', async ({ open }) => {
  const database = await open()
  const inspector = database.connect<Tables>()
  let processes: Process[] = []
  let door: Gate

  /** A process that stops in front of the given employee-day, inside its unit of work. */
  function startProcess(
    name: string,
    options: { readonly stopsAt?: string } & Partial<RecalcServiceOptions<Tx>> = {},
  ): Process {
    const { stopsAt, ...rest } = options
    const passes = async (day: string) => {
      if (day === stopsAt) await door.pass()
    }
    const process = new Process(name, database.connect<Tables>({ connections: 3 }), { ...rest, passes })
    processes.push(process)
    return process
  }

  beforeAll(async () => {
    await sqlBackend(inspector).migrate()
    await inspector.schema
      .createTable('scores')
      .addColumn('employee_id', 'varchar(20)')
      .addColumn('date', 'char(10)')
      .addColumn('by_whom', 'varchar(20)')
      .addPrimaryKeyConstraint('scores_key', ['employee_id', 'date'])
      .execute()
  })

  beforeEach(async () => {
    door = gate()
    processes = []
    await inspector.deleteFrom('scores').execute()
  })

  afterEach(async () => {
    door.open()
    await Promise.all(processes.map(({ service }) => service.stop()))
    await sqlBackend(inspector).purgeJobs({ finishedBefore: new Date(8e15) })
    expect(await sqlBackend(inspector).jobs.list({})).toEqual([])
  })

  test('a job that one works on is cancelled by the other within a heartbeat', async () => {
    const one = startProcess('one', { stopsAt: '1 2025-01-01' })
    const other = startProcess('other')
    const job = await one.service.triggerRecalcAllAsync(request)
    await door.arrived
    expect(await other.service.cancelJob(job.id, 'month is closed')).toBe(true)
    expect((await other.service.getJob(job.id)).cancelRequested).toBe(true)
    await one.clock.advance(HEARTBEAT)
    // The heartbeat's answer is there once the lease it renewed is.
    await expect.poll(() => leaseEnd(job.id), { interval: 1 }).toBe(one.clock.now() + LEASE)
    door.open()
    const result = await job.result
    expect(result.status).toBe('cancelled')
    const last = (await eventsOf(await other.service.openJob(job.id))).at(-1)
    expect(last).toMatchObject({ type: 'cancelled', reason: 'month is closed' })
    // The block in flight was finished, no other was begun.
    expect(Object.keys(await rowsOf(inspector))).toEqual(['1 2025-01-01', '1 2025-01-02'])
  })

  async function leaseEnd(jobId: string): Promise<number> {
    const jobs = inspector as unknown as Kysely<{ recalc_jobs: { id: string; lease_expires_at: number } }>
    const row = await jobs.selectFrom('recalc_jobs').selectAll().where('id', '=', jobId).executeTakeFirstOrThrow()
    return Number(row.lease_expires_at)
  }

  test('whoever follows a job of the other hears each event once, in order, a second late at most', async () => {
    const one = startProcess('one', { stopsAt: '2 2025-01-01' })
    const other = startProcess('other')
    const job = await one.service.triggerRecalcAllAsync(request)
    await door.arrived
    const handle = await other.service.openJob(job.id)
    const heard: JobEvent[] = []
    const following = (async () => {
      for await (const event of handle.events()) heard.push(event)
    })()
    await other.until(() => heard.length > 0, POLL)
    const before = heard.length
    door.open()
    const result = await job.result
    const late = await other.until(() => heard.some(({ type }) => type === 'completed'), POLL / 10)
    expect(late).toBeLessThanOrEqual(1_000)
    await following
    expect(heard.length).toBeGreaterThan(before)
    expect(heard.map(({ seq }) => seq)).toEqual(heard.map((_, i) => i + 1))
    expect(heard).toEqual(await eventsOf(job))
    expect(await handle.result).toEqual(result)
    expect(await (await other.service.openJob(job.id)).result).toEqual(result)
    expect(await rowsOf(inspector)).toEqual(allBy(() => 'one'))
    expect(other.clock.pending).toBe(0)
  })

  test('the result of a job of the other comes a second after its end at most', async () => {
    const one = startProcess('one', { stopsAt: '1 2025-01-01' })
    const other = startProcess('other')
    const job = await one.service.triggerRecalcAllAsync(request)
    const handle = await other.service.openJob(job.id)
    await door.arrived
    let ended = false
    const awaited = handle.result.finally(() => {
      ended = true
    })
    await other.clock.advance(5 * POLL)
    expect(ended).toBe(false)
    door.open()
    const result = await job.result
    expect(await other.until(() => ended, POLL / 10)).toBeLessThanOrEqual(1_000)
    expect(await awaited).toEqual(result)
  })

  test('a job whose process is gone is taken up by the other once its lease has run out, and not before', async () => {
    const one = startProcess('one', { stopsAt: '2 2025-01-03' })
    let isTakenUp = false
    const quiet = () => {}
    const info = (_: object, message: string) => {
      if (message === 'Job started') isTakenUp = true
    }
    const other = startProcess('other', { logger: { debug: quiet, info, warn: quiet, error: quiet } })
    const job = await one.service.triggerRecalcAllAsync(request)
    await door.arrived // and never heard of again: its clock stands still
    await other.service.start()
    await other.clock.advance(LEASE - 1)
    expect((await other.service.getJob(job.id)).runs).toBe(1)
    await other.until(() => isTakenUp, HEARTBEAT)
    // The block that died holds its locks until the database notices; here it lives, and finds out.
    door.open()
    const lost = await job.result
    expect(lost).toMatchObject({ status: 'interrupted', error: { code: 'LEASE_LOST' } })
    const result = await (await other.service.openJob(job.id)).result
    expect(result).toMatchObject({ status: 'completed', totalDays: 12, processedDays: 12, failedDays: 0 })
    expect(await rowsOf(inspector)).toEqual(
      allBy((id, date) => (id === '1' || (id === '2' && date < '2025-01-03') ? 'one' : 'other')),
    )
    const types = (await eventsOf(await other.service.openJob(job.id))).map(({ type }) => type)
    expect(types.filter((type) => type !== 'progress')).toEqual([
      'queued',
      'started',
      'stage',
      'interrupted',
      'resumed',
      'stage',
      'completed',
    ])
  })

  test('of several that recover at once one takes the job up, the others find nothing wrong, and no day is done twice', async () => {
    const one = startProcess('one', { stopsAt: '1 2025-01-03' })
    const job = await one.service.triggerRecalcAllAsync(request)
    await door.arrived
    const wrong: string[] = []
    const [quiet, note] = [() => {}, (_: object, message: string) => void wrong.push(message)]
    const logger = { debug: quiet, info: quiet, warn: note, error: note }
    const others = ['a', 'b', 'c'].map((name) => startProcess(name, { logger }))
    await Promise.all(others.map(({ clock }) => clock.advance(2 * LEASE)))
    await Promise.all(others.map(({ service }) => service.start()))
    door.open()
    await job.result
    const handle = await others[0]!.service.openJob(job.id)
    let done = false
    const result = handle.result.finally(() => {
      done = true
    })
    await others[0]!.until(() => done, POLL)
    expect(await result).toMatchObject({ status: 'completed', processedDays: 12 })
    const resumed = (await eventsOf(handle)).filter(({ type }) => type === 'resumed')
    expect(resumed).toHaveLength(1)
    expect(new Set(Object.values(await rowsOf(inspector))).size).toBe(2)
    expect(wrong).toEqual([])
  })

  test('a synchronous call of one waits for the block of the other, not for its job', async () => {
    const one = startProcess('one', { stopsAt: '1 2025-01-01' })
    const other = startProcess('other')
    const job = await one.service.triggerRecalcAllAsync(request)
    await door.arrived
    const order: string[] = []
    const free = await other.service.triggerRecalc({ tenantId: TENANT, employeeId: '3', date: '2025-01-01' })
    expect(free.processedDays).toBe(1)
    const waiting = other.service
      .triggerRecalc({ tenantId: TENANT, employeeId: '1', date: '2025-01-01' })
      .then(() => order.push('call'))
    await other.service.listJobs()
    order.push('block')
    door.open()
    await waiting
    expect(order).toEqual(['block', 'call'])
    await job.result
  })
})

async function eventsOf(job: JobHandle): Promise<readonly JobEvent[]> {
  const events: JobEvent[] = []
  for await (const event of job.events()) events.push(event)
  return events
}

describe.each(engines)('many processes that want a job at once, on $name', async ({ open }) => {
  const database = await open()
  let door: Gate

  function services(
    count: number,
    options: { readonly prefix: string; readonly cooldownMs?: number },
  ): RecalcService<Tx>[] {
    const { prefix, ...rest } = options
    return Array.from({ length: count }, () => {
      const backend = sqlBackend(database.connect<Tables>(), { prefix })
      // Whoever has a job waits here, outside of any unit of work.
      const employees = { listEmployees: () => door.pass().then(() => []) }
      return new RecalcService<Tx>({
        dailyCalc: { async calculateDay() {} },
        employees,
        backend,
        exclusive: 'global',
        ...rest,
      })
    })
  }

  beforeEach(async () => {
    door = gate()
    for (const prefix of ['race_', 'cool_']) await sqlBackend(database.connect<Tables>(), { prefix }).migrate()
  })

  // Nobody has ever asked for this scope before in the first round, everybody knows it in the others.
  test.each([1, 2, 3])('exactly one gets it, and the others learn its id (round %i)', async () => {
    const all = services(6, { prefix: 'race_' })
    const asked = await Promise.allSettled(all.map((one) => one.triggerRecalcAllAsync(request)))
    const won = asked.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const refused = asked.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    expect(won).toHaveLength(1)
    for (const error of refused) {
      expect(error).toBeInstanceOf(JobConflictError)
      expect((error as JobConflictError).activeJobId).toBe(won[0]!.id)
    }
    door.open()
    expect((await won[0]!.result).status).toBe('completed')
    await Promise.all(all.map((one) => one.stop()))
  })

  test('the next one has to wait for the cooldown, whoever asks', async () => {
    door.open()
    const [one, other] = services(2, { prefix: 'cool_', cooldownMs: 3_600_000 })
    await (await one!.triggerRecalcAllAsync(request)).result
    const refused = await other!.triggerRecalcAllAsync(request).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(CooldownError)
    expect((refused as CooldownError).retryAfterMs).toBeLessThanOrEqual(3_600_000)
    expect((refused as CooldownError).retryAfterMs).toBeGreaterThan(3_000_000)
    await Promise.all([one!, other!].map((each) => each.stop()))
  })
})
