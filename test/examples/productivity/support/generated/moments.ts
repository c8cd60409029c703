import fc from 'fast-check'
import { addDays, calendarOf, datesBetween } from '../plain/calendar.ts'
import { HOUR, MINUTE } from './times.ts'

/** When and where a scenario takes place. */
export interface Moment {
  readonly zone: string
  /** Three days, around which everything happens. */
  readonly dates: readonly string[]
  readonly now: number
  /** Few instants to draw from, so that many rows meet in one. */
  readonly pool: readonly number[]
}

/** Zones, and days that are odd there, or not. */
const places: readonly (readonly [zone: string, date: string])[] = [
  ['Europe/Berlin', '2025-06-17'],
  ['Europe/Berlin', '2025-03-30'], // 23 hours
  ['Europe/Berlin', '2025-10-26'], // 25 hours
  ['Australia/Lord_Howe', '2025-10-05'], // 23 hours and a half
  ['Australia/Lord_Howe', '2025-04-06'], // 24 hours and a half
  ['America/Sao_Paulo', '2018-11-04'], // begins at one o'clock
  ['America/Sao_Paulo', '2018-02-17'], // its last hour comes twice
  ['Africa/Cairo', '2024-04-26'], // begins at one o'clock
  ['America/St_Johns', '2010-11-07'], // its first minute comes before the repeated last hour of the day before
  ['Pacific/Apia', '2011-12-30'], // is skipped
]

export const moments: fc.Arbitrary<Moment> = fc.constantFrom(...places).chain(([zone, date]) => {
  const calendar = calendarOf(zone)
  const dates = datesBetween(addDays(date, -1), addDays(date, 1))
  const edges = [...dates, addDays(date, 2)].map((day) => calendar.startOf(day))
  const [from, to] = [edges[0]!, edges.at(-1)!]
  const anywhere = fc
    .integer({ min: -24 * 12, max: (to - from) / (5 * MINUTE) + 24 * 12 })
    .map((step) => from + step * 5 * MINUTE)
  const within = fc.integer({ min: 0, max: (to - from) / (30 * MINUTE) }).map((step) => from + step * 30 * MINUTE)
  const edge = fc.tuple(fc.constantFrom(...edges), fc.constantFrom(0, 0, 1, -1)).map(([start, by]) => start + by)
  const now = fc.oneof(
    { weight: 8, arbitrary: within },
    { weight: 2, arbitrary: edge },
    { weight: 1, arbitrary: fc.constantFrom(to + 48 * HOUR, to + 27 * 24 * HOUR, to + 60 * 24 * HOUR) },
    { weight: 1, arbitrary: anywhere },
  )
  const pool = fc.array(fc.oneof(edge, anywhere, within, within), { minLength: 4, maxLength: 10 })
  return fc
    .record({ now, pool })
    .map(({ now, pool }) => ({ zone, dates, now, pool: [...pool, ...instantsAround(now, zone)] }))
})

/** What matters to the rules that speak of now: itself, its day's edges, and where the thirty days ending with it begin. */
function instantsAround(now: number, zone: string): readonly number[] {
  const calendar = calendarOf(zone)
  const today = calendar.dateOf(now)
  const longAgo = calendar.startOf(addDays(today, -29))
  return [now, calendar.startOf(today), calendar.endOf(today), longAgo, longAgo - 1]
}

/** What separates instants from others on purpose, in both directions. */
const distances = [0, 3 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 8 * HOUR, 16 * HOUR, 24 * HOUR]
  .flatMap((distance) => [distance, distance + 1])
  .flatMap((distance) => [distance, -distance])

/** One of the pool, or something near to one. */
export function instant({ pool }: Moment): fc.Arbitrary<number> {
  const known = fc.constantFrom(...pool)
  return fc.oneof(
    { weight: 6, arbitrary: known },
    { weight: 3, arbitrary: fc.tuple(known, fc.constantFrom(...distances)).map(([start, by]) => start + by) },
    { weight: 1, arbitrary: fc.tuple(known, fc.integer({ min: 0, max: HOUR })).map(([start, by]) => start + by) },
  )
}
