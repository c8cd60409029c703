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

/** The numeric fields of a value: its properties that are finite numbers, or the value itself under the empty name. */
export function numbersOf(value: unknown): ReadonlyMap<string, number> {
  if (isNumber(value)) return new Map([['', value]])
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map()
  const isNumeric = (entry: [string, unknown]): entry is [string, number] => isNumber(entry[1])
  return new Map(Object.entries(value).filter(isNumeric))
}

/** Sums and differences with `NaN` or `Infinity` say nothing, and have no JSON. */
function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

/**
 * True for a field that is a number in one of two values and something else, such as a decimal that is a string or `NaN`, in
 * the other: what lies between them is unknown. A field that is missing or `null` stands for 0.
 */
export function isMixed(field: string, before: unknown, after: unknown): boolean {
  return [before, after].some((value) => {
    const part = partOf(value, field)
    return part !== undefined && part !== null && !isNumber(part)
  })
}

function partOf(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null) return field === '' ? value : undefined
  if (Object.hasOwn(value, field)) return (value as Record<string, unknown>)[field] // was just found
  return field === '' ? value : undefined
}
