import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { addDays } from '../../src/calendar/date-range.ts'
import { msPerDay } from '../../src/calendar/epoch-day.ts'
import type { IsoDate } from '../../src/calendar/iso-date.ts'
import { dateOf, dayBounds, isZone } from '../../src/calendar/zone.ts'
import { InvalidOptionsError } from '../../src/errors.ts'
import { anyDate, date } from './arbitraries.ts'
import { WallClock } from './wall-clock.ts'

const hour = 3_600_000

const zones = Intl.supportedValuesOf('timeZone').map((name) => ({ name, clock: new WallClock(name) }))
type Zone = (typeof zones)[number]

const twoDigits = (number: number) => String(number).padStart(2, '0')
const anyStart = fc.nat(24 * 60 - 1).map((minute) => `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`)
const somewhere = fc.nat(100 * hour)

describe('days that begin later than midnight', () => {
  const bounds = (day: string, zone: string, startsAt: string) => {
    const { start, end } = dayBounds(day, zone, { startsAt })
    return [start.toISOString(), end.toISOString()]
  }

  it('begin at that time of their date and end at that time of the next', () => {
    expect(bounds('2025-01-15', 'Europe/Berlin', '04:00')).toEqual([
      '2025-01-15T03:00:00.000Z',
      '2025-01-16T03:00:00.000Z',
    ])
    expect(dateOf(new Date('2025-01-15T02:59:59.999Z'), 'Europe/Berlin', { startsAt: '04:00' })).toBe('2025-01-14')
    expect(dateOf(new Date('2025-01-15T03:00:00Z'), 'Europe/Berlin', { startsAt: '04:00' })).toBe('2025-01-15')
  })

  it('have 23 or 25 hours where the clock is changed within them, which is the day before when they start after the change', () => {
    expect(bounds('2025-03-29', 'Europe/Berlin', '04:00')).toEqual([
      '2025-03-29T03:00:00.000Z',
      '2025-03-30T02:00:00.000Z',
    ])
    expect(bounds('2025-10-25', 'Europe/Berlin', '04:00')).toEqual([
      '2025-10-25T02:00:00.000Z',
      '2025-10-26T03:00:00.000Z',
    ])
  })

  it('begin where the clock lands when it leaps over their start', () => {
    expect(bounds('2025-03-30', 'Europe/Berlin', '02:30')[0]).toBe('2025-03-30T01:00:00.000Z')
  })

  it('begin at the first of two starts that the clock shows', () => {
    expect(bounds('2025-10-26', 'Europe/Berlin', '02:30')[0]).toBe('2025-10-26T00:30:00.000Z')
    expect(dateOf(new Date('2025-10-26T01:10:00Z'), 'Europe/Berlin', { startsAt: '02:30' })).toBe('2025-10-26')
  })

  it('are empty where the zone skipped them, whatever their start', () => {
    const [start, end] = bounds('2011-12-30', 'Pacific/Apia', '00:00')
    expect(start).toBe(end)
    // From 04:00 on the 30th to 04:00 on the 31st: the clock leaps from the end of the 29th to the start of the 31st.
    expect(bounds('2011-12-30', 'Pacific/Apia', '04:00')).toEqual([
      '2011-12-30T10:00:00.000Z',
      '2011-12-30T14:00:00.000Z',
    ])
    expect(bounds('2011-12-29', 'Pacific/Apia', '04:00')[1]).toBe('2011-12-30T10:00:00.000Z')
  })

  it("are those of midnight when they start at '00:00'", () => {
    expect(dayBounds('2025-03-30', 'Europe/Berlin', { startsAt: '00:00' })).toEqual(
      dayBounds('2025-03-30', 'Europe/Berlin'),
    )
    expect(dayBounds('2025-03-30', 'Europe/Berlin', {})).toEqual(dayBounds('2025-03-30', 'Europe/Berlin'))
  })

  test.each(['24:00', '4:00', '04:60', '04:00:00', '', ' 04:00', '04:00\n', 4, null])(
    'refuse %j as their start',
    (startsAt) => {
      const options = { startsAt: startsAt as string }
      expect(() => dayBounds('2025-03-30', 'Europe/Berlin', options)).toThrow(InvalidOptionsError)
      expect(() => dateOf(new Date(), 'Europe/Berlin', options)).toThrow(
        /^Expected `startsAt` to be a time of day as HH:MM from "00:00" to "23:59", got /,
      )
    },
  )

  it('do not make a zone of the words under which they are remembered', () => {
    dayBounds('2025-03-30', 'Europe/Berlin', { startsAt: '04:00' })
    expect(isZone('04:00 Europe/Berlin')).toBe(false)
  })
})

describe('in every zone that the runtime knows, whatever the time at which days start', () => {
  it('days tile the time line and hold what the wall clock says, from 1900 to 9999', { timeout: 30_000 }, () => {
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
      fc.assert(property, { numRuns: 40, examples })
    }
  })

  it('they do so where they start within minutes of a change of the clock', { timeout: 60_000 }, () => {
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
      fc.assert(property, { numRuns: 20 })
    }
    // So that a runtime whose Intl knows no changes does not pass for one that knows them right.
    expect(found).toBeGreaterThan(10_000)
  })
})

function checkEnclosed({ name }: Zone, instant: number, startsAt: string): void {
  const { start, end } = dayBounds(dateOf(new Date(instant), name, { startsAt }), name, { startsAt })
  if (!(start.getTime() <= instant && instant < end.getTime()))
    expect.fail(`${name} ${startsAt}: ${instant} is in no day`)
}

/** Everything that must hold for a day; plain comparisons, for `expect` would take most of the suite's time. */
function checkDay({ name, clock }: Zone, day: IsoDate, startsAt: string, places: readonly number[]): void {
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
