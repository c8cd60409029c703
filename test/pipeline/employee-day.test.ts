import { expect, test } from 'vitest'
import { ContractError, dayKey } from '../../src/index.ts'

test('a key is made of a date and an employee, and tells any two employee-days apart', () => {
  expect(dayKey({ employeeId: 'a/b', date: '2025-01-01' })).toBe('2025-01-01/a/b')
})

test('a Date is no date: the error says how to get strings from the driver', () => {
  const date = new Date('2025-01-01') as unknown as string
  expect(() => dayKey({ employeeId: 'a', date })).toThrow(ContractError)
  expect(() => dayKey({ employeeId: 'a', date })).toThrow(
    'let the driver give dates as strings (mysql2: `dateStrings`)',
  )
})

test('what is no calendar date as YYYY-MM-DD, or no employee, makes no key', () => {
  for (const date of [undefined, null, '', '2025-1-1', '2025-02-30', '2025-01-01T00:00:00Z', 20250101]) {
    expect(() => dayKey({ employeeId: 'a', date: date as string }), String(date)).toThrow(
      'Expected `date` to be a calendar date as YYYY-MM-DD',
    )
  }
  for (const employeeId of [undefined, null, '', 7]) {
    expect(() => dayKey({ employeeId: employeeId as string, date: '2025-01-01' }), String(employeeId)).toThrow(
      'Expected `employeeId` to be a non-empty string',
    )
  }
})
