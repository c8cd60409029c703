import { msPerDay } from './epoch-day.ts'

const hour = 3_600_000

/**
 * More than any zone's distance from UTC (since 1900: -12 to +14 hours), and little enough that no zone changes its clock
 * twice within two reaches (the closest pair on record, Freetown in September 1939, is four days apart).
 */
const reach = 16 * hour

/** How far a zone's clock is ahead of UTC, in milliseconds, at an instant in milliseconds since 1970-01-01T00:00:00Z. */
export type OffsetAt = (instant: number) => number

/**
 * The first instant at which the local clock shows the start of the given day or anything later. Defined so, days tile the
 * time line, whatever the time of day at which they start:
 *
 * - a start that the clock leaps over: the day begins where the clock lands;
 * - a day that the clock leaps over: it begins where the next one does, and is empty;
 * - a start that the clock shows twice: the day begins at the first, and the repeated end of the day before belongs to it.
 *
 * @param epochDay Days since 1970-01-01.
 * @param startsAt The time of day at which days start, in milliseconds after midnight.
 * @returns Milliseconds since 1970-01-01T00:00:00Z.
 */
export function startOfDay(epochDay: number, offsetAt: OffsetAt, startsAt = 0): number {
  const start = epochDay * msPerDay + startsAt
  // The local clock reads less than the start at `before` and more at `after`, so the instant is in between.
  const before = start - reach
  const after = start + reach
  const oldOffset = offsetAt(before)
  const newOffset = offsetAt(after)
  if (oldOffset === newOffset) return start - oldOffset

  const change = firstInstantWith(newOffset, before, after, offsetAt)
  const oldClock = start - oldOffset
  return oldClock < change ? oldClock : Math.max(change, start - newOffset)
}

/** Where in (before, after] the offset becomes `offset`, to the millisecond; it changes there once. */
function firstInstantWith(offset: number, before: number, after: number, offsetAt: OffsetAt): number {
  let low = before
  let high = after
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle) === offset) high = middle
    else low = middle
  }
  return high
}
