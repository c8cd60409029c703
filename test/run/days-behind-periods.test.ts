import { expect, test } from 'vitest'
import { type DateInterval, dayStage, periodOf, systemClock } from '../../src/index.ts'
import { Database, rowKey, type Transaction } from '../support/database.ts'
import { months } from '../support/months.ts'
import { fill, key, TENANT, world } from '../support/service.ts'

const JANUARY = '2025-01-30'
const FEBRUARY = '2025-02-02'
const request = { tenantId: TENANT, employeeIds: ['ann'], from: JANUARY, to: FEBRUARY }

/** A day's hours, and a hundredfold of what the months before it have come to. */
const scores = dayStage<number, Transaction, Transaction>({
  name: 'scores',
  reads: { hours: [0, 0], months: [-1, -1] },
  writes: ['scores'],
  load: async (_, { tx }) => tx,
  calculate({ tenantId, employeeId, date }, tx) {
    const before = tx.read('months', rowKey({ tenantId, employeeId, date: monthBefore(date) }))
    return Number(tx.read('hours', rowKey({ tenantId, employeeId, date })) ?? 0) + 100 * Number(before ?? 0)
  },
  async save({ upserts }, { tx }) {
    for (const { day, value } of upserts) tx.write('scores', rowKey(day), value)
  },
})

function monthBefore(date: string): string {
  return new Date(Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)) - 2, 1)).toISOString().slice(0, 10)
}

function host(options: {
  readonly fails?: () => void
  readonly closed?: readonly DateInterval[]
  readonly days?: number
}) {
  const database = new Database()
  fill(database, 'hours', 'ann', { '2025-01-30': 1, '2025-01-31': 2, '2025-02-01': 3, '2025-02-02': 4 })
  const { fails = () => {}, closed = [], days = 31 } = options
  return world(
    { stages: [scores, months('scores', fails)] },
    {
      database,
      clock: { ...systemClock, now: () => Date.parse(`${FEBRUARY}T12:00:00Z`) },
      block: { employees: 5, days },
      closedPeriods: { closed: async ({ employeeIds }) => new Map(employeeIds.map((id) => [id, closed])) },
    },
  )
}

const right = {
  scores: { '2025-01-30': 1, '2025-01-31': 2, '2025-02-01': 303, '2025-02-02': 304 },
  months: { '2025-01-01': 3, '2025-02-01': 610 },
}

function rowsIn(database: Database) {
  const named = (table: string) =>
    Object.fromEntries(
      Object.entries(database.dump(table)).map(([id, value]) => [/\d{4}-\d\d-\d\d/.exec(id)?.[0], value]),
    )
  return { scores: named('scores'), months: named('months') }
}

test.each([1, 2, 3, 31])('a day reads what the month before it has come to, in blocks of %i days', async (days) => {
  const { service, database } = host({ days })
  const result = await service.triggerRecalcBatch(request)
  expect(result).toMatchObject({ processedDays: 4, periods: { processed: 2, failed: 0 } })
  expect(rowsIn(database)).toEqual(right)
})

test.each<[string, readonly DateInterval[]]>([
  ['', []],
  [', closed or not', [{ from: '2025-01-31', to: '2025-01-31' } as DateInterval]],
])(
  'a month that fails blocks the days behind it, under the day at its end%s; a resumed job does all of them',
  async (_, closed) => {
    let isBroken = true
    const fails = () => {
      if (isBroken) throw new Error('no rule')
    }
    const { service, database } = host({ fails, closed })
    const job = await service.triggerRecalcBatchAsync(request)
    const { errors, ...result } = await job.result
    expect(result).toMatchObject({ status: 'completed_with_errors', processedDays: 1, failedDays: 3 })
    expect(errors.filter(({ period }) => !period)).toMatchObject([
      { date: '2025-01-31', through: FEBRUARY, stage: 'months', message: 'no rule' },
    ])
    expect(rowsIn(database)).toEqual({ scores: { '2025-01-30': 1 }, months: {} })
    isBroken = false
    const repaired = await (await service.resumeJob(job.id)).result
    expect(repaired).toMatchObject({ status: 'completed', errorCount: 0, failedDays: 0, periods: { failed: 0 } })
    if (closed.length === 0) expect(rowsIn(database)).toEqual(right)
    else expect(rowsIn(database).scores).toEqual({ '2025-01-30': 1, '2025-02-01': 103, '2025-02-02': 104 })
  },
)

test('an edit reaches the days behind its month, and those behind what somebody writes into a month by hand', async () => {
  const { service, database } = host({})
  await service.triggerRecalcBatch(request)
  const note = async (table: string, date: string) => {
    const change = { tenantId: TENANT, employeeId: 'ann', table, dates: { from: date, to: date } }
    await service.noteChange(undefined as unknown as Transaction, change) // the memory ledger needs none
    await service.settle({ tenantId: TENANT })
  }
  database.edit('hours', key('ann', JANUARY), 11)
  await note('hours', JANUARY)
  expect(rowsIn(database).scores).toMatchObject({ '2025-02-01': 1_303, '2025-02-02': 1_304 })

  // The days have read a wrong month. Now it is right, and calculating it again would find nothing different.
  database.edit('scores', key('ann', FEBRUARY), 0)
  database.edit('months', key('ann', '2025-01-01'), 13)
  await note('months', '2025-01-01')
  expect(rowsIn(database)).toMatchObject({ scores: { '2025-02-02': 1_304 }, months: { '2025-01-01': 13 } })
})

test('all days behind a month are told to be affected, and what they carry', () => {
  const { service } = host({})
  const dates = { from: JANUARY, to: JANUARY } as DateInterval
  const affected = service.affectedDays({ tenantId: TENANT, employeeId: 'ann', table: 'hours', dates })
  expect(affected).toMatchObject({
    from: periodOf('month', dates.from).from,
    to: null,
    stages: [
      { stage: 'scores', from: JANUARY, to: null },
      { stage: 'months', from: '2025-01-01', to: null },
    ],
  })
})
