import { addDays, dayBounds, type IsoDate } from 'recalc-service'
import type { Sources } from '../insert-sources.ts'
import { MINUTE } from '../scoring/arithmetic.ts'
import type { Span } from '../scoring/span.ts'
import { type Random, seededRandom } from './random.ts'
import { roleConfigs } from './roles.ts'
import { plannedShifts } from './rota.ts'
import { activities, clockedTimes } from './work.ts'

const HOUR = 60 * MINUTE

/** What to make up; the same options give the same rows. */
export interface GeneratorOptions {
  readonly zone: string
  /** The first day. */
  readonly from: IsoDate
  readonly days: number
  readonly employees: number
  readonly seed: number
}

/** A made-up warehouse: early, late, night and split shifts, and all that goes wrong in real bookings. */
export function generateSources({ zone, from, days, employees, seed }: GeneratorOptions): Sources {
  const midnights = Array.from({ length: days }, (_, day) => dayBounds(addDays(from, day), zone).start.getTime())
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
    clockTimes: perShift(1, clockedTimes),
    activityLogs: perShift(2, activities),
  }
}

function idOf(person: number): string {
  return `E${String(person).padStart(5, '0')}`
}
