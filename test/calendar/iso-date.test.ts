import { describe, expect, it } from 'vitest'
import { isIsoDate, parseIsoDate } from '../../src/calendar/iso-date.ts'
import { InvalidRequestError } from '../../src/errors.ts'
import { fc } from '../support/fc.ts'
import { anyDate } from './arbitraries.ts'

const good = [
  '1900-01-01',
  '9999-12-31',
  '2024-02-29',
  '2000-02-29',
  '2025-02-28',
  '2025-04-30',
  '2025-12-31',
  '2025-01-31',
]

const bad: [what: string, value: unknown][] = [
  ['a day that its month does not have', '2025-02-30'],
  ['a 31st of a month of 30 days', '2025-04-31'],
  ['a leap day of a common year', '2025-02-29'],
  ['a leap day of a century that is no leap year', '2100-02-29'],
  ['a leap day of 1900', '1900-02-29'],
  ['month 0', '2025-00-10'],
  ['month 13', '2025-13-10'],
  ['day 0', '2025-01-00'],
  ['day 32', '2025-01-32'],
  ['the day before the calendar begins', '1899-12-31'],
  ['the day after the calendar ends', '10000-01-01'],
  ['year 0', '0000-01-01'],
  ['a year with a sign', '+02025-02-03'],
  ['missing zeros', '2025-2-3'],
  ['two digits of the year', '25-02-03'],
  ['no separators', '20250203'],
  ['other separators', '2025/02/03'],
  ['another order', '03-02-2025'],
  ['a time', '2025-02-03T00:00'],
  ['a time and a zone', '2025-02-03T00:00:00Z'],
  ['a space before', ' 2025-02-03'],
  ['a space after', '2025-02-03 '],
  ['a newline after', '2025-02-03\n'],
  ['a line before', '\n2025-02-03'],
  ['a good line after another', 'x\n2025-02-03'],
  ['full-width digits', '２０２５-０２-０３'],
  ['Arabic digits', '٢٠٢٥-٠٢-٠٣'],
  ['a typographic minus', '2025−02−03'],
  ['an exponent', '2e25-02-03'],
  ['the empty string', ''],
  ['a Date', new Date('2025-02-03')],
  ['an invalid Date', new Date(Number.NaN)],
  ['a String object', new String('2025-02-03')],
  ['an array of a date', ['2025-02-03']],
  ['an object that reads as a date', { toString: () => '2025-02-03' }],
  ['a number', 20250203],
  ['NaN', Number.NaN],
  ['a bigint', 20250203n],
  ['true', true],
  ['null', null],
  ['undefined', undefined],
  ['a symbol', Symbol('2025-02-03')],
  ['a function', () => '2025-02-03'],
]

describe('a calendar date', () => {
  it.each(good)('%s is one, and is passed on as it is', (value) => {
    expect(isIsoDate(value)).toBe(true)
    expect(parseIsoDate(value, 'from')).toBe(value)
  })

  it.each(bad)('is not %s', (_, value) => {
    expect(isIsoDate(value)).toBe(false)
    expect(() => parseIsoDate(value, 'from')).toThrow(InvalidRequestError)
  })

  it('is refused with the name, what was expected and what came', () => {
    expect(() => parseIsoDate('2025-02-30', 'from')).toThrow(
      new InvalidRequestError(
        'Expected `from` to be a calendar date as YYYY-MM-DD from 1900-01-01 to 9999-12-31, got "2025-02-30"',
      ),
    )
    expect(() => parseIsoDate(new Date(0), 'request.to')).toThrow(
      'Expected `request.to` to be a calendar date as YYYY-MM-DD from 1900-01-01 to 9999-12-31, got Date(1970-01-01T00:00:00.000Z)',
    )
  })

  it('is what the Gregorian calendar says, for every day 0 to 32 of every month 0 to 13', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1895, max: 9999 }), (year) => {
        for (let month = 0; month <= 13; month++) {
          for (let day = 0; day <= 32; day++) {
            const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
            expect(isIsoDate(text), text).toBe(year >= 1900 && isGregorian(year, month, day))
          }
        }
      }),
      { numRuns: 30, examples: [[1899], [1900], [2000], [2024], [2100], [9999]] },
    )
  })

  it('is not what differs from one in any single character', () => {
    const other = fc.constantFrom('', 'x', ' ', '\n', '-', '٣', '３', '0-')
    fc.assert(
      fc.property(anyDate(), fc.nat(9), other, (date, position, character) => {
        fc.pre(date[position] !== character)
        expect(isIsoDate(date.slice(0, position) + character + date.slice(position + 1))).toBe(false)
      }),
    )
  })
})

/** By the rule as Pope Gregory gave it, not by the platform's dates. */
function isGregorian(year: number, month: number, day: number): boolean {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const lengths = [0, 31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0]
  return day >= 1 && day <= (lengths[month] ?? 0)
}
