import { describe, expect, test } from 'vitest'
import {
  addDays,
  type Block,
  type DailyCalc,
  datesBetween,
  parseIsoDate,
  type TenantStage,
} from '../../../src/index.ts'
import { Database, type Probe, rowKey, type Transaction, TransientError } from '../../support/database.ts'
import { fc } from '../../support/fc.ts'
import { gate } from '../../support/gate.ts'
import { closedThrough, fill, key, TENANT, world } from '../../support/service.ts'
import { dailyCalcOf, scores, summary } from '../../support/stages.ts'

const FROM = parseIsoDate('2025-01-01', 'from')
const TO = parseIsoDate('2025-01-08', 'to')
const dates = datesBetween(FROM, TO)
const everybody = { tenantId: TENANT, from: FROM, to: TO }

/** Scores out of hours that are read for the whole block at once. */
function loadingCalc(blocks: Block[] = []): DailyCalc<Transaction> {
  const calc: DailyCalc<Transaction, ReadonlyMap<string, number>> = {
    async load(block, { tx }) {
      blocks.push(block)
      await tx.point({ name: 'load', stage: 'dailyCalc', block })
      const days = [addDays(block.from, -1), ...block.dates]
      const rows = block.employeeIds.flatMap((employeeId) =>
        days.map((date) => rowKey({ tenantId: block.tenantId, employeeId, date })),
      )
      return new Map(rows.flatMap((one) => [[one, tx.read<number>('hours', one)] as const]).filter(isThere))
    },
    async calculateDay(day, { tx }, hours) {
      await tx.point({ name: 'calculate', stage: 'dailyCalc', days: [day] })
      const value = scores.formula((_, offset) => hours.get(rowKey({ ...day, date: addDays(day.date, offset) })), null)
      if ((tx.read('scores', rowKey(day)) ?? null) === value) return 'unchanged'
      if (value === null) tx.delete('scores', rowKey(day))
      else tx.write('scores', rowKey(day), value)
      return 'changed'
    },
  }
  return calc as DailyCalc<Transaction>
}

function isThere(row: readonly [string, number | undefined]): row is readonly [string, number] {
  return row[1] !== undefined
}

const failingOn =
  (...days: readonly string[]): Probe =>
  ({ name, days: calculated }) => {
    if (name === 'calculate' && calculated?.some((day) => days.includes(`${day.employeeId} ${day.date}`))) {
      throw new RangeError('no rule')
    }
  }

function filled(employees: readonly string[] = ['a', 'b']): Database {
  const database = new Database()
  for (const id of employees) fill(database, 'hours', id, Object.fromEntries(dates.map((date, i) => [date, i + 1])))
  return database
}

