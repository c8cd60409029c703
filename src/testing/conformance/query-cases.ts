import assert from 'node:assert/strict'
import { JobNotFoundError } from '../../errors.ts'
import type { JobRecord } from '../../jobs/job-record.ts'
import type { JobQuery } from '../../jobs/job-store.ts'
import { startOfRun } from '../../run/checkpoint.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { HOSTILE_STRINGS } from './hostile-strings.ts'
import { failureOn, type JobBench, laneOf, sorted, stageFailure, unnumbered } from './job-bench.ts'

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
      assert.deepEqual(await list({ tenantId: ['odd'] }), [5, 3, 1])
      assert.deepEqual(await list({ tenantId: ['odd', 'nobody', 'even', 'odd'], limit: 4 }), [5, 4, 3, 2])
      assert.deepEqual(await list({ tenantId: ['even', 'odd'], status: 'failed' }), [1, 0])
      assert.deepEqual(await list({ tenantId: [] }), [])
      assert.deepEqual(await bench.jobs.list({ limit: 1 }), [await bench.jobs.get(made[5] ?? '')])
    },
  },
  {
    name: 'a list gives results without the failures that they list; a job by itself is whole',
    async run({ bench }) {
      const job = await bench.create()
      const result = await bench.end(job, 'completed_with_errors')
      assert.ok(result.errors.length > 0)
      assert.deepEqual((await bench.stored(job)).result, result)
      const [listed] = await bench.jobs.list({})
      assert.deepEqual(listed?.result, { ...result, errors: [] })
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
        assert.ok('activeJobId' in (await bench.submit({ scope: text })).admission, `scope ${JSON.stringify(text)}`)
      }
    },
  },
  {
    name: 'employees of lanes and failures, messages and reasons come back exactly as they are',
    async run({ bench }) {
      const job = await bench.create()
      const { lease } = job
      const lanes = HOSTILE_STRINGS.map((text, i) => laneOf(i + 1, [text]))
      const after = HOSTILE_STRINGS.at(-1) ?? null
      await bench.jobs.openLanes(lease, lanes, { dispatchedThrough: after, allDispatched: false })
      const failures = HOSTILE_STRINGS.map((text) => failureOn(text, '2025-01-01', { message: text }))
      await bench.commit(lease, { failed: failures.length, failures })
      const events = await bench.append(
        job,
        HOSTILE_STRINGS.map((text) => ({ type: 'failure', ...failureOn(text, '2025-01-01', { message: text }) })),
      )
      assert.deepEqual((await bench.events(job)).slice(1), events)
      assert.deepEqual(unnumbered(await bench.failures(job)), failures)
      for (const text of HOSTILE_STRINGS) {
        await bench.jobs.requestCancel(job.record.id, text)
        assert.deepEqual((await bench.stored(job)).cancel, { reason: text })
      }
      const claim = await bench.takeOver(job)
      assert.deepEqual(sorted(claim.checkpoint).openLanes, lanes)
      assert.equal(claim.checkpoint.dispatchedThrough, after)
      // Each is settled alone, so none was taken for another.
      for (const failure of failures) {
        await bench.commit(claim.lease, { repaired: 1, resolved: [failure] })
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
  {
    name: 'pages of jobs joined are the whole list, also where many were made in the same millisecond',
    async run({ bench }) {
      for (let i = 0; i < 12; i++) {
        const job = await bench.create({ tenantId: `tenant ${i % 3}`, at: Math.floor(i / 4) })
        if (i % 2 === 0) await bench.end(job, 'failed')
      }
      const queries: readonly JobQuery[] = [
        {},
        { status: 'failed' },
        { tenantId: 'tenant 1' },
        { tenantId: ['tenant 0', 'tenant 2'] },
        { tenantId: ['tenant 2', 'tenant 1', 'tenant 0'], status: 'queued' },
      ]
      for (const query of queries) {
        const whole = await bench.jobs.list(query)
        assert.ok(whole.length > 3)
        assert.deepEqual(
          whole.map(({ createdAt }) => createdAt.getTime()),
          whole.map(({ createdAt }) => createdAt.getTime()).sort((a, b) => b - a),
        )
        for (const limit of [1, 2, 5]) assert.deepEqual(await pagesOf(bench, query, limit), whole)
      }
      // Where a job stands does not depend on its status.
      const [newest, ...others] = await bench.jobs.list({})
      const status = newest?.status === 'failed' ? 'queued' : 'failed'
      const behind = await bench.jobs.list({ status, after: newest?.id ?? '' })
      assert.deepEqual(
        behind,
        others.filter((job) => job.status === status),
      )
    },
  },
  {
    name: 'what comes after a job that is not there, or is another tenant’s, is nobody’s to say',
    async run({ bench }) {
      const { record } = await bench.create({ tenantId: 'mine' })
      const unknown = async (query: JobQuery) => {
        await assert.rejects(bench.jobs.list(query), (error) => error instanceof JobNotFoundError)
      }
      await unknown({ after: 'nobody' })
      await unknown({ after: `${record.id} ` })
      await unknown({ after: record.id, tenantId: 'another' })
      await unknown({ after: record.id, tenantId: ['another', 'Mine'] })
      assert.deepEqual(await bench.jobs.list({ after: record.id, tenantId: ['another', 'mine'] }), [])
      assert.deepEqual(await bench.jobs.list({ after: record.id, tenantId: [] }), [])
    },
  },
  {
    name: 'jobs of very many tenants are listed like those of one',
    async run({ bench }) {
      const tenants = Array.from({ length: 700 }, (_, i) => `tenant ${i}`)
      for (const i of [3, 620, 77]) await bench.create({ tenantId: tenants[i] ?? '', at: i })
      await bench.create({ tenantId: 'another' })
      const found = await bench.jobs.list({ tenantId: tenants, limit: 2 })
      assert.deepEqual(
        found.map(({ plan }) => plan.tenantId),
        ['tenant 620', 'tenant 77'],
      )
    },
  },
  {
    name: 'the failures of some employees are found, theirs alone and all of them',
    async run({ bench }) {
      const [job, other] = [await bench.create(), await bench.create()]
      const ids = [...HOSTILE_STRINGS, ...Array.from({ length: 1_200 }, (_, i) => `${i} or so`)]
      const failures = ids.flatMap((id) => [failureOn(id, '2025-01-02'), failureOn(id, '2025-01-01')])
      await bench.commit(job.lease, { failed: failures.length, failures: [...failures, stageFailure('totals')] })
      await bench.commit(other.lease, { failed: 1, failures: [failureOn('anna', '2025-01-03')] })
      const of = async (...employeeIds: string[]) =>
        unnumbered(await bench.jobs.failuresOf(job.record.id, employeeIds)).map(({ employeeId, date }) => [
          employeeId,
          date,
        ])
      for (const id of HOSTILE_STRINGS) {
        assert.deepEqual(await of(id), [
          [id, '2025-01-02'],
          [id, '2025-01-01'],
        ])
      }
      assert.deepEqual(await of(), [])
      assert.deepEqual(await of('totals', 'nobody'), [])
      assert.equal((await of('anna', '7 or so', 'nobody')).length, 4)
      assert.deepEqual(
        unnumbered(await bench.jobs.failuresOf(job.record.id, ids.toReversed())),
        failures,
        'all, in the order of their numbers',
      )
      const [last, first] = [failureOn('anna', '2025-01-02'), failureOn('anna', '2025-01-01')]
      const to = failureOn('anna', '2025-01-31').date
      assert.ok(to)
      await bench.commit(job.lease, { repaired: 1, resolved: [first], moved: [{ failure: last, to }] })
      assert.deepEqual(await of('anna'), [['anna', '2025-01-31']])
      assert.deepEqual(await bench.jobs.failuresOf('nobody', ['anna']), [])
    },
  },
  {
    name: 'anybody can look at the checkpoint of a job, whoever works on it',
    async run({ bench }) {
      const job = await bench.create()
      assert.deepEqual(await bench.jobs.checkpoint(job.record.id), startOfRun)
      await bench.jobs.openLanes(
        job.lease,
        [1, 2].map((id) => laneOf(id, [`${id}`])),
        { dispatchedThrough: '2', allDispatched: false },
      )
      await bench.commit(job.lease, { processed: 4, lane: { id: 2, datesDone: 4, finished: false } })
      await bench.commit(job.lease, { processed: 31, lane: { id: 1, datesDone: 31, finished: true } })
      await bench.commit(job.lease, { tenantStagesDone: ['totals'] })
      const dispatched = { dispatchedThrough: '2', allDispatched: false }
      const expected = { ...dispatched, nextLaneId: 3, openLanes: [laneOf(2, ['2'], 4)], tenantStagesDone: ['totals'] }
      assert.deepEqual(await bench.jobs.checkpoint(job.record.id), expected)
      await bench.end(job, 'interrupted')
      assert.deepEqual(await bench.jobs.checkpoint(job.record.id), expected)
      assert.deepEqual((await bench.takeOver(job)).checkpoint, expected)
      for (const id of ['nobody', `${job.record.id} `]) assert.equal(await bench.jobs.checkpoint(id), undefined)
    },
  },
  {
    name: 'the employees that a job names are read a page at a time, in the order of JavaScript',
    async run({ bench }) {
      const many = Array.from({ length: 20_000 }, (_, i) => `employee-${100_000 + i}`)
      const employeeIds = [...many, ...HOSTILE_STRINGS, '\uffff', '\u{1f600}'].sort()
      const { id } = (await bench.create({ employeeIds })).record
      const read: string[] = []
      for (;;) {
        const after: string | null = read.at(-1) ?? null
        const page = await bench.jobs.employeeIds(id, { after, limit: 1_500 })
        assert.ok(page.length <= 1_500)
        if (page.length === 0) break
        read.push(...page)
      }
      assert.deepEqual(read, employeeIds)
      const between = await bench.jobs.employeeIds(id, { after: 'employee-100000 and a half', limit: 1 })
      assert.deepEqual(between, ['employee-100001'])
      for (const options of [{}, { employeeIds: [] }]) {
        const other = await bench.create(options)
        assert.deepEqual(await bench.jobs.employeeIds(other.record.id, { after: null, limit: 10 }), [])
      }
      assert.deepEqual(await bench.jobs.employeeIds('nobody', { after: null, limit: 10 }), [])
    },
  },
]

async function pagesOf<Tx>(bench: JobBench<Tx>, query: JobQuery, limit: number): Promise<readonly JobRecord[]> {
  const pages: JobRecord[] = []
  for (;;) {
    const last = pages.at(-1)
    const page = await bench.jobs.list({ ...query, limit, ...(last && { after: last.id }) })
    assert.ok(page.length <= limit)
    assert.ok(pages.length <= 12, 'pages run in circles')
    if (page.length === 0) return pages
    pages.push(...page)
  }
}
