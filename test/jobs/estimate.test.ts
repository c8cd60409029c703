import { expect, test } from 'vitest'
import { estimateMs } from '../../src/jobs/estimate.ts'
import type { JobRecord } from '../../src/jobs/job-record.ts'
import { newJob } from '../../src/jobs/new-job.ts'
import { office, RANGE } from './support/office.ts'

const fresh = newJob({ stages: [] } as never, { reason: null, scope: null, phases: [], at: new Date(0) })

function finished(processedDays: number, tookMs: number, change: Partial<JobRecord> = {}): JobRecord {
  const counters = { ...fresh.counters, processedDays }
  return { ...fresh, runs: 1, counters, startedAt: new Date(1_000), finishedAt: new Date(1_000 + tookMs), ...change }
}

test('the time is unknown as long as no job has finished', () => {
  expect(estimateMs(100, [])).toBeNull()
  expect(estimateMs(100, [finished(0, 50)])).toBeNull()
})

test('the time is judged by all days of all finished jobs', () => {
  expect(estimateMs(100, [finished(10, 1_000)])).toBe(10_000)
  expect(estimateMs(100, [finished(10, 1_000), finished(90, 1_000)])).toBe(2_000)
})

test('a request without days is judged by jobs without days, and only by these', () => {
  expect(estimateMs(0, [finished(10, 1_000)])).toBeNull()
  expect(estimateMs(0, [finished(10, 1_000), finished(0, 124)])).toBe(124)
  expect(estimateMs(1, [finished(10, 1_000), finished(0, 600_000)])).toBe(100)
})

test('jobs that were resumed, or never got an end, tell nothing about speed', () => {
  expect(estimateMs(100, [finished(10, 1_000, { runs: 2 }), finished(10, 1, { finishedAt: null })])).toBeNull()
})

test('a job during which the clock was set back tells nothing about speed', () => {
  expect(estimateMs(100, [finished(10, -3_600_000)])).toBeNull()
  expect(estimateMs(100, [finished(10, -3_600_000), finished(10, 1_000)])).toBe(10_000)
})

test('an estimate counts employees and days, and learns from the jobs of the tenant', async () => {
  const { service, clock } = office({ calculate: () => clock.advance(100) })
  expect(await service.estimate(RANGE)).toEqual({ employees: 2, totalDays: 6, estimatedDurationMs: null })
  await (await service.triggerRecalcAllAsync(RANGE)).result
  expect(await service.estimate(RANGE)).toEqual({ employees: 2, totalDays: 6, estimatedDurationMs: 600 })
  expect(await service.estimate({ ...RANGE, employeeIds: ['e1', 'e1'] })).toMatchObject({ employees: 1, totalDays: 3 })
  expect(await service.estimate({ ...RANGE, employeeIds: [] })).toMatchObject({ totalDays: 0, estimatedDurationMs: 0 })
  expect(await service.estimate({ ...RANGE, tenantId: 'other' })).toMatchObject({ estimatedDurationMs: null })
})
