import { expect, test } from 'vitest'
import {
  ContractError,
  type DailyCalc,
  type IsoDate,
  type PeriodBlock,
  type PeriodKey,
  PipelineError,
  parseIsoDate,
  periodKey,
  periodOf,
  type RecalcServiceOptions,
  systemClock,
} from '../../src/index.ts'
import { Database, rowKey, type Transaction } from '../support/database.ts'
import { months } from '../support/months.ts'
import { fill, key, TENANT, world } from '../support/service.ts'
import { scores, stageOf } from '../support/stages.ts'

const JANUARY = '2025-01-30'
const FEBRUARY = '2025-02-02'

const request = { tenantId: TENANT, employeeIds: ['ann'], from: JANUARY, to: FEBRUARY }

function host(
  calculator: Pick<RecalcServiceOptions<Transaction>, 'dailyCalc' | 'stages'>,
  options: Parameters<typeof world>[1] = {},
) {
  const database = new Database()
  fill(database, 'hours', 'ann', { '2025-01-30': 1, '2025-01-31': 2, '2025-02-01': 3, '2025-02-02': 4 })
  const clock = { ...systemClock, now: () => Date.parse(`${FEBRUARY}T12:00:00Z`) }
  return world(calculator, { database, clock, block: { employees: 1, days: 2 }, ...options })
}

test('months follow the days of a dailyCalc, in the block of their last requested day, and its noted changes', async () => {
  const dailyCalc: DailyCalc<Transaction> = {
    reads: { hours: [0, 0] },
    async calculateDay(day, { tx }) {
      tx.write('days', rowKey(day), tx.read('hours', rowKey(day)))
    },
  }
  const { service, database } = host({ dailyCalc, stages: [months('days')] })
  const result = await service.triggerRecalcBatch(request)
  expect(result.periods).toEqual({ processed: 2, unchanged: 0, skipped: 0, failed: 0 })
  expect(database.dump('months')).toEqual({ [key('ann', '2025-01-01')]: 3, [key('ann', '2025-02-01')]: 10 })
  database.edit('hours', key('ann', '2025-01-31'), 20)
  const change = {
    tenantId: TENANT,
    employeeId: 'ann',
    table: 'hours',
    dates: { from: '2025-01-31', to: '2025-01-31' },
  }
  await service.noteChange(undefined as unknown as Transaction, change) // the memory ledger needs none
  await service.settle({ tenantId: TENANT })
  expect(database.dump('months')).toEqual({ [key('ann', '2025-01-01')]: 21, [key('ann', '2025-02-01')]: 28 })
})

test('only months are calculated when only their table is asked for', async () => {
  const { service, database } = host({ stages: [stageOf(scores), months('scores')] })
  await service.triggerRecalcBatch(request)
  database.edit('scores', key('ann', JANUARY), 1_000)
  const result = await service.triggerRecalcBatch(request, { tables: ['months'] })
  expect(result).toMatchObject({ unchangedDays: 4, periods: { processed: 2, unchanged: 0 } })
  expect(database.dump('scores')[key('ann', JANUARY)]).toBe(1_000)
  expect(database.dump('months')[key('ann', '2025-01-01')]).toBe(1_000 + 21)
})

test('a month that failed is listed as one, no day is taken to be blocked by it, and a resumed job repairs it', async () => {
  let isBroken = true
  const stage = months('scores', () => {
    if (isBroken) throw new Error('no rule')
  })
  const { service, database } = host({ stages: [stageOf(scores), stage] })
  const job = await service.triggerRecalcBatchAsync(request)
  const { errors, ...result } = await job.result
  expect(result).toMatchObject({ status: 'completed_with_errors', failedDays: 0, periods: { processed: 0, failed: 2 } })
  expect(errors[0]).toMatchObject({
    period: true,
    employeeId: 'ann',
    date: '2025-01-01',
    through: '2025-01-31',
    stage: 'months',
  })
  expect(await service.listJobEmployees(job.id)).toMatchObject([{ datesDone: 4, failures: [], blockedFrom: null }])
  isBroken = false
  const repaired = await (await service.resumeJob(job.id)).result
  expect(repaired).toMatchObject({ status: 'completed', errorCount: 0, periods: { processed: 2, failed: 0 } })
  expect(Object.keys(database.dump('months'))).toHaveLength(2)
})

