import { ascending, MINUTE } from './arithmetic.ts'
import type { PlainCalendar } from './calendar.ts'
import type { PlainClockTime } from './sources.ts'

export const HOURS_16 = 16 * 60 * MINUTE
const HOURS_24 = 24 * 60 * MINUTE

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
  readonly isImplausible: boolean
}

/** Rule 1, first part: whose day a shift is, and where it ends. */
export function shiftFrom(row: PlainClockTime, calendar: PlainCalendar, now: number): PlainShift {
  const isOpen = row.clock_out === null
  const length = (row.clock_out ?? Math.min(now, row.clock_in + HOURS_16)) - row.clock_in
  const isEmpty = length < 0
  const isTooLong = length > HOURS_24
  return {
    start: row.clock_in,
    end: row.clock_in + (isEmpty ? 0 : isTooLong ? HOURS_24 : length),
    date: calendar.dateOf(row.clock_in),
    breakMinutes: row.break_minutes,
    isOpen,
    isImplausible: isEmpty || isTooLong,
  }
}

/**
 * Rule 1, second part: overlapping shifts are merged, without the time that `taken` ones cover too. Time is cut into slices
 * wherever a shift starts or ends; two slices are one where a shift goes on across the cut. Shifts that only touch do not
 * overlap, and empty ones hold no instant at all.
 */
export function mergedShifts(shifts: readonly PlainSpan[], taken: readonly PlainSpan[] = []): readonly PlainSpan[] {
  const cuts = ascending([...shifts, ...taken].flatMap(({ start, end }) => [start, end]))
  const isCovered = (by: readonly PlainSpan[], start: number) =>
    by.some((shift) => shift.start <= start && start < shift.end)
  const slices = cuts
    .slice(1)
    .map((end, index) => ({ start: cuts[index]!, end }))
    .filter(({ start }) => isCovered(shifts, start) && !isCovered(taken, start))
  const goesOn = (cut: number) =>
    slices.some(({ end }) => end === cut) &&
    slices.some(({ start }) => start === cut) &&
    shifts.some(({ start, end }) => start < cut && cut < end)
  const ends = slices.map(({ end }) => end).filter((end) => !goesOn(end))
  return slices
    .map(({ start }) => start)
    .filter((start) => !goesOn(start))
    .map((start) => ({ start, end: ends.find((end) => end > start)! }))
}
