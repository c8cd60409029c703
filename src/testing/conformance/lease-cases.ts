import assert from 'node:assert/strict'
import { JobNotFoundError, LeaseLostError } from '../../errors.ts'
import type { Lease } from '../../jobs/job-store.ts'
import { emptyStep, startOfRun } from '../../run/checkpoint.ts'
import type { ConformanceCase } from './conformance-case.ts'
import {
  eventOf,
  failureOn,
  type HeldJob,
  type JobBench,
  LEASE_MS,
  START,
  sorted,
  withoutEmployees,
} from './job-bench.ts'

const me = { owner: 'me', leaseMs: LEASE_MS }

export const leaseCases: readonly ConformanceCase[] = [
  {
    name: 'a job that has ended can be claimed: it is running again, without the end of its last run',
    async run({ bench }) {
      const job = await bench.create({ reason: 'x' })
      await bench.end(job, 'failed')
      const claim = await bench.takeOver(job, 0, 'me')
      assert.deepEqual(claim.lease, { jobId: job.record.id, owner: 'me', token: 2 })
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
      const claim = await bench.jobs.claim(job.record.id, { ...me, now: START, from: ['failed', 'interrupted'] })
      assert.deepEqual(claim, { status: 'completed' })
      assert.equal((await bench.stored(job)).status, 'completed')
    },
  },
  {
    name: 'an active job can be claimed once its lease has run out, not before',
    async run({ bench }) {
      const job = await bench.create()
      const from = ['queued', 'running'] as const
      const early = await bench.jobs.claim(job.record.id, { ...me, now: START + LEASE_MS - 1, from })
      assert.deepEqual(early, { status: 'queued' })
      const late = await bench.jobs.claim(job.record.id, { ...me, now: START + LEASE_MS + 1, from })
      assert.ok('lease' in late)
      const again = await bench.jobs.claim(job.record.id, { ...me, now: START + 2 * LEASE_MS, from })
      assert.deepEqual(again, { status: 'running' })
    },
  },
  {
    name: 'the token grows with every claim',
    async run({ bench }) {
      const job = await bench.create()
      const tokens = [job.lease.token]
      for (let i = 1; i <= 3; i++) tokens.push((await bench.takeOver(job, i * 10 * LEASE_MS, 'same owner')).lease.token)
      assert.deepEqual(tokens, [1, 2, 3, 4])
    },
  },
  {
    name: 'of many who claim a job at once exactly one gets it',
    async run({ bench }) {
      const job = await bench.create()
      await bench.end(job, 'interrupted')
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          bench.jobs.claim(job.record.id, { ...me, owner: `owner-${i}`, now: START, from: ['interrupted'] }),
        ),
      )
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
      const request = { ...me, now: START, from: ['cancelled'] as const }
      assert.deepEqual(await bench.jobs.claim(first.record.id, request), { activeJobId: second.record.id })
      assert.equal((await bench.stored(first)).status, 'cancelled')
      await bench.end(second)
      assert.ok('lease' in (await bench.jobs.claim(first.record.id, request)))
    },
  },
  {
    name: 'claiming a job that is not there throws JobNotFoundError',
    async run({ bench }) {
      const claim = bench.jobs.claim('nobody', { ...me, now: START, from: ['failed'] })
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
      const renewal = await bench.jobs.renew(job.lease, { ...me, now: START + 20_000 })
      assert.deepEqual(renewal, { cancel: null })
      const early = await bench.jobs.claim(job.record.id, { ...me, now: START + LEASE_MS + 19_999, from })
      assert.deepEqual(early, { status: 'queued' })
      const late = await bench.jobs.claim(job.record.id, { ...me, now: START + LEASE_MS + 20_001, from })
      assert.ok('lease' in late)
    },
  },
  {
    name: 'a lease that has run out can be renewed as long as nobody has claimed the job',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.renew(job.lease, { ...me, now: START + 5 * LEASE_MS })
      await bench.commit(job.lease, { processed: 1 })
    },
  },
  {
    name: 'that somebody wants a job to end is told at the next renewal, and kept whatever is appended',
    async run({ bench }) {
      for (const reason of ['enough', null]) {
        const job = await bench.create()
        assert.equal(await bench.jobs.requestCancel(job.record.id, reason), true)
        await bench.append(job, [{ type: 'started', stages: [] }], { status: 'running', cancel: null })
        assert.deepEqual(await bench.jobs.renew(job.lease, { ...me, now: START }), { cancel: { reason } })
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
    name: 'interrupted jobs, and active ones whose lease has run out, are listed, oldest first',
    async run({ bench }) {
      const dead = await bench.create({ at: 0 })
      const interrupted = await bench.create({ at: 1 })
      await bench.end(interrupted, 'interrupted')
      for (const [i, status] of (['completed', 'completed_with_errors', 'failed', 'cancelled'] as const).entries()) {
        await bench.end(await bench.create({ at: 2 + i }), status)
      }
      const deadLater = await bench.create({ at: 10 })
      const alive = await bench.create({ at: 11 })
      const now = START + 2 * LEASE_MS
      await bench.jobs.renew(alive.lease, { ...me, now: now - 1 })
      const ids = [dead, interrupted, deadLater].map(({ record }) => record.id)
      assert.deepEqual(await bench.jobs.listInterrupted(now), ids)
      assert.deepEqual(await bench.jobs.listInterrupted(START + 12), [interrupted.record.id])
    },
  },
]

/** Leaves something of every kind behind. */
async function work<Tx>(bench: JobBench<Tx>, job: HeldJob): Promise<void> {
  await bench.append(job, [{ type: 'started', stages: [] }], { status: 'running' })
  const lanes = [
    { id: 1, employeeIds: ['1', '2'], datesDone: 0 },
    { id: 2, employeeIds: ['3'], datesDone: 0 },
  ]
  await bench.jobs.openLanes(job.lease, lanes, { after: '3', all: false })
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
    renew: (old) => jobs.renew(old, { ...me, now: START + 100 * LEASE_MS }),
    openLanes: (old) => jobs.openLanes(old, [{ id: 9, employeeIds: ['9'], datesDone: 0 }], { after: '9', all: true }),
    splitLane: (old) => jobs.splitLane(old, 1, [{ id: 9, employeeIds: ['1'], datesDone: 1 }]),
    saveStep: (old) =>
      bench.commit(old, {
        ...emptyStep,
        processed: 5,
        failures: [failure],
        tenantStagesDone: 1,
        lane: { id: 1, datesDone: 9, finished: true },
      }),
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
    after: '3',
    allHandedOut: false,
    nextLaneId: 3,
    openLanes: [
      { id: 1, employeeIds: ['1', '2'], datesDone: 1 },
      { id: 2, employeeIds: ['3'], datesDone: 0 },
    ],
    tenantStagesDone: 0,
  })
  return next
}
