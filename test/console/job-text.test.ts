import { expect, test } from 'vitest'
import { explanation, progressText, timesOf } from '../../src/console/model/job-text.ts'
import { withNewest } from '../../src/console/model/watched-job.ts'
import type { Job, JobStage } from '../../src/console/net/api-types.ts'

const stage = (number: number, status: JobStage['status']) => ({
  number,
  status,
  name: `s${number}`,
  title: `Stage ${number}`,
})

const job = {
  job_id: 'j',
  status: 'running',
  total_days: 5_400,
  processed_days: 5_000,
  skipped_days: 300,
  failed_days: 100,
  error_count: 7,
  progress: 0.95,
  stages: [stage(1, 'done'), stage(2, 'running')],
  runs: 1,
  last_seq: 10,
} as unknown as Job

test('a job that was cancelled behind its last day says what was not done, and no share that the days contradict', () => {
  const cancelled: Job = { ...job, status: 'cancelled', stages: [stage(1, 'done'), stage(2, 'stopped')] }
  expect(progressText(cancelled)).toEqual({ main: '', more: '5,400 of 5,400 employee-days; not done: Stage 2' })
  expect(progressText({ ...cancelled, processed_days: 40 })).toEqual({
    main: '',
    more: '440 of 5,400 employee-days when it ended',
  })
})

test('a job that runs says how far it is, and what is still to do behind its last day', () => {
  expect(progressText(job)).toEqual({ main: '95 %', more: '5,400 of 5,400 employee-days; still to do: Stage 2' })
  expect(progressText({ ...job, processed_days: 40, progress: 0.08 }).main).toBe('8 %')
  const done: Job = { ...job, status: 'completed', progress: 1, stages: [stage(1, 'done'), stage(2, 'done')] }
  expect(progressText(done)).toEqual({ main: '', more: '5,400 of 5,400 employee-days' })
  const nobody = { total_days: 0, processed_days: 0, skipped_days: 0, failed_days: 0 }
  expect(progressText({ ...done, ...nobody }).more).toBe('0 of 0 employee-days')
})

test('a job that did not do everything says why, as far as anybody said', () => {
  const of = (more: Partial<Job>) => explanation({ ...job, ...more })?.text
  expect(of({ status: 'failed', error: { code: 'CONTRACT', message: 'It broke' } })).toBe('It broke (CONTRACT)')
  expect(of({ status: 'failed' })).toBe('The server’s log tells why.')
  expect(of({ status: 'cancelled', cancel_reason: 'Wrong rates' })).toBe('Wrong rates')
  expect(of({ status: 'cancelled', cancel_reason: null })).toBe('No reason was given.')
  expect(of({ status: 'completed_with_errors' })).toMatch(/^100 days failed or blocked/)
  expect([of({ status: 'running' }), of({ status: 'completed' })]).toEqual([undefined, undefined])
})

test('a job that does not go on says what it waits for', () => {
  const of = (more: Partial<Job>) => explanation({ ...job, ...more })?.title
  expect(of({ status: 'queued' })).toBe('Queued')
  expect(of({ waiting_for: 'replica lag' })).toBe('Waiting')
  expect(explanation({ ...job, waiting_for: 'replica lag' })?.text).toContain('replica lag')
  expect([of({ pause_requested: true }), of({ status: 'paused', pause_requested: true })]).toEqual([
    'Pausing',
    'Paused',
  ])
  expect(progressText({ ...job, status: 'paused', processed_days: 40, progress: 0.08 })).toEqual({
    main: '8 %',
    more: '440 of 5,400 employee-days',
  })
})

test('the time of a run and the time since the first one began are told apart', () => {
  const resumed = { ...job, runs: 2, elapsed_seconds: 1, started_at: '2025-03-01T10:00:00Z' }
  const nowMs = Date.parse('2025-03-01T12:00:00Z')
  expect(timesOf({ ...resumed, finished_at: '2025-03-01T11:00:00Z' }, 0, nowMs)).toEqual({ run: 1, total: 3_600 })
  expect(timesOf({ ...resumed, finished_at: null }, 3, nowMs)).toEqual({ run: 4, total: 7_200 })
  expect(timesOf({ ...resumed, runs: 1, finished_at: null }, 0, nowMs)).toEqual({ run: 1, total: null })
})

test('the list does not say that a job runs which is known to have ended', () => {
  // The last event was heard of before the job was read again: both are as young as it.
  const ended: Job = { ...job, status: 'cancelled' }
  expect(withNewest([job], ended)).toEqual([ended])
  expect(withNewest([{ ...job, last_seq: job.last_seq + 1 }], ended)).not.toEqual([ended])
  expect(withNewest([job], null)).toEqual([job])
})
