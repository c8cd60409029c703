import assert from 'node:assert/strict'
import { JobNotFoundError, LeaseLostError } from '../../errors.ts'
import { JOB_STATUSES } from '../../jobs/job-record.ts'
import type { WaitingJob } from '../../jobs/job-store.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { type HeldJob, type JobBench, LEASE_MS, START } from './job-bench.ts'

type Job = Pick<HeldJob, 'record'>

const QUEUED = { from: ['queued'] } as const

export const queueCases: readonly ConformanceCase[] = [
  {
    name: 'a job that nobody works on where it was asked for waits, queued, in nobody’s hands, until it is claimed',
    async run({ bench }) {
      const job = await bench.wait({ worker: false, scope: 's', employeeIds: ['7'] })
      assert.deepEqual(await bench.stored(job), job.record)
      assert.equal(job.record.status, 'queued')
      assert.deepEqual(await waitingIds(bench), [job.record.id])
      const claim = await bench.claim(job, QUEUED)
      assert.ok('lease' in claim)
      const { lease, record, takenOver } = claim
      assert.deepEqual([lease.token, record.status, record.recoveries, takenOver], [1, 'running', 0, false])
      assert.deepEqual(record.plan.employeeIds, ['7'])
      assert.deepEqual(await waitingIds(bench), [])
      await bench.end({ ...job, lease })
    },
  },
  {
    name: 'however long a job waits, nobody takes it for that of a dead worker',
    async run({ bench }) {
      await bench.wait({ worker: false })
      const now = START + 1_000 * LEASE_MS
      assert.deepEqual(await bench.jobs.listAbandoned({ now, limit: 10, after: null }), [])
    },
  },
  {
    name: 'of many jobs of one scope at once one is let in and the others wait; they are taken one after the other',
    async run({ bench }) {
      const asked = await Promise.all(Array.from({ length: 6 }, () => bench.submit({ scope: 's', whenBusy: 'queue' })))
      const [first, ...others] = asked.filter(({ admission }) => 'lease' in admission)
      assert.ok(first && 'lease' in first.admission && others.length === 0, 'exactly one should have been let in')
      let held: HeldJob = { record: first.record, lease: first.admission.lease }
      for (let left = 5; left > 0; left--) {
        assert.deepEqual(await waitingIds(bench), [], 'a job was given out while another of its scope is held')
        await bench.end(held)
        const [next, ...rest] = await waitingJobs(bench)
        assert.ok(next && rest.length === 0, 'one job of the scope should be in front of the others')
        const claim = await bench.claim({ record: { id: next.jobId } }, QUEUED)
        assert.ok('lease' in claim)
        held = { record: claim.record, lease: claim.lease }
      }
      await bench.end(held)
      assert.deepEqual(await waitingIds(bench), [])
    },
  },
  {
    name: 'jobs of one scope are claimed in the order in which they were stored, whatever the clocks say and however small they are',
    async run({ bench }) {
      const first = await bench.create({ scope: 's' })
      const waiting = [
        await bench.wait({ scope: 's', at: 500 }),
        await bench.wait({ scope: 's', at: 100 }),
        await bench.wait({ scope: 's', at: 100, days: 1 }),
        await bench.wait({ scope: 's', at: 600 }),
      ]
      await bench.end(first)
      for (const [i, job] of waiting.entries()) {
        const behind = waiting.slice(i + 1)
        await refusesAllOf(bench, behind, waiting.slice(i))
        const claim = await bench.claim(job, QUEUED)
        assert.ok('lease' in claim)
        await refusesAllOf(bench, behind, waiting.slice(i))
        await bench.end({ ...job, lease: claim.lease })
      }
    },
  },
  {
    name: 'a job that is not to wait is refused also while others of its scope wait; without a scope nothing waits for it',
    async run({ bench }) {
      const waiting = await bench.wait({ scope: 's', worker: false })
      const { admission } = await bench.submit({ scope: 's' })
      assert.deepEqual(admission, { activeJobId: waiting.record.id })
      const behind = await bench.wait({ scope: 's' })
      assert.deepEqual(await bench.claim(behind, QUEUED), { activeJobId: waiting.record.id })
      await bench.create({ scope: null, whenBusy: 'queue' })
    },
  },
  {
    name: 'who waits is in nobody’s way but of those behind: a dead worker’s job, or one that is resumed, goes first',
    async run({ bench }) {
      const dead = await bench.create({ scope: 's' })
      const waiting = await bench.wait({ scope: 's' })
      assert.deepEqual(await bench.claim(waiting, QUEUED), { activeJobId: dead.record.id })
      const { lease, takenOver } = await bench.takeOver(dead)
      assert.equal(takenOver, true)
      assert.deepEqual(await bench.claim(waiting, QUEUED), { activeJobId: dead.record.id })
      await bench.end({ ...dead, lease }, 'failed')
      const again = await bench.claim(dead, { from: ['failed'] })
      assert.ok('lease' in again)
      await bench.end({ ...dead, lease: again.lease })
      assert.ok('lease' in (await bench.claim(waiting, QUEUED)))
    },
  },
  {
    name: 'of many who claim a waiting job at once exactly one gets it',
    async run({ bench }) {
      for (const scope of ['s', null]) {
        const job = await bench.wait({ worker: false, scope })
        const claims = await Promise.all(Array.from({ length: 8 }, () => bench.claim(job, QUEUED)))
        assert.equal(claims.filter((claim) => 'lease' in claim).length, 1)
      }
    },
  },
  {
    name: 'the first of each queue is listed: small jobs before others, those of one tenant by tenant',
    async run({ bench }) {
      const large = await bench.wait({ worker: false, tenantId: 'a', at: 0 })
      const small = await bench.wait({ worker: false, tenantId: 'a', at: 1, days: 1 })
      const one = await bench.wait({ worker: false, tenantId: 'b', at: 2, employeeIds: ['7'] })
      await bench.wait({ worker: false, tenantId: 'b', at: 3, employeeIds: ['7'] })
      const scoped = await bench.wait({ worker: false, tenantId: 'a', at: 4, scope: 's' })
      const found = await waitingJobs(bench)
      assert.deepEqual(idsOf(found), idsOfJobs([small, one, scoped]))
      const byId = new Map(found.map((job) => [job.jobId, job]))
      const [a, b, s] = [small, one, scoped].map(({ record }) => byId.get(record.id))
      assert.equal(a?.tenantKey, s?.tenantKey)
      assert.notEqual(a?.tenantKey, b?.tenantKey)
      assert.ok(a && b && s && a.order < b.order && b.order < s.order, 'small jobs should come first, then older ones')
      const claim = await bench.claim(small, QUEUED)
      assert.ok('lease' in claim)
      assert.deepEqual(idsOf(await waitingJobs(bench)), idsOfJobs([large, one, scoped]))
      assert.deepEqual(idsOf(await waitingJobs(bench, { except: [large.record.id] })), idsOfJobs([one, scoped]))
    },
  },
  {
    name: 'pages of queues joined are all of them, busy ones included',
    async run({ bench }) {
      const jobs: Job[] = []
      for (let i = 0; i < 7; i++) jobs.push(await bench.wait({ worker: false, tenantId: `tenant ${i}` }))
      const busy = await bench.create({ scope: 'busy' })
      await bench.wait({ scope: 'busy' })
      for (const limit of [1, 2, 3, 8, 100]) {
        assert.deepEqual(idsOf(await waitingJobs(bench, { limit })), idsOfJobs(jobs))
      }
      await bench.end(busy)
      assert.equal((await waitingJobs(bench, { limit: 3 })).length, 8)
    },
  },
  {
    name: 'a waiting job that is asked to end, or to pause, waits no more, and can be ended while others of its scope are held',
    async run({ bench }) {
      const held = await bench.create({ scope: 's' })
      const [cancelled, paused, last] = [
        await bench.wait({ scope: 's' }),
        await bench.wait({ scope: 's' }),
        await bench.wait({ scope: 's' }),
      ]
      assert.equal(await bench.jobs.requestCancel(cancelled.record.id, 'enough'), true)
      assert.equal(await bench.jobs.requestPause(paused.record.id), true)
      const abandoned = await bench.jobs.listAbandoned({ now: START, limit: 10, after: null })
      assert.deepEqual(
        abandoned.map(({ jobId, cancelRequested, pauseRequested }) => [jobId, cancelRequested, pauseRequested]).sort(),
        [
          [cancelled.record.id, true, false],
          [paused.record.id, false, true],
        ].sort(),
      )
      for (const [job, status] of [
        [cancelled, 'cancelled'],
        [paused, 'paused'],
      ] as const) {
        const claim = await bench.claim(job, { ...QUEUED, toEnd: true })
        assert.ok('lease' in claim)
        assert.equal((await bench.stored(job)).status, 'queued')
        await bench.end({ ...job, lease: claim.lease }, status)
        assert.equal((await bench.stored(job)).status, status)
      }
      await bench.end(held)
      assert.ok('lease' in (await bench.claim(last, QUEUED)))
    },
  },
  {
    name: 'that somebody wants a job to pause is known at the next renewal, kept whatever is appended, and forgotten once it is resumed',
    async run({ bench }) {
      const job = await bench.create()
      assert.equal(await bench.jobs.requestPause(job.record.id), true)
      await bench.append(job, [{ type: 'started', stages: [] }], { status: 'running', pauseRequested: false })
      const renewal = await bench.jobs.renew(job.lease, { leaseMs: LEASE_MS, now: START })
      assert.deepEqual(renewal, { cancel: null, pause: true })
      assert.equal((await bench.stored(job)).pauseRequested, true)
      await bench.end(job, 'paused')
      assert.equal(await bench.jobs.requestPause(job.record.id), true)
      assert.deepEqual(await bench.jobs.listAbandoned({ now: START + 9 * LEASE_MS, limit: 10, after: null }), [])
      const claim = await bench.claim(job, { from: ['paused'] })
      assert.ok('lease' in claim)
      assert.deepEqual([claim.record.status, claim.record.pauseRequested], ['running', false])
      assert.deepEqual(await bench.jobs.renew(claim.lease, { leaseMs: LEASE_MS, now: START }), {
        cancel: null,
        pause: false,
      })
    },
  },
  {
    name: 'a job that has ended, or is to be cancelled, cannot be asked to pause, nor one that is not there',
    async run({ bench }) {
      for (const status of ['completed', 'completed_with_errors', 'failed', 'cancelled'] as const) {
        const job = await bench.create()
        await bench.end(job, status)
        assert.equal(await bench.jobs.requestPause(job.record.id), false)
        assert.equal((await bench.stored(job)).pauseRequested, false)
      }
      const job = await bench.create()
      await bench.jobs.requestCancel(job.record.id, null)
      assert.equal(await bench.jobs.requestPause(job.record.id), false)
      assert.equal(await bench.jobs.requestPause('nobody'), undefined)
    },
  },
  {
    name: 'a paused job that is asked to end is found by those who look for jobs of nobody',
    async run({ bench }) {
      const job = await bench.create()
      await bench.end(job, 'paused')
      assert.equal(await bench.jobs.requestCancel(job.record.id, 'enough'), true)
      const [found] = await bench.jobs.listAbandoned({ now: START, limit: 10, after: null })
      assert.deepEqual([found?.jobId, found?.cancelRequested], [job.record.id, true])
      const claim = await bench.claim(job, { from: JOB_STATUSES, toEnd: true })
      assert.ok('lease' in claim)
      assert.deepEqual(claim.record.cancel, { reason: 'enough' })
    },
  },
  {
    name: 'a job that has ended can wait again, behind those of its scope, and who held it writes nothing more',
    async run({ bench }) {
      const job = await bench.create({ scope: 's' })
      await bench.append(job, [{ type: 'started', stages: [] }], { status: 'running', runs: 1 })
      await bench.end(job, 'failed')
      const other = await bench.create({ scope: 's' })
      const waiting = await bench.wait({ scope: 's', at: 900_000 })
      const request = { now: START, from: ['failed', 'paused'] } as const
      const refusal = await bench.jobs.requeue(job.record.id, { ...request, whenBusy: 'reject' })
      assert.deepEqual(refusal, { activeJobId: other.record.id })
      const requeued = await bench.jobs.requeue(job.record.id, { ...request, whenBusy: 'queue' })
      assert.ok('record' in requeued)
      const { status, result, finishedAt, fault, runs } = await bench.stored(job)
      assert.deepEqual([status, result, finishedAt, fault, runs], ['queued', null, null, null, 1])
      await assert.rejects(bench.jobs.renew(job.lease, { leaseMs: LEASE_MS, now: START }), LeaseLostError)
      const again = await bench.jobs.requeue(job.record.id, { ...request, whenBusy: 'queue' })
      assert.deepEqual(again, { status: 'queued' })
      await bench.end(other)
      assert.deepEqual(await bench.claim(job, QUEUED), { activeJobId: waiting.record.id })
      const claim = await bench.claim(waiting, QUEUED)
      assert.ok('lease' in claim)
      await bench.end({ ...waiting, lease: claim.lease })
      const own = await bench.claim(job, QUEUED)
      assert.ok('lease' in own && !own.takenOver)
      assert.deepEqual(await bench.jobs.requeue(waiting.record.id, { ...request, whenBusy: 'queue' }), {
        status: 'completed',
      })
      await assert.rejects(bench.jobs.requeue('nobody', { ...request, whenBusy: 'queue' }), JobNotFoundError)
    },
  },
  {
    name: 'a waiting job that is asked for again is returned, and nothing else is stored',
    async run({ bench }) {
      const identity = { id: '5b0e3f10-2b4c-8d5e-9f60-718293a4b5c6', fingerprint: 'first' }
      const job = await bench.wait({ worker: false, identity, scope: 's' })
      const { admission } = await bench.submit({ worker: false, identity, scope: 's', whenBusy: 'queue' })
      assert.ok('existing' in admission)
      assert.deepEqual(await waitingIds(bench), [job.record.id])
    },
  },
]

