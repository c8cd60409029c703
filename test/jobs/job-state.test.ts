import { describe, expect, test } from 'vitest'
import { hasEnded, type JobRecord, RESUMABLE } from '../../src/jobs/job-record.ts'
import { type JobAction, reduceJob } from '../../src/jobs/job-state.ts'
import { newJob } from '../../src/jobs/new-job.ts'
import { emptyStep, type Step } from '../../src/run/checkpoint.ts'
import type { RecalcResult, RunStatus } from '../../src/run/result.ts'
import { fc } from '../support/fc.ts'

const at = new Date('2025-01-01T08:00:00Z')
const phases = ['scores', 'totals', 'ranks'].map((name, i) => ({ number: i + 1, name, title: name }))
const born: JobRecord = newJob({ stages: [] } as never, { reason: null, scope: null, phases, at })
const begin: JobAction = { type: 'begin', at, phases }

const play = (actions: readonly JobAction[], from = born) => actions.reduce(reduceJob, from)
const counted = (totalDays: number): JobAction => ({ type: 'counted', totalDays })
const step = (change: Partial<Step>): JobAction => ({ type: 'step', step: { ...emptyStep, ...change } })
const phase = (number: number): JobAction => ({ type: 'phase', phase: phases[number - 1]! })

function end(status: RunStatus, job: JobRecord = born): JobAction {
  const result: RecalcResult = { status, ...job.counters, errors: [], startedAt: at, finishedAt: new Date(+at + 1_000) }
  return { type: 'end', result, fault: status === 'failed' ? { code: 'X', message: 'x' } : null }
}

describe('a job', () => {
  test('is queued until it begins, then running, whatever happens while it runs', () => {
    expect(born).toMatchObject({ status: 'queued', runs: 0, startedAt: null, progress: 0, phase: 0 })
    const running = play([begin, phase(1), counted(10), step({ processed: 3 }), phase(2)])
    expect(running).toMatchObject({ status: 'running', runs: 1, startedAt: at, resumedAt: at, phase: 2, result: null })
  })

  test.for(['completed', 'completed_with_errors', 'failed', 'cancelled', 'interrupted'] as const)(
    'ends as %s, with what it came to',
    (status) => {
      const action = end(status)
      expect(play([begin, action])).toMatchObject({
        status,
        finishedAt: new Date(+at + 1_000),
        result: action.type === 'end' && action.result,
        fault: status === 'failed' ? { code: 'X', message: 'x' } : null,
      })
    },
  )

  test('that begins again keeps its first start, its counters and its progress, and forgets its last end', () => {
    const first = play([begin, counted(10), step({ processed: 5 }), end('failed')])
    const later = new Date(+at + 60_000)
    expect(reduceJob(first, { type: 'begin', at: later, phases })).toEqual({
      ...first,
      status: 'running',
      resumedAt: later,
      finishedAt: null,
      runs: 2,
      phase: 0,
      fault: null,
      result: null,
    })
  })

  test('knows how long it may still take from its last progress until the run ends, or another begins', () => {
    const told: JobAction = { type: 'progress', remainingMs: 90_000 }
    expect(born.remainingMs).toBeNull()
    const running = play([begin, told, phase(1), counted(10), step({ processed: 3 })])
    expect(running.remainingMs).toBe(90_000)
    expect(reduceJob(running, { type: 'progress', remainingMs: null }).remainingMs).toBeNull()
    expect(reduceJob(running, end('failed', running)).remainingMs).toBeNull()
    expect(reduceJob(running, begin).remainingMs).toBeNull()
  })

  test('that begins again still knows that somebody wants it to end', () => {
    const cancel = { reason: 'enough' }
    expect(play([begin], { ...born, cancel }).cancel).toBe(cancel)
  })

  test('adds up what each step brought', () => {
    const failures = [{ employeeId: '1', date: null, through: null, stage: 's', code: 'X', message: 'x', attempts: 1 }]
    const { counters } = play([
      begin,
      counted(20),
      step({ processed: 5, unchanged: 2, skipped: 1 }),
      step({ processed: 3, failed: 4, failures }),
      step({ processed: 4, repaired: 4, resolved: failures }),
    ])
    expect(counters).toEqual({
      totalDays: 20,
      processedDays: 12,
      unchangedDays: 2,
      skippedDays: 1,
      failedDays: 0,
      errorCount: 0,
    })
  })

  test('is as far as its days are done, of which tenant stages leave it the last twentieth', () => {
    const alone = play([{ ...begin, phases: phases.slice(0, 1) }, counted(4), step({ processed: 1 })])
    expect(alone.progress).toBe(0.25)
    const half = [begin, phase(1), counted(4), step({ processed: 1, failed: 1 })]
    expect(play(half).progress).toBeCloseTo(0.475)
    const days = [...half, step({ skipped: 2 })]
    expect(play(days).progress).toBeCloseTo(0.95)
    expect(play([...days, phase(3)]).progress).toBeCloseTo(0.975)
    expect(play([...days, phase(3), end('completed')]).progress).toBe(1)
    expect(play([...half, end('cancelled')]).progress).toBeCloseTo(0.475)
  })

  test('is not further than done when there turn out to be fewer days than were counted', () => {
    const one = { ...begin, phases: phases.slice(0, 1) }
    expect(play([one, counted(10), step({ processed: 8 }), counted(4)]).progress).toBe(1)
  })
})

