import { type Random, seededRandom } from '../../../../examples/shared/random.ts'
import type { Company } from './company.ts'
import { clockTime, nextDate } from './zone.ts'

/** A small company in which everything odd happens at once, and the moment at which it is seen. */
export interface Scenario {
  readonly zone: string
  readonly now: number
  /** The last day, in the zone. */
  readonly today: string
  readonly company: Company
}

/** Around these days clocks change, years leap, months and years end, a day is skipped, and a date is shown a second time. */
const ANCHORS: readonly [readonly [string, string], ...(readonly [string, string])[]] = [
  ['Europe/Berlin', '2025-03-30'],
  ['Europe/Berlin', '2024-10-27'],
  ['Europe/Berlin', '2024-02-29'],
  ['America/New_York', '2025-11-02'],
  ['America/New_York', '2025-03-09'],
  ['Australia/Lord_Howe', '2025-04-06'],
  ['Australia/Lord_Howe', '2025-10-05'],
  ['Africa/Cairo', '2024-04-26'],
  ['America/Santiago', '2024-09-08'],
  ['Asia/Kathmandu', '2024-12-31'],
  ['Pacific/Apia', '2011-12-30'],
  ['America/St_Johns', '2010-11-07'],
]

const MINUTE = 60_000

export function scenarioOf(seed: number): Scenario {
  const random = seededRandom(seed)
  const [zone, anchor] = random.pick(ANCHORS)
  const first = nextDate(anchor, -random.integer(2, 12))
  const today = nextDate(anchor, random.integer(0, 20))
  const now = clockTime(today, timeOf(random, 24 * 60 - 1), zone) + random.integer(0, 59_999)
  const people = ['anna', 'ben'].slice(0, random.integer(1, 2))
  const ids = [1, 2, 3]
  const dateAround = () => nextDate(first, random.integer(-4, 34))
  const planOrOff = () => (random.percent(20) ? null : random.pick([1, 2, 3]))
  const bookings: Company['bookings'][number][] = []
  const company: Company = {
    employees: people.map((id) => ({
      id,
      name: id,
      entry_date: random.percent(50) ? nextDate(first, -1) : dateAround(),
      exit_date: random.percent(25) ? dateAround() : null,
      flextime_start: random.integer(-600, 600),
    })),
    day_plans: ids.map((id) => planOf(id, random)),
    break_rules: ids.flatMap((plan_id) =>
      // Never two that begin after the same minutes: that is the key.
      [
        [160, 390],
        [391, 570],
      ]
        .filter(() => random.percent(60))
        .map(([least, most]) => ({
          plan_id,
          after_minutes: random.integer(least as number, most as number),
          break_minutes: random.integer(5, 60),
        })),
    ),
    plan_assignments: people.flatMap((employee_id) => {
      const starts = [nextDate(first, random.integer(-30, 3)), dateAround(), dateAround()]
      return [...new Set(starts.slice(0, random.integer(0, 3)))].map((valid_from) => ({
        employee_id,
        valid_from,
        monday: planOrOff(),
        tuesday: planOrOff(),
        wednesday: planOrOff(),
        thursday: planOrOff(),
        friday: planOrOff(),
        saturday: planOrOff(),
        sunday: planOrOff(),
      }))
    }),
    holidays: [...new Set([dateAround(), dateAround()])]
      .filter(() => random.percent(50))
      .map((date) => ({ date, name: 'Holiday', credit_percent: random.pick([100, 50, 33, 120, 0]) })),
    absence_kinds: [
      { kind: 'vacation', credit_percent: 100, is_vacation: 1 },
      { kind: 'sick', credit_percent: random.pick([100, 67]), is_vacation: 0 },
      { kind: 'unpaid', credit_percent: 0, is_vacation: 0 },
    ],
    absences: shuffled(
      random,
      people.flatMap((employee_id) => Array.from({ length: random.integer(0, 4) }, () => employee_id)),
    ).map((employee_id, index) => {
      const from_date = dateAround()
      return {
        id: index + 1,
        employee_id,
        from_date,
        to_date: nextDate(from_date, random.integer(0, 5)),
        kind: random.pick(['vacation', 'sick', 'unpaid']),
        half_day: random.percent(30) ? 1 : 0,
      }
    }),
    bookings,
    flextime_rules: random.percent(15)
      ? []
      : [
          {
            id: 1,
            max_credit_per_month: random.percent(50) ? random.integer(0, 900) : null,
            cap: random.percent(50) ? random.integer(0, 1_200) : null,
            floor: random.percent(50) ? random.integer(-1_200, 0) : null,
          },
        ],
  }
  const booked = people.flatMap((employee_id) => [...bookingsOf(employee_id, first, today, zone, random)])
  bookings.push(...shuffled(random, booked).map((booking, index) => ({ id: index + 1, ...booking })))
  return { zone, now, today, company }
}

