import { expect, test } from 'vitest'
import {
  type DayChanges,
  type DayOffsets,
  type DayStage,
  dayStage,
  InvalidOptionsError,
  PipelineError,
  periodStage,
  RecalcService,
  type Stage,
  tenantStage,
} from '../../src/index.ts'
import { dayKey } from '../../src/pipeline/employee-day.ts'
import { rowKey, type Transaction } from '../support/database.ts'
import { fill, key, TENANT, world } from '../support/service.ts'

const REQUEST = { tenantId: TENANT, employeeId: 'a', from: '2025-01-01', to: '2025-01-03' }

/** Ten for an hour; a day of 13 hours cannot be calculated. */
function points(calls: string[] = []): DayStage<Transaction, number> {
  return dayStage<number, Transaction, Transaction>({
    name: 'points',
    reads: { hours: [0, 0] },
    writes: [],
    async load(_, { tx }) {
      calls.push('points')
      return tx
    },
    calculate(day, tx) {
      const hours = tx.read('hours', rowKey(day))
      if (hours === 13) throw new Error('13 hours')
      return hours === undefined ? null : Number(hours) * 10
    },
  })
}

/** Keeps what `of` calculates, times `factor`, in a table of its own. */
function kept(
  name: string,
  of: DayStage<Transaction, number>,
  options: { factor?: number; saved?: DayChanges<number>[] } = {},
): DayStage<Transaction, number> {
  const { factor = 1, saved = [] } = options
  return dayStage<number, ReadonlyMap<string, number | null>, Transaction>({
    name,
    reads: { [of.name]: [0, 0] },
    writes: [name],
    load: async (_, { valuesOf }) => valuesOf(of),
    calculate(day, values) {
      const value = values.get(dayKey(day))
      return value === null || value === undefined ? null : value * factor
    },
    async stored({ employeeIds, dates, tenantId }, { tx }) {
      const days = employeeIds.flatMap((employeeId) => dates.map((date) => ({ tenantId, employeeId, date })))
      const rows = days.map((day) => [dayKey(day), tx.read(name, rowKey(day))] as const)
      return new Map(rows.filter((row): row is [(typeof row)[0], number] => row[1] !== undefined))
    },
    async save(changes, { tx }) {
      saved.push(changes)
      for (const { day, value } of changes.upserts) tx.write(name, rowKey(day), value)
      for (const day of changes.deletes) tx.delete(name, rowKey(day))
    },
  })
}

function refusal(...stages: readonly Stage<never>[]): string {
  const make = () =>
    new RecalcService({ stages: stages as readonly Stage[], employees: { listEmployees: async () => [] } })
  expect(make).toThrow(PipelineError)
  try {
    make()
  } catch (error) {
    return (error as PipelineError).message
  }
  return expect.fail('the stages were taken')
}

test('a stage that keeps nothing is calculated once per block for all that build on it', async () => {
  const calls: string[] = []
  const stage = points(calls)
  const { service, database } = world({ stages: [kept('twice', stage, { factor: 2 }), stage, kept('once', stage)] })
  fill(database, 'hours', 'a', { '2025-01-01': 5, '2025-01-03': 1 })
  const first = await service.triggerRecalcRange(REQUEST)
  expect(first).toMatchObject({ status: 'completed', processedDays: 3 })
  expect(calls).toEqual(['points'])
  expect(database.dump('once')).toEqual({ 'acme/a/2025-01-01': 50, 'acme/a/2025-01-03': 10 })
  expect(database.dump('twice')).toEqual({ 'acme/a/2025-01-01': 100, 'acme/a/2025-01-03': 20 })
})

test('what nothing is kept of does not count as a change', async () => {
  const stage = points()
  const { service, database } = world({ stages: [stage, kept('once', stage)] })
  fill(database, 'hours', 'a', { '2025-01-01': 5 })
  await service.triggerRecalcRange(REQUEST)
  const writes = database.writes.length
  expect(await service.triggerRecalcRange(REQUEST)).toMatchObject({ processedDays: 3, unchangedDays: 3 })
  expect(database.writes).toHaveLength(writes)
})

