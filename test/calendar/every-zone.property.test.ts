import { describe, expect, it } from 'vitest'
import { addDays } from '../../src/calendar/date-range.ts'
import { msPerDay, toEpochDay } from '../../src/calendar/epoch-day.ts'
import type { IsoDate } from '../../src/calendar/iso-date.ts'
import { dateOf, dayBounds } from '../../src/calendar/zone.ts'
import { fc } from '../support/fc.ts'
import { runs } from '../support/runs.ts'
import { anyDate, date } from './arbitraries.ts'
import { type ClockedZone, clockedZones } from './wall-clock.ts'

const hour = 3_600_000

const zones = clockedZones()

/** Where in a day to look, in milliseconds from its start; more than its length begins anew. */
const somewhere = fc.nat(100 * hour)

describe('in every zone that the runtime knows', () => {
  it('days tile the time line and hold what the wall clock says, from 1900 to 9999', () => {
    for (const zone of zones) {
      const property = fc.property(anyDate(1), fc.array(somewhere, { maxLength: 4 }), (day, places) => {
        checkDay(zone, day, places)
      })
      fc.assert(property, {
        numRuns: runs(30, 100),
        examples: [
          [date('1900-01-02'), [hour]],
          [date('9999-12-30'), [hour]],
        ],
      })
    }
  })

  it('they do so around the days on which the clock was changed', () => {
    let found = 0
    for (const zone of zones) {
      const changes = zone.clock.changes(Date.UTC(1900, 0, 1), Date.UTC(2038, 0, 1), 25 * msPerDay)
      found += changes.length
      const nearMidnight = changes.filter((change) => isNearMidnight(zone, change))
      for (const change of nearMidnight) checkAround(zone, change, 0)
      if (changes.length === 0) continue
      const property = fc.property(fc.constantFrom(...changes), fc.integer({ min: -1, max: 1 }), (change, days) => {
        checkAround(zone, change, days)
      })
      fc.assert(property, { numRuns: runs(5, 20) })
    }
    // So that a runtime whose Intl knows no changes does not pass for one that knows them right.
    expect(found / zones.length).toBeGreaterThan(20)
  })
})

function isNearMidnight({ clock }: ClockedZone, change: number): boolean {
  const hours = [change - 1000, change].map((instant) => Number(clock.read(instant).slice(11, 13)))
  return hours.some((shown) => shown === 0 || shown >= 21)
}

/** The day on which the clock was changed, or one near it, and the instants next to the change. */
function checkAround(zone: ClockedZone, change: number, days: number): void {
  checkDay(zone, addDays(dateOf(new Date(change), zone.name), days), [hour / 4, hour, 2 * hour, 23 * hour])
  for (const instant of [change - 1000, change - 1, change, change + 1, change + hour]) {
    const { start, end } = dayBounds(dateOf(new Date(instant), zone.name), zone.name)
    if (!(start.getTime() <= instant && instant < end.getTime())) expect.fail(`${zone.name}: ${instant} is in no day`)
  }
}

/** Everything that must hold for a day; plain comparisons, for `expect` would take most of the suite's time. */
function checkDay({ name, clock }: ClockedZone, day: IsoDate, places: readonly number[]): void {
  const check = (holds: boolean, claim: string) => {
    if (!holds) expect.fail(`${name} ${day}: ${claim}`)
  }
  const bounds = dayBounds(day, name)
  const start = bounds.start.getTime()
  const end = bounds.end.getTime()

  check(start <= end, 'starts before it ends')
  check(dayBounds(addDays(day, -1), name).end.getTime() === start, 'starts where the day before ends')
  check(dayBounds(addDays(day, 1), name).start.getTime() === end, 'ends where the next day starts')

  check(clock.dateAt(start) >= day, 'the clock has reached the day at its start')
  check(clock.dateAt(start - 1) < day, 'the clock has not reached it a millisecond before')
  const earliest = toEpochDay(day) * msPerDay - 16 * hour
  for (let instant = start - hour; instant >= earliest; instant -= hour) {
    check(clock.dateAt(instant) < day, 'nor at any time before')
  }

  const within = start < end ? [start, end - 1, ...places.map((place) => start + (place % (end - start)))] : []
  for (const instant of within) {
    check(dateOf(new Date(instant), name) === day, `dateOf(${instant}) agrees`)
    const shown = clock.dateAt(instant)
    const wentBack = shown < day && clock.offsetAt(instant) < clock.offsetAt(start)
    check(shown === day || wentBack, `the clock shows ${shown} at ${instant} without having gone back`)
  }
}
