import assert from 'node:assert/strict'
import type { LaneCheckpoint, PeriodStep } from '../../run/checkpoint.ts'
import type { RecalcFailure } from '../../run/failure.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { failureOn, laneOf, unnumbered } from './job-bench.ts'

const everybody = { dispatchedThrough: '2', allDispatched: true }

const nothing: PeriodStep = { processed: 0, unchanged: 0, skipped: 0, failed: 0, repaired: 0 }

export const periodCases: readonly ConformanceCase[] = [
  {
    name: 'periods are counted in lanes, in a split and in the job, and failures of periods stand beside those of days',
    async run({ bench }) {
      const job = await bench.create({ periodStage: 'months' })
      const { lease } = job
      assert.deepEqual((await bench.stored(job)).counters.periods, {
        processed: 0,
        unchanged: 0,
        skipped: 0,
        failed: 0,
      })
      await bench.jobs.openLanes(lease, [laneOf(1, ['1', '2'])], everybody)
      const month: RecalcFailure = {
        ...failureOn('1', '2025-01-01', { through: '2025-01-31' }),
        stage: 'months',
        period: true,
      }
      const day = failureOn('1', '2025-01-01')
      await bench.commit(lease, {
        lane: { id: 1, datesDone: 1, finished: false },
        processed: 1,
        failed: 1,
        failures: [day, month],
        periods: { ...nothing, processed: 3, unchanged: 2, skipped: 1, failed: 1 },
      })
      await bench.jobs.splitLane(lease, 1, [laneOf(2, ['1'], 1), laneOf(3, ['2'], 1)])
      for (const id of [2, 3]) {
        const lane = { id, datesDone: 31, finished: true }
        await bench.commit(lease, { lane, periods: { ...nothing, processed: 1 } })
      }
      await bench.jobs.openLanes(lease, [], everybody)
      const counted = { processed: 5, unchanged: 2, skipped: 1, failed: 1 }
      assert.deepEqual((await bench.stored(job)).counters.periods, counted)
      assert.deepEqual(unnumbered(await bench.failures(job)), [day, month])
      assert.deepEqual(unnumbered(await bench.jobs.failuresOf(job.record.id, ['1'])).length, 2)
    },
  },
  {
    name: 'a lane that repairs periods keeps its first stage, and settles only the failure of its period',
    async run({ bench }) {
      const job = await bench.create({ periodStage: 'months' })
      const month: RecalcFailure = {
        ...failureOn('1', '2025-01-01', { through: '2025-01-31' }),
        stage: 'months',
        period: true,
      }
      const week: RecalcFailure = { ...month, stage: 'weeks' }
      const day = failureOn('1', '2025-01-01')
      await bench.commit(job.lease, { failures: [day, week, month], periods: { ...nothing, failed: 2 } })
      const lane: LaneCheckpoint = { ...laneOf(7, ['1']), kind: 'period', stage: 'months' }
      await bench.jobs.openLanes(job.lease, [lane], everybody)
      const taken = await bench.takeOver(job)
      assert.deepEqual(taken.checkpoint.openLanes, [lane])
      await bench.commit(taken.lease, {
        lane: { id: 7, datesDone: 31, finished: true },
        resolved: [{ employeeId: '1', date: month.date, stage: 'months', period: true }],
        periods: { ...nothing, processed: 1, repaired: 1 },
      })
      assert.deepEqual(unnumbered(await bench.failures(job)), [day, week])
      const { counters } = await bench.stored(job)
      assert.deepEqual(counters.periods, { processed: 1, unchanged: 0, skipped: 0, failed: 1 })
      assert.equal(counters.errorCount, 2)
    },
  },
]
