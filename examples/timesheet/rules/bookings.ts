import type { Span } from './span.ts'

export type BookingKind = 'come' | 'go' | 'break_start' | 'break_end'

export interface Booking {
  readonly id: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly kind: BookingKind
}

/** A beginning and the end that belongs to it. */
export interface Pair extends Span {
  /** It goes on: it ends now, as far as anybody knows. */
  readonly isOpen: boolean
}

export interface PairedBookings {
  /** Ascending, apart from each other. */
  readonly pairs: readonly Pair[]
  /** Beginnings without an end, and ends without a beginning. */
  readonly alone: readonly Booking[]
}

const LONGEST_PAIR = 24 * 60 * 60_000

/**
 * Rule 3: a beginning pairs with the next end, unless another beginning lies between or the end is too late.
 *
 * @param bookings Of one employee, in any order; those of other kinds are left out.
 * @param now When it is seen. What is booked for later is not there yet.
 * @param today The first instant of the day that is not over.
 */
export function pairBookings(
  bookings: readonly Booking[],
  [begin, end]: readonly [BookingKind, BookingKind],
  now: number,
  today: number,
): PairedBookings {
  const own = bookings
    .filter(({ kind, at }) => (kind === begin || kind === end) && at <= now)
    .sort((a, b) => a.at - b.at || a.id - b.id)
  const pairs: Pair[] = []
  const alone: Booking[] = []
  for (let i = 0; i < own.length; i++) {
    const booking = own[i] as Booking // within the bookings
    const next = own[i + 1]
    if (booking.kind === end) alone.push(booking)
    else if (next?.kind === end && next.at - booking.at <= LONGEST_PAIR) {
      pairs.push({ from: booking.at, to: next.at, isOpen: false })
      i++
    } else if (!next && booking.at >= today) pairs.push({ from: booking.at, to: now, isOpen: true })
    else alone.push(booking)
  }
  return { pairs, alone }
}
