import type { DateInterval } from '../calendar/date-range.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import type { ValueChange } from '../run/blocks/value-change.ts'

/** A row, or rows, that a run would write or remove. */
export interface Difference {
  /** Whose day, or period. */
  readonly employeeId: string
  /** The name of the stage. */
  readonly stage: string
  /** What the run would do with the row, or rows. */
  readonly kind: 'insert' | 'update' | 'delete'
  /** What is stored, as the stage's `stored` gave it; `null` where that is nothing. */
  readonly before: unknown
  /** What `calculate` gave; `null` where the row would go. */
  readonly after: unknown
}

/** A day, or a period. */
export type DayOrPeriod =
  | {
      /** The day. */
      readonly date: IsoDate
      /** The period. */
      readonly period?: undefined
    }
  | {
      /** The period. */
      readonly period: DateInterval
      /** The day. */
      readonly date?: undefined
    }

/** What a run would change of a day, or of a period. */
export type DayDifference = Difference & DayOrPeriod

/** A change that a stage was about to save, as a difference. */
export function differenceOf(change: ValueChange, isPeriod: boolean): DayDifference {
  const { employeeId, stage, before, after, date, through } = change
  const difference = { employeeId, stage, kind: kindOf(before, after), before, after }
  return isPeriod ? { ...difference, period: { from: date, to: through } } : { ...difference, date }
}

/** What two changes of the same value come to. */
export function followedBy(first: DayDifference, { after }: Difference): DayDifference {
  return { ...first, kind: kindOf(first.before, after), after }
}

function kindOf(before: unknown, after: unknown): Difference['kind'] {
  return before === null ? 'insert' : after === null ? 'delete' : 'update'
}

/** The dates of a day, or of a period. */
export function datesOf({ date, period }: DayOrPeriod): DateInterval {
  return date === undefined ? period : { from: date, to: date }
}

/** By employee, then by date; of the same date as they come. */
export function inOrder(
  differences: readonly DayDifference[],
  employeeIds: readonly string[],
): readonly DayDifference[] {
  const place = new Map(employeeIds.map((id, i) => [id, i]))
  const placeOf = ({ employeeId }: DayDifference) => place.get(employeeId) ?? 0
  return differences.toSorted((a, b) => {
    const [from, other] = [datesOf(a).from, datesOf(b).from]
    return placeOf(a) - placeOf(b) || (from < other ? -1 : from > other ? 1 : 0)
  })
}

/** The numeric fields of a value: its properties that are numbers, or the value itself under the empty name. */
export function numbersOf(value: unknown): ReadonlyMap<string, number> {
  if (typeof value === 'number') return new Map([['', value]])
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map()
  const isNumber = (entry: [string, unknown]): entry is [string, number] => typeof entry[1] === 'number'
  return new Map(Object.entries(value).filter(isNumber))
}
