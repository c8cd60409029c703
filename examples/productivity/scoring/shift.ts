import type { Span } from './span.ts'

/** A row of `clock_times` whose end is known. */
export interface Shift extends Span {
  readonly breakMinutes: number
  /** Nobody has clocked out: its end is only what rule 1 makes of it. */
  readonly isOpen: boolean
}

/** Rule 1: an open shift ends at the earlier of now and the end of its day; one that ends before it starts is empty. */
export function shiftEnd(clockIn: number, clockOut: number | null, endOfDay: number, now: number): number {
  return Math.max(clockIn, clockOut ?? Math.min(now, endOfDay))
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

/** Rule 2: of the shifts that contain the instant, the one that began last. */
export function shiftAt(instant: number, shifts: readonly Span[]): Span | undefined {
  let found: Span | undefined
  for (const shift of shifts) {
    const contains = shift.start <= instant && instant < shift.end
    if (contains && (!found || shift.start > found.start)) found = shift
  }
  return found
}
