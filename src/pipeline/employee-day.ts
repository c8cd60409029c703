import { type IsoDate, isIsoDate } from '../calendar/iso-date.ts'
import { ContractError } from '../errors.ts'
import { expected } from '../expectation.ts'

/** The unit of work: one calendar day of one employee, in the tenant's zone. */
export interface EmployeeDay {
  /** The tenant. */
  readonly tenantId: string
  /** The employee. */
  readonly employeeId: string
  /** The date, `YYYY-MM-DD`, in the tenant's zone. */
  readonly date: IsoDate
}

declare const dayKey_: unique symbol

/** A string that names an employee-day within one tenant; make it with {@link dayKey}. */
export type DayKey = string & {
  /** Exists only in the type. */
  readonly [dayKey_]: true
}

/**
 * The key of an employee-day in the maps that stages exchange.
 *
 * @example
 * rows.map((row) => [dayKey({ employeeId: row.employee_id, date: row.work_date }), row])
 * @throws {ContractError} when the date is no `YYYY-MM-DD` string, as where a driver gives a `Date`, or the id is no
 * non-empty string.
 */
export function dayKey(day: { readonly employeeId: string; readonly date: string }): DayKey {
  const { employeeId, date } = day
  if (!isIsoDate(date)) {
    const remedy =
      (date as unknown) instanceof Date ? '; let the driver give dates as strings (mysql2: `dateStrings`)' : ''
    throw new ContractError(`${expected('date', 'a calendar date as YYYY-MM-DD', date)}${remedy}`)
  }
  if (typeof employeeId !== 'string' || employeeId === '') {
    throw new ContractError(expected('employeeId', 'a non-empty string', employeeId))
  }
  return keyOf({ employeeId, date })
}

/** {@link dayKey} for what is known to be right. */
export function keyOf({ employeeId, date }: { readonly employeeId: string; readonly date: string }): DayKey {
  // A date has a fixed length, so no employee id can make two days collide.
  return `${date}/${employeeId}` as DayKey
}

/** True for a key that {@link keyOf} makes of one of the dates and one of the ids. Any other key is one that nobody looks up. */
export function isKeyOf(key: unknown, dates: ReadonlySet<string>, employeeIds: ReadonlySet<string>): boolean {
  return typeof key === 'string' && key[10] === '/' && dates.has(key.slice(0, 10)) && employeeIds.has(key.slice(11))
}

/** Some employees × some consecutive days, loaded, calculated and saved in one unit of work. */
export interface Block {
  /** Whose data. */
  readonly tenantId: string
  /** In the order of the employee repository; never empty. */
  readonly employeeIds: readonly string[]
  /** Ascending, consecutive; never empty. */
  readonly dates: readonly IsoDate[]
  /** The first of `dates`. */
  readonly from: IsoDate
  /** The last of `dates`, inclusive. */
  readonly to: IsoDate
}
