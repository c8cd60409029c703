import type { Insertable } from 'kysely'
import { addDays, dateOf, dayBounds, type IsoDate } from 'recalc-service'
import { type Random, seededRandom } from '../../shared/random.ts'
import { MINUTE } from '../rules/arithmetic.ts'
import type { Tables } from '../schema/tables.ts'
import { company } from './office-rules.ts'

/** Rows of the source tables, ready to be inserted. */
export type Sources = { readonly [Table in keyof Tables]?: Iterable<Insertable<Tables[Table]>> }

/** What to make up; the same options give the same rows. */
export interface GeneratorOptions {
  readonly zone: string
  /** The moment at which it is seen; nothing is booked for later. */
  readonly now: number
  /** How many days lead up to it. */
  readonly days: number
  readonly employees: number
  readonly seed: number
}

interface Person {
  readonly id: string
  readonly entry: IsoDate
  readonly exit: IsoDate | null
  readonly planId: number
  readonly random: Random
}

/** A made-up office with flextime, a night shift, and all that goes wrong in real bookings. */
export function generateSources(options: GeneratorOptions): Sources {
  const { employees, seed, days, now, zone } = options
  const today = dateOf(new Date(now), zone)
  const first = addDays(today, 1 - days)
  const people = Array.from({ length: employees }, (_, index) => personOf(index + 1, first, days, seed))
  return {
    ...company(first, days),
    employees: people.map(({ id, entry, exit, random }, index) => ({
      id,
      name: `Employee ${index + 1}`,
      entry_date: entry,
      exit_date: exit,
      flextime_start: random.integer(-300, 900),
    })),
    plan_assignments: people.map(({ id, entry, planId }) => assignment(id, entry, planId)),
    absences: numbered(people.flatMap((person) => [...absences(person, first, days)])),
    bookings: numbered(allBookings(people, first, options)),
  }
}

function personOf(number: number, first: IsoDate, days: number, seed: number): Person {
  const random = seededRandom(seed + 10_000_019 * number)
  return {
    id: `E${String(number).padStart(5, '0')}`,
    entry: random.percent(10) ? addDays(first, random.integer(0, Math.floor(days / 2))) : first,
    exit: random.percent(6) ? addDays(first, random.integer(Math.floor(days / 2), days - 1)) : null,
    planId: [1, 1, 2, 3][number % 4] ?? 1,
    random,
  }
}

/** Five days a week; nights begin on Sunday. */
export function assignment(employeeId: string, from: IsoDate, planId: number): Insertable<Tables['plan_assignments']> {
  const isNight = planId === 3
  return {
    employee_id: employeeId,
    valid_from: from,
    monday: planId,
    tuesday: planId,
    wednesday: planId,
    thursday: planId,
    friday: isNight ? null : planId,
    saturday: null,
    sunday: isNight ? planId : null,
  }
}

function* absences({ id, random }: Person, first: IsoDate, days: number) {
  for (let day = random.integer(5, 60); day < days; day += random.integer(20, 90)) {
    const from = addDays(first, day)
    const isHalf = random.percent(15)
    yield {
      employee_id: id,
      from_date: from,
      to_date: addDays(from, isHalf ? 0 : random.integer(0, 11)),
      kind: random.pick(['vacation', 'vacation', 'sick', 'training']),
      half_day: isHalf ? 1 : 0,
    } as const
    // Who falls ill in the holidays has two absences at once.
    if (random.percent(8)) {
      yield { employee_id: id, from_date: from, to_date: addDays(from, 2), kind: 'sick', half_day: 0 } as const
    }
  }
}

type Booked = Omit<Insertable<Tables['bookings']>, 'id'>

function* allBookings(people: readonly Person[], first: IsoDate, { zone, days, now }: GeneratorOptions) {
  for (const person of people) {
    for (let day = 0; day < days; day++) {
      const date = addDays(first, day)
      if (date < person.entry || (person.exit !== null && date > person.exit)) continue
      if (isFree(date, person.planId) ? !person.random.percent(1) : person.random.percent(4)) continue
      const midnight = dayBounds(date, zone).start.getTime()
      for (const booking of dayOf(person, midnight)) if (booking.at <= now) yield booking
    }
  }
}

function isFree(date: IsoDate, planId: number): boolean {
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay()
  return planId === 3 ? weekday === 5 || weekday === 6 : weekday === 0 || weekday === 6
}

/** How a day was booked: some minutes off, now and then doubled, forgotten, or out of order. */
function* dayOf({ id, planId, random }: Person, midnight: number): Generator<Booked> {
  const begins = [8 * 60, 9 * 60, 22 * 60][planId - 1] ?? 8 * 60
  const come = midnight + begins * MINUTE + random.integer(-20 * 60, 20 * 60) * 1000
  const go = come + random.integer(440, 540) * MINUTE + random.integer(0, 59) * 1000
  const pause = come + random.integer(180, 270) * MINUTE
  const booking = (at: number, kind: Booked['kind']): Booked => ({ employee_id: id, at, kind })
  if (!random.percent(1)) yield booking(come, 'come')
  if (random.percent(1)) yield booking(come + random.integer(1, 90) * 1000, 'come')
  if (random.percent(70)) {
    yield booking(pause + random.integer(20, 60) * MINUTE, 'break_end')
    yield booking(pause, 'break_start')
  }
  if (!random.percent(1.5)) yield booking(go, 'go')
  if (random.percent(1)) yield booking(go + random.integer(1, 90) * 1000, 'go')
}

function* numbered<Row>(rows: Iterable<Row>): Generator<Row & { readonly id: number }> {
  let id = 0
  for (const row of rows) yield { ...row, id: ++id }
}
