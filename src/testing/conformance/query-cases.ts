import assert from 'node:assert/strict'
import type { JobQuery } from '../../jobs/job-store.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { HOSTILE_STRINGS } from './hostile-strings.ts'
import { failureOn, sorted, unnumbered } from './job-bench.ts'

export const queryCases: readonly ConformanceCase[] = [
  {
    name: 'there is no job under an id that nobody has',
    async run({ bench }) {
      await bench.create()
      for (const id of ['nobody', '', ...HOSTILE_STRINGS]) assert.equal(await bench.jobs.get(id), undefined)
    },
  },
  {
    name: 'jobs are listed newest first, by tenant, by status, and as many as asked for',
    async run({ bench }) {
      const made: string[] = []
      for (let at = 0; at < 6; at++) {
        const job = await bench.create({ tenantId: at % 2 === 0 ? 'even' : 'odd', at })
        if (at < 4) await bench.end(job, at < 2 ? 'failed' : 'completed')
        made.push(job.record.id)
      }
      const list = async (query: JobQuery) => (await bench.jobs.list(query)).map(({ id }) => made.indexOf(id))
      assert.deepEqual(await list({}), [5, 4, 3, 2, 1, 0])
      assert.deepEqual(await list({ limit: 2 }), [5, 4])
      assert.deepEqual(await list({ tenantId: 'odd' }), [5, 3, 1])
      assert.deepEqual(await list({ status: 'failed' }), [1, 0])
      assert.deepEqual(await list({ tenantId: 'even', status: 'queued' }), [4])
      assert.deepEqual(await list({ tenantId: 'even', limit: 1 }), [4])
      assert.deepEqual(await list({ tenantId: 'nobody' }), [])
      assert.deepEqual(await bench.jobs.list({ limit: 1 }), [await bench.jobs.get(made[5] ?? '')])
    },
  },
  {
    name: 'tenants, employees, reasons and scopes come back exactly as they are, and none is taken for another',
    async run({ bench }) {
      for (const text of HOSTILE_STRINGS) {
        const job = await bench.create({ tenantId: text, employeeIds: [text], reason: text, scope: text })
        assert.deepEqual(await bench.stored(job), job.record)
        assert.deepEqual((await bench.takeOver(job)).record.plan.employeeIds, [text])
      }
      for (const text of HOSTILE_STRINGS) {
        const found = await bench.jobs.list({ tenantId: text })
        assert.deepEqual(
          found.map(({ plan }) => plan.tenantId),
          [text],
        )
        assert.ok('activeJobId' in (await bench.ask({ scope: text })).admission, `scope ${JSON.stringify(text)}`)
      }
    },
  },
  {
    name: 'employees of lanes and failures, messages and reasons come back exactly as they are',
    async run({ bench }) {
      const job = await bench.create()
      const { lease } = job
      const lanes = HOSTILE_STRINGS.map((text, i) => ({ id: i + 1, employeeIds: [text], datesDone: 0 }))
      const after = HOSTILE_STRINGS.at(-1) ?? null
      await bench.jobs.openLanes(lease, lanes, { after, all: false })
      const failures = HOSTILE_STRINGS.map((text) => failureOn(text, '2025-01-01', text))
      await bench.commit(lease, { failed: failures.length, failures })
      const events = await bench.append(
        job,
        HOSTILE_STRINGS.map((text) => ({ type: 'failure', ...failureOn(text, '2025-01-01', text) })),
      )
      assert.deepEqual((await bench.events(job)).slice(1), events)
      assert.deepEqual(unnumbered(await bench.failures(job)), failures)
      for (const text of HOSTILE_STRINGS) {
        await bench.jobs.requestCancel(job.record.id, text)
        assert.deepEqual((await bench.stored(job)).cancel, { reason: text })
      }
      const claim = await bench.takeOver(job)
      assert.deepEqual(sorted(claim.checkpoint).openLanes, lanes)
      assert.equal(claim.checkpoint.after, after)
      // Each is settled alone, so none was taken for another.
      for (const failure of failures) {
        await bench.commit(claim.lease, { failed: -1, settled: [failure] })
        const left = failures.slice(failures.indexOf(failure) + 1)
        assert.deepEqual(unnumbered(await bench.failures(job)), left)
      }
    },
  },
  {
    name: 'a plan with many employees comes back whole to whoever works on it',
    async run({ bench }) {
      const employeeIds = Array.from({ length: 20_000 }, (_, i) => `employee-${100_000 + i}`)
      const job = await bench.create({ employeeIds })
      assert.deepEqual((await bench.takeOver(job)).record.plan.employeeIds, employeeIds)
    },
  },
]
