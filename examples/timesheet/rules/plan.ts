import type { IsoDate } from 'recalc-service'

/** What is expected of a day. */
export interface DayPlan {
  readonly id: number
  readonly targetMinutes: number
  /** Times of the wall clock, `HH:MM`. */
  readonly frameFrom: string
  readonly frameTo: string
  readonly coreFrom: string | null
  readonly coreTo: string | null
  readonly toleranceMinutes: number
  /** To which multiple of minutes a come is rounded up and a go down; 1: not at all. */
  readonly roundCome: number
  readonly roundGo: number
  readonly maxNetMinutes: number | null
  /** A pair that begins on this day counts to it as a whole. */
  readonly isOvernight: boolean
  readonly noBooking: 'error' | 'target' | 'zero'
  /** By ascending `afterMinutes`. */
  readonly breakRules: readonly BreakRule[]
}

/** Whoever works longer than this must have had a break of so many minutes. */
export interface BreakRule {
  readonly afterMinutes: number
  readonly breakMinutes: number
}

/** Which plans somebody has from a date on. */
export interface PlanAssignment {
  readonly validFrom: string
  /** From Monday to Sunday; `null`: a day off. */
  readonly week: readonly (number | null)[]
}

/** Rule 2. `null`: a day off. @param assignments By ascending `validFrom`. */
export function planIdOn(date: IsoDate, assignments: readonly PlanAssignment[]): number | null {
  const assignment = assignments.findLast(({ validFrom }) => validFrom <= date)
  return assignment?.week[weekday(date)] ?? null
}

/** 0 is Monday. */
function weekday(date: IsoDate): number {
  return (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7
}
