import { describe, expect, it, test } from 'vitest'
import { dateOf, dayBounds, isZone } from '../../src/calendar/zone.ts'
import { InvalidOptionsError } from '../../src/errors.ts'

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
