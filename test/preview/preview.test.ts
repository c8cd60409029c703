import { expect, test } from 'vitest'
import {
  ContractError,
  type DayDifference,
  dayStage,
  InvalidRequestError,
  NestedCallError,
  type Preview,
  parseIsoDate,
  RecalcService,
  type RecalcServiceOptions,
  ServiceStoppedError,
} from '../../src/index.ts'
import { Database, type Transaction } from '../support/database.ts'
import { months } from '../support/months.ts'
import { fill, TENANT, world } from '../support/service.ts'
import { balances, ranks, scores, stageOf } from '../support/stages.ts'

const FROM = parseIsoDate('2025-03-01', 'date')
const request = { tenantId: TENANT, employeeIds: ['ann', 'bob'], from: FROM, to: '2025-03-04' }

function host(options: Parameters<typeof world>[1] = {}, stages: RecalcServiceOptions<Transaction>['stages'] = []) {
  const database = new Database()
  fill(database, 'hours', 'ann', { '2025-03-01': 8, '2025-03-02': 8, '2025-03-03': 8, '2025-03-04': 8 })
  fill(database, 'hours', 'bob', { '2025-03-01': 1, '2025-03-02': 2, '2025-03-03': 3, '2025-03-04': 4 })
  return world(
    { stages: stages.length > 0 ? stages : [stageOf(scores), stageOf(balances), stageOf(ranks)] },
    { ...options, database },
  )
}

async function all(preview: Preview): Promise<readonly DayDifference[]> {
  const found: DayDifference[] = []
  for await (const difference of preview) found.push(difference)
  return found
}

test('the summary adds up what is different, also when nobody iterates', async () => {
  const { service, database } = host()
  const { totals, ...summary } = await service.preview(request).summary
  expect(summary).toEqual({
    status: 'completed',
    days: 8,
    changedDays: 8,
    closedDays: 0,
    failedDays: 0,
    inserts: 24,
    updates: 0,
    deletes: 0,
    errors: [],
    leftOut: [],
  })
  expect(totals.balances).toEqual({ '': { before: 0, after: 4 + 8 + 12 + 16 + -3 + -5 + -6 + -6 } })
  expect(database.dump('scores')).toEqual({})
})

test('other stages are previewed in place of the service’s own', async () => {
  const { service } = host()
  await service.triggerRecalcBatch(request)
  expect(await all(service.preview(request))).toEqual([])
  const doubled = {
    ...scores,
    formula: (...args: Parameters<typeof scores.formula>) => (scores.formula(...args) ?? 0) * 2,
  }
  const found = await all(service.preview({ ...request, employeeIds: ['bob'] }, { stages: [stageOf(doubled)] }))
  expect(found.map(({ date, before, after, kind }) => [date, before, after, kind])).toEqual([
    ['2025-03-01', 10, 20, 'update'],
    ['2025-03-02', 21, 42, 'update'],
    ['2025-03-03', 32, 64, 'update'],
    ['2025-03-04', 43, 86, 'update'],
  ])
  await expect(all(service.preview(request))).resolves.toEqual([])
})

test('closed days are left out, looked at like all others, or the only ones that are told', async () => {
  const { service } = host({
    closedPeriods: {
      closed: async ({ employeeIds }) =>
        new Map(employeeIds.map((id) => [id, id === 'ann' ? [{ from: '2025-03-02', to: '2025-03-03' }] : []])),
    },
  })
  const days = async (closed: 'skip' | 'include' | 'only') =>
    (await all(service.preview(request, { closed, tables: ['scores'] }))).map(
      ({ employeeId, date }) => `${employeeId} ${date?.slice(8)}`,
    )
  expect(await days('skip')).toEqual(['ann 01', 'ann 04', 'bob 01', 'bob 02', 'bob 03', 'bob 04'])
  expect(await days('include')).toHaveLength(8)
  expect(await days('only')).toEqual(['ann 02', 'ann 03'])
})

