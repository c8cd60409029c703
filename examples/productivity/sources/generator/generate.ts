import type { Insertable } from 'kysely'
import { addDays, dayBounds, type IsoDate } from 'recalc-service'
import { type Random, seededRandom } from '../../../shared/random.ts'
import type { ActivityLogsTable, ClockTimesTable } from '../../schema/tables.ts'
import { MINUTE } from '../../scoring/arithmetic.ts'
import type { Span } from '../../scoring/span.ts'
import type { Sources } from '../insert-sources.ts'
import { payRates } from './pay.ts'
import { roleConfigs } from './roles.ts'
import { plannedShifts } from './rota.ts'
import { activities, clockedTimes } from './work.ts'

const HOUR = 60 * MINUTE

type ClockTime = Insertable<ClockTimesTable>
type ActivityLog = Insertable<ActivityLogsTable>

/** What to make up; the same options give the same rows. */
export interface GeneratorOptions {
  readonly zone: string
  /** The first day. */
  readonly from: IsoDate
  readonly days: number
  readonly employees: number
  readonly seed: number
  /** What begins later is not booked yet, and what goes on then is still open. Default: everything is over. */
  readonly until?: Date
}

/** A made-up warehouse: early, late, night and split shifts, and all that goes wrong in real bookings. */
export function generateSources({ zone, from, days, employees, seed, until }: GeneratorOptions): Sources {
  const midnights = Array.from({ length: days }, (_, day) => dayBounds(addDays(from, day), zone).start.getTime())
  const seenFrom = until?.getTime() ?? Number.POSITIVE_INFINITY
  const people = Array.from({ length: employees }, (_, index) => index + 1)

  /** The rows of one table; each has random numbers of its own, so tables can be made one after the other. */
  function* perShift<Row>(
    table: number,
    rowsOf: (employeeId: string, planned: Span, random: Random) => Iterable<Row>,
  ): Generator<Row> {
    for (const person of people) {
      const random = seededRandom(seed + 10_000_019 * person + table)
      for (const { day, fromHour, toHour } of plannedShifts(person, days, seededRandom(seed + person))) {
        const midnight = midnights[day] ?? 0
        yield* rowsOf(idOf(person), { start: midnight + fromHour * HOUR, end: midnight + toHour * HOUR }, random)
      }
    }
  }

  return {
    employees: people.map((person) => ({ id: idOf(person), name: `Employee ${person}` })),
    roleConfigs,
    payRates: people.flatMap((person) => payRates(idOf(person), from, days, seededRandom(seed - person))),
    clockTimes: seenBy(seenFrom, perShift(1, clockedTimes)),
    activityLogs: loggedBy(seenFrom, perShift(2, activities)),
  }
}

/** Shifts as they stand in the books at an instant. */
function* seenBy(instant: number, shifts: Iterable<ClockTime>): Generator<ClockTime> {
  for (const shift of shifts) {
    if (shift.clock_in > instant) continue
    yield (shift.clock_out ?? 0) > instant ? { ...shift, clock_out: null } : shift
  }
}

/** Activities that were booked by an instant: that happens when they end. */
function* loggedBy(instant: number, activities: Iterable<ActivityLog>): Generator<ActivityLog> {
  for (const activity of activities) {
    if (Math.max(activity.window_start, activity.window_end) <= instant) yield activity
  }
}

function idOf(person: number): string {
  return `E${String(person).padStart(5, '0')}`
}
