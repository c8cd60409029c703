import type { IsoDate } from 'recalc-service'
import type { Pair } from './bookings.ts'
import type { Span } from './span.ts'

/** What of a pair belongs to one date. */
export interface Part extends Span {
  /** Midnight made this end: nobody booked it. */
  readonly isFromMade: boolean
  /** Midnight or the present moment made this end. */
  readonly isToMade: boolean
  /** It goes on. */
  readonly isOpen: boolean
}

/** The days that a pair touches, and what they say about it. */
interface PairDays {
  dateOf(instant: number): IsoDate
  dayOf(date: IsoDate): Span
  isOvernight(date: IsoDate): boolean
}

/** Rule 4: a pair is one part of the date of its come if that has an overnight plan; else it is cut at each midnight. */
export function partsOf(pair: Pair, days: PairDays): readonly (readonly [IsoDate, Part])[] {
  const first = days.dateOf(pair.from)
  if (days.isOvernight(first)) return [[first, { ...pair, isFromMade: false, isToMade: pair.isOpen }]]
  const parts: [IsoDate, Part][] = []
  for (let from = pair.from; ; ) {
    const date = days.dateOf(from)
    const midnight = days.dayOf(date).to
    const isLast = pair.to <= midnight
    const part = {
      from,
      to: isLast ? pair.to : midnight,
      isFromMade: from !== pair.from,
      isToMade: !isLast || pair.isOpen,
      isOpen: isLast && pair.isOpen,
    }
    parts.push([date, part])
    if (isLast) return parts
    from = midnight
  }
}
