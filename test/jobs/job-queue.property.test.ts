import { memoryBackend } from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { JobQueue } from '../../src/jobs/job-queue.ts'
import { ACTIVE } from '../../src/jobs/job-record.ts'
import type { WhenBusy } from '../../src/jobs/job-store.ts'
import { HEAD_START_MS } from '../../src/jobs/queue-order.ts'
import { silentLogger } from '../../src/pipeline/logger.ts'
import { type HeldJob, JobBench, LEASE_MS, START } from '../../src/testing/conformance/job-bench.ts'
import { fc } from '../support/fc.ts'

const TENANTS = ['a', 'b', 'c']
const MAX_JOBS = 2

/** What happens to the scheduler, one thing after the other. */
type Step =
  | {
      readonly do: 'submit'
      readonly tenant: number
      readonly isDay: boolean
      readonly whenBusy: WhenBusy
      readonly here: boolean
    }
  | { readonly do: 'finish' | 'fail' | 'cancel' | 'pause' | 'requeue' | 'snatch'; readonly pick: number }
  | { readonly do: 'kill'; readonly process: number }
  | { readonly do: 'pass'; readonly ms: number }

const pick = fc.nat({ max: 50 })

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      tenant: fc.nat({ max: TENANTS.length - 1 }),
      isDay: fc.boolean(),
      whenBusy: fc.constantFrom<WhenBusy>('reject', 'queue', 'queue'),
      here: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('finish' as const, 'finish' as const, 'fail' as const), pick }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'pause' as const, 'requeue' as const), pick }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('snatch' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), process: fc.nat({ max: 1 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: LEASE_MS / 2 }) }),
  },
)

/** A job as the model knows it. */
interface ModelJob {
  readonly id: string
  /** `null`: it excludes nobody. */
  readonly scope: string | null
  readonly queue: string
  readonly isDay: boolean
  state: 'waiting' | 'held' | 'ended'
  /** When it began to wait, as a number that grows. */
  since: number
}

/**
 * Two processes that take jobs from one store, beside a model of what they may do: in a scope one job at a time, in the order in
 * which they began to wait; of one tenant's jobs of one size without a scope the oldest first.
 */
class Scheduler {
  readonly clock = manualClock({ start: START })
  readonly #backend = memoryBackend({ maxJobs: 1_000 })
  readonly bench = new JobBench(this.#backend)
  readonly jobs = new Map<string, ModelJob>()
  readonly processes = [this.#process(), this.#process()]
  #waits = 0

  #process() {
    const held = new Map<string, HeldJob>()
    const { jobs } = this.#backend
    const queue: JobQueue = new JobQueue({
      jobs,
      clock: this.clock,
      logger: silentLogger,
      queuePollMs: 500,
      hasRoom: () => held.size < MAX_JOBS,
      recover: () => this.recover(held),
      claim: (jobId) => this.#take(jobId, held),
    })
    queue.start()
    return { held, queue }
  }

  async #take(jobId: string, held: Map<string, HeldJob>): Promise<'claimed' | 'not claimed'> {
    const claim = await this.bench.claim({ record: { id: jobId } }, { now: this.clock.now(), from: ['queued'] })
    if (!('lease' in claim)) return 'not claimed'
    this.#began(jobId, claim.takenOver)
    held.set(jobId, claim)
    return 'claimed'
  }

  async recover(held: Map<string, HeldJob>): Promise<void> {
    const found = await this.bench.jobs.listAbandoned({ now: this.clock.now(), limit: 100, after: null })
    for (const { jobId } of found) {
      const claim = await this.bench.claim({ record: { id: jobId } }, { now: this.clock.now(), from: ACTIVE })
      if ('lease' in claim) held.set(jobId, claim)
    }
  }