describe('a dailyCalc that loads', () => {
  test('loads once for one employee and up to `block.days` days, in one unit of work for them', async () => {
    const blocks: Block[] = []
    const { service, connection } = world(
      { dailyCalc: loadingCalc(blocks) },
      { database: filled(), employees: ['a', 'b'], block: { employees: 25, days: 3 }, concurrency: 1 },
    )
    await expect(service.triggerRecalcAll(everybody)).resolves.toMatchObject({ processedDays: 16, unchangedDays: 0 })
    const shapes = blocks.map(({ employeeIds, dates: own }) => `${employeeIds} ${own.length}`)
    expect(shapes).toEqual(['a 3', 'a 3', 'a 2', 'b 3', 'b 3', 'b 2'])
    expect(connection.begun).toBe(6)
  })

  test('leaves a failing day as it was and does the others of its block without it, each right', async () => {
    const { service, database } = world(
      { dailyCalc: loadingCalc() },
      {
        database: filled(),
        employees: ['a', 'b'],
        block: { employees: 25, days: 31 },
        probe: failingOn('a 2025-01-03', 'a 2025-01-07'),
      },
    )
    const result = await service.triggerRecalcAll(everybody, { onError: 'continue' })
    expect(result).toMatchObject({ processedDays: 14, failedDays: 2, errorCount: 2 })
    expect(result.errors.map(({ date, through, stage }) => [date, through, stage])).toEqual([
      ['2025-01-03', '2025-01-03', 'dailyCalc'],
      ['2025-01-07', '2025-01-07', 'dailyCalc'],
    ])
    const missing = [key('a', '2025-01-03'), key('a', '2025-01-07')]
    expect(Object.keys(database.dump('scores'))).toEqual(
      ['a', 'b'].flatMap((id) => dates.map((date) => key(id, date))).filter((one) => !missing.includes(one)),
    )
  })

  test('leaves no trace of a day that failed after it had written something', async () => {
    const { service, database } = world({
      dailyCalc: {
        load: async () => undefined,
        async calculateDay(day, { tx }) {
          tx.write('first', rowKey(day), 1)
          if (day.date === '2025-01-03') throw new RangeError('no rule')
          tx.write('second', rowKey(day), 1)
        },
      },
    })
    const request = { ...everybody, employeeId: 'a' }
    await expect(service.triggerRecalcRange(request, { onError: 'continue' })).resolves.toMatchObject({ failedDays: 1 })
    const others = dates.filter((date) => date !== '2025-01-03').map((date) => key('a', date))
    expect(Object.keys(database.dump('first'))).toEqual(others)
    expect(Object.keys(database.dump('second'))).toEqual(others)
  })

  test('is resumed at the failed days alone', async () => {
    const blocks: Block[] = []
    let broken = true
    const { service } = world(
      { dailyCalc: loadingCalc(blocks) },
      {
        database: filled(['a']),
        employees: ['a'],
        probe: (point) => (broken ? failingOn('a 2025-01-03', 'a 2025-01-04')(point) : undefined),
      },
    )
    const job = await service.triggerRecalcAllAsync(everybody)
    await expect(job.result).resolves.toMatchObject({ processedDays: 6, failedDays: 2 })
    broken = false
    blocks.length = 0
    await expect((await service.resumeJob(job.id)).result).resolves.toMatchObject({
      status: 'completed',
      processedDays: 8,
    })
    expect(blocks.flatMap(({ dates: own }) => own)).toEqual(['2025-01-03', '2025-01-04'])
  })

  test('is not asked for closed days, nor for what lies around them', async () => {
    const blocks: Block[] = []
    const { service, database } = world(
      { dailyCalc: loadingCalc(blocks) },
      { database: filled(), employees: ['a', 'b'], closedPeriods: closedThrough({ a: '2025-01-05', b: TO }) },
    )
    await expect(service.triggerRecalcAll(everybody)).resolves.toMatchObject({ processedDays: 3, skippedDays: 13 })
    expect(blocks).toMatchObject([{ employeeIds: ['a'], from: '2025-01-06', to: TO }])
    expect(Object.keys(database.dump('scores'))).toHaveLength(3)
  })

  test('counts the days that it says are unchanged, and writes nothing a second time', async () => {
    const { service, database } = world({ dailyCalc: loadingCalc() }, { database: filled(), employees: ['a', 'b'] })
    await service.triggerRecalcAll(everybody)
    const writes = database.writes.length
    await expect(service.triggerRecalcAll(everybody)).resolves.toMatchObject({ processedDays: 16, unchangedDays: 16 })
    expect(database.writes).toHaveLength(writes)
  })

  test('that cannot load fails its days one by one, of which those that can be loaded alone are done', async () => {
    const { service } = world(
      { dailyCalc: loadingCalc() },
      {
        database: filled(),
        employees: ['a', 'b'],
        probe: ({ name, block }) => {
          if (name === 'load' && block?.employeeIds[0] === 'a' && block.dates.includes(dates[3]!)) throw new Error('no')
        },
      },
    )
    const result = await service.triggerRecalcAll(everybody, { onError: 'continue' })
    expect(result).toMatchObject({ processedDays: 15, failedDays: 1, errors: [{ date: dates[3], stage: 'dailyCalc' }] })
  })

  test('gives the same rows as one without load, for any block, closing and failing days', async () => {
    const scenario = fc.record({
      hours: fc.array(fc.option(fc.integer({ min: 0, max: 9 }), { freq: 4 }), { minLength: 24, maxLength: 24 }),
      left: fc.array(fc.option(fc.integer({ min: 0, max: 99 }), { freq: 2 }), { minLength: 24, maxLength: 24 }),
      days: fc.integer({ min: 1, max: 9 }),
      concurrency: fc.integer({ min: 1, max: 3 }),
      failing: fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(...dates)), { maxLength: 4 }),
      closed: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(...dates), { maxKeys: 2 }),
    })
    await fc.assert(
      fc.asyncProperty(scenario, async ({ hours, left, days, concurrency, failing, closed }) => {
        const outcomes = []
        for (const dailyCalc of [loadingCalc(), dailyCalcOf([scores])]) {
          const database = new Database()
          for (const [i, id] of ['a', 'b', 'c'].entries()) {
            for (const [d, date] of dates.entries()) {
              database.edit('hours', key(id, date), hours[i * 8 + d] ?? undefined)
              database.edit('scores', key(id, date), left[i * 8 + d] ?? undefined)
            }
          }
          const { service } = world(
            { dailyCalc },
            {
              database,
              concurrency,
              employees: ['a', 'b', 'c'],
              block: { employees: 2, days },
              closedPeriods: closedThrough(closed),
              probe: failingOn(...failing.map((one) => one.join(' '))),
            },
          )
          const result = await service.triggerRecalcAll(everybody, { onError: 'continue' })
          const { processedDays, unchangedDays, skippedDays, failedDays, errors } = result
          const failures = errors.map(({ employeeId, date }) => `${employeeId} ${date}`).sort()
          outcomes.push({
            rows: database.dump('scores'),
            ...{ processedDays, unchangedDays, skippedDays, failedDays, failures },
          })
        }
        expect(outcomes[0]).toEqual(outcomes[1])
      }),
      { numRuns: 60 },
    )
  })
})

