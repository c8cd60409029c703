import { IANAZone } from 'luxon'
import { dayBounds, type IsoDate } from 'recalc-service'
import { MINUTE } from './arithmetic.ts'
import type { Span } from './span.ts'

const HOUR = 60 * MINUTE

const DAY = 24 * HOUR

/** So many hours are remembered of a zone: more than seven years. */
const MOST_HOURS = 65_536

/** By zone: offsets that hold for a whole hour, by its number since 1970. Rounding asks for them again and again. */
const offsetsOfHours = new Map<string, Map<number, number>>()

/** A wall clock in a zone, and the days that it shows. */
export class WallClock {
  readonly #zone: string
  readonly #iana: IANAZone
  readonly #hours: Map<number, number>

  constructor(zone: string) {
    this.#zone = zone
    this.#iana = IANAZone.create(zone)
    this.#hours = offsetsOfHours.get(zone) ?? new Map()
    offsetsOfHours.set(zone, this.#hours)
  }

  /** From the day's first instant to the next day's. */
  dayOf(date: IsoDate): Span {
    const { start, end } = dayBounds(date, this.#zone)
    return { from: start.getTime(), to: end.getTime() }
  }

  /** The instant at which it first shows `HH:MM` on a date, or the first instant after the gap that skips it. `24:00` is midnight. */
  at(date: IsoDate, time: string): number {
    if (time === '24:00') return this.dayOf(date).to
    return dayBounds(date, this.#zone, { startsAt: time }).start.getTime()
  }

  /** The first instant, not before this one, at which it shows a multiple of so many minutes since midnight, or leaps over one. */
  roundUp(instant: number, minutes: number): number {
    const offset = this.#offset(instant)
    const step = minutes * MINUTE
    const before = this.#offset(instant - 1)
    if (before < offset && untilMultiple(instant + before, step) < offset - before) return instant
    const next = instant + untilMultiple(instant + offset, step)
    if (this.#offset(next) === offset) return next
    const turn = this.#turnBetween(instant, next)
    const leapt = next + offset <= turn + this.#offset(turn)
    return leapt ? turn : this.roundUp(turn, minutes)
  }

  /** The last instant, not after this one, at which it shows a multiple of so many minutes since midnight, or leaps over one. */
  roundDown(instant: number, minutes: number): number {
    const offset = this.#offset(instant)
    const step = minutes * MINUTE
    const sinceMidnight = (instant + offset) % DAY
    const last = instant - (sinceMidnight % step)
    if (this.#offset(last) === offset) return last
    const turn = this.#turnBetween(last, instant)
    const leapt = last + offset >= turn + this.#offset(turn - 1)
    return leapt ? turn : this.roundDown(turn - 1, minutes)
  }

  /** The first instant at which the offset is that of `after`, where it is another one at `before`. */
  #turnBetween(before: number, after: number): number {
    const offset = this.#offset(before)
    let [same, turned] = [before, after]
    while (turned - same > 1) {
      const middle = Math.floor((same + turned) / 2)
      if (this.#offset(middle) === offset) same = middle
      else turned = middle
    }
    return turned
  }

  #offset(instant: number): number {
    const hour = Math.floor(instant / HOUR)
    const known = this.#hours.get(hour)
    if (known !== undefined) return known
    const [first, next] = [this.#iana.offset(hour * HOUR), this.#iana.offset((hour + 1) * HOUR)]
    // No zone turns its clocks twice within an hour.
    if (first !== next) return this.#iana.offset(instant) * MINUTE
    if (this.#hours.size >= MOST_HOURS) this.#hours.clear()
    this.#hours.set(hour, first * MINUTE)
    return first * MINUTE
  }
}

/** @param local What the clock shows, as if it were UTC. */
function untilMultiple(local: number, step: number): number {
  const sinceMidnight = local % DAY
  return Math.min(Math.ceil(sinceMidnight / step) * step, DAY) - sinceMidnight
}
