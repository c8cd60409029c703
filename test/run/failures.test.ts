import { expect, test } from 'vitest'
import {
  BackendUnavailableError,
  ContractError,
  dateOf,
  dayStage,
  type EmployeeDay,
  PipelineError,
  RecalcFailedError,
  RecalcService,
  type TriggerOptions,
} from '../../src/index.ts'
import { date } from '../calendar/arbitraries.ts'
import { Database, type Probe, TransientError } from '../support/database.ts'
import type { Fault } from '../support/naive.ts'
import { strike } from '../support/scenario.ts'
import { closedThrough, employeeList, fill, key, TENANT, world } from '../support/service.ts'
import { balances, dailyCalcOf, ranks, type StageCall, scores, stageOf, summary, trends } from '../support/stages.ts'

const FROM = '2025-01-01'
const hoursOf = (days: number) =>
  Object.fromEntries(Array.from({ length: days }, (_, i) => [`2025-01-${String(i + 1).padStart(2, '0')}`, 1]))
const go: TriggerOptions = { onError: 'continue' }

function fault(step: Fault['step'], employeeId: string, day: string, table = 'scores'): Fault {
  return { step, employeeId, date: date(day), table }
}

for (const step of ['load', 'stored', 'calculate', 'save', 'commit'] as const) {
  test(`an error at ${step} is halved down to the very days that cause it, in few attempts`, async () => {
    const faults = [fault(step, 'e03', '2025-01-05'), fault(step, 'e11', '2025-01-30')]
    const { service, database, connection } = world(
      { stages: [stageOf(scores)] },
      { probe: (point) => strike(faults, point), block: { employees: 16, days: 31 } },
    )
    const employeeIds = Array.from({ length: 16 }, (_, i) => `e${String(i).padStart(2, '0')}`)
    for (const id of employeeIds) fill(database, 'hours', id, hoursOf(31))
    const result = await service.triggerRecalcBatch({ tenantId: TENANT, employeeIds, from: FROM, to: '2025-01-31' }, go)
    expect(result).toMatchObject({
      status: 'completed_with_errors',
      totalDays: 496,
      processedDays: 494,
      failedDays: 2,
      errorCount: 2,
    })
    expect(result.errors.map(({ employeeId, date, stage, code }) => [employeeId, date, stage, code])).toEqual([
      ['e03', '2025-01-05', step === 'commit' ? 'commit' : 'scores', 'Error'],
      ['e11', '2025-01-30', step === 'commit' ? 'commit' : 'scores', 'Error'],
    ])
    expect(database.rows('scores').size).toBe(494)
    expect(database.rows('scores').has(key('e03', '2025-01-05'))).toBe(false)
    expect(connection.begun).toBeLessThan(step === 'calculate' ? 2 : 60)
  })
}

test('a synchronous run stops at the first failed day and carries the result', async () => {
  const { service, database } = world(
    { dailyCalc: dailyCalcOf([scores]) },
    { probe: (point) => strike([fault('calculate', 'a', '2025-01-02', 'dailyCalc')], point) },
  )
  fill(database, 'hours', 'a', hoursOf(4))
  const request = { tenantId: TENANT, employeeId: 'a', from: FROM, to: '2025-01-04' }
  const error: unknown = await service.triggerRecalcRange(request).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(RecalcFailedError)
  expect(error).toMatchObject({
    message: 'Recalculation failed (employee a, 2025-01-02): calculate of dailyCalc fails on 2025-01-02/a',
    cause: new Error('calculate of dailyCalc fails on 2025-01-02/a'),
    result: { status: 'failed', totalDays: 4, processedDays: 1, failedDays: 1, errorCount: 1 },
  })
  expect([...database.rows('scores').keys()]).toEqual([key('a', FROM)])
})

test('a failure is told even when no errors are kept', async () => {
  const { service } = world(
    { dailyCalc: dailyCalcOf([scores]) },
    { maxErrorsKept: 0, probe: (point) => strike([fault('calculate', 'a', FROM, 'dailyCalc')], point) },
  )
  await expect(service.triggerRecalc({ tenantId: TENANT, employeeId: 'a', date: FROM })).rejects.toMatchObject({
    message: 'Recalculation failed (employee a, 2025-01-01): calculate of dailyCalc fails on 2025-01-01/a',
    result: { errors: [], errorCount: 1 },
  })
})