test('it comes along with whatever is asked for, and only then', async () => {
  const calls: string[] = []
  const stage = points(calls)
  const other = dayStage<number, number, Transaction>({
    name: 'other',
    writes: ['other'],
    load: async () => 7,
    calculate: (_, inputs) => inputs,
    save: async ({ upserts }, { tx }) => {
      for (const { day, value } of upserts) tx.write('other', rowKey(day), value)
    },
  })
  const { service, database } = world({ stages: [stage, kept('once', stage), kept('twice', stage), other] })
  fill(database, 'hours', 'a', { '2025-01-01': 5 })
  await service.triggerRecalcRange(REQUEST, { tables: ['twice'] })
  expect(calls).toEqual(['points'])
  expect(database.dump('twice')).toEqual({ 'acme/a/2025-01-01': 50 })
  expect(database.dump('once')).toEqual({})
  await service.triggerRecalcRange(REQUEST, { tables: ['other'] })
  expect(calls).toEqual(['points'])
})

test('it is no table: nobody can ask for it', async () => {
  const stage = points()
  const { service } = world({ stages: [stage, kept('once', stage)] })
  await expect(service.triggerRecalcRange(REQUEST, { tables: ['points'] })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('made of "once"'),
  })
})

test('a day that it fails on is left as it was in every table', async () => {
  const stage = points()
  const { service, database } = world({ stages: [stage, kept('once', stage), kept('twice', stage, { factor: 2 })] })
  fill(database, 'hours', 'a', { '2025-01-01': 5, '2025-01-02': 13 })
  fill(database, 'once', 'a', { '2025-01-02': 1 })
  const result = await service.triggerRecalcRange(REQUEST, { onError: 'continue' })
  expect(result).toMatchObject({ status: 'completed_with_errors', processedDays: 2, failedDays: 1 })
  expect(result.errors).toMatchObject([{ employeeId: 'a', date: '2025-01-02', stage: 'points', message: '13 hours' }])
  expect(database.dump('once')).toEqual({ 'acme/a/2025-01-01': 50, 'acme/a/2025-01-02': 1 })
  expect(database.dump('twice')).toEqual({ 'acme/a/2025-01-01': 100 })
})

test('save is told what is there now', async () => {
  const saved: DayChanges<number>[] = []
  const stage = points()
  const { service, database } = world({ stages: [stage, kept('once', stage, { saved })] })
  fill(database, 'hours', 'a', { '2025-01-01': 5, '2025-01-02': 6, '2025-01-03': 7 })
  fill(database, 'once', 'a', { '2025-01-01': 50, '2025-01-02': 1 })
  await service.triggerRecalcRange(REQUEST)
  const day = (date: string) => ({ tenantId: TENANT, employeeId: 'a', date })
  expect(saved).toEqual([
    {
      upserts: [
        { day: day('2025-01-02'), value: 60, stored: 1 },
        { day: day('2025-01-03'), value: 70, stored: undefined },
      ],
      deletes: [],
    },
  ])
  expect(database.dump('once')[key('a', '2025-01-02')]).toBe(60)
})

test('a stage that keeps nothing and that nobody reads is refused', () => {
  expect(refusal(points())).toBe('Stage "points" keeps nothing, and no later stage names it in `reads`')
  const stage = points()
  const reader = tenantStage({ name: 'total', reads: ['points'], writes: ['total'], run: async () => {} })
  expect(refusal(stage, reader)).toContain('keeps nothing')
})

test('other days of what is kept nowhere cannot be read', () => {
  const stage = points()
  for (const offsets of [
    [-1, 0],
    [0, 1],
    [Number.NEGATIVE_INFINITY, 0],
  ] as const satisfies readonly DayOffsets[]) {
    const reader = { ...kept('once', stage), reads: { points: offsets } }
    expect(refusal(stage, reader)).toContain('that stage keeps nothing, so there are only the values of the day itself')
  }
})

test('a table may not be named like a stage that keeps nothing', () => {
  const stage = points()
  expect(refusal(stage, kept('once', stage), { ...kept('b', stage), writes: ['points'] })).toContain(
    'both write "points"',
  )
})

test('a stage that writes a table cannot do without save', () => {
  const definition = { name: 'a', writes: ['a'], load: async () => 1, calculate: () => 1 }
  expect(() => dayStage(definition as never)).toThrow(InvalidOptionsError)
})

test('a tenant stage hears whose days the run was about', async () => {
  const heard: unknown[] = []
  const stage = points()
  const total = tenantStage<Transaction>({
    name: 'total',
    writes: ['total'],
    run: async ({ employeeIds }) => void heard.push(employeeIds),
  })
  const { service, database } = world({ stages: [stage, kept('once', stage), total] })
  fill(database, 'hours', 'a', { '2025-01-01': 5 })
  const { from, to } = REQUEST
  await service.triggerRecalc({ tenantId: TENANT, employeeId: 'a', date: from })
  await service.triggerRecalcBatch({ tenantId: TENANT, employeeIds: ['b', 'a', 'b'], from, to })
  await service.triggerRecalcAll({ tenantId: TENANT, from, to })
  expect(heard).toEqual([['a'], ['a', 'b'], null])
})

