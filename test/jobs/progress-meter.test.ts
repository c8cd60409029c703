import { expect, test } from 'vitest'
import type { JobRecord } from '../../src/jobs/job-record.ts'
import { newJob } from '../../src/jobs/new-job.ts'
import { ProgressMeter } from '../../src/jobs/progress-meter.ts'

const START = 1_000_000
const phases = [
  { number: 1, name: 'scores', title: 'Recalculating scores' },
  { number: 2, name: 'totals', title: 'Adding up' },
]
const fresh = newJob({} as never, { reason: null, scope: null, phases, at: new Date(START) })

function at(progress: number, change: Partial<JobRecord> = {}): JobRecord {
  return { ...fresh, progress, ...change }
}

test('progress is due once the interval has passed since it was told last', () => {
  const meter = new ProgressMeter(fresh, START, 250)
  expect(meter.isDue(START)).toBe(false)
  expect(meter.isDue(START + 249)).toBe(false)
  expect(meter.isDue(START + 250)).toBe(true)
  meter.tell(at(0.1), START + 250, undefined)
  expect(meter.isDue(START + 499)).toBe(false)
  expect(meter.isDue(START + 500)).toBe(true)
})

test('without an interval progress is always due', () => {
  const meter = new ProgressMeter(fresh, START, 0)
  meter.tell(at(0.1), START, undefined)
  expect(meter.isDue(START)).toBe(true)
})

test('what is told: how much is done of how much, in which stage, and who was last', () => {
  const counters = { totalDays: 10, processedDays: 3, unchangedDays: 2, skippedDays: 1, failedDays: 1, errorCount: 1 }
  const meter = new ProgressMeter(fresh, START, 250)
  expect(meter.tell(at(0.5, { counters, phase: 1 }), START + 60, { id: '7', name: 'Anna' })).toEqual({
    type: 'progress',
    ...counters,
    progress: 0.5,
    current: 5,
    total: 10,
    stage: 1,
    title: 'Recalculating scores',
    employeeId: '7',
    employeeName: 'Anna',
    elapsedMs: 60,
    remainingMs: 60,
  })
  const nameless = meter.tell(at(0.5, { phase: 2 }), START + 60, { id: '7' })
  expect(nameless).toMatchObject({ employeeId: '7', employeeName: null, stage: 2, title: 'Adding up' })
  expect(meter.tell(at(0), START, undefined)).toMatchObject({
    employeeId: null,
    employeeName: null,
    stage: 0,
    title: '',
  })
})

test('the remaining time is unknown as long as nothing was gained, and nothing at the end', () => {
  const meter = new ProgressMeter(fresh, START, 250)
  expect(meter.tell(at(0), START + 5_000, undefined)).toMatchObject({ elapsedMs: 5_000, remainingMs: null })
  expect(meter.tell(at(0.25), START + 5_000, undefined)).toMatchObject({ remainingMs: 15_000 })
  expect(meter.tell(at(1), START + 9_000, undefined)).toMatchObject({ remainingMs: 0 })
})

test('a later run judges by its own speed', () => {
  const meter = new ProgressMeter(at(0.5), START, 250)
  expect(meter.tell(at(0.5), START + 1_000, undefined)).toMatchObject({ remainingMs: null })
  expect(meter.tell(at(0.75), START + 1_000, undefined)).toMatchObject({ elapsedMs: 1_000, remainingMs: 1_000 })
})

test('a clock that is set back makes no negative times', () => {
  const meter = new ProgressMeter(fresh, START, 250)
  expect(meter.tell(at(0.5), START - 60_000, undefined)).toMatchObject({ elapsedMs: 0, remainingMs: 0 })
})

test('what a dead worker had done but not told of is no speed of the run that takes over', () => {
  const counters = { ...fresh.counters, totalDays: 100, processedDays: 50 }
  const meter = new ProgressMeter(at(0.1, { counters, phase: 1 }), START, 250)
  const later = at(0.57, { counters: { ...counters, processedDays: 60 }, phase: 1 })
  // 0.095 of the progress in a second, 0.43 of it are left.
  expect(meter.tell(later, START + 1_000, undefined).remainingMs).toBeCloseTo(4_526, -1)
})
