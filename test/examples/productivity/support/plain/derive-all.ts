import { alertsOf, type PlainAlert } from './alerts.ts'
import { roundHalfUp, wholeMinutes } from './arithmetic.ts'
import { calendarOf, datesBetween } from './calendar.ts'
import { costOf, type PlainCost } from './costs.ts'
import { type PlainStatus, statusOf } from './current-status.ts'
import { dayOf, type PlainScore, personFrom } from './days.ts'
import { type PlainPrimaryRole, primaryRoleOf } from './primary-role.ts'
import type { PlainSources } from './sources.ts'

interface OfEmployee {
  readonly employeeId: string
}

export interface OfDay extends OfEmployee {
  readonly date: string
}

interface PlainIdlePeriod {
  readonly start: number
  readonly end: number
  readonly durationMinutes: number
  /** In hundredths of a minute. */
  readonly threshold: number
}

/** Every derived table; rows by employee, then date, then type, then instant. */
export interface PlainDerived {
  readonly dailyScores: readonly (OfDay & PlainScore)[]
  readonly idlePeriods: readonly (OfDay & PlainIdlePeriod)[]
  readonly alerts: readonly (OfDay & PlainAlert)[]
  readonly hourlyCosts: readonly (OfDay & PlainCost)[]
  readonly primaryRoles: readonly (OfEmployee & PlainPrimaryRole)[]
  readonly currentStatus: readonly (OfEmployee & PlainStatus)[]
}

/**
 * The rules of the back end once more, word by word, for the tests to compare with: sets and slices of time instead of
 * anything clever. It shares no code with what it judges, so that one mistake is not made twice.
 *
 * @param range - Of which days there are to be rows, both ends inclusive; what is about today does not depend on it.
 */
export function deriveAll(
  sources: PlainSources,
  range: { readonly zone: string; readonly from: string; readonly to: string; readonly now: number },
): PlainDerived {
  const { from, to, now } = range
  const calendar = calendarOf(range.zone)
  const today = calendar.dateOf(now)
  const people = employeeIds(sources).map((employeeId) => personFrom(sources, employeeId, calendar, now))
  const days = people.flatMap((person) =>
    datesBetween(from, to).flatMap((date) => {
      const day = dayOf(person, date)
      return day ? [{ person, key: { employeeId: person.employeeId, date }, day }] : []
    }),
  )
  return {
    dailyScores: days.map(({ key, day }) => ({ ...key, ...day.score })),
    idlePeriods: days.flatMap(({ key, day }) =>
      day.idlePeriods.map(({ start, end, threshold }) => ({
        ...key,
        start,
        end,
        durationMinutes: wholeMinutes(end - start),
        threshold: roundHalfUp(BigInt(threshold), 600n),
      })),
    ),
    alerts: days.flatMap(({ person, key, day }) =>
      alertsOf(person, key.date, day, now).map((alert) => ({ ...key, ...alert })),
    ),
    hourlyCosts: days.flatMap(({ key, day }) => {
      const payRates = sources.payRates.filter(({ employee_id }) => employee_id === key.employeeId)
      const cost = costOf(day.score, key.date, payRates)
      return cost ? [{ ...key, ...cost }] : []
    }),
    primaryRoles: people.flatMap((person) => {
      const primaryRole = primaryRoleOf(person, today)
      return primaryRole ? [{ employeeId: person.employeeId, ...primaryRole }] : []
    }),
    currentStatus: people.flatMap((person) => {
      const status = statusOf(person, today, now)
      return status ? [{ employeeId: person.employeeId, ...status }] : []
    }),
  }
}

function employeeIds(sources: PlainSources): readonly string[] {
  const named = sources.employees.map(({ id }) => id)
  const booked = [...sources.clockTimes, ...sources.activityLogs].map(({ employee_id }) => employee_id)
  return [...new Set([...named, ...booked])].sort()
}
