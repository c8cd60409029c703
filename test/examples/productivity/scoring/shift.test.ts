import { describe, expect, it } from 'vitest'
import { windowEnd } from '../../../../examples/productivity/scoring/activity-window.ts'
import { shiftFrom } from '../../../../examples/productivity/scoring/shift.ts'

const start = Date.parse('2025-03-29T20:00Z')
const hour = 3_600_000

/** How long a shift counts, and whether that is implausible. */
function lengthOf(clock_out: number | null, now: number) {
  const shift = shiftFrom({ clock_in: start, clock_out, break_minutes: 7 }, now)
  expect(shift).toMatchObject({ start, breakMinutes: 7, isOpen: clock_out === null })
  return [shift.end - start, shift.isImplausible]
}

describe('a shift', () => {
  it('lasts until somebody clocked out', () => {
    expect(lengthOf(start + hour, start + 5 * hour)).toEqual([hour, false])
    expect(lengthOf(start + hour, start)).toEqual([hour, false])
    expect(lengthOf(start, start)).toEqual([0, false])
  })

  it('lasts until now while it is open, across midnight too, and 16 hours at most', () => {
    expect(lengthOf(null, start + 5 * hour)).toEqual([5 * hour, false])
    expect(lengthOf(null, start + 16 * hour)).toEqual([16 * hour, false])
    expect(lengthOf(null, start + 900 * hour)).toEqual([16 * hour, false])
  })

  it('is empty and implausible when it ends before it starts', () => {
    expect(lengthOf(start - 1, start + hour)).toEqual([0, true])
    expect(lengthOf(null, start - 1)).toEqual([0, true])
  })

  it('counts for 24 hours at most, and is implausible when it is longer', () => {
    expect(lengthOf(start + 24 * hour, start)).toEqual([24 * hour, false])
    expect(lengthOf(start + 24 * hour + 1, start)).toEqual([24 * hour, true])
    expect(lengthOf(start + 180 * 8_766 * hour, start)).toEqual([24 * hour, true])
  })
})

describe('a window', () => {
  it('never ends before its start, nor after now', () => {
    expect(windowEnd(5, 9, 10)).toBe(9)
    expect(windowEnd(5, 4, 10)).toBe(5)
    expect(windowEnd(5, 9, 7)).toBe(7)
    expect(windowEnd(5, 9, 4)).toBe(5)
  })
})
