import { expect, test } from 'vitest'
import type { JobRecord } from '../../src/jobs/job-record.ts'
import { newJob } from '../../src/jobs/new-job.ts'
import { ProgressMeter } from '../../src/jobs/progress-meter.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'

const START = 1_000_000
const phases = [
  { number: 1, name: 'scores', title: 'Recalculating scores' },
  { number: 2, name: 'totals', title: 'Adding up' },
]
const fresh = newJob({ stages: [] } as never, { reason: null, scope: null, phases, at: new Date(START) })

function at(progress: number, change: Partial<JobRecord> = {}): JobRecord {
  return { ...fresh, progress, ...change }
}

/** A meter over a clock that stands at `START`, and how often it said that progress is due. */
function meterOf(job: JobRecord, intervalMs = 250) {
  const clock = manualClock({ start: START })
  const due: number[] = []
  const meter = new ProgressMeter(job, { clock, intervalMs, emit: () => void due.push(clock.now() - START) })
  return { clock, due, meter }
}

test('progress within the interval is due at its end, however much of it there was', async () => {
  const { clock, due, meter } = meterOf(fresh)
  await clock.advance(10)
  for (let i = 0; i < 3; i++) meter.advanced()
  await clock.advance(239)
  expect(due).toEqual([])
  await clock.advance(1)
  expect(due).toEqual([250])
})

test('progress after the interval is due at once', async () => {
  const { clock, due, meter } = meterOf(fresh)
  await clock.advance(300)
  meter.advanced()
  expect(due).toEqual([300])
})

test('the interval begins anew with what was told last', async () => {
  const { clock, due, meter } = meterOf(fresh)
  await clock.advance(300)
  meter.measure(at(0.1), undefined)
  await clock.advance(200)
  meter.advanced()
  await clock.advance(49)
  expect(due).toEqual([])
  await clock.advance(1)
  expect(due).toEqual([550])
})

test('what was told in between is not due once more', async () => {
  const { clock, due, meter } = meterOf(fresh)
  await clock.advance(100)
  meter.advanced()
  meter.measure(at(0.1), undefined)
  expect(clock.pending).toBe(0)
  await clock.advance(1_000)
  expect(due).toEqual([])
})

test('a meter that is stopped waits for nothing', async () => {
  const { clock, due, meter } = meterOf(fresh)
  meter.advanced()
  meter.stop()
  expect(clock.pending).toBe(0)
  await clock.advance(1_000)
  expect(due).toEqual([])
})

test('without an interval progress is always due', () => {
  const { due, meter } = meterOf(fresh, 0)
  meter.advanced()
  meter.advanced()
  expect(due).toEqual([0, 0])
})

test('what is told: how much is done of how much, in which stage, and who was last', async () => {
  const counters = { totalDays: 10, processedDays: 3, unchangedDays: 2, skippedDays: 1, failedDays: 1, errorCount: 1 }
  const { clock, meter } = meterOf(fresh)
  await clock.advance(60)
  expect(meter.measure(at(0.5, { counters, phase: 1 }), { id: '7', name: 'Anna' })).toEqual({
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
  const nameless = meter.measure(at(0.5, { phase: 2 }), { id: '7' })
  expect(nameless).toMatchObject({ employeeId: '7', employeeName: null, stage: 2, title: 'Adding up' })
  expect(meter.measure(at(0), undefined)).toMatchObject({ employeeId: null, employeeName: null, stage: 0, title: '' })
})

test('the remaining time is unknown as long as nothing was gained, and nothing at the end', async () => {
  const { clock, meter } = meterOf(fresh)
  await clock.advance(5_000)
  expect(meter.measure(at(0), undefined)).toMatchObject({ elapsedMs: 5_000, remainingMs: null })
  expect(meter.measure(at(0.25), undefined)).toMatchObject({ remainingMs: 15_000 })
  await clock.advance(4_000)
  expect(meter.measure(at(1), undefined)).toMatchObject({ remainingMs: 0 })
})

test('a later run judges by its own speed', async () => {
  const { clock, meter } = meterOf(at(0.5))
  await clock.advance(1_000)
  expect(meter.measure(at(0.5), undefined)).toMatchObject({ remainingMs: null })
  expect(meter.measure(at(0.75), undefined)).toMatchObject({ elapsedMs: 1_000, remainingMs: 1_000 })
})

test('a clock that is set back makes no negative times, and keeps no progress back', () => {
  let now = START
  const due: number[] = []
  const clock = { now: () => now, setTimeout: () => ({ cancel: () => {}, unref: () => {} }) }
  const meter = new ProgressMeter(fresh, { clock, intervalMs: 250, emit: () => void due.push(now) })
  now = START - 60_000
  meter.advanced()
  expect(due).toEqual([now])
  expect(meter.measure(at(0.5), undefined)).toMatchObject({ elapsedMs: 0, remainingMs: 0 })
})

test('what a dead worker had done but not told of is no speed of the run that takes over', async () => {
  const counters = { ...fresh.counters, totalDays: 100, processedDays: 50 }
  const { clock, meter } = meterOf(at(0.1, { counters, phase: 1 }))
  const later = at(0.57, { counters: { ...counters, processedDays: 60 }, phase: 1 })
  await clock.advance(1_000)
  // 0.095 of the progress in a second, 0.43 of it are left.
  expect(meter.measure(later, undefined).remainingMs).toBeCloseTo(4_526, -1)
})
