import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { isTerminal, type JobEventDraft } from '../../jobs/job-events.ts'
import { hasEnded } from '../../jobs/job-record.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { resultOf, terminalOf } from './job-bench.ts'
import { within } from './within.ts'

const stage: JobEventDraft = { type: 'stage', stage: 1, name: 'scores', title: 'Recalculating scores' }

export const eventCases: readonly ConformanceCase[] = [
  {
    name: 'events come back as they were appended, in order, a page at a time',
    async run({ bench }) {
      const job = await bench.create()
      const appended = [
        ...(await bench.append(job, [{ type: 'started', stages: job.record.phases }, stage])),
        ...(await bench.append(job, [
          { type: 'retry', stage: 'block', attempt: 1, delayMs: 100, code: 'X', message: 'm' },
        ])),
        ...(await bench.append(
          job,
          Array.from({ length: 600 }, () => stage),
        )),
      ]
      assert.deepEqual((await bench.events(job)).slice(1), appended)
      const { jobs } = bench
      const { id } = job.record
      const seqs = async (after: number, limit: number) =>
        (await jobs.events(id, { after, limit })).map(({ seq }) => seq)
      assert.deepEqual(await seqs(0, 2), [1, 2])
      assert.deepEqual(await seqs(2, 3), [3, 4, 5])
      assert.deepEqual(await seqs(602, 10), [603, 604])
      assert.deepEqual(await seqs(604, 10), [])
      assert.deepEqual(await seqs(10_000, 10), [])
      assert.equal((await bench.stored(job)).lastSeq, 604)
      assert.ok((await bench.events(job)).every(({ at }) => at instanceof Date))
    },
  },
  {
    name: 'a job that is not there has no events, and events of one job are not those of another',
    async run({ bench }) {
      const [one, other] = [await bench.create(), await bench.create()]
      await bench.append(one, [stage])
      assert.equal((await bench.events(other)).length, 1)
      assert.deepEqual(await bench.jobs.events('nobody', { after: 0, limit: 10 }), [])
    },
  },
  {
    name: 'what events mean for the record becomes visible with them, the end too',
    async run({ bench }) {
      const job = await bench.create()
      await bench.append(job, [{ type: 'started', stages: [] }], {
        status: 'running',
        runs: 1,
        phase: 1,
        progress: 0.25,
        remainingMs: 90_000,
      })
      const { status, runs, phase, progress, remainingMs } = await bench.stored(job)
      assert.deepEqual(
        { status, runs, phase, progress, remainingMs },
        { status: 'running', runs: 1, phase: 1, progress: 0.25, remainingMs: 90_000 },
      )
      let ending = true
      const end = bench.end(job, 'failed').finally(() => {
        ending = false
      })
      do {
        const before = await bench.stored(job)
        const last = (await bench.events(job)).at(-1)
        const after = await bench.stored(job)
        if (hasEnded(before.status)) assert.ok(last && isTerminal(last), 'the record says ended, the events do not')
        if (last && isTerminal(last)) assert.ok(hasEnded(after.status), 'the events say ended, the record does not')
        assert.equal(hasEnded(after.status), after.result !== null)
        await setImmediate()
      } while (ending)
      const result = await end
      const ended = await bench.stored(job)
      assert.deepEqual(ended.result, result)
      assert.deepEqual(ended.finishedAt, result.finishedAt)
      const [terminal] = (await bench.events(job)).slice(-1)
      assert.ok(terminal?.type === 'failed')
      assert.deepEqual(terminal.result, result)
      assert.ok(terminal.result.startedAt instanceof Date && terminal.result.finishedAt instanceof Date)
    },
  },
  {
    name: 'every kind of end comes back as it was',
    async run({ bench }) {
      for (const status of ['completed', 'completed_with_errors', 'failed', 'cancelled', 'interrupted'] as const) {
        const job = await bench.create()
        const result = await bench.end(job, status)
        const record = await bench.stored(job)
        assert.equal(record.status, status)
        assert.deepEqual(record.result, result)
        const last = (await bench.events(job)).at(-1)
        assert.ok(last && 'result' in last)
        assert.deepEqual(last.result, result)
      }
    },
  },
  {
    name: 'the counters are those that steps have moved; an append brings only the number of days, never less than are done',
    async run({ bench }) {
      const job = await bench.create()
      await bench.commit(job.lease, { processed: 4, unchanged: 3, skipped: 2 })
      const odd = {
        totalDays: 5_000_000_000,
        processedDays: 99,
        unchangedDays: 99,
        skippedDays: 99,
        failedDays: 99,
        errorCount: 99,
      }
      await bench.append(job, [stage], { counters: odd })
      assert.deepEqual((await bench.stored(job)).counters, {
        totalDays: 5_000_000_000,
        processedDays: 4,
        unchangedDays: 3,
        skippedDays: 2,
        failedDays: 0,
        errorCount: 0,
      })
      await bench.append(job, [stage], { counters: { ...odd, totalDays: 5 } })
      assert.equal((await bench.stored(job)).counters.totalDays, 6)
    },
  },
  {
    name: 'appending the same once more changes nothing, not even when it was the end',
    async run({ bench }) {
      const job = await bench.create()
      const record = await bench.stored(job)
      const started = await bench.append(job, [{ type: 'started', stages: [] }, stage], { status: 'running' })
      const once = await bench.everything(job)
      await bench.jobs.append(job.lease, started, { ...record, status: 'running', lastSeq: 3 })
      assert.deepEqual(await bench.everything(job), once)
      const result = resultOf('completed')
      await bench.append(job, [terminalOf(result)], { status: 'completed', result, finishedAt: result.finishedAt })
      const ended = await bench.everything(job)
      const last = (await bench.events(job)).slice(-1)
      await bench.jobs.append(job.lease, last, await bench.stored(job))
      assert.deepEqual(await bench.everything(job), ended)
    },
  },
  {
    name: 'a watcher is called after something was stored for its job, until it is taken off',
    async run({ bench }) {
      const job = await bench.create()
      const { id } = job.record
      let calls = 0
      let called = () => {}
      const unwatch = bench.jobs.watch(id, () => {
        calls += 1
        called()
      })
      const next = () =>
        new Promise<void>((resolve) => {
          called = resolve
        })
      for (const store of [
        () => bench.append(job, [{ type: 'started', stages: [] }], { status: 'running' }),
        () => bench.end(job),
      ]) {
        const notified = next()
        await store()
        await within(notified, 'the call of a watcher')
      }
      unwatch()
      const before = calls
      await bench.append({ ...job, lease: (await bench.takeOver(job)).lease }, [stage])
      await setImmediate()
      assert.equal(calls, before)
    },
  },
  {
    name: 'a job that is not there can be watched, and watched by many',
    async run({ bench }) {
      for (const unwatch of [bench.jobs.watch('nobody', () => {}), bench.jobs.watch('nobody', () => {})]) unwatch()
    },
  },
]
