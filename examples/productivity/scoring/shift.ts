import { MINUTE } from './arithmetic.ts'
import type { Span } from './span.ts'

const HOUR = 60 * MINUTE

/** The longest that anybody works in one go: a shift that is open for longer was forgotten. */
export const LONGEST_OPEN = 16 * HOUR

/** No shift counts for longer, however late somebody clocked out. */
export const LONGEST_SHIFT = 24 * HOUR

/** A row of `clock_times` whose end is known. */
export interface Shift extends Span {
  readonly breakMinutes: number
  /** Nobody has clocked out: its end is only what rule 1 makes of it. */
  readonly isOpen: boolean
  /** It ended before it began, or lasted longer than `LONGEST_SHIFT`. */
  readonly isImplausible: boolean
}

/** The columns of `clock_times` that say what a shift is. */
export interface ShiftRow {
  readonly clock_in: number
  readonly clock_out: number | null
  readonly break_minutes: number
}

/** Rule 1, for one shift. An open one ends now, and after `LONGEST_OPEN` at the latest. */
export function shiftFrom({ clock_in: start, clock_out, break_minutes: breakMinutes }: ShiftRow, now: number): Shift {
  const end = clock_out ?? Math.min(now, start + LONGEST_OPEN)
  const latest = start + LONGEST_SHIFT
  return {
    start,
    end: Math.min(Math.max(start, end), latest),
    breakMinutes,
    isOpen: clock_out === null,
    isImplausible: end < start || end > latest,
  }
}

/** Rule 1: shifts that overlap become one, so that no instant counts twice. Shifts that merely touch stay two. */
export function mergeShifts(shifts: readonly Span[]): readonly Span[] {
  const merged: Span[] = []
  for (const { start, end } of shifts.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1)
    if (last && start < last.end) merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, end) }
    else merged.push({ start, end })
  }
  return merged
}

/** Rule 1: what is left of merged shifts when the time before the instant counts for an earlier day. */
export function notBefore(instant: number, merged: readonly Span[]): readonly Span[] {
  return merged.filter(({ end }) => end > instant).map(({ start, end }) => ({ start: Math.max(start, instant), end }))
}

/** Rule 2: of the shifts that contain the instant, the one that began last. */
export function shiftAt(instant: number, shifts: readonly Span[]): Span | undefined {
  let found: Span | undefined
  for (const shift of shifts) {
    const contains = shift.start <= instant && instant < shift.end
    if (contains && (!found || shift.start > found.start)) found = shift
  }
  return found
}
