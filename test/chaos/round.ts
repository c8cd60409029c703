import { expect } from 'vitest'
import type { JobStore } from '../../src/backend.ts'
import {
  addDays,
  type Clock,
  type ClosedPeriods,
  dayStage,
  type IsoDate,
  type JobEvent,
  type JobHandle,
  type JobSnapshot,
  memoryBackend,
  parseIsoDate,
  RecalcService,
  type RecalcServiceOptions,
  systemClock,
  type UnitOfWork,
} from '../../src/index.ts'
import { type Connection, Database, rowKey, type Transaction, TransientError } from '../support/database.ts'
import { expectOrderlyEvents, expectSoundCounters } from '../support/orderly-events.ts'
import { employeeList, TENANT } from '../support/service.ts'
import { settled } from '../support/settled.ts'
import { calculatorOf, carries, differences, type RandomPipeline, randomPipeline } from './pipeline.ts'
import { Random } from './random.ts'
import { type Mishap, randomTrouble, STORE_WRITES, type Trouble } from './trouble.ts'

const FROM = parseIsoDate('2024-02-26', 'date')
const LEASE_MS = 60_000
const TABLES = ['hours', 'scores', 'balances', 'ranks', 'trends', 'copies']
const MOST_DISTURBED_RUNS = 5

type Interval = { readonly from: IsoDate; readonly to: IsoDate }

/** A service of a process that may die, as a round sees it. */
interface Worker {
  readonly service: RecalcService<Transaction>
  readonly died: Promise<undefined>
  kill(): void
}

/** What happened in a round, for the one who looks at many. */
export interface Outcome {
  readonly runs: number
  readonly events: number
  readonly refused: number
  readonly mishaps: readonly Mishap[]
}

/** Plays one job from its beginning to `completed`, with everything that may go wrong on the way; throws when a promise is broken. */
export async function playRound(seed: number): Promise<Outcome> {
  return await new Round(seed).play()
}

class Round {
  readonly #random: Random
  readonly #database = new Database()
  readonly #jobs: JobStore<unknown> = memoryBackend().jobs
  readonly #pipeline: RandomPipeline
  readonly #employees: readonly string[]
  readonly #dates: readonly IsoDate[]
  readonly #block: { readonly employees: number; readonly days: number }
  readonly #concurrency: number
  readonly #hasClosings: boolean
  /** The transactions of the round tell when the database has ended them. */
  readonly #tellsFailures: boolean
  readonly #before = new Map<string, Map<string, number>>()
  #closed = new Map<string, readonly Interval[]>()
  /** Days that the last committed unit of work has left alone because they were closed. */
  readonly #skipped = new Map<string, boolean>()
  readonly #mishaps: Mishap[] = []
  readonly #workers: Worker[] = []
  #ahead = 0
  #jobId: string | undefined
  #refused = 0
  /** Somebody was told that the job ends as cancelled, and so it must, whatever else befalls it. */
  #isCancelPromised = false
  #last: JobSnapshot | undefined

  constructor(seed: number) {
    const random = new Random(seed)
    this.#random = random
    this.#pipeline = randomPipeline(random)
    this.#employees = Array.from({ length: random.between(1, 6) }, (_, i) => `e${i}`)
    this.#dates = Array.from({ length: random.between(1, 8) }, (_, i) => addDays(FROM, i))
    this.#block = { employees: random.between(1, 5), days: random.between(1, 9) }
    this.#concurrency = random.between(1, 4)
    this.#hasClosings = random.chance(0.6)
    this.#tellsFailures = random.chance(0.6)
    this.#fill()
    this.#moveClosings()
  }

  async play(): Promise<Outcome> {
    for (let run = 0; ; run++) {
      const isDisturbed = run < MOST_DISTURBED_RUNS && this.#random.chance(run === 0 ? 0.9 : 0.7)
      await this.#run(isDisturbed)
      const job = await this.#look()
      if (job?.status === 'completed') break
      expect(run, `the job is ${job?.status} after so many runs, ${JSON.stringify(job?.result)}`).toBeLessThan(
        MOST_DISTURBED_RUNS + 4,
      )
      await this.#betweenRuns()
    }
    return await this.#checkEnd()
  }

