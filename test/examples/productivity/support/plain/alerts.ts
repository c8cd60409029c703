import { ascending } from './arithmetic.ts'
import type { PlainCalendar } from './calendar.ts'
import type { PlainDay, PlainPerson } from './days.ts'

/** What the rules say of an alert; its wording and its acknowledgement are not theirs. */
export interface PlainAlert {
  readonly type: 'idle_detected' | 'missing_clock_out'
  readonly eventAt: number
  readonly severity: 'warning' | 'critical'
}

/** Rule 7, for a day that has a row. */
export function alertsOf(
  person: PlainPerson,
  date: string,
  day: PlainDay,
  calendar: PlainCalendar,
  now: number,
): readonly PlainAlert[] {
  const idle = day.idlePeriods.map(({ start, end, threshold }): PlainAlert => {
    const isCritical = 2 * (end - start) > 3 * threshold
    return { type: 'idle_detected', eventAt: start, severity: isCritical ? 'critical' : 'warning' }
  })
  const isOver = calendar.endOf(date) <= now
  const open = person.shifts.filter((shift) => isOver && shift.isOpen && shift.date === date)
  const missing = ascending(open.map(({ start }) => start)).map(
    (eventAt): PlainAlert => ({ type: 'missing_clock_out', eventAt, severity: 'warning' }),
  )
  return [...idle, ...missing]
}
