import { expect, test } from 'vitest'
import { isSame } from '../../../src/run/blocks/same-value.ts'

/** A value with what only the original objects can tell. */
function row(minutes: number) {
  return { minutes, at: new Date(0), rates: new Map([['night', 1]]), bytes: Buffer.from('x'), days: [minutes, 1] }
}

test('0 and -0 are the same on either side, whatever stands beside them', () => {
  expect(isSame(-0, 0)).toBe(true)
  expect(isSame(row(-0), row(0))).toBe(true)
  expect(isSame(row(0), row(-0))).toBe(true)
  expect(isSame(row(-0), { ...row(0), at: new Date(1) })).toBe(false)
  expect(isSame(row(-0), { ...row(0), rates: new Map([['night', 2]]) })).toBe(false)
})

test('objects of different classes, or with another `__proto__` of their own, differ', () => {
  class Row {
    readonly minutes = -0
  }
  expect(isSame(new Row(), { minutes: 0 })).toBe(false)
  expect(isSame(JSON.parse('{"__proto__":-0}'), JSON.parse('{"__proto__":0}'))).toBe(true)
  expect(isSame(JSON.parse('{"__proto__":{"a":-0}}'), { a: 0 })).toBe(false)
})

test('values that hold themselves, and deep ones, are told apart', () => {
  const circular = (minutes: number) => {
    const value: Record<string, unknown> = { minutes }
    value.self = value
    return value
  }
  expect(isSame(circular(1), circular(2))).toBe(false)
  expect(isSame(circular(-0), circular(0))).toBe(true)
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = { deep }
  expect(isSame(deep, null)).toBe(false)
})
