import { expect, test } from 'vitest'
import { failuresCsv, groupsOf, noFailures, reduceFailures } from '../../src/console/model/failures.ts'
import type { RecordedFailure } from '../../src/console/net/api-types.ts'

const failure = (number: number, more: Partial<RecordedFailure> = {}): RecordedFailure => ({
  number,
  employee_id: `e${number}`,
  date: '2025-03-01',
  stage: 'balances',
  code: 'BAD',
  message: 'No rate',
  attempts: 1,
  ...more,
})

test('failures that say the same are one group, whoever and whichever day they are about; the largest is first', () => {
  const groups = groupsOf([
    failure(1, { message: 'Overlap' }),
    failure(2, { message: 'No rate for e2 on 2025-03-01' }),
    failure(3, { message: 'No rate for e3 on 2025-03-02', date: '2025-03-02' }),
  ])
  expect(groups.map(({ message, failures }) => [message, failures.length])).toEqual([
    ['No rate for ‹employee› on ‹date›', 2],
    ['Overlap', 1],
  ])
})

test('failures of other stages or codes, or that name somebody else, are groups of their own', () => {
  const others = [
    failure(1),
    failure(2, { code: 'WORSE' }),
    failure(3, { stage: 'months' }),
    failure(4, { message: 'No rate e1' }),
  ]
  expect(groupsOf(others)).toHaveLength(4)
})

test('an id is only taken out of a message where it stands by itself, whatever signs it holds', () => {
  const message = (id: string, text: string) => groupsOf([failure(1, { employee_id: id, message: text })])[0]?.message
  expect(message('1', 'Shift 1 of 11 in room 1a')).toBe('Shift ‹employee› of 11 in room 1a')
  expect(message('a.b(c', 'No a.b(c, no axb(c')).toBe('No ‹employee›, no axb(c')
  expect(groupsOf([failure(1, { employee_id: null, date: null })])[0]?.message).toBe('No rate')
})

test('pages are put behind one another, and a first page begins anew', () => {
  const read = (after: number, numbers: readonly number[], next: number | null) =>
    ({ type: 'read', after, items: numbers.map((number) => failure(number)), next }) as const
  const one = reduceFailures(noFailures, read(0, [1, 2], 2))
  const two = reduceFailures(one, read(2, [5], null))
  expect(two.items.map(({ number }) => number)).toEqual([1, 2, 5])
  expect(two.next).toBeNull()
  expect(reduceFailures(two, read(0, [2], null)).items.map(({ number }) => number)).toEqual([2])
  expect(reduceFailures(two, { type: 'failed', problem: 'Away' }).items).toBe(two.items)
})

test('a CSV file holds every field as it is, and nothing that a spreadsheet would calculate', () => {
  const csv = failuresCsv(
    [
      failure(1, { message: 'Rate "x", line\nbreak' }),
      failure(2, { message: '=HYPERLINK("x")', employee_id: null, date: null }),
    ],
    new Map([['e1', 'Ada']]),
  )
  expect(csv).toBe(
    '\uFEFFemployee_id,name,date,stage,code,message,attempts\r\n' +
      'e1,Ada,2025-03-01,balances,BAD,"Rate ""x"", line\nbreak",1\r\n' +
      `,,,balances,BAD,"'=HYPERLINK(""x"")",1\r\n`,
  )
})
