import { ascending } from './arithmetic.ts'
import type { PlainCalendar } from './calendar.ts'
import type { PlainClockTime } from './sources.ts'

/** From an instant up to, but not including, another. */
export interface PlainSpan {
  readonly start: number
  readonly end: number
}

export interface PlainShift extends PlainSpan {
  /** The day that it belongs to, with all of its time. */
  readonly date: string
  readonly breakMinutes: number
  readonly isOpen: boolean
}

/** Rule 1, first part: whose day a shift is, and where it ends. */
export function shiftFrom(row: PlainClockTime, calendar: PlainCalendar, now: number): PlainShift {
  const date = calendar.dateOf(row.clock_in)
  const end = row.clock_out ?? Math.min(now, calendar.endOf(date))
  return {
    start: row.clock_in,
    end: Math.max(row.clock_in, end),
    date,
    breakMinutes: row.break_minutes,
    isOpen: row.clock_out === null,
  }
}

/**
 * Rule 1, second part: overlapping shifts are merged. Where a merged shift begins or ends, no shift is going on; shifts
 * that only touch do not overlap, and empty ones hold no instant at all.
 */
export function mergedShifts(shifts: readonly PlainSpan[]): readonly PlainSpan[] {
  const worked = shifts.filter(({ start, end }) => start < end)
  const isEdge = (instant: number) => !worked.some(({ start, end }) => start < instant && instant < end)
  const ends = ascending(worked.map(({ end }) => end)).filter(isEdge)
  return ascending(worked.map(({ start }) => start))
    .filter(isEdge)
    .map((start) => ({ start, end: ends.find((end) => end > start)! }))
}
