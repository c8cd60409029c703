import { expect, test } from 'vitest'
import { addDays, type ClosedPeriods, datesBetween, parseIsoDate } from '../../../src/index.ts'
import { Database, type Transaction } from '../../support/database.ts'
import { fc } from '../../support/fc.ts'
import { closedThrough, key, TENANT, world } from '../../support/service.ts'
import { balances, type DerivedTable, dailyCalcOf, scores, stageOf } from '../../support/stages.ts'

const FROM = parseIsoDate('2025-01-01', 'from')
const dates = datesBetween(FROM, parseIsoDate('2025-01-09', 'to'))
const TO = dates.at(-1)!
const employees = ['a', 'b', 'c']
const request = { tenantId: TENANT, from: FROM, to: TO }

type Intervals = Readonly<Record<string, readonly { readonly from: string; readonly to: string }[]>>

const closedIn = (intervals: Intervals): ClosedPeriods<Transaction> => ({
  closed: async ({ employeeIds }) => new Map(employeeIds.flatMap((id) => (intervals[id] ? [[id, intervals[id]]] : []))),
})

/** Rows as they are after a run, and its counters. */
async function outcome(
  table: DerivedTable,
  closedPeriods: ClosedPeriods<Transaction>,
  block: { readonly employees: number; readonly days: number },
) {
  const database = new Database()
  for (const [i, id] of employees.entries()) {
    for (const [d, date] of dates.entries()) {
      if ((i + d) % 5 !== 4) database.edit('hours', key(id, date), 5 + ((i * 3 + d) % 4))
      if ((i + d) % 3 === 0) database.edit(table.table, key(id, date), 100 + d)
    }
  }
  const before = database.dump(table.table)
  const calculator =
    table === scores && block.days === 1 ? { dailyCalc: dailyCalcOf([scores]) } : { stages: [stageOf(table)] }
  const { service } = world(calculator, { database, employees, closedPeriods, block })
  const { processedDays, skippedDays, failedDays } = await service.triggerRecalcAll(request)
  return { rows: database.dump(table.table), before, processedDays, skippedDays, failedDays, database }
}

const blocks = fc.record({ employees: fc.integer({ min: 1, max: 4 }), days: fc.integer({ min: 1, max: 10 }) })

test('`closedThrough` is the short form of an interval from the beginning of time', async () => {
  const through = fc.dictionary(fc.constantFrom(...employees), fc.constantFrom('2024-12-31', ...dates, '2025-02-01'))
  await fc.assert(
    fc.asyncProperty(through, blocks, fc.constantFrom(scores, balances), async (closed, block, table) => {
      const intervals = Object.fromEntries(Object.entries(closed).map(([id, to]) => [id, [{ from: '1900-01-01', to }]]))
      const { database: _, ...short } = await outcome(table, closedThrough(closed), block)
      const { database: __, ...long } = await outcome(table, closedIn(intervals), block)
      expect(short).toEqual(long)
    }),
    { numRuns: 80 },
  )
})

test('whatever intervals are closed, their rows are untouched, all others are right, and the block does not matter', async () => {
  const interval = fc
    .tuple(fc.integer({ min: -2, max: 9 }), fc.nat({ max: 4 }))
    .map(([start, length]) => ({ from: addDays(FROM, start), to: addDays(FROM, start + length) }))
  const intervals = fc.dictionary(fc.constantFrom(...employees), fc.array(interval, { maxLength: 3 }))
  await fc.assert(
    fc.asyncProperty(intervals, blocks, fc.constantFrom(scores, balances), async (closed, block, table) => {
      const { rows, before, database, ...counted } = await outcome(table, closedIn(closed), block)
      const isClosed = (id: string, date: string) =>
        closed[id]?.some(({ from, to }) => from <= date && date <= to) ?? false
      const expected = { ...before }
      let skipped = 0
      for (const id of employees) {
        for (const date of dates) {
          if (isClosed(id, date)) {
            skipped += 1
            continue
          }
          const look = (name: string, offset: number) => database.rows<number>(name).get(key(id, addDays(date, offset)))
          const value = table.formula(look, (expected[key(id, addDays(date, -1))] as number | undefined) ?? null)
          if (value === null) delete expected[key(id, date)]
          else expected[key(id, date)] = value
        }
      }
      expect(rows).toEqual(expected)
      expect(counted).toEqual({ processedDays: 27 - skipped, skippedDays: skipped, failedDays: 0 })
    }),
    { numRuns: 80 },
  )
})

