import { describe, expect, it } from 'vitest'
import { addDays, countDays, type DateInterval } from '../../src/calendar/date-range.ts'
import type { IsoDate } from '../../src/calendar/iso-date.ts'
import { type OwnPeriods, type PeriodKind, periodOf, periodsBetween } from '../../src/calendar/period.ts'
import { ContractError } from '../../src/errors.ts'
import { fc } from '../support/fc.ts'
import { anyDate, date } from './arbitraries.ts'

/** Ends on the 15th and on the last day of the month. */
const halfMonths: OwnPeriods = {
  startOf: (day) => date(`${day.slice(0, 8)}${day.slice(8) <= '15' ? '01' : '16'}`),
  endOf: (day) => (day.slice(8) <= '15' ? date(`${day.slice(0, 8)}15`) : periodOf('month', day).to),
}

const interval = (from: string, to: string): DateInterval => ({ from: date(from), to: date(to) })

describe('periodOf', () => {
  it.each<[PeriodKind, string, string, string]>([
    ['month', '2024-02-10', '2024-02-01', '2024-02-29'],
    ['month', '2025-02-28', '2025-02-01', '2025-02-28'],
    ['month', '9999-12-31', '9999-12-01', '9999-12-31'],
    ['week', '2024-12-31', '2024-12-30', '2025-01-05'],
    ['week', '2021-01-03', '2020-12-28', '2021-01-03'],
    ['week', '1969-12-31', '1969-12-29', '1970-01-04'],
    ['week', '1900-01-01', '1900-01-01', '1900-01-07'],
    ['week', '9999-12-31', '9999-12-27', '9999-12-31'],
    [halfMonths, '2024-02-20', '2024-02-16', '2024-02-29'],
  ])('of kind %o around %s is %s to %s', (kind, day, from, to) => {
    expect(periodOf(kind, date(day))).toEqual({ from, to })
  })

  it.each<[string, Partial<OwnPeriods>, string]>([
    ['begins after the date', { startOf: (day) => addDays(day, 1) }, 'does not hold it'],
    ['ends before the date', { endOf: (day) => addDays(day, -1) }, 'does not hold it'],
    ['begins on no date', { startOf: () => '2024-2-1' as IsoDate }, 'gave 2024-2-1 to 2024-02-15'],
    ['moves with the date at its start', { startOf: (day) => addDays(day, -3) }, 'but its 2024-02-07 in'],
    [
      'has a last date of another period',
      { startOf: (day) => date(day === '2024-02-15' ? day : '2024-02-01') },
      'but its 2024-02-15 in',
    ],
    ['moves with the date at its end', { endOf: (day) => addDays(day, 3) }, 'but its 2024-02-01 in'],
    ['throws', { endOf: () => fail(new Error('no calendar')) }, 'is unknown: endOf threw "no calendar"'],
    ['throws what is no error', { startOf: () => fail(Object.create(null)) }, 'is unknown: startOf threw {}'],
    ['is no text', { startOf: () => Object.create(null) as IsoDate }, 'gave {} to 2024-02-15'],
  ])('refuses a period of a host that %s', (_, wrong, message) => {
    const find = () => periodOf({ ...halfMonths, ...wrong }, date('2024-02-10'))
    expect(find).toThrow(ContractError)
    expect(find).toThrow(message)
  })
})

describe('periodsBetween', () => {
  it('gives the periods that the interval only touches, whole', () => {
    expect(periodsBetween('month', interval('2024-01-31', '2024-03-01'))).toEqual([
      interval('2024-01-01', '2024-01-31'),
      interval('2024-02-01', '2024-02-29'),
      interval('2024-03-01', '2024-03-31'),
    ])
  })

  it('gives none when the interval ends before it begins', () => {
    expect(periodsBetween('week', interval('2024-01-02', '2024-01-01'))).toEqual([])
  })

  it('comes to an end at the end of the calendar', () => {
    expect(periodsBetween('week', interval('9999-12-26', '9999-12-31'))).toHaveLength(2)
    expect(periodsBetween('month', interval('9999-12-30', '9999-12-31'))).toHaveLength(1)
  })

  it('holds each date of the interval exactly once, in the period of that date', () => {
    const kinds = fc.constantFrom<PeriodKind>('month', 'week', halfMonths)
    fc.assert(
      fc.property(kinds, anyDate(400_000), fc.integer({ min: 0, max: 400 }), (kind, from, days) => {
        const to = addDays(from, days)
        const periods = periodsBetween(kind, { from, to })
        for (const [i, period] of periods.entries()) {
          expect(periodOf(kind, period.from)).toEqual(period)
          expect(periodOf(kind, period.to)).toEqual(period)
          if (i > 0) expect(countDays(periods[i - 1]!.to, period.from)).toBe(2)
        }
        expect(periods[0]).toEqual(periodOf(kind, from))
        expect(periods.at(-1)).toEqual(periodOf(kind, to))
      }),
    )
  })

  it('refuses periods of a host that begin before the one before has ended', () => {
    const inner = interval('2024-02-05', '2024-02-10')
    const outer = interval('2024-02-01', '2024-02-20')
    const holding = (day: IsoDate) => (inner.from <= day && day <= inner.to ? inner : outer)
    const nested: OwnPeriods = { startOf: (day) => holding(day).from, endOf: (day) => holding(day).to }
    expect(() => periodsBetween(nested, interval('2024-02-06', '2024-02-15'))).toThrow(
      new ContractError('The period 2024-02-01 to 2024-02-20 should begin on 2024-02-11, after the one before'),
    )
  })
})

function fail(thrown: unknown): never {
  throw thrown
}
