import { describe, expect, test } from 'vitest'
import { addDays, type DayStage, datesBetween, dayKey, dayStage, parseIsoDate } from '../../../src/index.ts'
import { Database, rowKey, type Transaction } from '../../support/database.ts'
import { fc } from '../../support/fc.ts'
import { fill, key, TENANT, world } from '../../support/service.ts'
import { daysOf } from '../../support/stages.ts'

const FROM = parseIsoDate('2025-01-01', 'from')
const dates = datesBetween(FROM, parseIsoDate('2025-01-08', 'to'))
const TO = dates.at(-1)!
const request = { tenantId: TENANT, employeeId: 'a', from: FROM, to: TO }

type Definition = Partial<Parameters<typeof dayStage<number, ReadonlyMap<string, number>, Transaction>>[0]>

/** Adds the hours of a day to the balance of the day before. */
function balance(options: Definition = {}): DayStage<Transaction> {
  const rows = (tx: Transaction, table: string, days: readonly { employeeId: string; date: string }[]) =>
    new Map(
      days.flatMap((day) => {
        const value = tx.read<number>(table, rowKey({ tenantId: TENANT, ...day }))
        return value === undefined ? [] : [[dayKey(day), value] as const]
      }),
    )
  return dayStage<number, ReadonlyMap<string, number>, Transaction>({
    name: 'balance',
    reads: { hours: [0, 0], balance: [-1, 0] },
    writes: ['balance'],
    load: async (block, { tx }) => rows(tx, 'hours', daysOf(block)),
    calculate(day, hours, previous) {
      const own = hours.get(dayKey(day))
      return own === undefined ? null : (previous ?? 0) + own
    },
    stored: async (block, { tx }) => rows(tx, 'balance', daysOf(block)),
    async save({ upserts, deletes }, { tx }) {
      for (const { day, value } of upserts) tx.write('balance', rowKey(day), value)
      for (const day of deletes) tx.delete('balance', rowKey(day))
    },
    ...options,
  } as Parameters<typeof dayStage<number, ReadonlyMap<string, number>, Transaction>>[0])
}

/** The latest balance before a date, however old. */
const latest: NonNullable<Definition['latest']> = async ({ employeeIds, before }, { tx }) => {
  const found = new Map<string, number>()
  for (const id of employeeIds) {
    for (let back = 1; back <= 400 && !found.has(id); back++) {
      const value = tx.read<number>('balance', key(id, addDays(before, -back)))
      if (value !== undefined) found.set(id, value)
    }
  }
  return found
}

const balancesOf = (database: Database) =>
  dates.map((date) => database.rows<number>('balance').get(key('a', date)) ?? null)

describe('what a day builds on when the day before has no row', () => {
  const hours = { [FROM]: 1, '2025-01-02': 2, '2025-01-04': 4, '2025-01-05': 5 }

  test.each([1, 2, 3, 31])('by default it starts afresh, in blocks of %i days', async (days) => {
    for (const previousMissing of [undefined, 'restart'] as const) {
      const stage = balance(previousMissing ? { previousMissing } : {})
      const { service, database } = world({ stages: [stage] }, { block: { employees: 1, days } })
      fill(database, 'hours', 'a', hours)
      await service.triggerRecalcRange(request)
      expect(balancesOf(database)).toEqual([1, 3, null, 4, 9, null, null, null])
    }
  })

  test.each([1, 2, 3, 31])(
    'with `latest` an unpaid day in between does not cut the chain, in blocks of %i days',
    async (days) => {
      const { service, database } = world(
        { stages: [balance({ previousMissing: 'latest', latest })] },
        { block: { employees: 1, days } },
      )
      fill(database, 'hours', 'a', hours)
      fill(database, 'balance', 'a', { '2024-06-30': 100 })
      await service.triggerRecalcRange(request)
      expect(balancesOf(database)).toEqual([101, 103, null, 107, 112, null, null, null])
    },
  )

  test('with `latest` and none at all it is null, as at the very beginning', async () => {
    const { service, database } = world({ stages: [balance({ previousMissing: 'latest', latest })] })
    fill(database, 'hours', 'a', { '2025-01-03': 3 })
    await service.triggerRecalcRange(request)
    expect(balancesOf(database)[2]).toBe(3)
  })

  test.each([1, 3, 31])('with `fail` the day fails and says why, in blocks of %i days', async (days) => {
    const { service, database } = world(
      { stages: [balance({ previousMissing: 'fail' })] },
      { block: { employees: 1, days } },
    )
    fill(database, 'hours', 'a', hours)
    fill(database, 'balance', 'a', { '2024-12-31': 10 })
    const result = await service.triggerRecalcRange(request, { onError: 'continue' })
    expect(result).toMatchObject({ processedDays: 3, failedDays: 5, errorCount: 1 })
    expect(result.errors[0]).toMatchObject({ date: '2025-01-04', through: TO, stage: 'balance', code: 'CONTRACT' })
    expect(result.errors[0]?.message).toContain('needs a value of the day before 2025-01-04')
    expect(balancesOf(database)).toEqual([11, 13, null, null, null, null, null, null])
  })

  test('the block never matters, whatever is stored, closed or tolerated', async () => {
    const cell = fc.option(fc.integer({ min: 0, max: 9 }), { freq: 3 })
    const scenario = fc.record({
      hours: fc.array(cell, { minLength: 8, maxLength: 8 }),
      left: fc.array(cell, { minLength: 12, maxLength: 12 }),
      closed: fc.uniqueArray(fc.constantFrom(...dates), { maxLength: 3 }),
      tolerance: fc.constantFrom(0, 2),
      mode: fc.constantFrom('restart', 'latest', 'fail'),
      clearExisting: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const outcomes = []
        for (const days of [1, 2, 3, 31]) {
          const database = new Database()
          for (const [i, date] of dates.entries()) database.edit('hours', key('a', date), given.hours[i] ?? undefined)
          for (const [i, value] of given.left.entries()) {
            database.edit('balance', key('a', addDays(FROM, i - 4)), value ?? undefined)
          }
          const stage = balance({
            previousMissing: given.mode as 'restart',
            ...(given.mode === 'latest' && { latest }),
            isEqual: (a, b) => Math.abs(a - b) <= given.tolerance,
          })
          const closed = given.closed.map((date) => ({ from: date, to: date }))
          const { service } = world(
            { stages: [stage] },
            {
              database,
              block: { employees: 1, days },
              closedPeriods: { closed: async ({ employeeIds }) => new Map(employeeIds.map((id) => [id, closed])) },
            },
          )
          const { clearExisting } = given
          const result = await service.triggerRecalcRange(request, { onError: 'continue', clearExisting })
          const { processedDays, unchangedDays, skippedDays, failedDays } = result
          outcomes.push({ rows: database.dump('balance'), processedDays, unchangedDays, skippedDays, failedDays })
        }
        for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0])
      }),
      { numRuns: 150 },
    )
  })

  test('a stage says so only with what it needs, and only when it reads its own table', () => {
    expect(() => balance({ previousMissing: 'latest' })).toThrow('`dayStage(…).latest`')
    expect(() => balance({ latest })).toThrow('`dayStage(…).latest`')
    expect(() => balance({ previousMissing: 'skip' as 'fail' })).toThrow('`dayStage(…).previousMissing`')
    const alone = balance({ reads: { hours: [0, 0] }, previousMissing: 'fail' })
    expect(() => world({ stages: [alone] })).toThrow('does not read its own table')
  })
})

