import { SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { LeaseLostError } from 'recalc-service'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { backends, host, JANUARY } from './support/host.ts'
import { millis } from './support/observer.ts'

const parentOf = (span: ReadableSpan | undefined) => span?.parentSpanContext?.spanId
const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId

describe.each(backends)('with the %s backend', (_, open) => {
  test('a run is a span of blocks, a block one of stages, and what a stage traces is a child of it', async () => {
    const { recalc, tracer, named, spans } = await host(open, {
      load: async () => tracer.startSpan('SELECT bookings').end(),
    })
    await recalc.triggerRecalcAll(JANUARY)
    const [run] = named('recalc all')
    const [block] = named('recalc block')
    const stages = named('recalc stage hours')
    expect(stages.map(({ attributes }) => attributes['code.function.name'])).toEqual([
      'load',
      'stored',
      'calculate',
      'save',
    ])
    expect(parentOf(run)).toBeUndefined()
    expect(parentOf(block)).toBe(idOf(run))
    expect(stages.map(parentOf)).toEqual(stages.map(() => idOf(block)))
    expect(parentOf(named('SELECT bookings')[0])).toBe(idOf(stages[0]))
    expect(run?.attributes).toMatchObject({
      'recalc.tenant.id': 'acme',
      'recalc.run.kind': 'all',
      'recalc.run.from': '2025-01-01',
      'recalc.run.to': '2025-01-03',
      'recalc.run.status': 'completed',
      'recalc.days.changed': 6,
      'recalc.days.failed': 0,
    })
    expect(block?.attributes).toMatchObject({ 'recalc.employees': 2, 'recalc.attempt': 1, 'recalc.days.changed': 6 })
    for (const span of spans()) expect(millis(span.endTime)).toBeGreaterThanOrEqual(millis(span.startTime))
  })

  test('a synchronous run is a child of the request that waits for it; a job is a trace of its own that links to it', async () => {
    const { recalc, tracer, named } = await host(open)
    await tracer.startActiveSpan('POST /edit', async (request) => {
      await recalc.triggerRecalc({ tenantId: 'acme', employeeId: 'ada', date: '2025-01-01' })
      const job = await recalc.triggerRecalcAllAsync(JANUARY)
      await job.result
      request.end()
      const [run] = named('recalc day')
      const [ofJob] = named('recalc all')
      expect(parentOf(run)).toBe(idOf(request as unknown as ReadableSpan))
      expect(parentOf(ofJob)).toBeUndefined()
      expect(ofJob?.links[0]?.context.spanId).toBe(request.spanContext().spanId)
      expect(ofJob?.attributes['recalc.job.id']).toBe(job.id)
      expect(named('recalc block').map(parentOf)).toEqual([idOf(run), idOf(ofJob)])
    })
  })

  test('days are counted by outcome, in all blocks that have committed', async () => {
    const { recalc, points } = await host(open, {
      closed: true,
      hours: (day) => {
        if (day === 'bob 2025-01-02') throw new RangeError('no hours')
        return 8
      },
    })
    await recalc.triggerRecalcAll(JANUARY, { onError: 'continue' })
    await recalc.triggerRecalc({ tenantId: 'acme', employeeId: 'bob', date: '2025-01-01' })
    const days = await points('recalc.days')
    expect(
      days.map(({ value, attributes }) => [attributes['recalc.run.kind'], attributes['recalc.outcome'], value]),
    ).toEqual([
      ['all', 'changed', 3],
      ['all', 'skipped', 2],
      ['all', 'failed', 1],
      ['day', 'unchanged', 1],
    ])
    const stages = await points('recalc.stage.duration')
    expect(stages.map(({ attributes }) => attributes['recalc.stage.name'])).toContain('closedPeriods')
    expect(await points('recalc.lock.wait.duration')).toMatchObject([
      { value: 2, attributes: { 'recalc.lock.kind': 'backend' } },
    ])
  })

  test('what is settled is a span of blocks, in the trace of whoever waits for it', async () => {
    const { recalc, tracer, note, named, points } = await host(open)
    await note('ada', '2025-01-02')
    await tracer.startActiveSpan('GET /balance', async (request) => {
      await recalc.settle({ tenantId: 'acme' })
      const [settle] = named('recalc settle')
      expect(parentOf(settle)).toBe(request.spanContext().spanId)
      expect(settle?.attributes).toMatchObject({ 'recalc.tenant.id': 'acme', 'recalc.employees': 1 })
      expect(named('recalc block').map(parentOf)).toContain(idOf(settle))
    })
    expect(await points('recalc.days')).toEqual([
      { name: 'recalc.days', value: 1, attributes: { 'recalc.run.kind': 'settle', 'recalc.outcome': 'changed' } },
    ])
    expect(await points('recalc.settle.duration')).toMatchObject([{ value: 1 }])
  })

  test('a call that fails is an error of its stage and of the block, with the kind of the error', async () => {
    const { recalc, named, points } = await host(open, {
      load: () => Promise.reject(Object.assign(new Error('no table'), { code: 'ER_NO_SUCH_TABLE' })),
    })
    const request = { tenantId: 'acme', employeeId: 'ada', date: '2025-01-01' }
    await expect(recalc.triggerRecalc(request)).rejects.toThrow('no table')
    for (const name of ['recalc stage hours', 'recalc block', 'recalc day']) {
      const [span] = named(name)
      expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no table' })
      expect(span?.attributes['error.type']).toBe('ER_NO_SUCH_TABLE')
      expect(span?.events[0]).toMatchObject({ name: 'exception', attributes: { 'exception.message': 'no table' } })
    }
    expect(await points('recalc.run.duration')).toMatchObject([
      { value: 1, attributes: { 'recalc.run.status': 'failed', 'error.type': 'ER_NO_SUCH_TABLE' } },
    ])
  })

  test('each attempt that is made again is counted, and is a block of its own', async () => {
    const { recalc, clock, named, points } = await host(open, { deadlocks: 2 })
    const done = recalc.triggerRecalc({ tenantId: 'acme', employeeId: 'ada', date: '2025-01-01' })
    await clock.advance(1)
    await done
    expect(await points('recalc.retries')).toEqual([
      {
        name: 'recalc.retries',
        value: 2,
        attributes: { 'recalc.stage.name': 'block', 'error.type': 'TEST_DEADLOCK' },
      },
    ])
    expect(named('recalc block').map(({ attributes }) => attributes['recalc.attempt'])).toEqual([1, 2, 3])
  })

  test('a job that has lost its lease is counted once', async () => {
    const door = gate()
    const { recalc, clock, points } = await host(open, {
      load: () => door.pass(),
      change: () => ({ renew: ({ jobId }) => Promise.reject(new LeaseLostError(jobId)) }),
    })
    const job = await recalc.triggerRecalcAllAsync(JANUARY)
    await door.arrived
    await clock.advance(10_000)
    door.open()
    expect(await job.result).toMatchObject({ status: 'interrupted', error: { code: 'LEASE_LOST' } })
    expect(await points('recalc.lease.losses')).toMatchObject([{ value: 1 }])
  })

  test('a started service tells how much there is to do, until it stops', async () => {
    let asked = 0
    const { recalc, note, points } = await host(open, {
      load: () => Promise.reject(new Error('no table')),
      change: ({ list, ...jobs }) => ({
        list(query) {
          asked += 1
          return list.call(jobs, query)
        },
      }),
    })
    await note('ada', '2025-01-02')
    await recalc.settle({ tenantId: 'acme' })
    expect(await points('recalc.jobs')).toEqual([])
    await recalc.start()
    const jobs = await points('recalc.jobs')
    expect(jobs.map(({ value, attributes }) => [attributes['recalc.job.status'], value])).toEqual([
      ['queued', 0],
      ['running', 0],
      ['interrupted', 0],
    ])
    expect(await points('recalc.jobs.queue.age')).toMatchObject([{ value: 0 }])
    expect(await points('recalc.changes')).toMatchObject([
      { value: 0, attributes: { 'recalc.change.state': 'waiting' } },
      { value: 1, attributes: { 'recalc.change.state': 'failing' } },
      { value: 0, attributes: { 'recalc.change.state': 'held' } },
    ])
    expect(await points('recalc.changes.employees')).toMatchObject([{ value: 1 }])
    expect(await points('recalc.changes.oldest.age')).toHaveLength(1)
    await recalc.stop()
    const before = asked
    await points('recalc.jobs')
    expect(asked).toBe(before)
  })
})
