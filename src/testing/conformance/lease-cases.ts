import assert from 'node:assert/strict'
import { JobNotFoundError, LeaseLostError } from '../../errors.ts'
import type { Lease } from '../../jobs/job-store.ts'
import { startOfRun } from '../../run/checkpoint.ts'
import type { ConformanceCase } from './conformance-case.ts'
import {
  eventOf,
  failureOn,
  type HeldJob,
  type JobBench,
  LEASE_MS,
  laneOf,
  resultOf,
  START,
  sorted,
  stageFailure,
  terminalOf,
  withoutEmployees,
} from './job-bench.ts'

const leaseFor = { leaseMs: LEASE_MS }

export const leaseCases: readonly ConformanceCase[] = [
  {
    name: 'a job that has ended can be claimed: it is running again, without the end of its last run',
    async run({ bench }) {
      const job = await bench.create({ reason: 'x' })
      await bench.end(job, 'failed')
      const claim = await bench.takeOver(job, 0, 'me')
      assert.deepEqual(claim.lease, { jobId: job.record.id, claimId: 'me', token: 2 })
      const { status, result, fault, finishedAt, reason, lastSeq } = claim.record
      assert.deepEqual(
        { status, result, fault, finishedAt },
        { status: 'running', result: null, fault: null, finishedAt: null },
      )
      assert.deepEqual({ reason, lastSeq }, { reason: 'x', lastSeq: 2 })
      assert.deepEqual(await bench.stored(job), withoutEmployees(claim.record))
    },
  },
  {
    name: 'a job can only be claimed from one of the statuses that are asked for',
    async run({ bench }) {
      const job = await bench.create()
      await bench.end(job, 'completed')
      const claim = await bench.claim(job, { from: ['failed', 'interrupted'] })
      assert.deepEqual(claim, { status: 'completed' })
      assert.equal((await bench.stored(job)).status, 'completed')
    },
  },
  {
    name: 'an active job can be claimed once its lease has run out, not before',
    async run({ bench }) {
      const job = await bench.create()
      const from = ['queued', 'running'] as const
      const early = await bench.claim(job, { now: START + LEASE_MS - 1, from })
      assert.deepEqual(early, { status: 'queued' })
      const late = await bench.claim(job, { now: START + LEASE_MS + 1, from })
      assert.ok('lease' in late)
      const again = await bench.claim(job, { now: START + 2 * LEASE_MS, from })
      assert.deepEqual(again, { status: 'running' })
    },
  },
  {
    name: 'the token grows with every claim',
    async run({ bench }) {
      const job = await bench.create()
      const tokens = [job.lease.token]
      for (let i = 1; i <= 3; i++) tokens.push((await bench.takeOver(job, i * 10 * LEASE_MS, `claim ${i}`)).lease.token)
      assert.deepEqual(tokens, [1, 2, 3, 4])
    },
  },
  {
    name: 'a job tells how often in a row it was taken over from a dead worker without a step forward',
    async run({ bench }) {
      const job = await bench.create()
      const counts = []
      for (let i = 1; i <= 2; i++) {
        const { record } = await bench.takeOver(job, i * 10 * LEASE_MS, `claim ${i}`)
        counts.push(record.recoveries, (await bench.stored(job)).recoveries)
      }
      assert.deepEqual(counts, [1, 1, 2, 2])
    },
  },
  {
    name: 'of many who claim a job at once exactly one gets it',
    async run({ bench }) {
      const job = await bench.create()
      await bench.end(job, 'interrupted')
      const claims = await Promise.all(Array.from({ length: 8 }, () => bench.claim(job, { from: ['interrupted'] })))
      assert.equal(claims.filter((claim) => 'lease' in claim).length, 1)
      for (const claim of claims) if (!('lease' in claim)) assert.deepEqual(claim, { status: 'running' })
    },
  },
  {
    name: 'a job cannot be claimed while another one of its scope is active',
    async run({ bench }) {
      const first = await bench.create({ scope: 's' })
      await bench.end(first, 'cancelled')
      const second = await bench.create({ scope: 's' })
      const request = { from: ['cancelled'] as const }
      assert.deepEqual(await bench.claim(first, request), { activeJobId: second.record.id })
      assert.equal((await bench.stored(first)).status, 'cancelled')
      await bench.end(second)
      assert.ok('lease' in (await bench.claim(first, request)))
    },
  },
  {
    name: 'claiming a job that is not there throws JobNotFoundError',
    async run({ bench }) {
      const claim = bench.claim({ record: { id: 'nobody' } }, { from: ['failed'] })
      await assert.rejects(claim, JobNotFoundError)
    },
  },
  {
    name: 'a job that nothing was saved of begins at the start',
    async run({ bench }) {
      const { checkpoint, lastFailure } = await bench.takeOver(await bench.create())
      assert.deepEqual({ checkpoint, lastFailure }, { checkpoint: startOfRun, lastFailure: 0 })
    },
  },
  {
    name: 'renewing keeps a lease for as long as was asked',
    async run({ bench }) {
      const job = await bench.create()
      const from = ['queued', 'running'] as const
      const renewal = await bench.jobs.renew(job.lease, { ...leaseFor, now: START + 20_000 })
      assert.deepEqual(renewal, { cancel: null, pause: false })
      const early = await bench.claim(job, { now: START + LEASE_MS + 19_999, from })
      assert.deepEqual(early, { status: 'queued' })
      const late = await bench.claim(job, { now: START + LEASE_MS + 20_001, from })
      assert.ok('lease' in late)
    },
  },
  {
    name: 'a lease that has run out can be renewed as long as nobody has claimed the job',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.renew(job.lease, { ...leaseFor, now: START + 5 * LEASE_MS })
      await bench.commit(job.lease, { processed: 1 })
    },
  },
  {
    name: 'that somebody wants a job to end is known at the next renewal, and kept whatever is appended',
    async run({ bench }) {
      for (const reason of ['enough', null]) {
        const job = await bench.create()
        assert.equal(await bench.jobs.requestCancel(job.record.id, reason), true)
        await bench.append(job, [{ type: 'started', stages: [] }], { status: 'running', cancel: null })
        assert.deepEqual(await bench.jobs.renew(job.lease, { ...leaseFor, now: START }), {
          cancel: { reason },
          pause: false,
        })
        assert.deepEqual((await bench.stored(job)).cancel, { reason })
      }
    },
  },
  {
    name: 'a job that has ended cannot be asked to end, nor one that is not there',
    async run({ bench }) {
      const job = await bench.create()
      await bench.end(job)
      const before = await bench.stored(job)
      assert.equal(await bench.jobs.requestCancel(job.record.id, 'late'), false)
      assert.deepEqual(await bench.stored(job), before)
      assert.equal(await bench.jobs.requestCancel('nobody', null), undefined)
    },
  },
  {
    name: 'that somebody wanted a job to end is forgotten with the run that heeded it, and stands when its worker died',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.requestCancel(job.record.id, 'enough')
      const second = await bench.takeOver(job)
      assert.deepEqual(second.record.cancel, { reason: 'enough' })
      await bench.end({ ...job, lease: second.lease }, 'cancelled')
      const third = await bench.takeOver(job)
      assert.equal(third.record.cancel, null)
    },
  },
  {
    name: 'whoever lost a lease writes nothing more',
    async run({ bench }) {
      const job = await bench.create()
      await work(bench, job)
      await bench.takeOver(job)
      const lease = await refusesAll(bench, job)
      // The new holder goes on where the old one stood.
      await bench.commit(lease, { processed: 1, lane: { id: 1, datesDone: 2, finished: false } })
      await bench.append({ ...job, lease }, [{ type: 'stage', stage: 1, name: 'scores', title: 'Scores' }])
    },
  },
  {
    name: 'once a job has ended nobody writes anything, whoever held its lease',
    async run({ bench }) {
      const job = await bench.create()
      await work(bench, job)
      await bench.end(job, 'cancelled')
      await refusesAll(bench, job)
    },
  },
  {
    name: 'a job that was interrupted can be asked to end, and whoever claims it gets to know',
    async run({ bench }) {
      const job = await bench.create()
      await bench.end(job, 'interrupted')
      assert.equal(await bench.jobs.requestCancel(job.record.id, 'enough'), true)
      assert.equal((await bench.stored(job)).status, 'interrupted')
      assert.deepEqual((await bench.takeOver(job)).record.cancel, { reason: 'enough' })
    },
  },
  {
    name: 'a job that is to be cancelled ends in no other way, and who tried to learns of it',
    async run({ bench }) {
      for (const status of ['completed', 'completed_with_errors', 'failed', 'interrupted'] as const) {
        const job = await bench.create()
        await bench.jobs.requestCancel(job.record.id, 'enough')
        const before = await bench.everything(job)
        const result = resultOf(status)
        const end = eventOf(job.record.id, 2, terminalOf(result))
        const record = { ...(await bench.stored(job)), status, result, finishedAt: result.finishedAt, lastSeq: 2 }
        assert.deepEqual(await bench.jobs.append(job.lease, [end], record), { reason: 'enough' })
        assert.deepEqual(await bench.everything(job), before)
        await bench.append(job, [{ type: 'stage', stage: 1, name: 'scores', title: 'Scores' }])
        await bench.end(job, 'cancelled')
        assert.equal((await bench.stored(job)).status, 'cancelled')
      }
    },
  },
  {
    name: 'a claim that is made again under the same id gets the lease that it has got',
    async run({ bench }) {
      const job = await bench.create()
      await bench.end(job, 'interrupted')
      const options = { from: ['interrupted'] as const, claimId: 'mine' }
      const [first, again] = [await bench.claim(job, options), await bench.claim(job, options)]
      assert.ok('lease' in first && 'lease' in again)
      assert.deepEqual(again.lease, first.lease)
      assert.deepEqual(await bench.claim(job, { ...options, claimId: 'other' }), { status: 'running' })
    },
  },
  {
    name: 'interrupted jobs, and active ones whose lease has run out, are listed, oldest first',
    async run({ bench }) {
      const dead = await bench.create({ at: 0 })
      const interrupted = await bench.create({ at: 1 })
      await bench.end(interrupted, 'interrupted')
      for (const [i, status] of (['completed', 'completed_with_errors', 'failed', 'cancelled'] as const).entries()) {
        await bench.end(await bench.create({ at: 2 + i }), status)
      }
      const deadLater = await bench.create({ at: 10 })
      await bench.append(deadLater, [{ type: 'started', stages: [] }], { status: 'running' })
      await bench.jobs.requestCancel(deadLater.record.id, null)
      const alive = await bench.create({ at: 11 })
      const now = START + 2 * LEASE_MS
      await bench.jobs.renew(alive.lease, { ...leaseFor, now: now - 1 })
      const abandoned = (query: { now: number; limit?: number; after?: string }) =>
        bench.jobs.listAbandoned({ limit: 10, after: null, ...query })
      const second = {
        jobId: interrupted.record.id,
        status: 'interrupted',
        cancelRequested: false,
        pauseRequested: false,
      }
      const all = [
        { jobId: dead.record.id, status: 'queued', cancelRequested: false, pauseRequested: false },
        second,
        { jobId: deadLater.record.id, status: 'running', cancelRequested: true, pauseRequested: false },
      ]
      assert.deepEqual(await abandoned({ now }), all)
      assert.deepEqual(await abandoned({ now: START + 12 }), [second])
      assert.deepEqual(await abandoned({ now, limit: 2 }), all.slice(0, 2))
      assert.deepEqual(await abandoned({ now, limit: 2, after: second.jobId }), all.slice(2))
      // A job that was taken up meanwhile still says where a page begins.
      await bench.takeOver(dead)
      assert.deepEqual(await abandoned({ now, after: dead.record.id }), all.slice(1))
    },
  },
  {
    name: 'pages of abandoned jobs joined are all of them, also where many were made in the same millisecond',
    async run({ bench }) {
      const made = new Set<string>()
      for (let i = 0; i < 11; i++) {
        const job = await bench.create({ at: Math.floor(i / 5) })
        if (i % 2 === 0) await bench.end(job, 'interrupted')
        made.add(job.record.id)
      }
      const now = START + 2 * LEASE_MS
      for (const limit of [1, 2, 4]) {
        const found: string[] = []
        for (;;) {
          const page = await bench.jobs.listAbandoned({ now, limit, after: found.at(-1) ?? null })
          if (page.length === 0) break
          assert.ok(page.length <= limit && found.length < 11)
          found.push(...page.map(({ jobId }) => jobId))
        }
        assert.equal(found.length, 11)
        assert.deepEqual(new Set(found), made)
      }
    },
  },
]

