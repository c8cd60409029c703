import { MINUTE, roundHalfUp, sum, wholeMinutes } from './arithmetic.ts'
import type { PlainCalendar } from './calendar.ts'
import { idleIn, type PlainGap } from './idle.ts'
import { mergedShifts, type PlainShift, shiftFrom } from './shifts.ts'
import type { PlainSources } from './sources.ts'
import { type PlainWindow, windowFrom } from './windows.ts'

/** All that is known of one employee. */
export interface PlainPerson {
  readonly employeeId: string
  readonly shifts: readonly PlainShift[]
  readonly windows: readonly PlainWindow[]
}

export interface PlainScore {
  readonly items: number
  /** In hundredths. */
  readonly points: number
  readonly clockedMinutes: number
  readonly idleMinutes: number
  readonly activeMinutes: number
  /** In ten-thousandths. */
  readonly efficiency: number
}

export interface PlainDay {
  readonly score: PlainScore
  readonly idlePeriods: readonly PlainGap[]
}

export function personFrom(
  sources: Pick<PlainSources, 'roleConfigs' | 'clockTimes' | 'activityLogs'>,
  employeeId: string,
  calendar: PlainCalendar,
  now: number,
): PlainPerson {
  const isTheirs = (row: { readonly employee_id: string }) => row.employee_id === employeeId
  const shifts = sources.clockTimes.filter(isTheirs).map((row) => shiftFrom(row, calendar, now))
  const windows = sources.activityLogs
    .filter(isTheirs)
    .map((row) => windowFrom(row, sources.roleConfigs, shifts, calendar, now))
  return { employeeId, shifts, windows }
}

/** Rules 3 to 6; undefined for a day without a row. */
export function dayOf(person: PlainPerson, date: string): PlainDay | undefined {
  const shifts = person.shifts.filter((shift) => shift.date === date)
  const windows = person.windows.filter(({ workDate }) => workDate === date)
  if (shifts.length === 0 && windows.length === 0) return undefined

  const earlier = person.shifts.filter((shift) => shift.date < date)
  const merged = mergedShifts(shifts, earlier)
  const idlePeriods = merged.flatMap((shift) => idleIn(shift, person.windows))
  const breaks = sum(shifts, ({ breakMinutes }) => breakMinutes) * MINUTE
  const clocked = Math.max(0, sum(merged, ({ start, end }) => end - start) - breaks)
  const excess = sum(idlePeriods, ({ start, end, threshold }) => end - start - threshold)
  const clockedMinutes = wholeMinutes(clocked)
  const activeMinutes = wholeMinutes(Math.max(0, clocked - excess))
  return {
    score: {
      items: sum(windows, ({ items }) => items),
      points: sum(windows, ({ items, role }) => items * role.multiplier),
      clockedMinutes,
      idleMinutes: wholeMinutes(sum(idlePeriods, ({ start, end }) => end - start)),
      activeMinutes,
      efficiency: clockedMinutes === 0 ? 0 : roundHalfUp(BigInt(activeMinutes) * 10_000n, BigInt(clockedMinutes)),
    },
    idlePeriods,
  }
}
