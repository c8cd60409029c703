import type { ActivityWindow } from './activity-window.ts'
import { divideHalfUp, floorToMinutes, MINUTE } from './arithmetic.ts'
import { type IdlePeriod, idlePeriods } from './idle.ts'
import { LONGEST_OPEN, mergeShifts, notBefore, type Shift, shiftAt } from './shift.ts'
import { beginsIn, lengthOf, type Span } from './span.ts'

/** All that is needed to score one day of one employee. More than is needed does no harm. */
export interface DayFacts {
  /** From the day's first instant to the next day's. */
  readonly day: Span
  /** When this is seen, in milliseconds since 1970. */
  readonly now: number
  /** At least those that touch the day or one of its shifts. */
  readonly shifts: readonly Shift[]
  /** At least those that touch the day or one of its shifts; by start. */
  readonly windows: readonly ActivityWindow[]
}

/** What one day of one employee came to. */
export interface DayScore {
  readonly items: number
  /** In hundredths. */
  readonly points: number
  readonly clockedMinutes: number
  readonly idleMinutes: number
  readonly activeMinutes: number
  /** Active by clocked minutes, in ten-thousandths. */
  readonly efficiency: number
}

/** The score, and what was found on the way to it. */
export interface ScoredDay {
  readonly score: DayScore
  /** By start. */
  readonly idlePeriods: readonly IdlePeriod[]
  /** When the shifts began that have been open for too long, ascending. */
  readonly leftOpen: readonly number[]
  /** When the implausible shifts began, ascending. */
  readonly implausible: readonly number[]
}

/** Rules 1 to 6 of the reference, and the only place where they are put together. `null`: the day has no row. */
export function scoreDay({ day, now, shifts, windows }: DayFacts): ScoredDay | null {
  const ownShifts = shifts.filter((shift) => beginsIn(shift, day))
  const activities = windows.filter((window) => beginsIn(shiftAt(window.start, shifts) ?? window, day))
  if (ownShifts.length === 0 && activities.length === 0) return null

  const earlier = shifts.filter(({ start }) => start < day.start)
  const merged = notBefore(latestEnd(earlier), mergeShifts(ownShifts))
  const idle = merged.flatMap((shift) => idlePeriods(shift, windows))
  const breaks = total(ownShifts, ({ breakMinutes }) => breakMinutes * MINUTE)
  const clocked = Math.max(0, total(merged, lengthOf) - breaks)
  const excess = total(idle, (period) => lengthOf(period) - period.threshold)
  const clockedMinutes = floorToMinutes(clocked)
  const activeMinutes = floorToMinutes(Math.max(0, clocked - excess))

  return {
    score: {
      items: total(activities, ({ items }) => items),
      points: total(activities, ({ items, role }) => items * role.multiplier),
      clockedMinutes,
      idleMinutes: floorToMinutes(total(idle, lengthOf)),
      activeMinutes,
      efficiency: clockedMinutes === 0 ? 0 : divideHalfUp(activeMinutes * 10_000, clockedMinutes),
    },
    idlePeriods: idle,
    leftOpen: beginnings(ownShifts.filter(({ start, isOpen }) => isOpen && now - start > LONGEST_OPEN)),
    implausible: beginnings(ownShifts.filter(({ isImplausible }) => isImplausible)),
  }
}

function latestEnd(spans: readonly Span[]): number {
  return spans.reduce((latest, { end }) => Math.max(latest, end), Number.NEGATIVE_INFINITY)
}

function beginnings(shifts: readonly Shift[]): readonly number[] {
  return [...new Set(shifts.map(({ start }) => start))].sort((a, b) => a - b)
}

function total<T>(members: readonly T[], amount: (member: T) => number): number {
  return members.reduce((sum, member) => sum + amount(member), 0)
}
