import { isLong } from '../support/runs.ts'
import { seed } from '../support/seed.ts'

/** What a clock on the wall shows, told by Intl alone: the oracle that knows neither luxon nor the code under test. */
class WallClock {
  readonly #format: Intl.DateTimeFormat

  constructor(zone: string) {
    this.#format = new Intl.DateTimeFormat('sv-SE-u-ca-iso8601-nu-latn', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  }

  /** `YYYY-MM-DD hh:mm:ss`, as Swedes write it; sorts as it reads up to the end of 9999. */
  read(instant: number): string {
    return this.#format.format(instant)
  }

  dateAt(instant: number): string {
    return this.read(instant).slice(0, 10)
  }

  /** How far the clock is ahead of UTC, in milliseconds. */
  offsetAt(instant: number): number {
    return Date.parse(`${this.read(instant).replace(' ', 'T')}Z`) - Math.floor(instant / 1000) * 1000
  }

  /** The instants at which the clock was changed, found by looking every `step` milliseconds. */
  changes(from: number, to: number, step: number): number[] {
    const changes: number[] = []
    let offset = this.offsetAt(from)
    for (let low = from; low < to; low += step) {
      const next = this.offsetAt(low + step)
      if (next !== offset) changes.push(this.#changeBetween(low, low + step, offset))
      offset = next
    }
    return changes
  }

  #changeBetween(from: number, to: number, offset: number): number {
    let low = from
    let high = to
    while (high - low > 1000) {
      const middle = Math.floor((low + high) / 2000) * 1000
      if (this.offsetAt(middle) === offset) low = middle
      else high = middle
    }
    return high
  }
}

/** A zone and its clock. */
export interface ClockedZone {
  readonly name: string
  readonly clock: WallClock
}

/** How many of the runtime's zones are looked at: one of so many, each time others; in the long form all. */
const ONE_OF = isLong ? 1 : 5

/** Zones that the runtime knows, each with its clock. */
export function clockedZones(): readonly ClockedZone[] {
  const names = Intl.supportedValuesOf('timeZone').filter((_, i) => i % ONE_OF === seed % ONE_OF)
  return names.map((name) => ({ name, clock: new WallClock(name) }))
}
