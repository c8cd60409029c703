import { expect, test } from 'vitest'
import type { ClosedPeriods, JobHandle } from '../../src/index.ts'
import { addDays, parseIsoDate, RecalcService } from '../../src/index.ts'
import { Database, type Probe, type Transaction } from '../support/database.ts'
import { employeeList, fill, key, TENANT, type World, world } from '../support/service.ts'
import { balances, dailyCalcOf, scores, stageOf } from '../support/stages.ts'

const FROM = parseIsoDate('2025-01-01', 'from')
const TO = parseIsoDate('2025-01-10', 'to')
const dates = Array.from({ length: 10 }, (_, i) => addDays(FROM, i))
const everybody = { tenantId: TENANT, from: FROM, to: TO }

type Closed = Record<string, readonly { readonly from: string; readonly to: string }[]>

/** What is closed may be another at every moment. */
function movingClosings(): { closed: Closed; readonly periods: ClosedPeriods<Transaction> } {
  const moving = {
    closed: {} as Closed,
    periods: {
      closed: async ({ employeeIds }: { readonly employeeIds: readonly string[] }) =>
        new Map(employeeIds.map((id) => [id, moving.closed[id] ?? []])),
    } as ClosedPeriods<Transaction>,
  }
  return moving
}

/** Two employees with balances; x fails on the 5th for as long as `broken` says. */
function carrying(days: number): World & { broken: boolean; readonly moving: ReturnType<typeof movingClosings> } {
  const moving = movingClosings()
  const state = { broken: true, moving }
  const probe: Probe = ({ name, days: calculated }) => {
    const [day] = calculated ?? []
    if (name === 'calculate' && state.broken && day?.employeeId === 'x' && day.date === '2025-01-05') {
      throw new RangeError('no rule')
    }
  }
  const made = world(
    { stages: [stageOf(balances)] },
    { employees: ['x', 'y'], closedPeriods: moving.periods, block: { employees: 2, days }, concurrency: 1, probe },
  )
  for (const id of ['x', 'y']) fill(made.database, 'hours', id, Object.fromEntries(dates.map((date) => [date, 8])))
  return Object.assign(state, made)
}

/** 4, 8, 12 … from the first date on. */
const right = (id: string) => Object.fromEntries(dates.map((date, i) => [key(id, date), (i + 1) * 4]))

for (const days of [1, 3, 31]) {
  test(`a failed day that blocks later ones is stored with its extent, in blocks of ${days} days`, async () => {
    const { service } = carrying(days)
    const job = await service.triggerRecalcAllAsync(everybody)
    await expect(job.result).resolves.toMatchObject({ processedDays: 14, failedDays: 6, errorCount: 1 })
    const [failure] = await service.listJobFailures(job.id)
    expect(failure).toMatchObject({ employeeId: 'x', date: '2025-01-05', through: '2025-01-10', code: 'RangeError' })
  })

  test(`closing a period over a failed day between two runs skips what is closed and repairs the rest, in blocks of ${days} days`, async () => {
    const state = carrying(days)
    const { service, database, moving } = state
    const job = await service.triggerRecalcAllAsync(everybody)
    await job.result
    moving.closed = { x: [{ from: '2025-01-01', to: '2025-01-07' }] }
    state.broken = false
    const result = await (await service.resumeJob(job.id)).result
    expect(result).toMatchObject({
      status: 'completed',
      totalDays: 20,
      processedDays: 17,
      skippedDays: 3,
      failedDays: 0,
      errorCount: 0,
    })
    // The 8th goes on from the 7th as it is stored: nothing.
    expect(database.rows('balances').get(key('x', '2025-01-07'))).toBeUndefined()
    expect(database.rows('balances').get(key('x', '2025-01-08'))).toBe(4)
    expect(await service.listJobFailures(job.id)).toEqual([])
  })

  test(`days that are closed behind a failed one stay counted as failed until they are repaired, in blocks of ${days} days`, async () => {
    const state = carrying(days)
    const { service, moving, database } = state
    moving.closed = { x: [{ from: '2025-01-08', to: '2025-01-09' }] }
    const job = await service.triggerRecalcAllAsync(everybody)
    await expect(job.result).resolves.toMatchObject({ processedDays: 14, skippedDays: 0, failedDays: 6, errorCount: 1 })
    moving.closed = {}
    state.broken = false
    const result = await (await service.resumeJob(job.id)).result
    expect(result).toMatchObject({ status: 'completed', processedDays: 20, skippedDays: 0, failedDays: 0 })
    expect(database.dump('balances')).toEqual({ ...right('x'), ...right('y') })
  })
}