describe('a dailyCalc beside tenant stages', () => {
  const order: string[] = []
  const later = { ...summary(), name: 'later', reads: ['summary'], writes: ['later'] }
  const logged = (stage: TenantStage<Transaction>): TenantStage<Transaction> => ({
    ...stage,
    run: async (context) => {
      order.push(stage.name)
      await stage.run(context)
    },
  })

  test('runs them once, in their order, after the last day', async () => {
    order.length = 0
    const calc = dailyCalcOf([scores])
    const { service, database } = world(
      {
        dailyCalc: {
          async calculateDay(day, context) {
            order.push('day')
            return await calc.calculateDay(day, context, undefined)
          },
        },
        stages: [logged(later), logged(summary())],
      },
      { database: filled(['a']), employees: ['a'] },
    )
    const job = await service.triggerRecalcAllAsync(everybody)
    await expect(job.result).resolves.toMatchObject({ status: 'completed', processedDays: 8 })
    expect(order).toEqual([...dates.map(() => 'day'), 'summary', 'later'])
    const sum = Object.values(database.dump('scores')).reduce<number>((total, value) => total + Number(value), 0)
    expect(database.dump('summary')).toEqual({ [TENANT]: sum })
    const stages = []
    for await (const event of job.events()) if (event.type === 'stage') stages.push(event.name)
    expect(stages).toEqual(['dailyCalc', 'summary', 'later'])
  })

  test('can be asked for their tables alone, and for nothing of its own', async () => {
    order.length = 0
    const { service } = world({ dailyCalc: dailyCalcOf([scores]), stages: [logged(summary())] }, { employees: ['a'] })
    await service.triggerRecalcAll(everybody, { tables: ['summary'] })
    expect(order).toEqual(['summary'])
    await expect(service.triggerRecalcAll(everybody, { tables: ['scores'] })).rejects.toThrow('`tables`')
  })

  test('runs them also when days have failed, but not after a failed day at which the run stops', async () => {
    order.length = 0
    const { service } = world(
      { dailyCalc: dailyCalcOf([scores]), stages: [logged(summary())] },
      { database: filled(['a']), employees: ['a'], probe: failingOn('a 2025-01-03') },
    )
    await expect(service.triggerRecalcAll(everybody)).rejects.toMatchObject({
      code: 'RECALC_FAILED',
      result: { status: 'failed', processedDays: 2, failedDays: 1 },
    })
    expect(order).toEqual([])
    await expect(service.triggerRecalcAll(everybody, { onError: 'continue' })).resolves.toMatchObject({
      status: 'completed_with_errors',
      failedDays: 1,
    })
    expect(order).toEqual(['summary'])
  })

  test('of which the last is stopped between two tries is not called complete', async () => {
    const stuck = gate()
    let tries = 0
    const { service, database } = world(
      { dailyCalc: dailyCalcOf([scores]), stages: [summary()] },
      {
        database: filled(['a']),
        employees: ['a'],
        probe: async ({ name }) => {
          if (name !== 'run' || ++tries > 1) return
          await stuck.pass()
          throw new TransientError('deadlock')
        },
      },
    )
    const job = await service.triggerRecalcAllAsync(everybody)
    await stuck.arrived
    const stopping = service.stop()
    stuck.open()
    await stopping
    await expect(job.result).resolves.toMatchObject({ status: 'interrupted', processedDays: 8 })
    expect(database.dump('summary')).toEqual({})
  })
})
