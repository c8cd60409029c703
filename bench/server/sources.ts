import type { Insertable } from 'kysely'
import { addDays, dayBounds, type IsoDate } from 'recalc-service'
import type { ActivityLogsTable } from '../../examples/productivity/schema/tables.ts'
import { MINUTE } from '../../examples/productivity/scoring/arithmetic.ts'
import type { Span } from '../../examples/productivity/scoring/span.ts'
import { payRates } from '../../examples/productivity/sources/generator/pay.ts'
import { roleConfigs } from '../../examples/productivity/sources/generator/roles.ts'
import { clockedTimes } from '../../examples/productivity/sources/generator/work.ts'
import type { Sources } from '../../examples/productivity/sources/insert-sources.ts'
import { type Random, seededRandom } from '../../examples/shared/random.ts'

const HOUR = 60 * MINUTE

/** Early, late and night; the next person's shift is the next of them. */
const SHIFTS = [
  { from: 6 * HOUR, to: 14 * HOUR },
  { from: 14 * HOUR, to: 22.5 * HOUR },
  { from: 22 * HOUR, to: 30 * HOUR },
] as const

/** How much there is to be. */
export interface Size {
  readonly zone: string
  readonly from: IsoDate
  readonly days: number
  readonly employees: number
  readonly activitiesPerDay: number
}

/** Everybody works every day and does the same number of things: the demo's generator leaves days out, and counts vary. */
export function benchSources({ zone, from, days, employees, activitiesPerDay }: Size): Sources {
  const midnights = Array.from({ length: days }, (_, day) => dayBounds(addDays(from, day), zone).start.getTime())
  const people = Array.from({ length: employees }, (_, index) => index + 1)

  function* perShift<Row>(table: number, rowsOf: (id: string, shift: Span, random: Random) => Iterable<Row>) {
    for (const person of people) {
      const random = seededRandom(10_000_019 * person + table)
      const { from: begin, to: end } = SHIFTS[person % SHIFTS.length] ?? SHIFTS[0]
      for (const midnight of midnights)
        yield* rowsOf(idOf(person), { start: midnight + begin, end: midnight + end }, random)
    }
  }

  return {
    employees: people.map((person) => ({ id: idOf(person), name: `Employee ${person}` })),
    roleConfigs,
    payRates: people.flatMap((person) => payRates(idOf(person), from, days, seededRandom(person))),
    clockTimes: perShift(1, clockedTimes),
    activityLogs: perShift(2, (id, shift, random) => activities(id, shift, random, activitiesPerDay)),
  }
}

/** The shift in equal parts, with something done in each: of any length, so that some overlap and some leave a gap. */
function* activities(
  employee_id: string,
  { start, end }: Span,
  random: Random,
  count: number,
): Generator<Insertable<ActivityLogsTable>> {
  const part = (end - start) / count
  const roles = [random.pick(roleConfigs), random.pick(roleConfigs)] as const
  for (let number = 0; number < count; number++) {
    const role = random.pick(roles)
    const begin = Math.floor(start + number * part + random.fraction() * part)
    yield {
      employee_id,
      role_id: role.id,
      window_start: begin,
      window_end: begin + length(random, part),
      items_count: random.integer(1, role.expected_per_hour ?? 6),
    }
  }
}

/** As in the demo: now and then a mere booking, a clock that ran backwards, or something left open for two days. */
function length(random: Random, part: number): number {
  if (random.percent(0.2)) return 48 * HOUR
  if (random.percent(0.5)) return -random.integer(1, MINUTE)
  if (random.percent(15)) return 0
  return Math.floor(part * (0.3 + random.fraction()))
}

function idOf(person: number): string {
  return `E${String(person).padStart(5, '0')}`
}