/** Leaves something of every kind behind. */
async function work<Tx>(bench: JobBench<Tx>, job: HeldJob): Promise<void> {
  await bench.append(job, [{ type: 'started', stages: [] }], { status: 'running' })
  const lanes = [laneOf(1, ['1', '2']), laneOf(2, ['3'])]
  await bench.jobs.openLanes(job.lease, lanes, { dispatchedThrough: '3', allDispatched: false })
  const failures = [failureOn('1', '2025-01-01')]
  await bench.commit(job.lease, { processed: 1, failed: 1, failures, lane: { id: 1, datesDone: 1, finished: false } })
}

/** Tries every write under the job's lease, and whether any left a trace. Gives the lease of a new holder. */
async function refusesAll<Tx>(bench: JobBench<Tx>, job: HeldJob): Promise<Lease> {
  const { jobs } = bench
  const { lease } = job
  const before = await bench.everything(job)
  const record = await bench.stored(job)
  const failure = failureOn('2', '2025-01-01')
  const writes: Readonly<Record<string, (lease: Lease) => Promise<unknown>>> = {
    renew: (old) => jobs.renew(old, { ...leaseFor, now: START + 100 * LEASE_MS }),
    openLanes: (old) => jobs.openLanes(old, [laneOf(9, ['9'])], { dispatchedThrough: '9', allDispatched: true }),
    splitLane: (old) => jobs.splitLane(old, 1, [laneOf(9, ['1'], 1)]),
    'saveStep of a lane': (old) =>
      bench.commit(old, {
        processed: 5,
        failures: [failure],
        lane: { id: 1, datesDone: 9, finished: true, employeeIds: ['2'] },
      }),
    'saveStep of a tenant stage': (old) => bench.commit(old, { tenantStagesDone: ['totals'], resolved: [failure] }),
    'saveStep of a failed tenant stage': (old) => bench.commit(old, { failures: [stageFailure('totals')] }),
    append: (old) => {
      const event = eventOf(record.id, record.lastSeq + 1, { type: 'stage', stage: 1, name: 'late', title: 'Late' })
      return jobs.append(old, [event], { ...record, status: 'failed', progress: 1, lastSeq: event.seq })
    },
  }
  for (const [name, write] of Object.entries(writes)) {
    await assert.rejects(write(lease), LeaseLostError, `${name} under a lost lease`)
    assert.deepEqual(await bench.everything(job), before, `${name} under a lost lease left a trace`)
  }
  // Nor a trace in the checkpoint, which shows only to whoever claims the job.
  const { checkpoint, lastFailure, lease: next } = await bench.takeOver(job, 50 * LEASE_MS)
  assert.equal(lastFailure, (await bench.failures(job)).at(-1)?.number)
  assert.deepEqual(sorted(checkpoint), {
    dispatchedThrough: '3',
    allDispatched: false,
    nextLaneId: 3,
    openLanes: [laneOf(1, ['1', '2'], 1), laneOf(2, ['3'])],
    tenantStagesDone: [],
  })
  return next
}
