import { ascending } from './arithmetic.ts'
import type { PlainDay, PlainPerson } from './days.ts'
import { HOURS_16 } from './shifts.ts'

/** What the rules say of an alert; its wording and its acknowledgement are not theirs. */
export interface PlainAlert {
  readonly type: 'idle_detected' | 'missing_clock_out' | 'implausible_shift'
  readonly eventAt: number
  readonly severity: 'warning' | 'critical'
}

/** Rule 7, for a day that has a row. */
export function alertsOf(person: PlainPerson, date: string, day: PlainDay, now: number): readonly PlainAlert[] {
  const idle = day.idlePeriods.map(({ start, end, threshold }): PlainAlert => {
    const isCritical = 2 * (end - start) > 3 * threshold
    return { type: 'idle_detected', eventAt: start, severity: isCritical ? 'critical' : 'warning' }
  })
  const shifts = person.shifts.filter((shift) => shift.date === date)
  const open = shifts.filter(({ start, isOpen }) => isOpen && start < now - HOURS_16)
  const missing = ascending(open.map(({ start }) => start)).map(
    (eventAt): PlainAlert => ({ type: 'missing_clock_out', eventAt, severity: 'warning' }),
  )
  const odd = shifts.filter(({ isImplausible }) => isImplausible)
  const implausible = ascending(odd.map(({ start }) => start)).map(
    (eventAt): PlainAlert => ({ type: 'implausible_shift', eventAt, severity: 'critical' }),
  )
  return [...idle, ...implausible, ...missing]
}