function planOf(id: number, random: Random): Company['day_plans'][number] {
  const overnight = random.percent(id === 3 ? 80 : 10) ? 1 : 0
  const hasCore = random.percent(60)
  return {
    id,
    name: `Plan ${id}`,
    target_minutes: random.pick([480, 462, 300, 0]),
    frame_from: random.pick(['00:00', '02:30', '06:00', '06:10', '07:00', '20:00']),
    frame_to: random.pick(['23:59', '20:00', '19:07', '16:00']),
    core_from: hasCore ? random.pick(['02:15', '09:00', '08:20', '22:00']) : null,
    core_to: hasCore || random.percent(10) ? random.pick(['15:00', '14:50', '03:00', '23:00']) : null,
    tolerance_minutes: random.pick([0, 5, 10, 30]),
    round_come: random.pick([1, 5, 15, 60, 45, 7]),
    round_go: random.pick([1, 5, 15, 60, 50]),
    max_net_minutes: random.percent(30) ? random.integer(300, 600) : null,
    overnight,
    no_booking: random.pick(['error', 'target', 'zero']),
  }
}

type Unnumbered = Omit<Company['bookings'][number], 'id'>

function* bookingsOf(
  employee_id: string,
  first: string,
  today: string,
  zone: string,
  random: Random,
): Generator<Unnumbered> {
  for (let date = nextDate(first, -3); date <= nextDate(today, 1); date = nextDate(date)) {
    if (random.percent(25)) continue
    const fuzz = () => (random.percent(50) ? random.integer(-20 * MINUTE, 20 * MINUTE) : 0)
    const start = clockTime(date, random.pick(['08:00', '09:05', '22:00', '01:50', '02:10', '16:00', '23:45']), zone)
    const begin = start + fuzz()
    const end = random.percent(5)
      ? begin + random.pick([24 * 60 * MINUTE, 24 * 60 * MINUTE + 1, 0, 30_000])
      : begin + random.pick([480, 510, 600, 250, 90, 20, 700, 23 * 60]) * MINUTE + fuzz()
    const booking = (at: number, kind: Unnumbered['kind']): Unnumbered => ({ employee_id, at, kind })
    if (!random.percent(6)) yield booking(begin, 'come')
    if (random.percent(4)) yield booking(begin + random.pick([0, 1, MINUTE]), 'come')
    if (random.percent(55)) {
      const pause = begin + random.integer(-30, 300) * MINUTE
      yield booking(pause, 'break_start')
      if (!random.percent(8))
        yield booking(pause + random.integer(0, 60) * MINUTE + random.integer(0, 999), 'break_end')
    }
    if (random.percent(10)) {
      const middle = begin + Math.floor((end - begin) / 2)
      yield booking(middle, 'go')
      yield booking(middle + random.pick([0, 1, 10 * MINUTE]), 'come')
    }
    if (!random.percent(6)) yield booking(end, 'go')
    if (random.percent(4)) yield booking(end + random.pick([0, 1, MINUTE]), 'go')
  }
}

function timeOf(random: Random, most: number): string {
  const minutes = random.integer(0, most)
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
}

function shuffled<T>(random: Random, members: Iterable<T>): T[] {
  return [...members]
    .map((member) => [random.fraction(), member] as const)
    .sort(([a], [b]) => a - b)
    .map(([, member]) => member)
}