  /** Checks that the model lets a job begin. */
  #began(jobId: string, takenOver: boolean): void {
    const job = this.#job(jobId)
    const others = [...this.jobs.values()].filter((other) => other !== job && other.queue === job.queue)
    if (takenOver) return
    expect(job.state).toBe('waiting')
    const inFront = others.filter(({ state, since }) => state === 'waiting' && since < job.since)
    if (job.scope === null) expect(inFront.filter(({ isDay }) => isDay === job.isDay)).toEqual([])
    else expect(inFront).toEqual([])
    if (job.scope !== null) expect(others.filter(({ state }) => state === 'held')).toEqual([])
    job.state = 'held'
  }

  #job(jobId: string): ModelJob {
    const job = this.jobs.get(jobId)
    if (!job) throw new Error(`Expected ${jobId} to be a job of the model`)
    return job
  }

  async perform(one: Step): Promise<void> {
    switch (one.do) {
      case 'submit':
        return await this.submit(one)
      case 'finish':
      case 'fail':
        return await this.#end(one.pick, one.do === 'finish' ? 'completed' : 'failed')
      case 'cancel':
      case 'pause':
        return await this.#withdraw(one.pick, one.do)
      case 'requeue':
        return await this.#requeue(one.pick)
      case 'snatch':
        return await this.#snatch(one.pick)
      case 'kill':
        this.processes[one.process]?.held.clear()
        return
      case 'pass':
        return await this.pass(one.ms)
    }
  }

  async submit({ tenant, isDay, whenBusy, here }: Omit<Extract<Step, { do: 'submit' }>, 'do'>): Promise<void> {
    const tenantId = TENANTS[tenant] ?? ''
    // Jobs of one employee exclude nobody.
    const scope = isDay ? null : `tenant ${tenantId}`
    const at = this.clock.now() - START
    const asked = { tenantId, scope, whenBusy, at, worker: here, ...(isDay && { employeeIds: ['1'] }) }
    const { record, admission } = await this.bench.submit(asked)
    const rivals = [...this.jobs.values()].filter(
      (job) => scope !== null && job.scope === scope && job.state !== 'ended',
    )
    const isBusy = rivals.length > 0
    if (isBusy && whenBusy === 'reject') {
      expect('activeJobId' in admission && rivals.map(({ id }) => id).includes(admission.activeJobId)).toBe(true)
      return
    }
    expect('lease' in admission).toBe(here && !isBusy)
    const job = { id: record.id, scope, queue: scope ?? tenantId, isDay, since: ++this.#waits }
    this.jobs.set(record.id, { ...job, state: 'lease' in admission ? 'held' : 'waiting' })
    if ('lease' in admission) this.processes[0]?.held.set(record.id, { record, lease: admission.lease })
  }

  async #end(n: number, status: 'completed' | 'failed'): Promise<void> {
    const holders = this.processes.flatMap(({ held, queue }) => [...held.values()].map((job) => ({ held, queue, job })))
    const one = holders[n % holders.length]
    if (!one) return
    await this.bench.end(one.job, status)
    one.held.delete(one.job.record.id)
    this.#job(one.job.record.id).state = 'ended'
    one.queue.poll()
    await this.settle()
  }

  async #withdraw(n: number, how: 'cancel' | 'pause'): Promise<void> {
    const waiting = [...this.jobs.values()].filter(({ state }) => state === 'waiting')
    const job = waiting[n % waiting.length]
    if (!job) return
    const { jobs } = this.bench
    expect(await (how === 'cancel' ? jobs.requestCancel(job.id, null) : jobs.requestPause(job.id))).toBe(true)
    const claim = await this.bench.claim(
      { record: { id: job.id } },
      { now: this.clock.now(), from: ['queued'], toEnd: true },
    )
    if (!('lease' in claim)) throw new Error('Expected the job to be claimed, for its end')
    await this.bench.end(claim, how === 'cancel' ? 'cancelled' : 'paused')
    job.state = 'ended'
  }

  /** As whoever has seen the job in front of the others a while ago. */
  async #snatch(n: number): Promise<void> {
    const waiting = [...this.jobs.values()].filter(({ state, scope }) => state === 'waiting' && scope !== null)
    const job = waiting[n % waiting.length]
    const [first] = this.processes
    if (job && first) await this.#take(job.id, first.held)
  }

  async #requeue(n: number): Promise<void> {
    const ended = [...this.jobs.values()].filter(({ state }) => state === 'ended')
    const job = ended[n % ended.length]
    if (!job) return
    const request = { now: this.clock.now(), from: ['failed', 'cancelled', 'paused'], whenBusy: 'queue' } as const
    if (!('record' in (await this.bench.jobs.requeue(job.id, request)))) return
    job.state = 'waiting'
    job.since = ++this.#waits
  }

  /** Time passes, and who lives keeps his leases. */
  async pass(ms: number): Promise<void> {
    for (const { held } of this.processes) {
      for (const { lease } of held.values()) {
        await this.bench.jobs.renew(lease, { now: this.clock.now() + ms, leaseMs: LEASE_MS })
      }
    }
    await this.clock.advance(ms)
    for (const { held } of this.processes) await this.recover(held)
    await this.settle()
  }

  async settle(): Promise<void> {
    for (const { queue } of this.processes) await queue.idle()
  }

  /** That no two jobs of a scope are held, by the store's own account. */
  async check(): Promise<void> {
    const scopes = (await this.bench.jobs.list({ status: 'running', limit: 1_000 })).flatMap(({ scope }) => scope ?? [])
    expect(new Set(scopes).size).toBe(scopes.length)
  }

  /** Lets everything go on until nothing waits. */
  async drain(): Promise<void> {
    const left = () => [...this.jobs.values()].filter(({ state }) => state !== 'ended').length
    for (let rounds = this.jobs.size + 2; rounds > 0 && left() > 0; rounds--) {
      // Until the leases of the dead have run out; the living keep theirs.
      for (let i = 0; i < 5; i++) await this.pass(LEASE_MS / 2)
      for (const { held } of this.processes) while (held.size > 0) await this.#end(0, 'completed')
      await this.check()
    }
    expect(left()).toBe(0)
  }
}