/** Reports what a stage before it has come to. */
function reportOf(stage: DayStage<Transaction, number>): DayStage<Transaction> {
  return dayStage<number, ReadonlyMap<string, number | null>, Transaction>({
    name: 'reports',
    reads: { balance: [0, 0] },
    writes: ['reports'],
    load: async (_, { valuesOf }) => valuesOf(stage),
    calculate: (day, balances) => balances.get(dayKey(day)) ?? null,
    stored: async () => new Map(),
    async save({ upserts }, { tx }) {
      for (const { day, value } of upserts) tx.write('reports', rowKey(day), value)
    },
  })
}

describe('what is compared with what is stored', () => {
  test('a day that is equal by a tolerant `isEqual` hands on what is stored, so the block does not matter', async () => {
    for (const days of [1, 3, 31]) {
      const { service, database } = world(
        { stages: [balance({ isEqual: (a, b) => Math.abs(a - b) < 1 })] },
        { block: { employees: 1, days } },
      )
      fill(database, 'hours', 'a', Object.fromEntries(dates.map((date) => [date, 1])))
      fill(database, 'balance', 'a', { [FROM]: 1.75 })
      await service.triggerRecalcRange(request)
      expect(balancesOf(database)).toEqual([1.75, 2.75, 3.75, 4.75, 5.75, 6.75, 7.75, 8.75])
    }
  })

  test.each([
    ['together with it', undefined],
    ['alone', ['reports']],
  ])('and so does every later stage that is calculated %s: it sees what is stored', async (_, tables) => {
    const tolerant = balance({ reads: { hours: [0, 0] }, isEqual: (a, b) => Math.abs(a - b) < 1 }) as DayStage<
      Transaction,
      number
    >
    const { service, database } = world({ stages: [tolerant, reportOf(tolerant)] })
    fill(database, 'hours', 'a', { [FROM]: 1, '2025-01-02': 2, '2025-01-03': 3 })
    fill(database, 'balance', 'a', { [FROM]: 1.75, '2025-01-02': 2 })
    await service.triggerRecalcRange(request, { ...(tables && { tables }) })
    const reports = Object.values(database.dump('reports'))
    expect(reports).toEqual([1.75, 2, 3])
  })

  test('a row that is left behind is still there for a later stage', async () => {
    const hourly = balance({ reads: { hours: [0, 0] } }) as DayStage<Transaction, number>
    const { service, database } = world({ stages: [hourly, reportOf(hourly)] })
    fill(database, 'balance', 'a', { [FROM]: 5 })
    await service.triggerRecalcRange(request, { clearExisting: false })
    expect(database.dump('reports')).toEqual({ [key('a', FROM)]: 5 })
  })

  test('-0 is 0 for a database, so it is unchanged, also inside of objects', async () => {
    const values = [-0, { total: -0, parts: [1, -0] }]
    const stored = [0, { total: 0, parts: [1, 0] }]
    for (const [i, value] of values.entries()) {
      const stage = dayStage<unknown, undefined, Transaction>({
        name: 'zero',
        writes: ['zero'],
        load: async () => undefined,
        calculate: () => value,
        stored: async (block) => new Map(daysOf(block).map((day) => [dayKey(day), stored[i]])),
        save: async () => {},
      })
      const { service } = world({ stages: [stage] })
      await expect(service.triggerRecalcRange(request)).resolves.toMatchObject({ unchangedDays: 8 })
    }
  })

  test('an `isEqual` that throws fails its day under its stage, with the number of tries, and no other day', async () => {
    const { service, database } = world({
      stages: [
        balance({
          reads: { hours: [0, 0] },
          isEqual(a) {
            if (a === 3) throw new RangeError('cannot compare')
            return false
          },
        }),
      ],
    })
    fill(database, 'hours', 'a', { [FROM]: 1, '2025-01-02': 3, '2025-01-03': 5 })
    fill(database, 'balance', 'a', { [FROM]: 9, '2025-01-02': 9, '2025-01-03': 9 })
    const result = await service.triggerRecalcRange(request, { onError: 'continue' })
    expect(result).toMatchObject({ processedDays: 7, failedDays: 1 })
    expect(result.errors).toMatchObject([
      { stage: 'balance', date: '2025-01-02', code: 'RangeError', message: 'cannot compare', attempts: 1 },
    ])
    expect(balancesOf(database).slice(0, 3)).toEqual([1, 9, 5])
  })

  test('`undefined` from calculate fails its day and no other, and names employee and date', async () => {
    const { service, database } = world({
      stages: [
        balance({
          reads: { hours: [0, 0] },
          calculate: ({ date }) => (date === '2025-01-02' ? (undefined as never) : 1),
        }),
      ],
    })
    const job = await service.triggerRecalcRangeAsync(request)
    const result = await job.result
    expect(result).toMatchObject({ status: 'completed_with_errors', processedDays: 7, failedDays: 1 })
    expect(result.errors).toMatchObject([{ date: '2025-01-02', code: 'CONTRACT', stage: 'balance' }])
    expect(result.errors[0]?.message).toContain('got undefined (employee a, 2025-01-02)')
    expect(balancesOf(database).filter((value) => value === 1)).toHaveLength(7)
  })

  test.each([
    ['another day', '2024-12-01/a'],
    ['a day after the block', '2025-01-09/a'],
    ['another employee', '2025-01-01/b'],
    ['a date with its time', '2025-01-01T00:00:00.000Z/a'],
    ['nothing', 'undefined/a'],
    ['an employee alone', 'a'],
    ['another separator', '2025-01-01|a'],
    ['no date, though it would sort among them', '2025-01-0x/a'],
    ['an object that reads like a key', { toString: (): string => '2025-01-01/a' }],
  ])(
    'keys of `stored` that nobody asked for break the contract before anything is written: %s',
    async (_what, wrong) => {
      const stage = balance({ stored: async () => new Map([[wrong, 1]]) as never })
      const { service, database } = world({ stages: [stage] })
      fill(database, 'hours', 'a', { [FROM]: 1 })
      await expect(service.triggerRecalcRange(request)).rejects.toMatchObject({
        code: 'CONTRACT',
        message: expect.stringContaining(
          'Expected `stored` of stage balance to have keys of the days it was asked for',
        ),
      })
      expect(database.writes).toEqual([])
    },
  )

  test('a row that `stored` gives as null is none: nothing is compared with it, and nothing removed', async () => {
    const stage = balance({
      calculate: ({ date }) => (date === FROM ? 1 : null),
      stored: async ({ employeeIds, dates }) => {
        const keys = employeeIds.flatMap((employeeId) => dates.map((date) => dayKey({ employeeId, date })))
        return new Map(keys.map((key) => [key, null as never]))
      },
      isEqual: (a, b) => a.toFixed() === b.toFixed(),
    })
    const { service, database } = world({ stages: [stage] })
    const result = await service.triggerRecalcRange(request)
    expect(result).toMatchObject({ failedDays: 0, unchangedDays: 7 })
    expect(database.writes).toHaveLength(1)
    const { inserts, deletes } = await service.preview(request).summary
    expect({ inserts, deletes }).toEqual({ inserts: 1, deletes: 0 })
  })

  test('a stage whose driver gives dates as Date fails loudly instead of overwriting everything', async () => {
    const stage = balance({
      stored: async () => new Map([[dayKey({ employeeId: 'a', date: new Date(FROM) as never }), 1]]),
    })
    const { service, database } = world({ stages: [stage] })
    fill(database, 'hours', 'a', { [FROM]: 1 })
    await expect(service.triggerRecalcRange(request)).rejects.toThrow('let the driver give dates as strings')
    expect(database.writes).toEqual([])
  })
})