test('how far back a table is read may be without bound', () => {
  const reads = { rates: [Number.NEGATIVE_INFINITY, 0], roles: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] }
  const stage = { ...kept('once', points()), reads: reads as unknown as Record<string, DayOffsets> }
  const make = (changed: Partial<DayStage<Transaction>>) =>
    new RecalcService({ stages: [{ ...stage, ...changed } as Stage], employees: { listEmployees: async () => [] } })
  expect(() => make({})).not.toThrow()
  expect(() => make({ reads: { rates: [Number.POSITIVE_INFINITY, 0] } })).toThrow(InvalidOptionsError)
  expect(() => make({ reads: { rates: [0, Number.NEGATIVE_INFINITY] } })).toThrow(InvalidOptionsError)
  expect(() => make({ reads: { rates: [Number.NaN, 0] } })).toThrow(InvalidOptionsError)
})

test('values are given only of what a stage names in its reads, whatever else runs before it', async () => {
  const stage = points()
  const undeclared = { ...kept('twice', stage), reads: {} }
  const { service } = world({ stages: [stage, kept('once', stage), undeclared] })
  await expect(service.triggerRecalcRange(REQUEST)).rejects.toMatchObject({
    code: 'PIPELINE',
    message:
      'Stage "twice" asks for the values of "points", but does not read it; ' +
      'name one of its tables in `reads`, or the stage itself when it keeps nothing',
  })
})

test('a stage that keeps nothing cannot build on its own day before', () => {
  const stage = { ...points(), reads: { points: [-1, 0] as const } }
  expect(refusal(stage, kept('once', stage))).toBe(
    'Stage "points" keeps nothing, so it has no value of the day before to read',
  )
})

test('that it reads itself does not make it useful', () => {
  expect(refusal({ ...points(), reads: { points: [-1, 0] }, stored: async () => new Map() })).toContain('keeps nothing')
})

test('a stage that saves names what it writes', () => {
  const definition = { name: 'a', writes: [], load: async () => 1, calculate: () => 1, save: async () => {} }
  expect(() => dayStage(definition as never)).toThrow(
    'Expected `dayStage(…).writes` to be the tables that `save` writes',
  )
})

test('a misspelled member of a stage is refused', () => {
  const definition = { name: 'a', writes: ['a'], load: async () => 1, calculate: () => 1, save: async () => {} }
  expect(() => dayStage({ ...definition, store: async () => new Map() } as never)).toThrow('`store` is not known')
  expect(() => tenantStage({ name: 't', writes: ['t'], run: async () => {}, read: ['a'] } as never)).toThrow(
    '`read` is not known',
  )
})

test.each(['stored', 'isEqual', 'carries'])('a stage whose %s is no function is refused', (member) => {
  const definition = { name: 'a', writes: ['a'], load: async () => 1, calculate: () => 1, save: async () => {} }
  for (const wrong of [5, 'x', true, false, {}]) {
    const message = `${member}\` to be a function, or left out`
    expect(() => dayStage({ ...definition, [member]: wrong } as never)).toThrow(message)
    expect(() => periodStage({ ...definition, period: 'month', [member]: wrong } as never)).toThrow(message)
  }
})

test('an instance of a class may have members of its own', () => {
  class Stage {
    readonly name = 'a'
    readonly writes = ['a']
    readonly helper = 7
    load = async () => this.helper
    calculate = () => this.helper
    save = async () => {}
  }
  expect(() => dayStage(new Stage())).not.toThrow()
})

test('a calculation that forgets to return is an error, not a day without a row', async () => {
  const stage = { ...kept('once', points()), reads: {}, load: async () => undefined, calculate: () => undefined }
  const { service, database } = world({ stages: [stage] })
  fill(database, 'once', 'a', { '2025-01-01': 1 })
  await expect(service.triggerRecalcRange(REQUEST)).rejects.toMatchObject({
    code: 'RECALC_FAILED',
    cause: {
      code: 'CONTRACT',
      message:
        'Expected `calculate` of stage once to return a value or null at once, got undefined (employee a, 2025-01-01)',
    },
  })
  expect(database.dump('once')).toEqual({ 'acme/a/2025-01-01': 1 })
})