test('with `continue` a synchronous run does all the other days and lists the first `maxErrorsKept` failures', async () => {
  const faults = ['2025-01-01', '2025-01-02', '2025-01-04'].map((day) => fault('calculate', 'a', day, 'dailyCalc'))
  const { service, database } = world(
    { dailyCalc: dailyCalcOf([scores]) },
    { maxErrorsKept: 2, probe: (point) => strike(faults, point) },
  )
  fill(database, 'hours', 'a', hoursOf(5))
  const request = { tenantId: TENANT, employeeId: 'a', from: FROM, to: '2025-01-05' }
  const result = await service.triggerRecalcRange(request, go)
  expect(result).toMatchObject({ processedDays: 2, failedDays: 3, errorCount: 3, status: 'completed_with_errors' })
  expect(result.errors.map(({ date }) => date)).toEqual(['2025-01-01', '2025-01-02'])
})

test('a day that fails in a later stage is left as it was in every table, whatever was saved before it', async () => {
  const { service, database } = world(
    { stages: [stageOf(scores), stageOf(ranks)] },
    { probe: (point) => strike([fault('calculate', 'a', '2025-01-02', 'ranks')], point) },
  )
  fill(database, 'hours', 'a', hoursOf(3))
  fill(database, 'scores', 'a', { '2025-01-02': 99 })
  const request = { tenantId: TENANT, employeeId: 'a', from: FROM, to: '2025-01-03' }
  const result = await service.triggerRecalcRange(request, go)
  expect(result).toMatchObject({ processedDays: 2, failedDays: 1 })
  expect(database.dump('scores')).toEqual({
    [key('a', FROM)]: 10,
    [key('a', '2025-01-02')]: 99,
    [key('a', '2025-01-03')]: 11,
  })
  expect(database.dump('ranks')).toEqual({ [key('a', FROM)]: 3, [key('a', '2025-01-03')]: 4 })
})

test('a failed day blocks the later ones of its employee where days build on earlier ones, across blocks', async () => {
  const calls: StageCall[] = []
  const { service, database } = world(
    { stages: [stageOf(balances, { calls })] },
    {
      block: { employees: 2, days: 2 },
      probe: (point) => strike([fault('calculate', 'a', '2025-01-02', 'balances')], point),
    },
  )
  for (const id of ['a', 'b']) fill(database, 'hours', id, hoursOf(6))
  const request = { tenantId: TENANT, employeeIds: ['a', 'b'], from: FROM, to: '2025-01-06' }
  const result = await service.triggerRecalcBatch(request, go)
  expect(result).toMatchObject({ totalDays: 12, processedDays: 7, failedDays: 5, errorCount: 1 })
  expect([...database.rows('balances').keys()].filter((row) => row.startsWith('acme/a/'))).toEqual([key('a', FROM)])
  const loaded = calls.filter(({ step }) => step === 'load').map(({ block }) => block?.employeeIds)
  expect(loaded).toEqual([['a', 'b'], ['b'], ['b']])
})

test('a day stage that builds on another stage`s yesterday is blocked by it, too', async () => {
  const { service, database } = world(
    { stages: [stageOf(trends), stageOf(scores)] },
    { probe: (point) => strike([fault('calculate', 'a', '2025-01-02')], point) },
  )
  fill(database, 'hours', 'a', hoursOf(4))
  const request = { tenantId: TENANT, employeeId: 'a', from: FROM, to: '2025-01-04' }
  await expect(service.triggerRecalcRange(request, go)).resolves.toMatchObject({ processedDays: 1, failedDays: 3 })
})

test('what the library`s own helpers throw in a stage is the day`s failure like any other', async () => {
  const { service, database } = world({
    stages: [
      dayStage<number, void, import('../support/database.ts').Transaction>({
        name: 'scores',
        writes: ['scores'],
        async load({ employeeIds }) {
          if (employeeIds.includes('b')) dateOf(new Date(Number.NaN), 'UTC')
        },
        calculate: () => 1,
        async save({ upserts }, { tx }) {
          for (const { day } of upserts) tx.write('scores', key(day.employeeId, day.date), 1)
        },
      }),
    ],
  })
  const request = { tenantId: TENANT, employeeIds: ['a', 'b', 'c'], from: FROM, to: FROM }
  const result = await service.triggerRecalcBatch(request, go)
  expect(result.errors).toMatchObject([{ employeeId: 'b', stage: 'scores', code: 'INVALID_REQUEST' }])
  expect([...database.rows('scores').keys()]).toEqual([key('a', FROM), key('c', FROM)])
})

