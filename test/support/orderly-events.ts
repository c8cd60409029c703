import { expect } from 'vitest'
import type { Counters, JobEvent } from '../../src/index.ts'

/** What may be said of a job at any moment: no number is negative, and together they make no more than there is. */
export function expectSoundCounters(counters: Counters): void {
  const { totalDays, processedDays, unchangedDays, skippedDays, failedDays, errorCount } = counters
  for (const [name, number] of Object.entries({ processedDays, unchangedDays, skippedDays, failedDays, errorCount })) {
    expect(number, name).toBeGreaterThanOrEqual(0)
  }
  expect(unchangedDays).toBeLessThanOrEqual(processedDays)
  expect(processedDays + skippedDays + failedDays).toBeLessThanOrEqual(totalDays)
}

/**
 * All events of a job: numbered without a gap, each run with a beginning and an end, progress that never runs backwards; of the
 * counters only `failedDays` may fall, when what had failed is repaired.
 */
export function expectOrderlyEvents(events: readonly JobEvent[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  expect(events[0]?.type).toBe('queued')
  expect(events.filter(({ type }) => type === 'queued')).toHaveLength(1)
  const ends = events.filter((event) => 'result' in event)
  expect(events.at(-1)).toBe(ends.at(-1))
  for (const [i, event] of events.entries()) {
    const next = events[i + 1]
    if ('result' in event) {
      expectSoundCounters(event.result)
      // A job that was ended without being worked on has no beginning before that end.
      if (next) expect(['resumed', 'started', 'cancelled', 'interrupted', 'progress']).toContain(next.type)
    }
  }
  const progress = events.filter((event) => event.type === 'progress')
  for (const [i, event] of progress.entries()) {
    const { current, total, processedDays, skippedDays, failedDays } = event
    expect(current).toBe(processedDays + skippedDays + failedDays)
    expect(current).toBeLessThanOrEqual(total)
    for (const name of ['processedDays', 'skippedDays', 'unchangedDays', 'failedDays'] as const) {
      expect(event[name], name).toBeGreaterThanOrEqual(0)
    }
    const last = progress[i - 1]
    if (!last) continue
    for (const name of ['current', 'progress', 'processedDays', 'skippedDays', 'unchangedDays'] as const) {
      expect(event[name], name).toBeGreaterThanOrEqual(last[name])
    }
  }
}
