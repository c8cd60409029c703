import { describe, expect, it } from 'vitest'
import { windowEnd } from '../../../../examples/productivity/scoring/activity-window.ts'
import { shiftEnd } from '../../../../examples/productivity/scoring/shift.ts'
import { boundsOf } from '../support/facts.ts'

const { start, end } = boundsOf('2025-03-30', 'Europe/Berlin')
const hour = 3_600_000

describe('shiftEnd', () => {
  it('is when somebody clocked out', () => {
    expect(shiftEnd(start, start + hour, end, start + 5 * hour)).toBe(start + hour)
    expect(shiftEnd(start, end + hour, end, start)).toBe(end + hour)
  })

  it('is the end of the day for an open shift of a day that is over', () => {
    expect(shiftEnd(start, null, end, end + 100 * hour)).toBe(end)
    expect(end - start).toBe(23 * hour)
  })

  it('is now for an open shift of today', () => {
    expect(shiftEnd(start, null, end, start + 5 * hour)).toBe(start + 5 * hour)
  })

  it('is never before the start', () => {
    expect(shiftEnd(start, start - 1, end, end)).toBe(start)
    expect(shiftEnd(start + hour, null, end, start)).toBe(start + hour)
  })
})

describe('windowEnd', () => {
  it('is never before the start', () => {
    expect(windowEnd(start, end)).toBe(end)
    expect(windowEnd(end, start)).toBe(end)
  })
})