test('whatever is thrown, be it no error at all, is a failure with words', async () => {
  const thrown: unknown[] = ['text', null, undefined, Object.create(null), { toString: 7 }, Symbol('s'), new Error()]
  const { service } = world({
    dailyCalc: {
      async calculateDay({ employeeId }) {
        throw thrown[Number(employeeId)]
      },
    },
  })
  const employeeIds = thrown.map((_, i) => String(i))
  const result = await service.triggerRecalcBatch({ tenantId: TENANT, employeeIds, from: FROM, to: FROM }, go)
  expect(result).toMatchObject({ failedDays: thrown.length, errorCount: thrown.length })
  expect(result.errors.every(({ message, stage }) => typeof message === 'string' && stage === 'dailyCalc')).toBe(true)
  expect(result.errors.find(({ employeeId }) => employeeId === '0')?.message).toBe('text')
})

test.each(['load', 'save', 'stored'] as const)(
  'an error that throws when it is looked at fails only its day, also from %s',
  async (step) => {
    const trap = () => {
      throw new Error('not to be read')
    }
    const thrown = [
      new Proxy(new Error('a proxy'), { get: trap }),
      Object.defineProperty(new Error('a getter'), 'message', { get: trap }),
      Object.defineProperty(new Error('a getter'), 'code', { get: trap }),
    ]
    for (const error of thrown) {
      const database = new Database()
      for (const id of ['a', 'b']) fill(database, 'hours', id, { [FROM]: 1 })
      const { service } = world(
        { stages: [stageOf(scores)] },
        {
          database,
          probe: ({ name, block, days }) => {
            const isMine = block?.employeeIds.includes('b') || days?.some(({ employeeId }) => employeeId === 'b')
            if (name === step && isMine) throw error
          },
        },
      )
      const result = await service.triggerRecalcBatch(
        { tenantId: TENANT, employeeIds: ['a', 'b'], from: FROM, to: FROM },
        go,
      )
      expect(result).toMatchObject({ status: 'completed_with_errors', processedDays: 1, failedDays: 1 })
    }
  },
)

test('a contract that a stage breaks ends the run with that error as it is', async () => {
  const noMap = world({
    stages: [{ ...stageOf(scores), stored: async () => [] as unknown as ReadonlyMap<never, number> }],
  })
  const request = { tenantId: TENANT, employeeIds: ['a', 'b'], from: FROM, to: '2025-01-03' }
  await expect(noMap.service.triggerRecalcBatch(request, go)).rejects.toThrow(ContractError)
  expect(noMap.connection.begun).toBe(1)

  const lost = world({
    stages: [{ ...stageOf(scores), kind: 'day', load: async (_, context) => context.valuesOf({ name: 'nobody' }) }],
  })
  const error: unknown = await lost.service.triggerRecalcBatch(request, go).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(PipelineError)
  expect(error).toMatchObject({
    message: expect.stringContaining('Stage "scores" asks for the values of "nobody", which is no earlier day stage'),
  })
})

test('a closed period that cannot be told fails its days and touches none of them', async () => {
  const { service, database } = world(
    { stages: [stageOf(scores)] },
    {
      closedPeriods: {
        async closedThrough({ employeeIds }) {
          if (employeeIds.includes('b')) throw new Error('no contract')
          return new Map()
        },
      },
    },
  )
  for (const id of ['a', 'b', 'c']) fill(database, 'hours', id, hoursOf(2))
  const request = { tenantId: TENANT, employeeIds: ['a', 'b', 'c'], from: FROM, to: '2025-01-02' }
  const result = await service.triggerRecalcBatch(request, go)
  expect(result).toMatchObject({ processedDays: 4, failedDays: 2 })
  expect(result.errors).toMatchObject([
    { employeeId: 'b', stage: 'closedPeriods', message: 'no contract' },
    { employeeId: 'b', stage: 'closedPeriods' },
  ])
  expect([...database.rows('scores').keys()].filter((row) => row.includes('/b/'))).toEqual([])
})

