import type { IsoDate } from '../../calendar/iso-date.ts'
import type { AfterCommit } from '../journal.ts'

/** What was taken over of one value of a closed day or period, by all corrections so far. */
export interface Booking {
  /** Whose value it is. */
  readonly employeeId: string
  /** The name of the stage. */
  readonly stage: string
  /** The day, or the first day of the period. */
  readonly date: IsoDate
  /** The last day of the period; the day itself for a day stage. */
  readonly through: IsoDate
  /** Of the correction that was taken over last; 64 ASCII characters at most. */
  readonly correction: string
  /** Of the one before it; `null`: it was the first one. */
  readonly replaces: string | null
  /** Numeric field → the sum of the differences that were taken over. */
  readonly taken: Readonly<Record<string, number>>
  /** A digest of what was right then. */
  readonly right: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Who took it over, as they named themselves. */
  readonly actor: string | null
}

/** Which bookings: those of some employees that touch some dates. */
export interface BookingQuery {
  /** The tenant. */
  readonly tenantId: string
  /** Whose bookings. */
  readonly employeeIds: readonly string[]
  /** The first date. */
  readonly from: IsoDate
  /** The last date, inclusive. */
  readonly to: IsoDate
}

/** Where is kept which corrections were taken over. Nothing is ever removed: so no correction is taken over twice. */
export interface CorrectionStore<Tx = unknown> {
  /** The last booking of each value, as committed now. In any order. */
  bookings(tx: Tx, query: BookingQuery): Promise<readonly Booking[]>
  /** Of some corrections of a tenant those that were taken over, however long ago. */
  takenOver(tx: Tx, tenantId: string, corrections: readonly string[]): Promise<ReadonlySet<string>>
  /**
   * Adds bookings in a unit of work that holds their employees: they are there exactly if it commits, and each stands in place
   * of the one that it replaces. What is returned is called after the commit.
   */
  book(tx: Tx, tenantId: string, bookings: readonly Booking[]): Promise<AfterCommit | undefined>
}
