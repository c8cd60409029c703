import { MINUTE } from './arithmetic.ts'

const DAY = 24 * 60 * MINUTE

const calendars = new Map<string, PlainCalendar>()

/** The days of a zone; each is looked for only once. */
export function calendarOf(zone: string): PlainCalendar {
  const calendar = calendars.get(zone) ?? new PlainCalendar(zone)
  calendars.set(zone, calendar)
  return calendar
}

/** The date `days` after another, or before it. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY).toISOString().slice(0, 10)
}

/** Every date from the first to the last. */
export function datesBetween(from: string, to: string): readonly string[] {
  return from > to ? [] : [from, ...datesBetween(addDays(from, 1), to)]
}

/**
 * Days as a clock on the wall shows them: a day begins with the first minute at which it shows the day's date or a later
 * one. Since 1972 no zone has changed its clock within a minute.
 */
export class PlainCalendar {
  readonly #wall: Intl.DateTimeFormat
  readonly #starts = new Map<string, number>()

  constructor(zone: string) {
    this.#wall = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    })
  }

  /** The first instant of a day; a day that the zone skipped begins and ends where the next one begins. */
  startOf(date: string): number {
    let start = this.#starts.get(date)
    if (start === undefined) {
      // No clock is as far from UTC as this, so here it still shows an earlier date.
      start = Date.parse(date) - 20 * 60 * MINUTE
      while (this.#wall.format(start) < date) start += MINUTE
      this.#starts.set(date, start)
    }
    return start
  }

  /** The first instant that belongs to the next day. */
  endOf(date: string): number {
    return this.startOf(addDays(date, 1))
  }

  /** The day that has begun; when the clock goes back over midnight, the wall shows the day before for a while. */
  dateOf(instant: number): string {
    const shown = this.#wall.format(instant)
    const next = addDays(shown, 1)
    return this.startOf(next) <= instant ? next : shown
  }
}