test('closed periods that are no map of dates break the contract', async () => {
  for (const answer of [{ a: FROM }, null, new Map([['a', new Date()]]), new Map([['a', '2025-1-1']])]) {
    const { service } = world(
      { stages: [stageOf(scores)] },
      { closedPeriods: { closedThrough: async () => answer as unknown as ReadonlyMap<string, string> } },
    )
    const running = service.triggerRecalcBatch({ tenantId: TENANT, employeeIds: ['a', 'b'], from: FROM, to: FROM }, go)
    await expect(running).rejects.toThrow(ContractError)
    await expect(running).rejects.toThrow(
      /^Expected `closedThrough\(…\)( of employee a)?` to be a (map of employee ids|date)/,
    )
  }
})

test('an employee repository that fails ends the run with its error as it is', async () => {
  const error = new TypeError('no such table')
  const { service } = world(
    { stages: [stageOf(scores)] },
    { employees: { listEmployees: () => Promise.reject(error), countEmployees: async () => 2 } },
  )
  await expect(service.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: FROM })).rejects.toBe(error)
  const job = await service.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: FROM })
  await expect(job.result).resolves.toMatchObject({
    status: 'failed',
    error: { code: 'TypeError', message: 'no such table' },
  })
})

test('when one lane meets the end of the run, the others end gracefully and nothing is half done', async () => {
  const probe: Probe = ({ name, block }) => {
    if (name === 'load' && block?.employeeIds.includes('c')) throw new TransientError('gone')
  }
  const { service, database } = world({ stages: [stageOf(scores)] }, { probe, block: { employees: 1, days: 1 } })
  for (const id of ['a', 'b', 'c', 'd']) fill(database, 'hours', id, hoursOf(3))
  const request = { tenantId: TENANT, employeeIds: ['a', 'b', 'c', 'd'], from: FROM, to: '2025-01-03' }
  await expect(service.triggerRecalcBatch(request, go)).rejects.toThrow(BackendUnavailableError)
  expect(database.lockedKeys).toEqual([])
  expect(database.misuse).toEqual([])
})

test('more failures than fit on a page are all repaired by a resume', async () => {
  let broken = true
  const { service, database } = world(
    { dailyCalc: dailyCalcOf([scores]) },
    {
      employees: employeeList(['a', 'b', 'c']),
      probe: ({ name }) => {
        if (broken && name === 'calculate') throw new Error('not yet')
      },
    },
  )
  for (const id of ['a', 'b', 'c']) fill(database, 'hours', id, { '2024-06-01': 1 })
  const job = await service.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: '2026-02-04' })
  await expect(job.result).resolves.toMatchObject({ failedDays: 1_200, errorCount: 1_200, errors: { length: 100 } })
  broken = false
  const again = await service.resumeJob(job.id)
  await expect(again.result).resolves.toMatchObject({
    status: 'completed',
    processedDays: 1_200,
    failedDays: 0,
    errors: [],
  })
})

test('a later stage sees of an earlier one what stands: closed and failed days are missing, empty days are null', async () => {
  let seen: ReadonlyMap<string, unknown> = new Map()
  const probing = (name: string, fails: (day: EmployeeDay) => boolean, look: boolean) =>
    dayStage<number, void, import('../support/database.ts').Transaction>({
      name,
      reads: { scores: [0, 0] },
      writes: [name],
      async load(_, { valuesOf }) {
        const values = valuesOf<number>({ name: 'scores' })
        if (look) seen = values
      },
      calculate(day) {
        if (fails(day)) throw new Error('no')
        return 1
      },
      async save() {},
    })
  const { service, database } = world(
    {
      stages: [
        stageOf(scores),
        probing('middle', ({ date }) => date === '2025-01-03', false),
        probing('last', () => false, true),
      ],
    },
    { closedPeriods: closedThrough({ a: FROM }) },
  )
  fill(database, 'hours', 'a', { [FROM]: 1, '2025-01-02': 2, '2025-01-03': 3 })
  await service.triggerRecalcRange({ tenantId: TENANT, employeeId: 'a', from: FROM, to: '2025-01-04' }, go)
  expect(Object.fromEntries(seen)).toEqual({ '2025-01-02/a': 21, '2025-01-04/a': null })
})

