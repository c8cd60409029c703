import { expect, test } from 'vitest'
import { parseIsoDate } from '../../src/index.ts'
import { openCorrection } from '../../src/preview/corrections/correction.ts'
import type { DayDifference } from '../../src/preview/difference.ts'
import { SummaryCounts } from '../../src/preview/preview-summary.ts'

const date = parseIsoDate('2025-01-01', 'date')
const asked = { tenantId: 'acme', from: date, to: date }

const changed = (before: unknown, after: unknown): DayDifference => {
  return { employeeId: 'ann', stage: 'pay', kind: 'update', before, after, date }
}

const totalsOf = (before: unknown, after: unknown) => {
  const counts = new SummaryCounts([])
  counts.addDifferences([changed(before, after)])
  return counts.summary('completed').totals
}

test.each<[what: string, before: unknown, after: unknown]>([
  ['a decimal that is a string', '12.50', 12.5],
  ['a bigint', 10n, 10],
  ['a boolean', true, 1],
  ['a field that is a string', { minutes: '12.50' }, { minutes: 12.5 }],
  ['a list', [5], 5],
  ['NaN', Number.NaN, 5],
  ['a field that is infinite', { minutes: Number.NEGATIVE_INFINITY }, { minutes: 5 }],
])('%s and a number have no difference that anybody could take over', (_what, stored, right) => {
  for (const [before, after] of [
    [stored, right],
    [right, stored],
  ]) {
    const open = openCorrection(changed(before, after), undefined, asked)
    expect(open?.correction).toMatchObject({ stored: before, right: after, difference: {} })
    const totals = totalsOf(before, after)
    expect(totals).toEqual({})
  }
})

test('what was taken over of a field stays taken over while nobody knows what is left of it', () => {
  const taken = { at: 0, actor: null }
  const first = openCorrection(changed({ minutes: 10 }, { minutes: 12 }), undefined, asked)!.booking
  const mixed = openCorrection(changed({ minutes: '10' }, { minutes: 15 }), { ...first, ...taken }, asked)!
  expect(mixed.correction.difference).toEqual({})
  const again = openCorrection(changed({ minutes: 10 }, { minutes: 15 }), { ...mixed.booking, ...taken }, asked)
  expect(again?.correction.difference).toEqual({ minutes: 3 })
})

test('a field that is missing or null stands for 0', () => {
  for (const before of [null, {}, { minutes: null }]) {
    const open = openCorrection(changed(before, { minutes: 3 }), undefined, asked)
    expect(open?.correction.difference).toEqual({ minutes: 3 })
    const totals = totalsOf(before, { minutes: 3 })
    expect(totals).toEqual({ pay: { minutes: { before: 0, after: 3 } } })
  }
})

test('a difference that no number can hold is none that anybody could take over', () => {
  const value = changed({ pay: -1e308, days: 1 }, { pay: 1e308, days: 3 })
  const open = openCorrection(value, undefined, asked)!
  expect(open.correction.difference).toEqual({ days: 2 })
  const settled = openCorrection(value, { ...open.booking, at: 0, actor: null }, asked)
  expect(settled).toBeUndefined()
})