test('whoever leaves the loop ends the preview, and gets the numbers of what was looked at', async () => {
  const { service, connection } = host({ block: { employees: 1, days: 2 }, concurrency: 1 })
  const preview = service.preview(request)
  for await (const { employeeId } of preview) {
    expect(employeeId).toBe('ann')
    break
  }
  expect(await preview.summary).toMatchObject({ status: 'cancelled', days: 4 })
  const { begun } = connection
  await new Promise(setImmediate)
  expect(connection.begun).toBe(begun)
  await expect(all(preview)).rejects.toThrow(InvalidRequestError)
})

test('a signal ends the preview with its reason', async () => {
  const { service, database } = host()
  const abort = new AbortController()
  const preview = service.preview(request, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await expect(all(preview)).rejects.toThrow('enough')
  await expect(preview.summary).rejects.toThrow('enough')
  expect(database.dump('scores')).toEqual({})
})

test('what fails is told, day by day, and the rest is looked at', async () => {
  const failing = { ...stageOf(scores), kind: 'day' as const }
  const load: typeof failing.load = async (block, context) => {
    if (block.employeeIds.includes('ann') && block.dates.includes(parseIsoDate('2025-03-02', 'date'))) {
      throw new Error('no rates')
    }
    return failing.load(block, context)
  }
  const { service } = host({}, [{ ...failing, load }])
  const preview = service.preview(request)
  const found = await all(preview)
  expect(found.map(({ employeeId, date }) => `${employeeId} ${date?.slice(8)}`)).toEqual([
    'ann 01',
    'ann 03',
    'ann 04',
    'bob 01',
    'bob 02',
    'bob 03',
    'bob 04',
  ])
  expect(await preview.summary).toMatchObject({
    failedDays: 1,
    errors: [{ employeeId: 'ann', date: '2025-03-02', stage: 'scores', message: 'no rates' }],
  })
})

test.each([[[scores], 4] as const, [[scores, balances], 1] as const])(
  'where nobody knows what is closed, days are told as failed, as in a run',
  async (tables, errors) => {
    const closed = async ({ employeeIds }: { readonly employeeIds: readonly string[] }) => {
      if (employeeIds.includes('ann')) throw new Error('no calendar')
      return new Map(employeeIds.map((id) => [id, [{ from: '2025-03-01', to: '2025-03-03' }]]))
    }
    const { service } = host(
      { closedPeriods: { closed } },
      tables.map((table) => stageOf(table)),
    )
    const preview = service.preview(request, { closed: 'only' })
    const found = await all(preview)
    expect(found).toHaveLength(3 * tables.length)
    expect(found.every(({ employeeId }) => employeeId === 'bob')).toBe(true)
    const summary = await preview.summary
    expect(summary).toMatchObject({ status: 'completed', days: 4, failedDays: 4 })
    expect(summary.errors).toHaveLength(errors)
    expect(summary.errors[0]).toMatchObject({ stage: 'closedPeriods', message: 'no calendar' })
    const { corrections, failedDays } = await service.corrections(request).summary
    expect({ corrections, failedDays }).toEqual({ corrections: 3 * tables.length, failedDays: 4 })
  },
)

test('corrections of a value that cannot be looked through end with an error that says whose it is', async () => {
  let deep: unknown = 1
  for (let i = 0; i < 10_000; i++) deep = { deep }
  const closed = async () => new Map([['ann', [{ from: FROM, to: FROM }]]])
  const { service } = host({ closedPeriods: { closed } }, [{ ...stageOf(scores), calculate: () => deep }])
  const corrections = service.corrections(request).summary
  await expect(corrections).rejects.toThrow(ContractError)
  await expect(corrections).rejects.toThrow('stage scores (employee ann, 2025-03-01) cannot be looked through')
})

test('what is thrown for whatever days ends a preview with the error, instead of being tried for ever', async () => {
  const { service } = host({
    probe: ({ name }) => {
      if (name === 'lock') throw new Error('no table of locks')
    },
  })
  await expect(service.preview(request).summary).rejects.toThrow('no table of locks')
})

test.each<[string, object, string]>([
  ['an unknown option', { table: ['scores'] }, '`table` is not known'],
  ['a wrong word for closed days', { closed: 'all' }, "'skip', 'include' or 'only'"],
  ['stages that are none', { stages: [{}] }, 'made by dayStage'],
  ['no stages', { stages: [] }, 'a non-empty array of stages'],
  ['a table that no stage writes', { tables: ['nothing'] }, 'made of'],
])('%s is refused before anything is read', async (_, options, message) => {
  const { service, connection } = host()
  const preview = service.preview(request, options)
  await expect(preview.summary).rejects.toThrow(InvalidRequestError)
  await expect(service.preview(request, options).summary).rejects.toThrow(message)
  expect(connection.begun).toBe(0)
})

test.each<[object, string]>([
  [{ ...stageOf(scores), stored: 5 }, '`stages[0].stored` to be a function, or left out, got 5'],
  [{ ...stageOf(scores), reads: undefined }, '`stages[0].reads` to be an object of tables and days'],
  [{ ...months('scores'), period: 'year' }, "`stages[0].period` to be 'month', 'week' or an object"],
  [{ ...months('scores'), period: { startOf: () => '2025-01-01' } }, '`stages[0].period` to be'],
  [{ ...months('scores'), carries: 'minutes' }, '`stages[0].carries` to be a function, or left out'],
])('a made stage that was spread into a wrong one is refused before anything is read: %#', async (stage, message) => {
  const { service, connection } = host()
  const summary = service.preview(request, { stages: [stage as never] }).summary
  await expect(summary).rejects.toThrow(message)
  await expect(summary).rejects.toThrow(InvalidRequestError)
  expect(connection.begun).toBe(0)
})

test('stages without `stored` and a `dailyCalc` are refused, with what to do', async () => {
  const { stored: _, ...rest } = stageOf(scores)
  const { service } = host({}, [dayStage({ ...rest, kind: undefined } as never)])
  await expect(service.preview(request).summary).rejects.toThrow('give "scores" the function `stored`')
  const daily = world({ dailyCalc: { calculateDay: async () => 'changed' } }).service
  await expect(daily.preview(request).summary).rejects.toThrow('make it a day stage')
})

test('a backend without transactions is refused: what stages save would stay', async () => {
  const saved: unknown[] = []
  const service = new RecalcService({
    stages: [
      dayStage<number, null, undefined>({
        name: 'scores',
        writes: ['scores'],
        load: async () => null,
        calculate: () => 1,
        stored: async () => new Map(),
        save: async (changes) => void saved.push(changes),
      }),
    ],
    employees: { listEmployees: async () => [] },
  })
  await expect(service.preview(request).summary).rejects.toThrow('has no transactions')
  expect(saved).toEqual([])
})

test('a preview inside a calculation, or of a stopped service, is refused', async () => {
  let nested: unknown
  const { service } = host({}, [
    {
      ...stageOf(scores),
      kind: 'day',
      load: async () => {
        try {
          service.preview(request)
        } catch (error) {
          nested = error
        }
        throw new Error('done')
      },
    },
  ])
  await service.triggerRecalcBatch(request, { onError: 'continue' })
  expect(nested).toBeInstanceOf(NestedCallError)
  await service.stop()
  expect(() => service.preview(request)).toThrow(ServiceStoppedError)
})

test('a reader who asks for nothing more keeps no service from stopping', async () => {
  const { service } = host({ block: { employees: 1, days: 2 }, concurrency: 1 })
  const preview = service.preview(request)
  const reader = preview[Symbol.asyncIterator]()
  const first = await reader.next()
  expect(first.done).toBe(false)
  const began = performance.now()
  await service.stop({ timeoutMs: 60_000 })
  expect(performance.now() - began).toBeLessThan(30_000)
  const rest = (async () => {
    while (!(await reader.next()).done);
  })()
  await expect(rest).rejects.toThrow(ServiceStoppedError)
  await expect(preview.summary).rejects.toThrow(ServiceStoppedError)
})

test('calls for after the commit are never made', async () => {
  let calls = 0
  const { service } = host({}, [
    {
      ...stageOf(scores),
      kind: 'day',
      save: async (_, { afterCommit }) => afterCommit(() => (calls += 1)),
    },
  ])
  expect((await service.preview(request).summary).inserts).toBe(8)
  expect(calls).toBe(0)
})