  /** One run of the job, with whoever else comes to work on it, until nobody does any more. */
  async #run(isDisturbed: boolean): Promise<void> {
    const worker = this.#start(isDisturbed)
    const handle = await Promise.race([this.#open(worker).catch(passing), worker.died])
    if (handle) {
      this.#jobId ??= handle.id
      await Promise.race([handle.result.catch(passing), worker.died])
    }
    while (this.#workers.length > 0) {
      const next = this.#workers.shift()
      if (!next) break
      if (next !== worker && this.#jobId) {
        const job = await next.service.openJob(this.#jobId).catch(passing)
        // Whoever died while it held the job is not waited for: nobody else is there to take it over.
        await Promise.race([job?.result.catch(passing), next.died, settledOften()])
      }
      await Promise.race([next.service.stop(), next.died])
    }
    await settled()
  }

  async #open({ service }: Worker): Promise<JobHandle> {
    if (this.#jobId) return await service.resumeJob(this.#jobId)
    const request = { tenantId: TENANT, from: FROM, to: this.#dates.at(-1) as IsoDate }
    const onError = this.#random.chance(0.2) ? 'fail-fast' : 'continue'
    const options = { clearExisting: this.#pipeline.clearExisting, onError } as const
    if (this.#random.chance(0.5)) return await service.triggerRecalcAllAsync(request, options)
    return await service.triggerRecalcBatchAsync({ ...request, employeeIds: this.#employees }, options)
  }

  async #betweenRuns(): Promise<void> {
    this.#ahead += LEASE_MS + 1
    if (this.#random.chance(0.5)) this.#moveClosings()
    if (!this.#jobId || !this.#random.chance(0.3)) return
    const changed = this.#changedService()
    if (!changed) return
    await expect(changed.resumeJob(this.#jobId)).rejects.toMatchObject({ code: 'NOT_RESUMABLE' })
    this.#refused += 1
    const before = (await this.#look())?.status
    await changed.start()
    await settled()
    const after = (await this.#look())?.status
    // Whoever does not have the stages can still end it as it must end.
    const isDead = before === 'running' || before === 'queued'
    expect(isDead ? ['interrupted', 'cancelled'] : [before, 'cancelled']).toContain(after)
    await changed.stop()
  }

  /** A service whose stages are not those that the job was made with. */
  #changedService(): RecalcService<Transaction> | undefined {
    const { dailyCalc, stages = [] } = calculatorOf(this.#pipeline, quiet)
    const other = dayStage<number, undefined, Transaction>({
      name: 'other',
      writes: ['other'],
      load: async () => undefined,
      calculate: () => 1,
      save: async () => {},
    })
    const [first, ...rest] = stages as readonly (typeof other)[]
    const changes = [
      { stages: [other] },
      ...(first && dailyCalc ? [{ dailyCalc, stages: rest }] : []),
      ...(first && !dailyCalc
        ? [
            { stages: [{ ...first, name: 'renamed' }, ...rest].map((stage) => ({ ...stage, reads: {} })) },
            { stages: [{ ...first, reads: { ...first.reads, more: [0, 0] } }, ...rest] },
          ]
        : []),
    ]
    try {
      return this.#service(this.#database.connect(), this.#random.pick(changes) as never, this.#jobs)
    } catch {
      return undefined // no pipeline at all
    }
  }

  #start(isDisturbed: boolean): Worker {
    let dead = false
    const death = Promise.withResolvers<undefined>()
    const never = new Promise<never>(() => {})
    const trouble = isDisturbed ? this.#trouble() : undefined
    let moment = 0
    const ended = new Map<Transaction, unknown>()
    const connection = this.#database.connect((point) => {
      if (dead) return point.name === 'calculate' ? undefined : never
      const over = ended.get(point.tx)
      if (over !== undefined && point.name !== 'commit') throw over
      for (const mishap of trouble?.mishaps ?? []) {
        if (mishap.moment === moment) this.#happen(mishap.kind, worker)
      }
      moment += 1
      if (dead) return point.name === 'calculate' ? undefined : never
      if (point.name === 'commit') this.#checkWrites(point.tx)
      try {
        trouble?.strike(point)
      } catch (error) {
        if (this.#tellsFailures && error instanceof TransientError) ended.set(point.tx, error)
        throw error
      }
    })
    const hooks = {
      compare: () => trouble?.compare(),
      swallows: (tx: Transaction) => ended.has(tx) && this.#random.chance(0.5),
    }
    const calculator = calculatorOf(this.#pipeline, hooks) as never
    const store = new Proxy(this.#jobs, {
      get: (target, name: keyof JobStore) => {
        const method = target[name] as (...args: unknown[]) => unknown
        return (...args: unknown[]) => {
          if (dead) return never
          const call = () => method.apply(target, args)
          return trouble && STORE_WRITES.includes(name) ? trouble.store(name, call) : call()
        }
      },
    })
    const units = this.#units(connection, ended, () => trouble?.losesAnswer() ?? false)
    const worker: Worker = {
      service: this.#service(units, calculator, store),
      died: death.promise,
      kill: () => {
        dead = true
        connection.kill()
        death.resolve(undefined)
      },
    }
    this.#workers.push(worker)
    return worker
  }

  #service(
    unitOfWork: UnitOfWork<Transaction>,
    calculator: Pick<RecalcServiceOptions<Transaction>, 'dailyCalc' | 'stages'>,
    jobs: JobStore<unknown>,
  ): RecalcService<Transaction> {
    const { listEmployees, countEmployees } = employeeList(this.#employees)
    return new RecalcService<Transaction>({
      ...calculator,
      backend: { unitOfWork, jobs },
      employees: this.#random.chance(0.5) ? { listEmployees, countEmployees } : { listEmployees },
      ...(this.#hasClosings && { closedPeriods: this.#closedPeriods() }),
      block: this.#block,
      concurrency: this.#concurrency,
      retry: { attempts: 4, minDelayMs: 0, maxDelayMs: 0 },
      progressIntervalMs: 0,
      leaseMs: LEASE_MS,
      clock: this.#clock(),
    } as RecalcServiceOptions<Transaction>)
  }

  #clock(): Clock {
    return { ...systemClock, now: () => systemClock.now() + this.#ahead }
  }

  /** Units of work that lose the answers of some commits, and see to it that there are never more than `concurrency`. */
  #units(
    connection: Connection,
    ended: Map<Transaction, unknown>,
    losesAnswer: () => boolean,
  ): UnitOfWork<Transaction> {
    let open = 0
    return {
      run: async (work) => {
        open += 1
        if (open > this.#concurrency) this.#database.misuse.push(`${open} units of work at once`)
        try {
          let own: Transaction | undefined
          const answer = await connection.run(async (tx) => {
            own = tx
            const result = await work(tx)
            if (ended.has(tx)) throw ended.get(tx)
            return result
          })
          this.#keepTold(own)
          if (losesAnswer()) throw new TransientError('the answer of the commit was lost')
          return answer
        } finally {
          open -= 1
        }
      },
      lockEmployees: (tx, tenantId, employeeIds) => connection.lockEmployees(tx, tenantId, employeeIds),
      isTransient: (error) => connection.isTransient(error),
      ...(this.#tellsFailures && { failureOf: (tx: Transaction) => ended.get(tx) }),
    }
  }

  /** By transaction: the days that were asked about, and whether each was said to be closed. */
  readonly #told = new Map<Transaction, ReadonlyMap<string, boolean>>()

  #closedPeriods(): ClosedPeriods<Transaction> {
    return {
      closed: async ({ tenantId, employeeIds, from, to }, tx) => {
        await tx.point({ name: 'closed' })
        const told = new Map<string, boolean>()
        for (const employeeId of employeeIds) {
          for (const date of this.#dates) {
            if (date < from || date > to) continue
            const isClosed = this.#closed.get(employeeId)?.some((one) => one.from <= date && date <= one.to) ?? false
            told.set(rowKey({ tenantId, employeeId, date }), isClosed)
          }
        }
        this.#told.set(tx, told)
        return new Map(employeeIds.map((id) => [id, this.#closed.get(id) ?? []]))
      },
    }
  }

  #checkWrites(tx: Transaction): void {
    const told = this.#told.get(tx)
    for (const { key, table } of tx.pending) {
      if (told?.get(key)) this.#database.misuse.push(`${table} ${key} is closed, and yet it is written`)
    }
  }

  #keepTold(tx: Transaction | undefined): void {
    for (const [key, isClosed] of (tx && this.#told.get(tx)) ?? []) this.#skipped.set(key, isClosed)
  }

  #moveClosings(): void {
    if (!this.#hasClosings) return
    const random = this.#random
    const interval = () => {
      const start = random.between(-1, this.#dates.length - 1)
      return { from: addDays(FROM, start), to: addDays(FROM, start + random.between(0, 3)) }
    }
    this.#closed = new Map(
      this.#employees
        .filter(() => random.chance(0.5))
        .map((id) => [id, Array.from({ length: random.between(1, 2) }, interval)]),
    )
  }

  #fill(): void {
    const random = this.#random
    for (const table of TABLES) {
      const rows = new Map<string, number>()
      for (const employeeId of this.#employees) {
        for (let day = -1; day <= this.#dates.length; day++) {
          if (!random.chance(table === 'hours' ? 0.8 : 0.4)) continue
          rows.set(rowKey({ tenantId: TENANT, employeeId, date: addDays(FROM, day) }), random.between(0, 9))
        }
      }
      rows.set(`other-tenant/e0/${FROM}`, 1)
      this.#before.set(table, rows)
      for (const [key, value] of rows) this.#database.edit(table, key, value)
    }
  }

  #trouble(): Trouble {
    const canTrigger = !carries(this.#pipeline) && this.#pipeline.summed.length === 0
    const days = this.#employees.flatMap((employeeId) =>
      this.#dates.map((date) => rowKey({ tenantId: TENANT, employeeId, date })),
    )
    return randomTrouble(this.#random, days, canTrigger)
  }

  #happen(kind: Mishap, worker: Worker): void {
    const jobId = this.#jobId
    this.#mishaps.push(kind)
    if (kind === 'cancel' && jobId) {
      const promised = worker.service.cancelJob(jobId, 'not wanted')
      promised.then((isPromised) => {
        this.#isCancelPromised ||= isPromised
      }, passing)
    } else if (kind === 'stop') void worker.service.stop()
    else if (kind === 'give up') void worker.service.stop({ timeoutMs: 0 })
    else if (kind === 'crash') worker.kill()
    else if (kind === 'closings') this.#moveClosings()
    else if (kind === 'takeover') this.#takeOver()
    else if (kind === 'trigger') {
      const day = {
        tenantId: TENANT,
        employeeId: this.#random.pick(this.#employees),
        date: this.#random.pick(this.#dates),
      }
      const options = { clearExisting: this.#pipeline.clearExisting }
      // Not within the calculation at whose moment it happens.
      setImmediate(() => void worker.service.triggerRecalc(day, options).catch(passing))
    }
  }

  /** The first process is thought dead although it lives: its lease has run out, and another one takes the job up. */
  #takeOver(): void {
    this.#ahead += LEASE_MS + 1
    setImmediate(() => {
      const { service } = this.#start(false)
      service.start().catch(passing)
    })
  }

  /** The job as it stands, which never goes back. */
  async #look(): Promise<JobSnapshot | undefined> {
    if (!this.#jobId) {
      // The process died before it could tell the id.
      this.#jobId = (await this.#jobs.list({}))[0]?.id
      if (!this.#jobId) return undefined
    }
    const observer = this.#service(this.#database.connect(), calculatorOf(this.#pipeline, quiet) as never, this.#jobs)
    const job = await observer.getJob(this.#jobId)
    await observer.stop()
    expectSoundCounters(job)
    for (const name of ['processedDays', 'skippedDays', 'unchangedDays'] as const) {
      expect(job[name], name).toBeGreaterThanOrEqual(this.#last?.[name] ?? 0)
    }
    this.#last = job
    if (job.status === 'cancelled') this.#isCancelPromised = false
    if (this.#isCancelPromised) expect(['queued', 'running', 'interrupted']).toContain(job.status)
    return job
  }

  async #checkEnd(): Promise<Outcome> {
    const days = { employees: this.#employees, dates: this.#dates, before: this.#before }
    const isSkipped = (key: string) => this.#skipped.get(key) ?? false
    expect(differences(this.#pipeline, this.#database, { ...days, isSkipped })).toEqual([])
    const job = this.#last as JobSnapshot
    const total = this.#employees.length * this.#dates.length
    // Of a call beside the job nobody knows here which of the two skipped a day.
    const isAlone = !this.#mishaps.includes('trigger')
    const skipped = isAlone ? [...this.#skipped.values()].filter(Boolean).length : job.skippedDays
    expect(job).toMatchObject({
      totalDays: total,
      skippedDays: skipped,
      processedDays: total - skipped,
      failedDays: 0,
      errorCount: 0,
      result: { status: 'completed', failedDays: 0, errorCount: 0, errors: [] },
    })
    const events: JobEvent[] = []
    for (let after = 0; ; ) {
      const page = await this.#jobs.events(job.id, { after, limit: 500 })
      events.push(...page)
      if (page.length < 500) break
      after = page.at(-1)?.seq ?? after
    }
    expectOrderlyEvents(events)
    expect(events.at(-1)?.type).toBe('completed')
    expect(this.#database.misuse).toEqual([])
    expect(this.#database.lockedKeys).toEqual([])
    for (const table of TABLES) {
      expect(this.#database.rows(table).get(`other-tenant/e0/${FROM}`)).toBe(1)
    }
    return { runs: job.runs, events: events.length, refused: this.#refused, mishaps: this.#mishaps }
  }
}

const quiet = { compare() {}, swallows: () => false }

function passing(): undefined {
  return undefined
}

async function settledOften(): Promise<undefined> {
  for (let turn = 0; turn < 20; turn++) await settled()
  return undefined
}