test('closing a period between two blocks never makes counters negative, and nothing that failed is called complete', async () => {
  const state = carrying(2)
  const { service, moving } = state
  let blocks = 0
  const query = moving.periods.closed!
  Object.assign(moving.periods, {
    closed: async (...args: Parameters<typeof query>) => {
      if (++blocks === 4) moving.closed = { x: [{ from: '2025-01-01', to: '2025-01-08' }] }
      return await query(...args)
    },
  })
  const job = await service.triggerRecalcAllAsync(everybody)
  await expect(job.result).resolves.toMatchObject({ status: 'completed_with_errors', failedDays: 6, errorCount: 1 })
  const again = await service.resumeJob(job.id)
  await expect(again.result).resolves.toMatchObject({ failedDays: 0, skippedDays: 4, processedDays: 16 })
  for (const { failedDays, errorCount } of await progressOf(job)) {
    expect(failedDays).toBeGreaterThanOrEqual(0)
    expect(errorCount).toBeGreaterThanOrEqual(0)
  }
})

test('an open January under a closed February is calculated, and February is left alone', async () => {
  const moving = movingClosings()
  const { service, database } = world({ dailyCalc: dailyCalcOf([scores]) }, { closedPeriods: moving.periods })
  moving.closed = { a: [{ from: '2025-02-01', to: '2025-02-28' }] }
  fill(database, 'hours', 'a', { '2025-01-30': 1, '2025-01-31': 2, '2025-02-01': 3, '2025-03-01': 4 })
  const range = { tenantId: TENANT, employeeId: 'a', from: '2025-01-30', to: '2025-03-01' }
  await expect(service.triggerRecalcRange(range)).resolves.toMatchObject({ processedDays: 3, skippedDays: 28 })
  expect(Object.keys(database.dump('scores'))).toEqual([
    key('a', '2025-01-30'),
    key('a', '2025-01-31'),
    key('a', '2025-03-01'),
  ])
})

test('a stage that stops or begins to carry between two runs is refused with its name, and the job stays as it was', async () => {
  const database = new Database()
  let broken = true
  const probe: Probe = ({ name, days }) => {
    if (name === 'calculate' && broken && days?.[0]?.date === '2025-01-05') throw new RangeError('no rule')
  }
  const options = { database, employees: ['x'], block: { employees: 1, days: 31 }, concurrency: 1 }
  const made = world({ stages: [stageOf(balances)] }, { ...options, probe })
  fill(database, 'hours', 'x', Object.fromEntries(dates.map((date) => [date, 8])))
  const job = await made.service.triggerRecalcAllAsync(everybody)
  await job.result
  const deployed = (stages: readonly ReturnType<typeof stageOf>[]) =>
    new RecalcService<Transaction>({ stages, employees: employeeList(['x']), backend: made.backend })
  const stopped = { ...stageOf(balances), reads: { hours: [0, 0] as const } }
  await expect(deployed([stopped]).resumeJob(job.id)).rejects.toMatchObject({
    code: 'NOT_RESUMABLE',
    message: expect.stringContaining(
      'stage "balances" reads hours [0, 0], but balances [-1, 0], hours [0, 0] when the job was made',
    ),
  })
  await expect(deployed([stageOf(scores)]).resumeJob(job.id)).rejects.toThrow('it has no stage "balances"')
  await expect(made.service.getJob(job.id)).resolves.toMatchObject({ status: 'completed_with_errors', failedDays: 6 })
  broken = false
  const again = await deployed([stageOf(balances)]).resumeJob(job.id)
  await expect(again.result).resolves.toMatchObject({ status: 'completed', processedDays: 10, totalDays: 10 })
})

async function progressOf(job: JobHandle) {
  const found = []
  for await (const event of job.events()) if (event.type === 'progress') found.push(event)
  return found
}
