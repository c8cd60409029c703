import fc from 'fast-check'
import { sql, type Transaction } from 'kysely'
import { type DayKey, dayBounds, dayKey, dayStage, InvalidRequestError } from 'recalc-service'
import { sqlUnitOfWork } from 'recalc-service/sql'
import { checkStage, MemoryTable, type StageCase, testStage } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { openSqlite } from '../../examples/shared/database/sqlite.ts'

interface Booking {
  readonly id: number
  readonly employeeId: string
  readonly date: string
  readonly minutes: number
}

interface Balance {
  readonly employeeId: string
  readonly date: string
  readonly minutes: number
}

interface Tables {
  readonly bookings: MemoryTable<Booking>
  readonly balances: MemoryTable<Balance>
}

/** A balance that is carried from day to day, with whatever a test wants to be wrong with it. */
function balances(wrong: Partial<Parameters<typeof dayStage<number, ReadonlyMap<DayKey, number>, Tables>>[0]> = {}) {
  return dayStage<number, ReadonlyMap<DayKey, number>, Tables>({
    name: 'balances',
    reads: { bookings: [0, 0], balances: [-1, 0] },
    writes: ['balances'],
    async load({ employeeIds, from, to }, { tx }) {
      const minutes = new Map<DayKey, number>()
      for (const row of tx.bookings.rows(({ date }) => date >= from && date <= to)) {
        if (employeeIds.includes(row.employeeId))
          minutes.set(dayKey(row), (minutes.get(dayKey(row)) ?? 0) + row.minutes)
      }
      return minutes
    },
    calculate: (day, minutes, previous) => (previous ?? 0) + (minutes.get(dayKey(day)) ?? 0),
    async stored({ employeeIds, from, to }, { tx }) {
      const rows = tx.balances.rows(
        ({ date, employeeId }) => date >= from && date <= to && employeeIds.includes(employeeId),
      )
      return new Map(rows.map((row) => [dayKey(row), row.minutes]))
    },
    async save({ upserts, deletes }, { tx }) {
      tx.balances.upsert(
        upserts.map(({ day, value }) => ({ employeeId: day.employeeId, date: day.date, minutes: value })),
      )
      tx.balances.delete(deletes.map(({ employeeId, date }) => ({ employeeId, date })))
    },
    ...wrong,
  } as Parameters<typeof dayStage<number, ReadonlyMap<DayKey, number>, Tables>>[0])
}

const DAYS = { employeeIds: ['ada', 'bob'], from: '2025-01-01', to: '2025-01-03' }
const bookings: readonly Booking[] = [
  { id: 1, employeeId: 'ada', date: '2025-01-01', minutes: 60 },
  { id: 2, employeeId: 'ada', date: '2025-01-02', minutes: 30 },
]
const tablesOf = (rows: readonly Booking[]): Tables => ({
  bookings: new MemoryTable<Booking>(['id'], rows),
  balances: new MemoryTable<Balance>(['employeeId', 'date']),
})
const day = (employeeId: string, date: string) => dayKey({ employeeId, date })

