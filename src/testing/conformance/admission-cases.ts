import assert from 'node:assert/strict'
import type { ConformanceCase } from './conformance-case.ts'
import { withoutEmployees } from './job-bench.ts'

export const admissionCases: readonly ConformanceCase[] = [
  {
    name: 'a job that is let in is there as it was made, queued, with its first event',
    async run({ bench }) {
      const job = await bench.create({ employeeIds: ['7', '8'], reason: 'new rules', scope: 'tenant x', claimId: 'me' })
      assert.deepEqual(job.lease, { jobId: job.record.id, claimId: 'me', token: 1 })
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
      const asked = await Promise.all(Array.from({ length: 8 }, () => bench.submit({ scope: 's' })))
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
      const late = await bench.submit({ scope: 's', at: 100 * 60_000 })
      assert.deepEqual(late.admission, { activeJobId: first.record.id })
      await bench.end(first)
      await bench.create({ scope: 's' })
    },
  },
  {
    name: 'within the cooldown after the last job of its scope was made a job learns when to come back',
    async run({ bench }) {
      await bench.end(await bench.create({ scope: 's' }))
      const { record, admission } = await bench.submit({ scope: 's', at: 400, cooldownMs: 1_000 })
      assert.deepEqual(admission, { retryAfterMs: 600 })
      assert.equal(await bench.jobs.get(record.id), undefined)
      await bench.create({ scope: 'another', at: 400, cooldownMs: 1_000 })
      await bench.create({ scope: null, at: 400, cooldownMs: 1_000 })
      await bench.end(await bench.create({ scope: 's', at: 1_000, cooldownMs: 1_000 }))
      const again = await bench.submit({ scope: 's', at: 1_001, cooldownMs: 1_000 })
      assert.deepEqual(again.admission, { retryAfterMs: 999 })
    },
  },
  {
    name: 'without a cooldown nobody has to wait, not even where the clock is behind',
    async run({ bench }) {
      await bench.end(await bench.create({ scope: 's', at: 5_000 }))
      await bench.create({ scope: 's', at: 0, cooldownMs: 0 })
    },
  },
  {
    name: 'a job that is asked for again is returned as it is by then, and nothing else is stored, whatever would refuse it',
    async run({ bench }) {
      const identity = { id: '8a6e3f10-2b4c-8d5e-9f60-718293a4b5c6', fingerprint: 'first' }
      const first = await bench.create({ identity, scope: 's', reason: 'first', employeeIds: ['7'] })
      assert.equal(first.record.id, identity.id)
      assert.equal((await bench.stored(first)).fingerprint, 'first')
      const again = { identity: { ...identity, fingerprint: 'other' }, scope: 's', reason: 'other', cooldownMs: 60_000 }
      const expectFirst = async () => {
        const before = await bench.everything(first)
        const { admission } = await bench.submit({ ...again, at: 1_000 })
        assert.ok('existing' in admission, `the first job should have been returned, but: ${JSON.stringify(admission)}`)
        assert.deepEqual(withoutEmployees(admission.existing), await bench.stored(first))
        assert.deepEqual(await bench.everything(first), before)
        assert.equal((await bench.jobs.list({})).length, 1)
      }
      await expectFirst()
      await bench.append(first, [{ type: 'started', stages: [] }], { status: 'running', runs: 1 })
      await expectFirst()
      await bench.end(first, 'failed')
      await expectFirst()
    },
  },
  {
    name: 'of many that ask for the same job at once exactly one is let in, and the others get it',
    async run({ bench }) {
      const wanted = [
        { id: '0f1e2d3c-4b5a-8697-8877-665544332211', scope: null },
        { id: '11223344-5566-8778-9988-aabbccddeeff', scope: 's' },
      ]
      for (const { id, scope } of wanted) {
        const identity = { id, fingerprint: 'same' }
        const asked = await Promise.all(
          Array.from({ length: 8 }, () => bench.submit({ identity, scope, employeeIds: ['1'] })),
        )
        const [winner, ...others] = asked.filter(({ admission }) => 'lease' in admission)
        assert.ok(winner && others.length === 0, 'exactly one should have been let in')
        const existing = asked.flatMap(({ admission }) => ('existing' in admission ? [admission.existing.id] : []))
        assert.deepEqual(
          existing,
          Array.from({ length: 7 }, () => id),
        )
        assert.equal((await bench.events(winner)).length, 1)
      }
      assert.equal((await bench.jobs.list({})).length, 2)
    },
  },
]
