import { IANAZone } from 'luxon'
import { InvalidOptionsError, InvalidRequestError } from '../errors.ts'
import { expected } from '../expectation.ts'
import { type OffsetAt, startOfDay } from './day-start.ts'
import { firstEpochDay, fromEpochDay, lastEpochDay, msPerDay, toEpochDay } from './epoch-day.ts'
import { type IsoDate, parseIsoDate } from './iso-date.ts'
import { type DayStart, MIDNIGHT, parseStartTime } from './start-time.ts'

/** Day starts remembered per zone, and zones remembered: together they bound the room's memory to some 20 MB. */
const maxStarts = 8_192
const maxZones = 64

/** The IANA database's own names of three letters; the runtime takes any other for a place it once stood for. */
const threeLetterZones = new Set('CET EET EST GMT HST MET MST PRC ROC ROK UCT UTC WET'.split(' '))

/** By zone; where days do not start at midnight, by that time and the zone. */
const calendars = new Map<string, ZoneCalendar>()

/**
 * True for the name of a time zone in the IANA database that this runtime knows, in any case of letters.
 *
 * False also for what the runtime would take although it is no IANA name: fixed offsets (`+01:00`; write `Etc/GMT-1`) and
 * abbreviations, of which `BST` would mean Bangladesh and `AST` Alaska.
 */
export function isZone(zone: unknown): zone is string {
  if (typeof zone !== 'string') return false
  if (!/^(?!SystemV\/)[a-z]/i.test(zone)) return false
  if (calendars.has(zone)) return true
  if (/^[a-z]{3}$/i.test(zone) && !threeLetterZones.has(zone.toUpperCase())) return false
  return IANAZone.isValidZone(zone)
}

/**
 * The instants between which a day lies in a zone, half-open: `start <= instant < end`. A day starts at the first instant
 * whose local date is that day or a later one, and ends where the next one starts. So no instant belongs to two days or to
 * none, a day lasts 23, 24, 25 or any other number of hours, and a day that the zone skipped is empty: `start` equals `end`.
 *
 * With `startsAt` a day starts at that time of its date instead of midnight: where the clock leaps over that time, at the
 * instant of the leap; where the clock shows it twice, at the first of the two. Everything else holds as before.
 *
 * Asking again costs less than a microsecond.
 *
 * @throws {InvalidRequestError} when `date` is no calendar date as `YYYY-MM-DD` from 1900-01-01 to 9999-12-31.
 * @throws {InvalidOptionsError} when `zone` is no IANA time zone, or `startsAt` is no time of day as `HH:MM`.
 *
 * @example
 * const { start, end } = dayBounds('2025-03-30', 'Europe/Berlin')   // 2025-03-29T23:00:00Z, 2025-03-30T22:00:00Z: 23 hours
 * const rows = db.selectFrom('clock_times').where('at', '>=', start).where('at', '<', end)
 */
export function dayBounds(
  date: IsoDate | string,
  zone: string,
  options?: DayStart,
): {
  /** The first instant of the day. */
  start: Date
  /** The first instant after the day. */
  end: Date
} {
  const day = toEpochDay(parseIsoDate(date, 'date'))
  const calendar = calendarOf(zone, options)
  return { start: new Date(calendar.startOf(day)), end: new Date(calendar.startOf(day + 1)) }
}

/**
 * The day that an instant belongs to in a zone: the one date whose {@link dayBounds} enclose it. That is what the wall
 * clock shows, except where the clock went back over midnight: the repeated minutes count to the day that had begun. With
 * `startsAt`, what is earlier in the day than that belongs to the day before.
 *
 * Made to be called per row: well under a microsecond for instants of days that were asked for before.
 *
 * @throws {InvalidRequestError} when `instant` is no valid `Date`, or its day is outside 1900-01-01 to 9999-12-31.
 * @throws {InvalidOptionsError} when `zone` is no IANA time zone, or `startsAt` is no time of day as `HH:MM`.
 *
 * @example
 * dateOf(new Date('2025-03-29T23:30:00Z'), 'Europe/Berlin')   // '2025-03-30'
 * dateOf(new Date('2025-03-29T23:30:00Z'), 'Europe/Berlin', { startsAt: '04:00' })   // '2025-03-29'
 */
export function dateOf(instant: Date, zone: string, options?: DayStart): IsoDate {
  const time = instant instanceof Date ? instant.getTime() : Number.NaN
  const date = calendarOf(zone, options).dateAt(time)
  if (date === undefined) {
    const wanted = `a valid Date from 1900-01-01 to 9999-12-31 in ${zone}`
    throw new InvalidRequestError(expected('instant', wanted, instant))
  }
  return date
}

function calendarOf(zone: string, { startsAt = MIDNIGHT }: DayStart = midnight): ZoneCalendar {
  // No zone's name begins with a digit.
  const key = startsAt === MIDNIGHT ? zone : `${startsAt} ${zone}`
  let calendar = calendars.get(key)
  if (calendar === undefined) {
    if (!isZone(zone)) {
      throw new InvalidOptionsError(expected('zone', 'an IANA time zone such as "Europe/Berlin"', zone))
    }
    calendar = new ZoneCalendar(offsets(zone), parseStartTime(startsAt, 'startsAt'))
    if (calendars.size >= maxZones) calendars.clear()
    calendars.set(key, calendar)
  }
  return calendar
}

const midnight: DayStart = {}

function offsets(zone: string): OffsetAt {
  // luxon keeps a formatter for every spelling it is asked for, forever; in one case of letters they cannot pile up.
  const ianaZone = IANAZone.create(zone.toLowerCase())
  // luxon speaks of minutes, and of fractions of them for local mean time such as +0:09:21.
  return (instant) => Math.round(ianaZone.offset(instant) * 60_000)
}

/** The days of one zone, remembered: an offset costs luxon microseconds, and calculators ask for the same days again. */
class ZoneCalendar {
  readonly #offsetAt: OffsetAt
  readonly #startsAt: number
  readonly #starts = new Map<number, number>()
  readonly #start: number
  readonly #end: number
  /** The day of the last hit: rows come sorted by time more often than not. */
  #last: { readonly date: IsoDate; readonly start: number; readonly end: number } | undefined

  constructor(offsetAt: OffsetAt, startsAt: number) {
    this.#offsetAt = offsetAt
    this.#startsAt = startsAt
    this.#start = this.startOf(firstEpochDay)
    this.#end = this.startOf(lastEpochDay + 1)
  }

  startOf(day: number): number {
    let start = this.#starts.get(day)
    if (start === undefined) {
      start = startOfDay(day, this.#offsetAt, this.#startsAt)
      if (this.#starts.size >= maxStarts) this.#starts.clear()
      this.#starts.set(day, start)
    }
    return start
  }

  /** `undefined` outside the calendar, and for NaN. */
  dateAt(time: number): IsoDate | undefined {
    const last = this.#last
    if (last !== undefined && last.start <= time && time < last.end) return last.date
    if (!(this.#start <= time && time < this.#end)) return undefined

    // The day in UTC is the right one or a neighbour; the starts decide, so that `dayBounds` cannot disagree.
    let day = Math.floor(time / msPerDay)
    while (time < this.startOf(day)) day--
    while (time >= this.startOf(day + 1)) day++
    const date = fromEpochDay(day)
    this.#last = { date, start: this.startOf(day), end: this.startOf(day + 1) }
    return date
  }
}
