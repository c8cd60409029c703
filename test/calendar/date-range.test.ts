import { describe, expect, it } from 'vitest'
import { addDays, countDays, datesBetween, dayBefore } from '../../src/calendar/date-range.ts'
import { isIsoDate } from '../../src/calendar/iso-date.ts'
import { fc } from '../support/fc.ts'
import { anyDate, date } from './arbitraries.ts'

describe('addDays', () => {
  it.each([
    ['2024-02-28', 1, '2024-02-29'],
    ['2024-02-28', 2, '2024-03-01'],
    ['2025-02-28', 1, '2025-03-01'],
    ['2024-12-31', 1, '2025-01-01'],
    ['2025-01-01', -1, '2024-12-31'],
    ['2025-03-30', 1, '2025-03-31'],
    ['2025-07-15', 0, '2025-07-15'],
    ['1900-01-01', 2_958_463, '9999-12-31'],
    ['9999-12-31', -2_958_463, '1900-01-01'],
  ])('%s and %i days is %s', (from, n, to) => {
    expect(addDays(date(from), n)).toBe(to)
  })

  it('can be undone, and adds up', () => {
    const days = fc.integer({ min: -400_000, max: 400_000 })
    fc.assert(
      fc.property(anyDate(800_000), days, days, (start, m, n) => {
        const there = addDays(start, n)
        expect(isIsoDate(there)).toBe(true)
        expect(addDays(there, -n)).toBe(start)
        expect(addDays(there, m)).toBe(addDays(start, n + m))
        expect(there > start).toBe(n > 0)
      }),
    )
  })

  it.each([
    ['1900-01-01', -1],
    ['9999-12-31', 1],
    ['2025-01-01', 3_000_000],
    ['2025-01-01', -3_000_000],
    ['2025-01-01', 0.5],
    ['2025-01-01', Number.NaN],
    ['2025-01-01', Number.POSITIVE_INFINITY],
  ])('refuses %s and %d days rather than give a date that is none', (from, n) => {
    expect(() => addDays(date(from), n)).toThrow(
      new RangeError(`${from} plus ${n} days is no date from 1900-01-01 to 9999-12-31`),
    )
  })
})

describe('dayBefore', () => {
  it('is one day less', () => {
    expect(dayBefore(date('2024-03-01'))).toBe('2024-02-29')
    expect(dayBefore(date('1900-01-02'))).toBe('1900-01-01')
    expect(dayBefore(date('9999-12-31'))).toBe('9999-12-30')
  })

  it('does not exist for the first day of the calendar', () => {
    expect(dayBefore(date('1900-01-01'))).toBeUndefined()
  })
})

describe('countDays', () => {
  it.each([
    ['2025-01-01', '2025-01-01', 1],
    ['2025-01-01', '2025-01-31', 31],
    ['2024-01-01', '2024-12-31', 366],
    ['2025-01-02', '2025-01-01', 0],
    ['2025-12-31', '2025-01-01', 0],
    ['1900-01-01', '9999-12-31', 2_958_464],
  ])('%s to %s is %i', (from, to, count) => {
    expect(countDays(date(from), date(to))).toBe(count)
  })

  it('counts what datesBetween lists', () => {
    fc.assert(
      fc.property(anyDate(1_000), fc.integer({ min: -1_000, max: 1_000 }), (from, n) => {
        const to = addDays(from, n)
        expect(datesBetween(from, to)).toHaveLength(countDays(from, to))
        expect(countDays(from, to)).toBe(Math.max(0, n + 1))
      }),
    )
  })
})

describe('datesBetween', () => {
  it('includes both ends', () => {
    expect(datesBetween(date('2024-02-27'), date('2024-03-02'))).toEqual([
      '2024-02-27',
      '2024-02-28',
      '2024-02-29',
      '2024-03-01',
      '2024-03-02',
    ])
    expect(datesBetween(date('2025-05-05'), date('2025-05-05'))).toEqual(['2025-05-05'])
  })

  it('is empty when the end is before the start', () => {
    expect(datesBetween(date('2025-05-05'), date('2025-05-04'))).toEqual([])
  })

  it('reaches both ends of the calendar', () => {
    expect(datesBetween(date('1900-01-01'), date('1900-01-02'))).toEqual(['1900-01-01', '1900-01-02'])
    expect(datesBetween(date('9999-12-30'), date('9999-12-31'))).toEqual(['9999-12-30', '9999-12-31'])
  })

  it('ascends by one day at a time from the first to the last', () => {
    fc.assert(
      fc.property(anyDate(4_000), fc.nat(3_660), (from, n) => {
        const dates = datesBetween(from, addDays(from, n))
        expect(dates[0]).toBe(from)
        dates.forEach((each, index) => {
          if (each !== addDays(from, index)) expect.fail(`${from} + ${index} is ${each}`)
        })
        expect(dates.at(-1)).toBe(addDays(from, n))
      }),
      { numRuns: 30 },
    )
  })
})
