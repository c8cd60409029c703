import { describe, expect, it } from 'vitest'
import { alertsOf } from '../../../../examples/productivity/scoring/alerts.ts'
import { MINUTE } from '../support/arbitraries.ts'

const score = { items: 0, points: 0, clockedMinutes: 0, idleMinutes: 0, activeMinutes: 0, efficiency: 0 }

/** For an idle period of some length where another is usual, in milliseconds. */
function alertFor(length: number, threshold: number) {
  return alertsOf({ score, idlePeriods: [{ start: 7, end: 7 + length, threshold }], leftOpen: [], implausible: [] })[0]
}

describe('alertsOf', () => {
  it('is critical above one and a half times the threshold, to the millisecond', () => {
    expect(alertFor(7.5 * MINUTE, 5 * MINUTE)).toMatchObject({ at: 7, severity: 'warning' })
    expect(alertFor(7.5 * MINUTE + 1, 5 * MINUTE)).toMatchObject({ at: 7, severity: 'critical' })
    // 1.5 × 295,313 = 442,969.5
    expect(alertFor(442_969, 295_313)?.severity).toBe('warning')
    expect(alertFor(442_970, 295_313)?.severity).toBe('critical')
    expect(alertFor(1, 0)?.severity).toBe('critical')
  })

  it('says how long, in whole minutes', () => {
    expect(alertFor(8 * MINUTE - 1, 5.9 * MINUTE)?.message).toBe('Idle for 7 min, 5 min are usual here')
  })

  it('tells of idle periods, then of implausible shifts, then of those that were left open', () => {
    const idlePeriods = [{ start: 9, end: 90 * MINUTE, threshold: MINUTE }]
    const alerts = alertsOf({ score, idlePeriods, leftOpen: [3, 9], implausible: [5] })
    expect(alerts.map(({ type, at, severity }) => [type, at, severity])).toEqual([
      ['idle_detected', 9, 'critical'],
      ['implausible_shift', 5, 'critical'],
      ['missing_clock_out', 3, 'warning'],
      ['missing_clock_out', 9, 'warning'],
    ])
  })
})