test('it is asked about the days of the block, inside the unit of work, before anything is calculated', async () => {
  const order: string[] = []
  const { service } = world(
    { stages: [stageOf(scores)] },
    {
      employees: ['a', 'b'],
      block: { employees: 2, days: 5 },
      closedPeriods: {
        async closed({ employeeIds, from, to }, tx) {
          expect(tx.ended).toBe(false)
          order.push(`closed ${employeeIds} ${from} ${to}`)
          return new Map()
        },
      },
      probe: ({ name }) => void (name === 'load' && order.push('load')),
    },
  )
  await service.triggerRecalcAll(request)
  expect(order).toEqual([`closed a,b ${FROM} 2025-01-05`, 'load', `closed a,b 2025-01-06 ${TO}`, 'load'])
})

test.each<[answer: unknown, message: string]>([
  [undefined, 'Expected `closed(…)` to be a map of employee ids to arrays of { from, to }, got undefined'],
  [{}, 'Expected `closed(…)` to be a map of employee ids to arrays of { from, to }, got {}'],
  [
    new Map([['a', '2025-01-01']]),
    'Expected `closed(…) of employee a` to be an array of { from, to }, got "2025-01-01"',
  ],
  [
    new Map([['a', [{ from: '2025-01-01' }]]]),
    'dates as YYYY-MM-DD from 1900-01-01 to 9999-12-31, got {"from":"2025-01-01"}',
  ],
  [new Map([['a', [{ from: '1800-01-01', to: '2025-01-04' }]]]), 'got {"from":"1800-01-01","to":"2025-01-04"}'],
  [new Map([['a', [{ from: new Date(0), to: new Date(0) }]]]), 'got {"from":"1970-01-01T00:00:00.000Z"'],
  [new Map([['a', [null]]]), 'Expected `closed(…) of employee a` to be intervals whose `from` and `to` are dates'],
  [
    new Map([['a', [{ from: '2025-01-02', to: '2025-01-01' }]]]),
    'intervals whose `to` is no earlier than their `from`',
  ],
])(
  'the answer %o, no map of intervals, breaks the contract, and the message shows what is wrong',
  async (answer, message) => {
    const closedPeriods = { closed: async () => answer as never }
    const { service, database } = world({ stages: [stageOf(scores)] }, { employees: ['a'], closedPeriods })
    const running = service.triggerRecalcAll(request)
    await expect(running).rejects.toMatchObject({ code: 'CONTRACT', message: expect.stringContaining(message) })
    expect(database.writes).toEqual([])
  },
)

test('a date of `closedThrough` that is none is told with the employee whose it is', async () => {
  const { service } = world(
    { stages: [stageOf(scores)] },
    { employees: ['a'], closedPeriods: closedThrough({ a: '0000-00-00' }) },
  )
  await expect(service.triggerRecalcAll(request)).rejects.toThrow(
    'Expected `closedThrough(…) of employee a` to be a date as YYYY-MM-DD from 1900-01-01 to 9999-12-31, got "0000-00-00"',
  )
})

test('a stage may not have a name that the library tells closed periods, days or commits by', () => {
  for (const name of ['closedPeriods', 'dailyCalc', 'commit']) {
    expect(() => world({ stages: [{ ...stageOf(scores), name }] })).toThrow(`"${name}" is a name of the library's own`)
  }
})
