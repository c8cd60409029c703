import type { JobStore } from '../../src/backend.ts'
import {
  addDays,
  dayStage,
  type IsoDate,
  memoryBackend,
  parseIsoDate,
  RecalcService,
  type RecalcServiceOptions,
  systemClock,
  type UnitOfWork,
} from '../../src/index.ts'
import { Database, rowKey, type Transaction } from '../support/database.ts'
import { employeeList, TENANT } from '../support/service.ts'
import { Closings } from './closings.ts'
import { calculatorOf, type RandomPipeline, randomPipeline } from './pipeline.ts'
import { Random } from './random.ts'

const LEASE_MS = 60_000

export const FROM = parseIsoDate('2024-02-26', 'date')
export const TABLES = ['hours', 'scores', 'balances', 'ranks', 'trends', 'copies']

type Calculators = Pick<RecalcServiceOptions<Transaction>, 'dailyCalc' | 'stages'>

/** What all processes of a round share: the host with its tables, its stages and employees, the job store and the time. */
export class Office {
  readonly random: Random
  readonly database = new Database()
  readonly jobs: JobStore<unknown> = memoryBackend().jobs
  readonly pipeline: RandomPipeline
  readonly employees: readonly string[]
  readonly dates: readonly IsoDate[]
  readonly concurrency: number
  readonly closings: Closings
  /** The transactions of the round tell when the database has ended them. */
  readonly tellsFailures: boolean
  /** The rows at the beginning, by table. */
  readonly before = new Map<string, Map<string, number>>()
  readonly #block: { readonly employees: number; readonly days: number }
  #aheadMs = 0

  constructor(seed: number) {
    const random = new Random(seed)
    this.random = random
    this.pipeline = randomPipeline(random)
    this.employees = Array.from({ length: random.between(1, 6) }, (_, i) => `e${i}`)
    this.dates = Array.from({ length: random.between(1, 8) }, (_, i) => addDays(FROM, i))
    this.#block = { employees: random.between(1, 5), days: random.between(1, 9) }
    this.concurrency = random.between(1, 4)
    this.closings = new Closings(random, this.employees, this.dates, random.chance(0.6))
    this.tellsFailures = random.chance(0.6)
    this.#fill()
    this.closings.move()
  }

  /** The keys of all employee-days of the round. */
  get days(): readonly string[] {
    return this.employees.flatMap((employeeId) =>
      this.dates.map((date) => rowKey({ tenantId: TENANT, employeeId, date })),
    )
  }

  /** Lets so much time pass that every lease of now has run out. */
  expireLeases(): void {
    this.#aheadMs += LEASE_MS + 1
  }

  service(
    unitOfWork: UnitOfWork<Transaction>,
    calculators: Calculators,
    jobs: JobStore<unknown>,
  ): RecalcService<Transaction> {
    const { listEmployees, countEmployees } = employeeList(this.employees)
    const closedPeriods = this.closings.periods
    return new RecalcService<Transaction>({
      ...calculators,
      backend: { unitOfWork, jobs },
      employees: this.random.chance(0.5) ? { listEmployees, countEmployees } : { listEmployees },
      ...(closedPeriods && { closedPeriods }),
      block: this.#block,
      concurrency: this.concurrency,
      retry: { attempts: 4, minDelayMs: 0, maxDelayMs: 0 },
      progressIntervalMs: 0,
      leaseMs: LEASE_MS,
      clock: { ...systemClock, now: () => systemClock.now() + this.#aheadMs },
    } as RecalcServiceOptions<Transaction>)
  }

  /** A service that only looks. */
  observer(): RecalcService<Transaction> {
    return this.service(this.database.connect(), calculatorOf(this.pipeline, untroubled), this.jobs)
  }

  /** A service whose stages are not those that the job was made with. */
  serviceOfOtherStages(): RecalcService<Transaction> | undefined {
    const { dailyCalc, stages = [] } = calculatorOf(this.pipeline, untroubled)
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
      return this.service(this.database.connect(), this.random.pick(changes) as never, this.jobs)
    } catch {
      return undefined // no pipeline at all
    }
  }

  #fill(): void {
    const { random } = this
    for (const table of TABLES) {
      const rows = new Map<string, number>()
      for (const employeeId of this.employees) {
        for (let day = -1; day <= this.dates.length; day++) {
          if (!random.chance(table === 'hours' ? 0.8 : 0.4)) continue
          rows.set(rowKey({ tenantId: TENANT, employeeId, date: addDays(FROM, day) }), random.between(0, 9))
        }
      }
      rows.set(`other-tenant/e0/${FROM}`, 1)
      this.before.set(table, rows)
      for (const [key, value] of rows) this.database.edit(table, key, value)
    }
  }
}

const untroubled = { compare() {}, swallows: () => false }