/** Tries to claim each of the jobs: one of those in front of it stands in its way. */
async function refusesAllOf<Tx>(bench: JobBench<Tx>, jobs: readonly Job[], inFront: readonly Job[]): Promise<void> {
  for (const job of jobs) {
    const claim = await bench.claim(job, QUEUED)
    assert.ok('activeJobId' in claim, 'a job was given out although others of its scope are in front of it')
    assert.ok(inFront.some(({ record }) => record.id === claim.activeJobId))
  }
}

/** The first job of every queue, read in pages. */
async function waitingJobs<Tx>(
  bench: JobBench<Tx>,
  { limit = 100, except = [] }: { readonly limit?: number; readonly except?: readonly string[] } = {},
): Promise<readonly WaitingJob[]> {
  const found: WaitingJob[] = []
  for (let after: string | null = null; ; ) {
    const page = await bench.jobs.listWaiting({ limit, after, except })
    assert.ok(page.jobs.length <= limit, `a page should hold at most ${limit} jobs, but it holds ${page.jobs.length}`)
    found.push(...page.jobs)
    if (page.next === null) return found
    after = page.next
  }
}

async function waitingIds<Tx>(bench: JobBench<Tx>): Promise<readonly string[]> {
  return idsOf(await waitingJobs(bench))
}

function idsOf(jobs: readonly WaitingJob[]): readonly string[] {
  return jobs.map(({ jobId }) => jobId).sort()
}

function idsOfJobs(jobs: readonly Job[]): readonly string[] {
  return jobs.map(({ record }) => record.id).sort()
}
