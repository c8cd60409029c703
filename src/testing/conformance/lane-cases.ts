import assert from 'node:assert/strict'
import { LeaseLostError } from '../../errors.ts'
import type { RecalcBackend } from '../../jobs/job-store.ts'
import type { LaneClaim, LaneStore } from '../../jobs/lanes/lane-store.ts'
import { emptyStep, type Step, StepSavedBefore } from '../../run/checkpoint.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { failureOn, type HeldJob, type JobBench, LEASE_MS, laneOf, START } from './job-bench.ts'

const CLAIM_MS = 1_000

/** What processes that share the lanes of a job rely on; nothing is asked of a backend without lanes to share. */
export const laneCases: readonly ConformanceCase[] = [
  {
    name: 'of many that claim a lane at once one gets it, until the claim has run out or is given back',
    run: (context) =>
      withLanes(context, async ({ lanes, job, pointer }) => {
        const answers = await Promise.all(
          ['a', 'b', 'c', 'd'].map((claimId) => lanes.claim(pointer, { claimId, now: START, claimMs: CLAIM_MS })),
        )
        const [winner] = ['a', 'b', 'c', 'd'].filter((_, i) => answers[i])
        assert.deepEqual(
          answers.filter((lane) => lane !== undefined),
          [laneOf(1, ['1', '2'])],
        )
        assert.ok(winner)
        // A claim whose answer was lost gets the same one.
        assert.deepEqual(
          await lanes.claim(pointer, { claimId: winner, now: START, claimMs: CLAIM_MS }),
          laneOf(1, ['1', '2']),
        )
        const late = { now: START + CLAIM_MS - 1, claimMs: CLAIM_MS }
        assert.equal(await lanes.claim(pointer, { claimId: 'e', ...late }), undefined)
        const won = claimOf(job, winner)
        assert.deepEqual(await lanes.renew([won], late), [{ claimId: winner, isStopping: false }])
        assert.equal(await lanes.claim(pointer, { claimId: 'e', now: START + CLAIM_MS, claimMs: 1 }), undefined)
        await lanes.release(won)
        assert.ok(await lanes.claim(pointer, { claimId: 'f', now: START + CLAIM_MS, claimMs: 1 }))
        assert.ok(await lanes.claim(pointer, { claimId: 'g', now: START + CLAIM_MS + 1, claimMs: 1 }))
        assert.deepEqual(await lanes.renew([won, claimOf(job, 'f')], late), [])
        const [view] = (await lanes.progress(job.lease)).lanes
        assert.equal(view?.claims, 2, 'two have claimed it since it was given back')
      }),
  },
  {
    name: 'whoever has claimed a lane moves it, and nobody else; what it counts is seen at once',
    run: (context) =>
      withLanes(context, async ({ lanes, job, pointer, save }) => {
        const old = await take(lanes, job, pointer, 'old')
        await save(old, { processed: 2, lane: { id: 1, datesDone: 1, finished: false } })
        const late = { now: START + CLAIM_MS, claimMs: CLAIM_MS }
        assert.deepEqual(await lanes.claim(pointer, { claimId: 'new', ...late }), laneOf(1, ['1', '2'], 1))
        const second = { processed: 2, lane: { id: 1, datesDone: 2, finished: false } }
        await assert.rejects(save(old, second), LeaseLostError)
        await assert.rejects(save(old, { ...second, repeated: true }), LeaseLostError)
        await assert.rejects(lanes.split(old, 1, [laneOf(3, ['1'], 1), laneOf(4, ['2'], 1)]), LeaseLostError)
        await save(claimOf(job, 'new'), second)
        await assert.rejects(save(claimOf(job, 'new'), { ...second, repeated: true }), StepSavedBefore)
        await save(claimOf(job, 'new'), { processed: 58, lane: { id: 1, datesDone: 31, finished: true } })
        const { counted, lanes: open } = await lanes.progress(job.lease)
        assert.equal(counted.processedDays, 62)
        assert.deepEqual(
          open.map(({ id }) => id),
          [2],
        )
        assert.equal(await lanes.claim(pointer, { claimId: 'none', now: START + 10 * CLAIM_MS, claimMs: 1 }), undefined)
      }),
  },
  {
    name: 'the halves of a lane are in the hands of whoever split it, and what it has counted stays',
    run: (context) =>
      withLanes(context, async ({ lanes, job, pointer, save }) => {
        const claim = await take(lanes, job, pointer, 'one')
        await save(claim, { processed: 2, lane: { id: 1, datesDone: 1, finished: false } })
        const halves = [laneOf(8, ['1'], 1), laneOf(9, ['2'], 1)]
        await lanes.split(claim, 1, halves)
        await lanes.split(claim, 1, halves) // the answer was lost
        assert.equal(
          await lanes.claim({ ...pointer, laneId: 9 }, { claimId: 'two', now: START, claimMs: 1 }),
          undefined,
        )
        await save(claim, { processed: 30, lane: { id: 9, datesDone: 31, finished: true } })
        const { counted, lanes: open } = await lanes.progress(job.lease)
        assert.equal(counted.processedDays, 32)
        assert.deepEqual(
          open.map(({ id }) => id),
          [2, 8],
        )
      }),
  },
  {
    name: 'a claim of the job ends those of its lanes, and pointers under an older token lead nowhere',
    run: (context) =>
      withLanes(context, async ({ lanes, bench, job, pointer, save }) => {
        const claim = await take(lanes, job, pointer, 'one')
        await lanes.stop(job.lease)
        const { lease } = await bench.takeOver(job)
        await assert.rejects(save(claim, { lane: { id: 1, datesDone: 1, finished: false } }), LeaseLostError)
        await assert.rejects(lanes.progress(job.lease), LeaseLostError)
        assert.equal(await lanes.claim(pointer, { claimId: 'two', now: START + LEASE_MS, claimMs: 1 }), undefined)
        const fresh = { ...pointer, token: lease.token }
        assert.ok(await lanes.claim(fresh, { claimId: 'three', now: START, claimMs: 1 }), 'it may go on')
        assert.deepEqual(
          (await lanes.progress(lease)).lanes.map(({ id, claims }) => ({ id, claims })),
          [
            { id: 1, claims: 1 },
            { id: 2, claims: 0 },
          ],
        )
      }),
  },
  {
    name: 'whoever calculates a lane learns with its next step that the job is to end or to pause, and nobody begins another',
    async run(context) {
      for (const how of ['requestCancel', 'requestPause', 'stop'] as const) {
        await withLanes(context, async ({ lanes, bench, job, pointer, save }) => {
          const claim = await take(lanes, job, pointer, 'one')
          const first = await save(claim, { lane: { id: 1, datesDone: 1, finished: false } })
          assert.equal(first.isStopping, false)
          if (how === 'requestCancel') await bench.jobs.requestCancel(job.record.id, 'enough')
          if (how === 'requestPause') await bench.jobs.requestPause(job.record.id)
          if (how === 'stop') await lanes.stop(job.lease)
          const [renewed] = await lanes.renew([claim], { now: START, claimMs: CLAIM_MS })
          const second = await save(claim, { processed: 1, lane: { id: 1, datesDone: 2, finished: false } })
          assert.deepEqual([renewed?.isStopping, second.isStopping], [true, true], how)
          await lanes.release(claim)
          const later = { now: START + 10 * CLAIM_MS, claimMs: 1 }
          for (const laneId of [1, 2]) {
            assert.equal(await lanes.claim({ ...pointer, laneId }, { claimId: 'two', ...later }), undefined)
          }
          const { requested, counted } = await lanes.progress(job.lease)
          const expected = {
            cancel: how === 'requestCancel' ? { reason: 'enough' } : null,
            pause: how === 'requestPause',
          }
          assert.deepEqual(requested, expected)
          assert.equal(counted.processedDays, 1, 'the block in flight has committed')
        })
      }
    },
  },
  {
    name: 'failures of lanes are numbered in the order of their commits, and those that were moved say so',
    run: (context) =>
      withLanes(context, async ({ lanes, bench, job, pointer, save }) => {
        const claim = await take(lanes, job, pointer, 'one')
        const failures = [failureOn('1', '2025-01-01')]
        await save(claim, { failed: 1, failures, lane: { id: 1, datesDone: 1, finished: false } })
        const [first] = await bench.failures(job)
        const to = failureOn('1', '2025-01-02').date
        assert.ok(first && to)
        assert.equal((await lanes.progress(job.lease)).lastFailure, first.number)
        const moved = [{ failure: first, to }]
        await save(claim, { repaired: 1, processed: 1, moved, lane: { id: 1, datesDone: 2, finished: false } })
        const [second] = await bench.failures(job)
        assert.deepEqual(second, { ...first, date: to, number: first.number + 1, moved: true })
      }),
  },
  {
    name: 'a notice is told until the lane is claimed anew',
    run: (context) =>
      withLanes(context, async ({ lanes, job, pointer }) => {
        const claim = await take(lanes, job, pointer, 'one')
        const fault = { code: 'CONTRACT', message: 'wröng “order”\u0000' }
        await lanes.report(claim, 1, { fault })
        await lanes.report(claimOf(job, 'another'), 2, { fault })
        const notices = async () => (await lanes.progress(job.lease)).lanes.map(({ notice }) => notice)
        assert.deepEqual(await notices(), [{ fault }, null])
        await lanes.release(claim)
        await take(lanes, job, pointer, 'two')
        assert.deepEqual(await notices(), [null, null])
      }),
  },
]

