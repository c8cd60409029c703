import { floorToMinutes } from './arithmetic.ts'
import type { ScoredDay } from './score-day.ts'
import { lengthOf } from './span.ts'

/** Something that somebody should look at. */
export interface Alert {
  readonly type: 'idle_detected' | 'missing_clock_out' | 'implausible_shift'
  /** In milliseconds since 1970. */
  readonly at: number
  readonly severity: 'warning' | 'critical'
  readonly message: string
}

/** Rule 7, by type and time. */
export function alertsOf({ idlePeriods, leftOpen, implausible }: ScoredDay): readonly Alert[] {
  const idle = idlePeriods.map((period): Alert => {
    const length = lengthOf(period)
    return {
      type: 'idle_detected',
      at: period.start,
      // 1.5 times, in whole numbers.
      severity: 2 * length > 3 * period.threshold ? 'critical' : 'warning',
      message: `Idle for ${floorToMinutes(length)} min, ${floorToMinutes(period.threshold)} min are usual here`,
    }
  })
  const odd = implausible.map((at): Alert => {
    return { type: 'implausible_shift', at, severity: 'critical', message: 'Ends before it begins, or after 24 hours' }
  })
  const open = leftOpen.map((at): Alert => {
    return { type: 'missing_clock_out', at, severity: 'warning', message: 'Nobody clocked out of this shift' }
  })
  return [...idle, ...odd, ...open]
}