test('a month is closed when all its days are, and is left as it is', async () => {
  const closed = [{ from: '2025-01-01', to: '2025-01-31' }]
  const { service, database } = host(
    { stages: [stageOf(scores), months('scores')] },
    { closedPeriods: { closed: async ({ employeeIds }) => new Map(employeeIds.map((id) => [id, closed])) } },
  )
  const { periods, skippedDays } = await service.triggerRecalcBatch(request)
  expect({ periods, skippedDays }).toEqual({
    periods: { processed: 1, unchanged: 0, skipped: 1, failed: 0 },
    skippedDays: 2,
  })
  expect(Object.keys(database.dump('months'))).toEqual([key('ann', '2025-02-01')])
})

test.each<[string, readonly object[], string]>([
  [
    'a day stage that reads its own month',
    [stageOf({ ...scores, reads: { months: [-1, 0] } }), months('hours')],
    'days read earlier periods, such as [-1, -1], counted in periods',
  ],
  [
    'a stage that reads its own month two periods back',
    [{ ...months('hours'), reads: { months: [-2, 0] } }],
    'the period before, [-1, 0]',
  ],
  ['a stage that carries without `stored`', [{ ...months('hours'), stored: undefined }], 'needs `stored`'],
  [
    'a stage that reads periods of another kind',
    [
      months('hours'),
      { ...months('hours'), name: 'weeks', period: 'week', writes: ['weeks'], reads: { months: 'period' } },
    ],
    'whose periods are others',
  ],
])('%s is refused', (_, stages, message) => {
  const make = () => host({ stages: stages as NonNullable<RecalcServiceOptions<Transaction>['stages']> })
  expect(make).toThrow(PipelineError)
  expect(make).toThrow(message)
})

test('a `dailyCalc` that reads months is refused', () => {
  const dailyCalc = { reads: { months: [-1, -1] as const }, calculateDay: async () => {} }
  expect(() => host({ dailyCalc, stages: [months('hours')] })).toThrow('a day stage may read earlier periods')
})

test('a period kind that does not hold its own days ends the run, instead of giving a wrong month', async () => {
  const start = parseIsoDate('2025-01-01', 'start')
  const wrong = { ...months('scores'), period: { startOf: () => start, endOf: () => periodOf('month', start).to } }
  const { service } = host({ stages: [stageOf(scores), wrong] })
  await expect(service.triggerRecalcBatch(request)).rejects.toThrow('does not hold it')
})

test('a period kind that throws ends runs, previews and settling, and the note stays', async () => {
  const startOf = (date: IsoDate) => {
    if (date >= '2025-02-01') throw new Error('no calendar')
    return periodOf('month', date).from
  }
  const wrong = { ...months('scores'), period: { startOf, endOf: (date: IsoDate) => periodOf('month', date).to } }
  const { service, database } = host({ stages: [stageOf(scores), wrong] })
  await expect(service.triggerRecalcBatch(request)).rejects.toThrow(ContractError)
  await expect(service.preview(request).summary).rejects.toThrow('startOf threw "no calendar"')
  const dates = { from: '2025-01-31', to: '2025-01-31' }
  const change = { tenantId: TENANT, employeeId: 'ann', table: 'hours', dates }
  await service.noteChange(undefined as unknown as Transaction, change) // the memory ledger needs none
  database.edit('hours', key('ann', '2025-01-31'), 20)
  await expect(service.settle({ tenantId: TENANT })).rejects.toThrow(ContractError)
  expect(await service.listDirty({ tenantId: TENANT })).toHaveLength(1)
})

test.each([['2025-01-01|ann'], ['2025-01-02/ann'], ['2025-01-01/bob'], [{ toString: (): string => '2025-01-01/ann' }]])(
  'a key of `stored` that no period has, %o, breaks the contract: its row would seem to be missing',
  async (wrong) => {
    const stage = { ...months('scores'), stored: async () => new Map([[wrong as PeriodKey, 1]]) }
    const { service, database } = host({ stages: [stageOf(scores), stage] })
    await expect(service.triggerRecalcBatch(request)).rejects.toThrow(ContractError)
    expect(database.dump('months')).toEqual({})
  },
)

test('a month that `stored` gives as null is none: it is neither compared nor removed', async () => {
  const stage = {
    ...months('scores'),
    reads: { scores: 'period' as const },
    calculate: () => null,
    stored: async ({ employeeIds, periods }: PeriodBlock) =>
      new Map(
        employeeIds.flatMap((employeeId) =>
          periods.map(({ from }) => [periodKey({ employeeId, from }), null as never]),
        ),
      ),
  }
  const { service } = host({ stages: [stageOf(scores), stage] })
  const { periods } = await service.triggerRecalcBatch(request)
  expect(periods).toEqual({ processed: 2, unchanged: 2, skipped: 0, failed: 0 })
})
