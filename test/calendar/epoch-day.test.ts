import { describe, expect, it } from 'vitest'
import { firstEpochDay, fromEpochDay, lastEpochDay, toEpochDay } from '../../src/calendar/epoch-day.ts'
import { isIsoDate } from '../../src/calendar/iso-date.ts'
import { fc } from '../support/fc.ts'
import { anyDate, date } from './arbitraries.ts'

describe('the number of a date', () => {
  it.each([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2000-03-01', 11_017],
    ['1900-01-01', -25_567],
    ['9999-12-31', 2_932_896],
  ] as const)('of %s is %i', (text, day) => {
    expect(toEpochDay(date(text))).toBe(day)
    expect(fromEpochDay(day)).toBe(text)
  })

  it('leads back to the date', () => {
    fc.assert(
      fc.property(anyDate(), (date) => {
        expect(fromEpochDay(toEpochDay(date))).toBe(date)
      }),
    )
  })

  it('counts every date of 1900 to 2200 in order, none twice, none left out', () => {
    let previous = ''
    for (let day = firstEpochDay; day <= toEpochDay(date('2200-12-31')); day++) {
      const text = fromEpochDay(day)
      if (!isIsoDate(text) || text <= previous || toEpochDay(text) !== day)
        expect.fail(`day ${day}: ${previous}, ${text}`)
      previous = text
    }
    expect(previous).toBe('2200-12-31')
  })

  it.each([firstEpochDay - 1, lastEpochDay + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is none', (day) => {
    expect(() => fromEpochDay(day)).toThrow(RangeError)
  })
})
