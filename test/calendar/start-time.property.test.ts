import { describe, expect, it } from 'vitest'
import { addDays } from '../../src/calendar/date-range.ts'
import { msPerDay } from '../../src/calendar/epoch-day.ts'
import type { IsoDate } from '../../src/calendar/iso-date.ts'
import { dateOf, dayBounds } from '../../src/calendar/zone.ts'
import { fc } from '../support/fc.ts'
import { runs } from '../support/runs.ts'
import { anyDate, date } from './arbitraries.ts'
import { type ClockedZone, clockedZones } from './wall-clock.ts'

const hour = 3_600_000

const zones = clockedZones()

const twoDigits = (number: number) => String(number).padStart(2, '0')
const anyStart = fc.nat(24 * 60 - 1).map((minute) => `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`)
const somewhere = fc.nat(100 * hour)

describe('in every zone that the runtime knows, whatever the time at which days start', () => {
  it('days tile the time line and hold what the wall clock says, from 1900 to 9999', () => {
    for (const zone of zones) {
      const property = fc.property(
        anyDate(1),
        anyStart,
        fc.array(somewhere, { maxLength: 4 }),
        (day, startsAt, places) => {
          checkDay(zone, day, startsAt, places)
        },
      )
      const examples: [IsoDate, string, number[]][] = [
        [date('1900-01-02'), '23:59', [hour]],
        [date('9999-12-30'), '23:59', [hour]],
      ]
      fc.assert(property, { numRuns: runs(20, 60), examples })
    }
  })

  it('they do so where they start within minutes of a change of the clock', () => {
    let found = 0
    const minutes = fc.integer({ min: -90, max: 90 })
    for (const zone of zones) {
      const changes = zone.clock.changes(Date.UTC(1900, 0, 1), Date.UTC(2038, 0, 1), 25 * msPerDay)
      found += changes.length
      if (changes.length === 0) continue
      const property = fc.property(
        fc.constantFrom(...changes),
        minutes,
        fc.integer({ min: -1, max: 1 }),
        (change, away, days) => {
          const shown = zone.clock.read(change + away * 60_000)
          const startsAt = shown.slice(11, 16)
          checkDay(zone, addDays(date(shown.slice(0, 10)), days), startsAt, [hour / 4, hour, 2 * hour, 23 * hour])
          for (const instant of [change - 1, change, change + 1]) checkEnclosed(zone, instant, startsAt)
        },
      )
      fc.assert(property, { numRuns: runs(10, 30) })
    }
    // So that a runtime whose Intl knows no changes does not pass for one that knows them right.
    expect(found / zones.length).toBeGreaterThan(20)
  })
})

function checkEnclosed({ name }: ClockedZone, instant: number, startsAt: string): void {
  const { start, end } = dayBounds(dateOf(new Date(instant), name, { startsAt }), name, { startsAt })
  if (!(start.getTime() <= instant && instant < end.getTime()))
    expect.fail(`${name} ${startsAt}: ${instant} is in no day`)
}

/** Everything that must hold for a day; plain comparisons, for `expect` would take most of the suite's time. */
function checkDay({ name, clock }: ClockedZone, day: IsoDate, startsAt: string, places: readonly number[]): void {
  const check = (holds: boolean, claim: string) => {
    if (!holds) expect.fail(`${name} ${day} ${startsAt}: ${claim}`)
  }
  const bounds = dayBounds(day, name, { startsAt })
  const start = bounds.start.getTime()
  const end = bounds.end.getTime()
  const wanted = `${day} ${startsAt}:00`

  check(start <= end, 'starts before it ends')
  check(dayBounds(addDays(day, -1), name, { startsAt }).end.getTime() === start, 'starts where the day before ends')
  check(dayBounds(addDays(day, 1), name, { startsAt }).start.getTime() === end, 'ends where the next day starts')

  check(clock.read(start) >= wanted, 'the clock has reached its start at its start')
  for (let instant = start - 1; instant >= start - 18 * hour; instant -= hour) {
    check(clock.read(instant) < wanted, 'nor at any time before')
  }

  const within = start < end ? [start, end - 1, ...places.map((place) => start + (place % (end - start)))] : []
  for (const instant of within) {
    check(dateOf(new Date(instant), name, { startsAt }) === day, `dateOf(${instant}) agrees`)
    const wentBack = clock.read(instant) < wanted && clock.offsetAt(instant) < clock.offsetAt(start)
    check(clock.read(instant) >= wanted || wentBack, `the clock shows less at ${instant} without having gone back`)
  }
}