describe('testStage', () => {
  test('calculates from given inputs, carries values, and neither loads nor saves', async () => {
    const stage = balances({ load: fails, stored: fails, save: fails })
    const inputs = new Map([[day('ada', '2025-01-01'), 60]])
    const { values, upserts } = await testStage(stage, { days: DAYS, inputs })
    expect(values.get(day('ada', '2025-01-03'))).toBe(60)
    expect(values.get(day('bob', '2025-01-03'))).toBe(0)
    expect(upserts).toHaveLength(6)
  })

  test('loads from and saves to tables in memory, and tells what is unchanged', async () => {
    const tables = tablesOf(bookings)
    const first = await testStage(balances(), { days: DAYS, tables })
    expect(first.unchangedDays).toBe(0)
    expect(tables.balances.rows(({ employeeId }) => employeeId === 'ada').map(({ minutes }) => minutes)).toEqual([
      60, 90, 90,
    ])
    tables.bookings.upsert([{ id: 2, employeeId: 'ada', date: '2025-01-02', minutes: 45 }])
    const second = await testStage(balances(), { days: DAYS, tables })
    expect(second.unchangedDays).toBe(4)
    expect(second.upserts.map(({ stored, value }) => [stored, value])).toEqual([
      [90, 105],
      [90, 105],
    ])
  })

  test('works on a database', async () => {
    const db = openSqlite<{ values: { date: string; hours: number } }>(':memory:')
    await sql`create table "values" (date text primary key, hours real)`.execute(db)
    const hours = dayStage<number, undefined, Transaction<{ values: { date: string; hours: number } }>>({
      name: 'hours',
      writes: ['values'],
      load: async () => undefined,
      calculate: ({ date }) => {
        const { start, end } = dayBounds(date, 'Europe/Berlin')
        return (end.getTime() - start.getTime()) / 3_600_000
      },
      save: async ({ upserts }, { tx, zone }) => {
        expect(zone).toBe('Europe/Berlin')
        await tx
          .insertInto('values')
          .values(upserts.map(({ day: { date }, value }) => ({ date, hours: value })))
          .execute()
      },
    })
    const days = { employeeIds: ['ada'], from: '2025-03-29', to: '2025-03-30' }
    await testStage(hours, { days, zone: 'Europe/Berlin', unitOfWork: sqlUnitOfWork(db) })
    expect(await db.selectFrom('values').select('hours').orderBy('date').execute()).toEqual([
      { hours: 24 },
      { hours: 23 },
    ])
    await db.destroy()
  })

  test('leaves closed days alone, and hands values of an earlier stage on', async () => {
    const doubled = dayStage<number, number, Tables>({
      name: 'doubled',
      reads: { balances: [0, 0] },
      writes: ['doubled'],
      load: async (_block, { valuesOf }) =>
        [...valuesOf(own).values()].reduce<number>((sum, value) => sum + (value ?? 0), 0),
      calculate: (_day, inputs) => inputs * 2,
      save: async () => {},
    })
    const own = balances()
    const closedPeriods = { closedThrough: async () => new Map([['bob', '2025-12-31']]) }
    const days = { ...DAYS, to: '2025-01-01' }
    const { values } = await testStage(doubled, { days, tables: tablesOf(bookings), earlier: [own], closedPeriods })
    expect([...values]).toEqual([[day('ada', '2025-01-01'), 120]])
  })

  test('rejects with what the stage threw, and refuses days that are none', async () => {
    const stage = balances({ calculate: fails })
    await expect(testStage(stage, { days: DAYS, inputs: new Map() })).rejects.toThrow('must not be called')
    const days = { ...DAYS, from: '2025-02-30' }
    await expect(testStage(balances(), { days, inputs: new Map() })).rejects.toThrow(InvalidRequestError)
  })
})

describe('checkStage', () => {
  const cases: fc.Arbitrary<StageCase<Tables>> = fc
    .array(
      fc.record({
        employeeId: fc.constantFrom('ada', 'bob'),
        date: fc.constantFrom('2024-12-31', '2025-01-01', '2025-01-02', '2025-01-03'),
        minutes: fc.integer({ min: 1, max: 600 }),
      }),
      { maxLength: 6 },
    )
    .map((rows) => ({ days: DAYS, open: async () => ({ tables: tablesOf(rows.map((row, id) => ({ ...row, id }))) }) }))

  test('passes a stage that keeps the laws', async () => {
    await checkStage(balances(), cases, { numRuns: 30 })
  })

  test.each([
    [
      'remembers earlier calls',
      /gave two values for the same arguments/,
      () => {
        let calls = 0
        return { calculate: () => calls++ }
      },
    ],
    [
      'changes its inputs',
      /changed what it was handed/,
      () => ({
        calculate: (it: { employeeId: string; date: string }, inputs: ReadonlyMap<DayKey, number>) => {
          const value = inputs.get(dayKey(it)) ?? 0
          ;(inputs as Map<DayKey, number>).delete(dayKey(it))
          return value
        },
      }),
    ],
    [
      'depends on its block',
      /another value in a block of its own/,
      () => ({
        calculate: (_: unknown, inputs: ReadonlyMap<DayKey, number>) => inputs.size,
      }),
    ],
    [
      'stores less than it saves',
      /written again, though nothing had changed/,
      () => ({
        save: async (
          { upserts }: { upserts: readonly { day: { employeeId: string; date: string }; value: number }[] },
          { tx }: { tx: Tables },
        ) => {
          tx.balances.upsert(upserts.map(({ day: it, value }) => ({ ...it, minutes: Math.min(value, 500) })))
        },
      }),
    ],
  ] as const)('finds one that %s', async (_, message, wrong) => {
    await expect(checkStage(balances(wrong() as never), cases, { numRuns: 200 })).rejects.toThrow(message)
  })
})

test('a table in memory hands out copies, and compares rows in any order', () => {
  const [a, b] = [tablesOf(bookings).bookings, tablesOf([...bookings].reverse()).bookings]
  const [row] = a.rows()
  Object.assign(row as object, { minutes: 0 })
  expect(a.equals(b)).toBe(true)
  b.delete([{ id: 2 }])
  expect(a.equals(b)).toBe(false)
  expect(b.rows()).toEqual([bookings[0]])
})

function fails(): never {
  throw new Error('must not be called')
}
