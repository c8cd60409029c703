import assert from 'node:assert/strict'
import type { LaneCheckpoint } from '../../run/checkpoint.ts'
import type { Counters } from '../../run/result.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { failureOn, type HeldJob, type JobBench, sorted, stageFailure, unnumbered } from './job-bench.ts'

const nobodyMore = { after: null, all: false }

export const stepCases: readonly ConformanceCase[] = [
  {
    name: 'a step moves counters, failures and checkpoint together when its unit of work commits',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.openLanes(job.lease, [lane(1, ['1', '2'])], { after: '2', all: true })
      const failures = [failureOn('2', '2025-01-01')]
      const moved = { id: 1, datesDone: 1, finished: false }
      await bench.commit(job.lease, { processed: 3, unchanged: 2, skipped: 1, failed: 4, failures, lane: moved })
      await expectCounters(bench, job, {
        processedDays: 3,
        unchangedDays: 2,
        skippedDays: 1,
        failedDays: 4,
        errorCount: 1,
      })
      assert.deepEqual(unnumbered(await bench.failures(job)), failures)
      const { checkpoint, lastFailure } = await bench.takeOver(job)
      assert.deepEqual(checkpoint.openLanes, [lane(1, ['1', '2'], 1)])
      assert.equal(lastFailure, (await bench.failures(job)).at(-1)?.number)
    },
  },
  {
    name: 'a step leaves no trace when its unit of work is rolled back',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.openLanes(job.lease, [lane(1, ['1']), lane(2, ['2'])], { after: '2', all: false })
      await bench.commit(job.lease, { failed: 1, failures: [failureOn('1', '2025-01-01')] })
      const before = await bench.everything(job)
      await bench.rollBack(job.lease, {
        processed: 5,
        failed: -1,
        failures: [failureOn('2', '2025-01-01')],
        settled: [failureOn('1', '2025-01-01')],
        tenantStagesDone: 1,
        lane: { id: 1, datesDone: 1, finished: true },
      })
      assert.deepEqual(await bench.everything(job), before)
      const { checkpoint, lastFailure } = await bench.takeOver(job)
      assert.deepEqual(checkpoint.openLanes.length, 2)
      assert.equal(checkpoint.tenantStagesDone, 0)
      assert.equal(lastFailure, (await bench.failures(job)).at(-1)?.number)
    },
  },
  {
    name: 'steps of lanes side by side add up',
    async run({ bench }) {
      const job = await bench.create()
      const lanes = [1, 2, 3, 4].map((id) => lane(id, [`${id}`]))
      await bench.jobs.openLanes(job.lease, lanes, { after: '4', all: true })
      await Promise.all(
        lanes.map(async ({ id }) => {
          for (let datesDone = 1; datesDone <= 10; datesDone++) {
            const failures = datesDone === 5 ? [failureOn(`${id}`, '2025-01-05')] : []
            const failed = failures.length
            const step = { processed: 2 - failed, unchanged: 1, failed, failures }
            await bench.commit(job.lease, { ...step, lane: { id, datesDone, finished: datesDone === 10 } })
          }
        }),
      )
      await expectCounters(bench, job, { processedDays: 76, unchangedDays: 40, failedDays: 4, errorCount: 4 })
      const failures = await bench.failures(job)
      assert.deepEqual(failures.map(({ employeeId }) => employeeId).sort(), ['1', '2', '3', '4'])
      assert.equal(new Set(failures.map(({ number }) => number)).size, 4)
      assert.deepEqual((await bench.takeOver(job)).checkpoint.openLanes, [])
    },
  },
  {
    name: 'the checkpoint holds the lanes that are open, how far each is, and who was handed out',
    async run({ bench }) {
      const job = await bench.create()
      const { lease } = job
      await bench.jobs.openLanes(lease, [lane(1, ['1', '2']), lane(2, ['3', '4'])], { after: '4', all: false })
      await bench.commit(lease, { lane: { id: 2, datesDone: 7, finished: false } })
      await bench.jobs.openLanes(lease, [lane(3, ['5'])], { after: '5', all: false })
      await bench.commit(lease, { lane: { id: 1, datesDone: 31, finished: true } })
      await bench.commit(lease, { lane: { id: 2, datesDone: 8, finished: false } })
      const middle = await bench.takeOver(job)
      const open = [lane(2, ['3', '4'], 8), lane(3, ['5'])]
      const expected = { after: '5', allHandedOut: false, nextLaneId: 4, openLanes: open, tenantStagesDone: 0 }
      assert.deepEqual(sorted(middle.checkpoint), expected)
      await bench.jobs.openLanes(middle.lease, [], { after: '5', all: true })
      for (const id of [2, 3]) await bench.commit(middle.lease, { lane: { id, datesDone: 31, finished: true } })
      const { checkpoint } = await bench.takeOver(job, 1_000_000_000)
      assert.deepEqual(checkpoint, { ...expected, allHandedOut: true, openLanes: [] })
    },
  },
  {
    name: 'a lane that is split is replaced by its halves, whose ids are never used again',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.openLanes(job.lease, [lane(1, ['1', '2', '3']), lane(2, ['4'])], { after: '4', all: false })
      await bench.commit(job.lease, { lane: { id: 1, datesDone: 3, finished: false } })
      await bench.jobs.splitLane(job.lease, 1, [lane(7, ['1', '2'], 3), lane(8, ['3'], 3)])
      await bench.commit(job.lease, { lane: { id: 8, datesDone: 4, finished: false } })
      const { checkpoint } = await bench.takeOver(job)
      const { openLanes, nextLaneId, after } = sorted(checkpoint)
      assert.deepEqual(openLanes, [lane(2, ['4']), lane(7, ['1', '2'], 3), lane(8, ['3'], 4)])
      assert.deepEqual({ nextLaneId, after }, { nextLaneId: 9, after: '4' })
    },
  },
  {
    name: 'tenant stages that are done are counted in the checkpoint, also when they are due again',
    async run({ bench }) {
      const job = await bench.create()
      await bench.commit(job.lease, { tenantStagesDone: 2 })
      await bench.commit(job.lease, { processed: 1 })
      const second = await bench.takeOver(job)
      assert.equal(second.checkpoint.tenantStagesDone, 2)
      await bench.commit(second.lease, { tenantStagesDone: 0 })
      assert.equal((await bench.takeOver(job, 1_000_000_000)).checkpoint.tenantStagesDone, 0)
    },
  },
  {
    name: 'failures are read in the order of their numbers, a page at a time',
    async run({ bench }) {
      const job = await bench.create()
      const all = Array.from({ length: 25 }, (_, i) => failureOn(`${i}`, '2025-01-01'))
      await bench.commit(job.lease, { failed: 10, failures: all.slice(0, 10) })
      await bench.commit(job.lease, { failed: 15, failures: all.slice(10) })
      const { id } = job.record
      let after = 0
      const read = []
      for (;;) {
        const page = await bench.jobs.failures(id, { after, limit: 10 })
        assert.ok(page.length <= 10)
        const last = page.at(-1)
        if (!last) break
        for (const { number } of page) {
          assert.ok(number > after)
          after = number
        }
        read.push(...page)
      }
      assert.deepEqual(unnumbered(read), all)
      assert.deepEqual(await bench.jobs.failures('nobody', { after: 0, limit: 10 }), [])
      assert.equal((await bench.takeOver(job)).lastFailure, after)
    },
  },
  {
    name: 'a failure that no longer stands goes, one that failed anew gets a new number, and no number comes twice',
    async run({ bench }) {
      const job = await bench.create()
      const [one, two, three] = [
        failureOn('1', '2025-01-01'),
        failureOn('2', '2025-01-01'),
        failureOn('1', '2025-01-02'),
      ]
      await bench.commit(job.lease, { failed: 3, failures: [one, two, three] })
      const numbers = (await bench.failures(job)).map(({ number }) => number)
      // Days are told apart by employee and date alone, whatever stage failed.
      await bench.commit(job.lease, { processed: 1, failed: -1, settled: [{ ...three, stage: '' }] })
      const again = { ...one, message: 'still no clock times', attempts: 3 }
      await bench.commit(job.lease, { settled: [one], failures: [again] })
      const left = await bench.failures(job)
      assert.deepEqual(unnumbered(left), [two, again])
      assert.ok(left.every(({ number }) => number === numbers[1] || !numbers.includes(number)))
      await expectCounters(bench, job, { processedDays: 1, failedDays: 2, errorCount: 2 })
      assert.equal((await bench.takeOver(job)).lastFailure, left.at(-1)?.number)
    },
  },
  {
    name: 'a failure moves on to a later day, and is the same otherwise',
    async run({ bench }) {
      const job = await bench.create()
      const failure = failureOn('1', '2025-01-01')
      const { date: to } = failureOn('1', '2025-01-09')
      assert.ok(to)
      await bench.commit(job.lease, { failed: 31, failures: [failure] })
      await bench.commit(job.lease, { processed: 8, failed: -8, moved: [{ failure: { ...failure, stage: '' }, to }] })
      assert.deepEqual(unnumbered(await bench.failures(job)), [{ ...failure, date: to }])
      await expectCounters(bench, job, { processedDays: 8, failedDays: 23, errorCount: 1 })
      await bench.commit(job.lease, { processed: 23, failed: -23, settled: [{ ...failure, date: to }] })
      assert.deepEqual(await bench.failures(job), [])
      await expectCounters(bench, job, { processedDays: 31, failedDays: 0, errorCount: 0 })
    },
  },
  {
    name: 'failures of tenant stages are told apart by the stage, and from days',
    async run({ bench }) {
      const job = await bench.create()
      const failures = [stageFailure('totals'), stageFailure('ranking'), failureOn('1', '2025-01-01')]
      await bench.commit(job.lease, { failed: 1, failures })
      await bench.commit(job.lease, { settled: [stageFailure('totals')], tenantStagesDone: 1 })
      assert.deepEqual(unnumbered(await bench.failures(job)), failures.slice(1))
      await expectCounters(bench, job, { failedDays: 1, errorCount: 2 })
    },
  },
  {
    name: 'failures and checkpoint outlive the end of a run',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.openLanes(job.lease, [lane(1, ['1'])], nobodyMore)
      await bench.commit(job.lease, { failed: 1, failures: [failureOn('1', '2025-01-01')] })
      await bench.end(job, 'interrupted')
      assert.equal((await bench.failures(job)).length, 1)
      const claim = await bench.takeOver(job)
      assert.deepEqual(claim.checkpoint.openLanes, [lane(1, ['1'])])
      assert.equal(claim.record.counters.failedDays, 1)
    },
  },
]

function lane(id: number, employeeIds: readonly string[], datesDone = 0): LaneCheckpoint {
  return { id, employeeIds, datesDone }
}

async function expectCounters<Tx>(bench: JobBench<Tx>, job: HeldJob, counters: Partial<Counters>): Promise<void> {
  const expected = { processedDays: 0, unchangedDays: 0, skippedDays: 0, failedDays: 0, errorCount: 0, ...counters }
  // Nobody said how many days there are, so those that are done are all that is known of.
  const totalDays = expected.processedDays + expected.skippedDays + expected.failedDays
  assert.deepEqual((await bench.stored(job)).counters, { totalDays, ...expected })
}
