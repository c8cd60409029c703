import type { IsoDate } from '../../calendar/iso-date.ts'

/** One value that a block is about to write. */
export interface ValueChange {
  /** The name of the stage. */
  readonly stage: string
  /** Whose value. */
  readonly employeeId: string
  /** The day, or the first day of the period. */
  readonly date: IsoDate
  /** The last day of the period; the day itself for a day stage. */
  readonly through: IsoDate
  /** As `stored` gave it; null where nothing is stored, or where the stage has no `stored`. */
  readonly before: unknown
  /** False where the stage has no `stored`. */
  readonly isBeforeKnown: boolean
  /** Null where the row is removed. */
  readonly after: unknown
}

/** Somebody who wants to hear as well of some values that are right as they stand. */
export interface UnchangedValues {
  /** Of a stage the keys of the days, or of the first days of periods; undefined: of none. */
  of(stage: string): ReadonlySet<string> | undefined
  /** Their `before` and `after` are the same. */
  add(values: readonly ValueChange[]): void
}
