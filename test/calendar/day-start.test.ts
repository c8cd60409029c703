import { describe, expect, it } from 'vitest'
import { type OffsetAt, startOfDay } from '../../src/calendar/day-start.ts'
import { msPerDay } from '../../src/calendar/epoch-day.ts'
import { fc } from '../support/fc.ts'

const hour = 3_600_000
const minute = 60_000

/** A zone that exists for this test only: its clock is changed once, at `change`. */
function changedAt(change: number, oldOffset: number, newOffset: number): OffsetAt {
  return (instant) => (instant < change ? oldOffset : newOffset)
}

describe('the start of a day', () => {
  it('is midnight on a clock that never changes', () => {
    expect(startOfDay(100, () => 0)).toBe(100 * msPerDay)
    expect(startOfDay(100, () => 2 * hour)).toBe(100 * msPerDay - 2 * hour)
    expect(startOfDay(-100, () => -5 * hour - 30 * minute)).toBe(-100 * msPerDay + 5.5 * hour)
  })

  it('is where the clock lands when it leaps over midnight', () => {
    const change = 100 * msPerDay - 30 * minute
    expect(startOfDay(100, changedAt(change, 0, hour))).toBe(change)
  })

  it('is where the clock lands when it leaps to midnight, or from it', () => {
    const before = 100 * msPerDay - hour
    expect(startOfDay(100, changedAt(before, 0, hour))).toBe(before)
    const at = 100 * msPerDay
    expect(startOfDay(100, changedAt(at, 0, hour))).toBe(at)
  })

  it('is the first of two midnights', () => {
    const change = 100 * msPerDay + minute
    expect(startOfDay(100, changedAt(change, 0, -hour))).toBe(100 * msPerDay)
    const aMillisecondLater = 100 * msPerDay + 1
    expect(startOfDay(100, changedAt(aMillisecondLater, 0, -hour))).toBe(100 * msPerDay)
  })

  it('is the only midnight shown when the clock goes back the moment it would strike', () => {
    const change = 100 * msPerDay
    expect(startOfDay(100, changedAt(change, 0, -hour))).toBe(100 * msPerDay + hour)
  })

  it('is that of the next day when the clock leaps over the whole day', () => {
    const change = 100 * msPerDay + 10 * hour
    const clock = changedAt(change, -10 * hour, 14 * hour)
    expect(startOfDay(100, clock)).toBe(change)
    expect(startOfDay(101, clock)).toBe(change)
    expect(startOfDay(102, clock)).toBe(change + msPerDay)
  })

  it('is the first instant at which the clock shows that day or a later one, whenever and however far it is changed', () => {
    const offset = fc.integer({ min: -12 * 3600, max: 14 * 3600 }).map((seconds) => seconds * 1000)
    // A change matters most near to midnight; elsewhere it is to be harmless.
    const away = fc.oneof(fc.integer({ min: -60_000, max: 60_000 }), fc.integer({ min: -40 * hour, max: 40 * hour }))
    const day = fc.integer({ min: -20_000, max: 2_000_000 })
    fc.assert(
      fc.property(day, offset, offset, away, fc.boolean(), (day, oldOffset, newOffset, away, fromOld) => {
        const midnight = day * msPerDay
        const change = midnight - (fromOld ? oldOffset : newOffset) + away
        const clock = changedAt(change, oldOffset, newOffset)

        const reached = (instant: number) => instant + clock(instant) >= midnight
        // Time flows evenly but for the change, so midnight can be reached first at one of three instants only.
        const candidates = [midnight - oldOffset, midnight - newOffset, change]
        expect(startOfDay(day, clock)).toBe(Math.min(...candidates.filter(reached)))
      }),
      { numRuns: 5_000 },
    )
  })
})