describe('jobs that wait', () => {
  test('are taken in order, one at a time of a scope, and each in the end, whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const scheduler = new Scheduler()
        for (const one of steps) {
          await scheduler.perform(one)
          await scheduler.check()
        }
        await scheduler.drain()
      }),
    )
  })

  test('do not starve: a large job is taken within a turn of each tenant once it has waited for its time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: TENANTS.length - 1 }), { minLength: 40, maxLength: 40 }),
        fc.integer({ min: 30_000, max: 120_000 }),
        async (tenants, betweenMs) => {
          const scheduler = new Scheduler()
          const [first, second] = scheduler.processes
          second?.queue.stop()
          // One job at a time, and always more small ones than can be done.
          first?.held.set('full', { record: { id: 'full' } } as HeldJob)
          const small = { isDay: true, whenBusy: 'queue', here: false } as const
          for (const tenant of [0, 1, 2, 0, 1, 2]) await scheduler.submit({ tenant, ...small })
          await scheduler.submit({ tenant: 0, isDay: false, whenBusy: 'queue', here: false })
          const large = [...scheduler.jobs.values()].at(-1)
          let turns = 0
          for (const tenant of tenants) {
            await scheduler.submit({ tenant, ...small })
            await scheduler.clock.advance(betweenMs)
            await scheduler.settle()
            if (large?.state !== 'waiting') break
            if (scheduler.clock.now() > START + HEAD_START_MS) turns += 1
            await endOthers(scheduler, 'full')
          }
          expect(large?.state === 'waiting' ? turns : 0).toBeLessThanOrEqual(TENANTS.length + 1)
        },
      ),
      { numRuns: 20 },
    )
  })
})

/** Ends what the first process holds, but one. */
async function endOthers({ processes, bench, jobs }: Scheduler, but: string): Promise<void> {
  const [first] = processes
  for (const [id, job] of [...(first?.held ?? [])]) {
    if (id === but) continue
    await bench.end(job)
    first?.held.delete(id)
    const model = jobs.get(id)
    if (model) model.state = 'ended'
  }
}