interface LaneContext<Tx> {
  readonly lanes: LaneStore<Tx>
  readonly bench: JobBench<Tx>
  readonly job: HeldJob
  readonly pointer: { readonly jobId: string; readonly laneId: number; readonly token: number }
  /** Saves a step in a unit of work of its own. */
  save(claim: LaneClaim, step: Partial<Step>): Promise<{ readonly isStopping: boolean }>
}

/** A job with two open lanes, 1 and 2. */
async function withLanes<Tx>(
  { backend, bench }: { readonly backend: RecalcBackend<Tx>; readonly bench: JobBench<Tx> },
  run: (context: LaneContext<Tx>) => Promise<void>,
): Promise<void> {
  const { lanes, unitOfWork } = backend
  if (!lanes) return
  const job = await bench.create()
  await bench.jobs.openLanes(job.lease, [laneOf(1, ['1', '2']), laneOf(2, ['3'])], {
    dispatchedThrough: '3',
    allDispatched: true,
  })
  await run({
    lanes,
    bench,
    job,
    pointer: { jobId: job.record.id, laneId: 1, token: job.lease.token },
    async save(claim, step) {
      const saved = await unitOfWork.run((tx) => lanes.save(tx, claim, { ...emptyStep, ...step }))
      saved.afterCommit?.()
      return saved
    },
  })
}

async function take<Tx>(
  lanes: LaneStore<Tx>,
  job: HeldJob,
  pointer: LaneContext<Tx>['pointer'],
  claimId: string,
): Promise<LaneClaim> {
  assert.ok(await lanes.claim(pointer, { claimId, now: START, claimMs: CLAIM_MS }), 'the lane should have been claimed')
  return claimOf(job, claimId)
}

function claimOf({ lease: { jobId, token } }: HeldJob, claimId: string): LaneClaim {
  return { jobId, token, claimId }
}