test('the job that something happens to is left as it was', () => {
  const frozen = Object.freeze({ ...born, counters: Object.freeze({ ...born.counters }) })
  for (const action of [begin, counted(3), step({ processed: 1 }), phase(1), end('failed')]) {
    expect(reduceJob(frozen, action)).not.toBe(frozen)
  }
})

test('whatever happens in any order that can be, numbers never fall and statuses are exact', () => {
  const whileRunning = fc.oneof(
    fc.record({ type: fc.constant('phase' as const), phase: fc.constantFrom(...phases) }),
    fc.record({ type: fc.constant('counted' as const), totalDays: fc.nat(1_000) }),
    fc
      .record({ processed: fc.nat(50), skipped: fc.nat(5), failed: fc.nat(5) })
      .map((change) => step({ ...change, unchanged: change.processed >> 1 })),
    // A repair: days that had failed before move to another counter.
    fc.nat(5).map((repaired) => step({ processed: repaired, repaired })),
  )
  const run = fc.record({
    actions: fc.array(whileRunning, { maxLength: 20 }),
    status: fc.constantFrom<RunStatus>(...RESUMABLE.filter(hasEnded)),
  })
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 5 }), (runs) => {
      let job = born
      for (const [i, { actions, status }] of runs.entries()) {
        const before = job
        job = follow(job, begin)
        expect(job).toMatchObject({ status: 'running', runs: i + 1, result: null })
        expect(job.progress).toBe(before.progress)
        for (const action of actions) {
          if (action.type === 'step' && job.counters.failedDays < action.step.repaired) continue
          job = follow(job, action)
          expect(job.status).toBe('running')
        }
        job = follow(job, end(status, job))
        expect(job.status).toBe(status)
        expect(job.progress === 1 || status !== 'completed_with_errors').toBe(true)
      }
    }),
  )
})

function follow(job: JobRecord, action: JobAction): JobRecord {
  const next = reduceJob(job, action)
  for (const counter of ['processedDays', 'unchangedDays', 'skippedDays'] as const) {
    expect(next.counters[counter]).toBeGreaterThanOrEqual(job.counters[counter])
  }
  expect(next.counters.unchangedDays).toBeLessThanOrEqual(next.counters.processedDays)
  expect(next.progress).toBeGreaterThanOrEqual(job.progress)
  expect(next.progress).toBeLessThanOrEqual(1)
  expect(next.createdAt).toBe(born.createdAt)
  expect(next.startedAt).toBe(at)
  return next
}