test('a tenant stage that fails is a failure of nobody`s day, and the next ones still run', async () => {
  const { service, database } = world({
    stages: [
      stageOf(scores),
      { ...summary(), name: 'early', writes: ['early'], run: () => Promise.reject(new Error('no')) },
      summary(),
    ],
  })
  fill(database, 'hours', 'a', hoursOf(1))
  const request = { tenantId: TENANT, employeeId: 'a', date: FROM }
  const result = await service.triggerRecalc(request, go)
  expect(result).toMatchObject({ status: 'completed_with_errors', processedDays: 1, failedDays: 0, errorCount: 1 })
  expect(result.errors).toMatchObject([{ employeeId: null, date: null, stage: 'early', message: 'no' }])
  expect(database.dump('summary')).toEqual({ acme: 10 })
  await expect(service.triggerRecalc(request)).rejects.toMatchObject({
    code: 'RECALC_FAILED',
    message: 'Recalculation failed (stage early): no',
  })
})

test('tenant stages run again after a repair, even when the run that repaired is cancelled before it reaches them', async () => {
  let broken = true
  let cancel: (() => void) | undefined
  const { service, database } = world(
    { stages: [stageOf(scores), summary()] },
    {
      probe: ({ name, days }) => {
        if (broken && name === 'calculate' && days?.[0]?.employeeId === 'b') throw new Error('not yet')
        if (name === 'save') cancel?.()
      },
    },
  )
  for (const id of ['a', 'b']) fill(database, 'hours', id, { [FROM]: 1 })
  const request = { tenantId: TENANT, employeeIds: ['a', 'b'], from: FROM, to: FROM }
  const job = await service.triggerRecalcBatchAsync(request)
  await expect(job.result).resolves.toMatchObject({ status: 'completed_with_errors' })
  expect(database.dump('summary')).toEqual({ acme: 10 })
  broken = false
  cancel = () => void service.cancelJob(job.id)
  await expect((await service.resumeJob(job.id)).result).resolves.toMatchObject({ status: 'cancelled', failedDays: 0 })
  expect(database.dump('summary')).toEqual({ acme: 10 })
  cancel = undefined
  await expect((await service.resumeJob(job.id)).result).resolves.toMatchObject({ status: 'completed' })
  expect(database.dump('summary')).toEqual({ acme: 20 })
})

test('a resume runs the tenant stage that failed, and those after it, which may build on it', async () => {
  let broken = true
  const order: string[] = []
  const early = {
    ...summary(),
    name: 'early',
    writes: ['early'],
    run: async () => {
      order.push('early')
      if (broken) throw new Error('not yet')
    },
  }
  const { service } = world(
    { stages: [stageOf(scores), early, summary()] },
    { probe: ({ name }) => void (name === 'run' && order.push('summary')) },
  )
  const job = await service.triggerRecalcAsync({ tenantId: TENANT, employeeId: 'a', date: FROM })
  await expect(job.result).resolves.toMatchObject({ status: 'completed_with_errors', errorCount: 1 })
  broken = false
  await expect((await service.resumeJob(job.id)).result).resolves.toMatchObject({ status: 'completed', errorCount: 0 })
  expect(order).toEqual(['early', 'summary', 'early', 'summary'])
})

test('an async calculate fails its day before anything is saved', async () => {
  let saved = false
  const stage = dayStage<unknown, undefined>({
    name: 'eager',
    writes: ['eager'],
    load: async () => undefined,
    calculate: async () => 1,
    save: async () => {
      saved = true
    },
  })
  const employees = { listEmployees: async () => [] }
  const recalc = new RecalcService({ stages: [stage], employees })
  const run = recalc.triggerRecalc({ tenantId: 'acme', employeeId: 'ada', date: '2025-01-01' })
  await expect(run).rejects.toMatchObject({ code: 'RECALC_FAILED', cause: expect.any(ContractError) })
  await expect(run).rejects.toThrow(
    'Expected `calculate` of stage eager to return a value or null at once, got a promise (employee ada, 2025-01-01)',
  )
  expect(saved).toBe(false)
})
