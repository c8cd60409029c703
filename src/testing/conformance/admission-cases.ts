import assert from 'node:assert/strict'
import type { ConformanceCase } from './conformance-case.ts'

export const admissionCases: readonly ConformanceCase[] = [
  {
    name: 'a job that is let in is there as it was made, queued, with its first event',
    async run({ bench }) {
      const job = await bench.create({ employeeIds: ['7', '8'], reason: 'new rules', scope: 'tenant x', owner: 'me' })
      assert.deepEqual(job.lease, { jobId: job.record.id, owner: 'me', token: 1 })
      const stored = await bench.stored(job)
      assert.deepEqual(stored, job.record)
      assert.equal(stored.status, 'queued')
      assert.ok(stored.createdAt instanceof Date)
      const [first, ...others] = await bench.events(job)
      assert.deepEqual(others, [])
      assert.equal(first?.type, 'queued')
      assert.equal(first?.seq, 1)
      assert.deepEqual(first?.at, job.record.createdAt)
    },
  },
  {
    name: 'of many jobs of one scope at once exactly one is let in, and the others learn its id',
    async run({ bench }) {
      const asked = await Promise.all(
        Array.from({ length: 8 }, (_, i) => bench.ask({ scope: 's', owner: `owner-${i}` })),
      )
      const winners = asked.filter(({ admission }) => 'lease' in admission)
      assert.equal(winners.length, 1)
      const activeJobId = winners[0]?.record.id
      for (const { record, admission } of asked) {
        if (record.id === activeJobId) continue
        assert.deepEqual(admission, { activeJobId })
        assert.equal(await bench.jobs.get(record.id), undefined)
        assert.deepEqual(await bench.jobs.events(record.id, { after: 0, limit: 10 }), [])
      }
      assert.equal((await bench.jobs.list({})).length, 1)
    },
  },
  {
    name: 'jobs of different scopes, and jobs without one, exclude nobody',
    async run({ bench }) {
      for (const scope of ['a', 'A', 'b', null, null]) await bench.create({ scope })
      assert.equal((await bench.jobs.list({})).length, 5)
    },
  },
  {
    name: 'a job excludes others of its scope until it has ended, also when its lease has run out',
    async run({ bench }) {
      const first = await bench.create({ scope: 's' })
      const late = await bench.ask({ scope: 's', at: 100 * 60_000 })
      assert.deepEqual(late.admission, { activeJobId: first.record.id })
      await bench.end(first)
      await bench.create({ scope: 's' })
    },
  },
  {
    name: 'within the cooldown after the last job of its scope was made a job is told when to come back',
    async run({ bench }) {
      await bench.end(await bench.create({ scope: 's' }))
      const { record, admission } = await bench.ask({ scope: 's', at: 400, cooldownMs: 1_000 })
      assert.deepEqual(admission, { retryAfterMs: 600 })
      assert.equal(await bench.jobs.get(record.id), undefined)
      await bench.create({ scope: 'another', at: 400, cooldownMs: 1_000 })
      await bench.create({ scope: null, at: 400, cooldownMs: 1_000 })
      await bench.end(await bench.create({ scope: 's', at: 1_000, cooldownMs: 1_000 }))
      const again = await bench.ask({ scope: 's', at: 1_001, cooldownMs: 1_000 })
      assert.deepEqual(again.admission, { retryAfterMs: 999 })
    },
  },
  {
    name: 'without a cooldown nobody is told to come back, not even where the clock is behind',
    async run({ bench }) {
      await bench.end(await bench.create({ scope: 's', at: 5_000 }))
      await bench.create({ scope: 's', at: 0, cooldownMs: 0 })
    },
  },
]
