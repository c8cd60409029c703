import { expect, test } from 'vitest'
import { isDate, presets, today } from '../../src/console/model/calendar.ts'

test('only days of the calendar from 1900 on are dates', () => {
  expect(['1900-01-01', '2024-02-29', '9999-12-31'].filter(isDate)).toHaveLength(3)
  const wrong = [
    '1899-12-31',
    '2025-02-29',
    '2025-13-01',
    '2025-1-1',
    '01/02/2025',
    '2025-01-01T00:00',
    '',
    '10000-01-01',
  ]
  expect(wrong.filter(isDate)).toEqual([])
})

test('the days that are often asked for end today or before it, also around the turn of a year and a leap day', () => {
  const of = (day: string) => Object.fromEntries(presets(day).map(({ label, from, to }) => [label, `${from} ${to}`]))
  expect(of('2025-01-01')).toEqual({
    Today: '2025-01-01 2025-01-01',
    Yesterday: '2024-12-31 2024-12-31',
    'Last 7 days': '2024-12-26 2025-01-01',
    'This month': '2025-01-01 2025-01-01',
    'Last month': '2024-12-01 2024-12-31',
    'This year': '2025-01-01 2025-01-01',
  })
  expect(of('2024-03-31')).toMatchObject({
    Yesterday: '2024-03-30 2024-03-30',
    'Last month': '2024-02-01 2024-02-29',
    'This month': '2024-03-01 2024-03-31',
  })
})

test('today is the day where the reader is', () => {
  expect(today(new Date(2025, 2, 1, 0, 5))).toBe('2025-03-01')
  expect(today(new Date(2025, 2, 1, 23, 55))).toBe('2025-03-01')
})
