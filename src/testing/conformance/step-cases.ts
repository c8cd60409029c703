import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { type LaneCheckpoint, type Step, StepSavedBefore } from '../../run/checkpoint.ts'
import type { Counters } from '../../run/result.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { failureOn, type HeldJob, type JobBench, laneOf, sorted, stageFailure, unnumbered } from './job-bench.ts'
import { within } from './within.ts'

const nobodyMore = { dispatchedThrough: null, allDispatched: false }

export const stepCases: readonly ConformanceCase[] = [
  {
    name: 'a step moves counters, failures and checkpoint together when its unit of work commits',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.openLanes(job.lease, [laneOf(1, ['1', '2'])], { dispatchedThrough: '2', allDispatched: true })
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
      assert.deepEqual(checkpoint.openLanes, [laneOf(1, ['1', '2'], 1)])
      assert.equal(lastFailure, (await bench.failures(job)).at(-1)?.number)
    },
  },
  {
    name: 'a step leaves no trace when its unit of work is rolled back',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.openLanes(job.lease, [laneOf(1, ['1']), laneOf(2, ['2'])], {
        dispatchedThrough: '2',
        allDispatched: false,
      })
      await bench.commit(job.lease, { failed: 1, failures: [failureOn('1', '2025-01-01')] })
      const before = await bench.everything(job)
      await bench.rollBack(job.lease, {
        processed: 5,
        repaired: 1,
        failures: [failureOn('2', '2025-01-01')],
        resolved: [failureOn('1', '2025-01-01')],
        lane: { id: 1, datesDone: 1, finished: true },
      })
      await bench.rollBack(job.lease, { tenantStagesDone: ['totals'], failures: [stageFailure('ranking')] })
      assert.deepEqual(await bench.everything(job), before)
      const { checkpoint, lastFailure } = await bench.takeOver(job)
      assert.deepEqual(checkpoint.openLanes.length, 2)
      assert.deepEqual(checkpoint.tenantStagesDone, [])
      assert.equal(lastFailure, (await bench.failures(job)).at(-1)?.number)
    },
  },
  {
    name: 'steps of lanes side by side add up',
    async run({ bench }) {
      const job = await bench.create()
      const lanes = [1, 2, 3, 4].map((id) => laneOf(id, [`${id}`]))
      await bench.jobs.openLanes(job.lease, lanes, { dispatchedThrough: '4', allDispatched: true })
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
    name: 'the checkpoint holds the lanes that are open, how far each is, and who was dispatched',
    async run({ bench }) {
      const job = await bench.create()
      const { lease } = job
      await bench.jobs.openLanes(lease, [laneOf(1, ['1', '2']), laneOf(2, ['3', '4'])], {
        dispatchedThrough: '4',
        allDispatched: false,
      })
      await bench.commit(lease, { lane: { id: 2, datesDone: 7, finished: false } })
      await bench.jobs.openLanes(lease, [laneOf(3, ['5'])], { dispatchedThrough: '5', allDispatched: false })
      await bench.commit(lease, { lane: { id: 1, datesDone: 31, finished: true } })
      await bench.commit(lease, { lane: { id: 2, datesDone: 8, finished: false } })
      const middle = await bench.takeOver(job)
      const dispatched = { dispatchedThrough: '5', allDispatched: false }
      const open = [laneOf(2, ['3', '4'], 8), laneOf(3, ['5'])]
      const expected = { ...dispatched, nextLaneId: 4, openLanes: open, tenantStagesDone: [] }
      assert.deepEqual(sorted(middle.checkpoint), expected)
      await bench.jobs.openLanes(middle.lease, [], { dispatchedThrough: '5', allDispatched: true })
      for (const id of [2, 3]) await bench.commit(middle.lease, { lane: { id, datesDone: 31, finished: true } })
      const { checkpoint } = await bench.takeOver(job, 1_000_000_000)
      assert.deepEqual(checkpoint, { ...expected, allDispatched: true, openLanes: [] })
    },
  },
  {
    name: 'a lane that is split is replaced by its halves, whose ids count for no other lane',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.openLanes(job.lease, [laneOf(1, ['1', '2', '3']), laneOf(2, ['4'])], {
        dispatchedThrough: '4',
        allDispatched: false,
      })
      await bench.commit(job.lease, { lane: { id: 1, datesDone: 3, finished: false } })
      await bench.jobs.splitLane(job.lease, 1, [laneOf(7, ['1', '2'], 3), laneOf(8, ['3'], 3)])
      await bench.commit(job.lease, { lane: { id: 8, datesDone: 4, finished: false } })
      const { checkpoint } = await bench.takeOver(job)
      const { openLanes, nextLaneId, dispatchedThrough } = sorted(checkpoint)
      assert.deepEqual(openLanes, [laneOf(2, ['4']), laneOf(7, ['1', '2'], 3), laneOf(8, ['3'], 4)])
      assert.deepEqual({ nextLaneId, dispatchedThrough }, { nextLaneId: 3, dispatchedThrough: '4' })
    },
  },
  {
    name: 'tenant stages that are done stand in the checkpoint by name, until lanes are opened',
    async run({ bench }) {
      const job = await bench.create()
      await bench.commit(job.lease, { tenantStagesDone: ['totals'] })
      await bench.commit(job.lease, { processed: 1 })
      await bench.commit(job.lease, { tenantStagesDone: ['ränking'] })
      await bench.commit(job.lease, { tenantStagesDone: ['ränking', 'totals'] })
      const second = await bench.takeOver(job)
      assert.deepEqual(second.checkpoint.tenantStagesDone, ['ränking', 'totals'])
      await bench.jobs.openLanes(second.lease, [], nobodyMore)
      assert.equal((await bench.jobs.checkpoint(job.record.id))?.tenantStagesDone.length, 2)
      await bench.jobs.openLanes(second.lease, [laneOf(1, ['1'])], undefined)
      assert.deepEqual((await bench.takeOver(job, 1_000_000_000)).checkpoint.tenantStagesDone, [])
    },
  },
  {
    name: 'lanes are opened without a word on who was dispatched, and with dates of their own',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.openLanes(job.lease, [laneOf(1, ['1'])], { dispatchedThrough: '1', allDispatched: true })
      const { date: from } = failureOn('1', '2025-01-05')
      const { date: to } = failureOn('1', '2025-01-09')
      assert.ok(from && to)
      const repair: LaneCheckpoint = { id: 2, kind: 'repair', employeeIds: ['2'], from, to, datesDone: 0 }
      await bench.jobs.openLanes(job.lease, [repair], undefined)
      await bench.commit(job.lease, { lane: { id: 2, datesDone: 3, finished: false } })
      const { checkpoint } = await bench.takeOver(job)
      assert.deepEqual(sorted(checkpoint), {
        dispatchedThrough: '1',
        allDispatched: true,
        nextLaneId: 3,
        openLanes: [laneOf(1, ['1']), { ...repair, datesDone: 3 }],
        tenantStagesDone: [],
      })
    },
  },
  {
    name: 'a step can take employees out of its lane',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.openLanes(job.lease, [laneOf(1, ['1', '2', '3'])], nobodyMore)
      const failures = [failureOn('2', '2025-01-02', { through: '2025-01-31' })]
      const moved = { id: 1, datesDone: 2, finished: false, employeeIds: ['1', '3'] }
      await bench.commit(job.lease, { processed: 5, failed: 30, failures, lane: moved })
      await bench.commit(job.lease, { processed: 2, lane: { id: 1, datesDone: 3, finished: false } })
      assert.deepEqual((await bench.takeOver(job)).checkpoint.openLanes, [laneOf(1, ['1', '3'], 3)])
      assert.deepEqual(unnumbered(await bench.failures(job)), failures)
    },
  },
  {
    name: 'days that are repaired move from one counter to another, and some may fail in the same step',
    async run({ bench }) {
      const job = await bench.create()
      await bench.commit(job.lease, { processed: 3, failed: 5 })
      await bench.commit(job.lease, { processed: 2, skipped: 1, failed: 4, repaired: 3 })
      await expectCounters(bench, job, { processedDays: 5, skippedDays: 1, failedDays: 6 })
    },
  },
  {
    name: 'a tenant stage that was saved is not saved again by a repeated step, nor is a failure of one',
    async run({ bench }) {
      const job = await bench.create()
      const steps: readonly Partial<Step>[] = [
        { tenantStagesDone: ['totals'], resolved: [] },
        { failures: [stageFailure('ranking')] },
      ]
      for (const step of steps) {
        // An attempt that was rolled back: the next one says that it is not the first.
        await bench.rollBack(job.lease, step)
        await bench.commit(job.lease, { ...step, repeated: true })
        const before = await bench.everything(job)
        await assert.rejects(bench.commit(job.lease, { ...step, repeated: true }), StepSavedBefore)
        assert.deepEqual(await bench.everything(job), before)
      }
      assert.deepEqual((await bench.takeOver(job)).checkpoint.tenantStagesDone, ['totals'])
    },
  },
  {
    name: 'numbers of failures are in the order of the commits: who has read one has missed none before it',
    async run({ bench }) {
      const job = await bench.create()
      const lanes = [1, 2, 3, 4, 5, 6].map((id) => laneOf(id, [`${id}`]))
      await bench.jobs.openLanes(job.lease, lanes, nobodyMore)
      const seen: number[] = []
      let working = true
      const follow = async () => {
        while (working || seen.length < 60) {
          const page = await bench.jobs.failures(job.record.id, { after: seen.at(-1) ?? 0, limit: 10 })
          seen.push(...page.map(({ number }) => number))
          await setImmediate()
        }
      }
      const work = lanes.map(async ({ id }) => {
        for (let day = 1; day <= 10; day++) {
          const failures = [failureOn(`${id}`, `2025-01-${`${day}`.padStart(2, '0')}`)]
          await bench.commit(job.lease, { failed: 1, failures, lane: { id, datesDone: day, finished: false } })
        }
      })
      const done = Promise.all(work).finally(() => {
        working = false
      })
      await Promise.all([done, within(follow(), 'reading every failure by following their numbers')])
      assert.deepEqual(
        seen,
        (await bench.failures(job)).map(({ number }) => number),
      )
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
      // Days are distinguished by employee and date alone, whatever stage failed.
      await bench.commit(job.lease, { processed: 1, repaired: 1, resolved: [{ ...three, stage: '' }] })
      const again = { ...one, message: 'still no clock times', attempts: 3 }
      await bench.commit(job.lease, { resolved: [one], failures: [again] })
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
      await bench.commit(job.lease, { processed: 8, repaired: 8, moved: [{ failure: { ...failure, stage: '' }, to }] })
      assert.deepEqual(unnumbered(await bench.failures(job)), [{ ...failure, date: to }])
      await expectCounters(bench, job, { processedDays: 8, failedDays: 23, errorCount: 1 })
      await bench.commit(job.lease, { processed: 23, repaired: 23, resolved: [{ ...failure, date: to }] })
      assert.deepEqual(await bench.failures(job), [])
      await expectCounters(bench, job, { processedDays: 31, failedDays: 0, errorCount: 0 })
    },
  },
  {
    name: 'failures of tenant stages are distinguished by the stage, and from days',
    async run({ bench }) {
      const job = await bench.create()
      const failures = [stageFailure('totals'), stageFailure('ranking'), failureOn('1', '2025-01-01')]
      await bench.commit(job.lease, { failed: 1, failures })
      await bench.commit(job.lease, { resolved: [stageFailure('totals')], tenantStagesDone: ['totals'] })
      assert.deepEqual(unnumbered(await bench.failures(job)), failures.slice(1))
      await expectCounters(bench, job, { failedDays: 1, errorCount: 2 })
    },
  },
  {
    name: 'failures and checkpoint outlive the end of a run',
    async run({ bench }) {
      const job = await bench.create()
      await bench.jobs.openLanes(job.lease, [laneOf(1, ['1'])], nobodyMore)
      await bench.commit(job.lease, { failed: 1, failures: [failureOn('1', '2025-01-01')] })
      await bench.end(job, 'interrupted')
      assert.equal((await bench.failures(job)).length, 1)
      const claim = await bench.takeOver(job)
      assert.deepEqual(claim.checkpoint.openLanes, [laneOf(1, ['1'])])
      assert.equal(claim.record.counters.failedDays, 1)
    },
  },
]

async function expectCounters<Tx>(bench: JobBench<Tx>, job: HeldJob, counters: Partial<Counters>): Promise<void> {
  const expected = { processedDays: 0, unchangedDays: 0, skippedDays: 0, failedDays: 0, errorCount: 0, ...counters }
  // Nobody said how many days there are, so those that are done are all that is known of.
  const totalDays = expected.processedDays + expected.skippedDays + expected.failedDays
  assert.deepEqual((await bench.stored(job)).counters, { totalDays, ...expected })
}
