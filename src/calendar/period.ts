import { ContractError } from '../errors.ts'
import { describe } from '../expectation.ts'
import { addDays, type DateInterval } from './date-range.ts'
import { firstEpochDay, fromEpochDay, lastEpochDay, toEpochDay } from './epoch-day.ts'
import { type IsoDate, isIsoDate } from './iso-date.ts'

/** Periods of a host's own, such as its pay periods. Each date is in exactly one; there are no gaps between them. */
export interface OwnPeriods {
  /** The first date of the period that holds `date`. */
  startOf(date: IsoDate): IsoDate
  /** Its last date. */
  endOf(date: IsoDate): IsoDate
}

/** Calendar months, ISO weeks (Monday to Sunday, also over the end of a year), or periods of a host's own. */
export type PeriodKind = 'month' | 'week' | OwnPeriods

/**
 * The period that holds `date`. At the ends of the calendar a week ends with it.
 *
 * @throws {ContractError} when periods of a host's own do not hold the date, their ends are in other periods, or they throw.
 */
export function periodOf(kind: PeriodKind, date: IsoDate): DateInterval {
  if (kind === 'month') return monthOf(date)
  if (kind === 'week') return weekOf(date)
  const period = ownPeriodOf(kind, date)
  for (const end of [period.from, period.to]) {
    const same = ownPeriodOf(kind, end)
    if (same.from !== period.from || same.to !== period.to) {
      throw new ContractError(`${date} is in the period ${inWords(period)}, but its ${end} in ${inWords(same)}`)
    }
  }
  return period
}

/**
 * The periods that share a date with the interval, ascending; none when `to` is before `from`.
 *
 * @throws {ContractError} as {@link periodOf}, and when a period does not begin on the day after the one before.
 */
export function periodsBetween(kind: PeriodKind, { from, to }: DateInterval): readonly DateInterval[] {
  const periods: DateInterval[] = []
  for (let next = from; next <= to; ) {
    const period = periodOf(kind, next)
    if (periods.length > 0 && period.from !== next) {
      throw new ContractError(`The period ${inWords(period)} should begin on ${next}, after the one before`)
    }
    periods.push(period)
    if (period.to >= to) break // there may be no day after it
    next = addDays(period.to, 1)
  }
  return periods
}

function monthOf(date: IsoDate): DateInterval {
  const lastDay = new Date(Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)), 0)).getUTCDate()
  const month = date.slice(0, 8)
  return { from: `${month}01` as IsoDate, to: `${month}${lastDay}` as IsoDate } // dates of the month of a proven date
}

/** The calendar begins on a Monday. */
function weekOf(date: IsoDate): DateInterval {
  const day = toEpochDay(date)
  const monday = day - ((day - firstEpochDay) % 7)
  return { from: fromEpochDay(monday), to: fromEpochDay(Math.min(monday + 6, lastEpochDay)) }
}

function ownPeriodOf(own: OwnPeriods, date: IsoDate): DateInterval {
  const period = { from: ask(own, 'startOf', date), to: ask(own, 'endOf', date) }
  const { from, to } = period
  if (isIsoDate(from) && isIsoDate(to) && from <= date && date <= to) return { from, to }
  throw new ContractError(`The period of ${date} does not hold it: startOf and endOf gave ${inWords(period)}`)
}

/** Days have no period where this throws, so that neither a block nor a day can be tried without it. */
function ask(own: OwnPeriods, end: 'startOf' | 'endOf', date: IsoDate): unknown {
  try {
    return own[end](date)
  } catch (cause) {
    throw new ContractError(`The period of ${date} is unknown: ${end} threw ${describe(messageOf(cause))}`, { cause })
  }
}

function messageOf(thrown: unknown): unknown {
  return thrown instanceof Error ? thrown.message : thrown
}

function inWords({ from, to }: Readonly<Record<'from' | 'to', unknown>>): string {
  return [from, to].map((date) => (typeof date === 'string' ? date : describe(date))).join(' to ')
}
