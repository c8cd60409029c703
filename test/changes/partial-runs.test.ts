import { describe, expect, test } from 'vitest'
import { memoryBackend, RecalcService, type Stage, systemClock, tenantStage } from '../../src/index.ts'
import { Database, type Transaction } from '../support/database.ts'
import { months } from '../support/months.ts'
import { employeeList, fill, key, TENANT, world } from '../support/service.ts'
import { scores, stageOf, summary } from '../support/stages.ts'

const DATE = '2025-01-30'
const request = { tenantId: TENANT, employeeId: 'ann', date: DATE }
const days = { tenantId: TENANT, from: DATE, to: DATE }

type Service = RecalcService<Transaction>

test.each([['scores'], ['months']])(
  'a run of %s alone leaves what builds on them to whoever settles the change',
  async (table) => {
    const database = new Database()
    fill(database, 'hours', 'ann', { [DATE]: 1 })
    const sums: number[] = []
    const sum = tenantStage<Transaction>({
      name: 'sum',
      reads: ['scores', 'months'],
      writes: ['sums'],
      run: async ({ tx }) => void sums.push(Number(tx.read('months', key('ann', '2025-01-01')))),
    })
    const clock = { ...systemClock, now: () => Date.parse('2025-02-02T12:00:00Z') }
    const stages = [stageOf(scores), months(table === 'scores' ? 'scores' : 'hours'), sum]
    const { service } = world({ stages }, { database, clock })
    await service.triggerRecalc(request)
    database.edit('hours', key('ann', DATE), 7)
    const dates = { from: DATE, to: DATE }
    await service.noteChange(undefined as unknown as Transaction, {
      tenantId: TENANT,
      employeeId: 'ann',
      table: 'hours',
      dates,
    })
    await service.triggerRecalc(request, { tables: [table] })
    await service.settle({ tenantId: TENANT })
    expect(sums.at(-1)).toBe(database.dump('months')[key('ann', '2025-01-01')])
    expect(sums.at(-1)).toBe(table === 'scores' ? 70 : 7)
    expect(await service.freshness()).toMatchObject({ changes: 0 })
  },
)

describe.each([
  ['a run of scores alone', (one: Service) => one.triggerRecalcAll(days, { tables: ['scores'] })],
  [
    'a job of scores alone',
    async (one: Service) => (await one.triggerRecalcAllAsync(days, { tables: ['scores'] })).result,
  ],
])('%s', (_name, run) => {
  test('leaves a tenant stage that reads them to whoever settles the change', async () => {
    const database = new Database()
    fill(database, 'hours', 'ann', { [DATE]: 1 })
    const { service } = world({ stages: [stageOf(scores), summary()] }, { database, employees: ['ann'] })
    await service.triggerRecalcAll(days)
    await edit(database, service, 7)
    await run(service)
    await service.settle({ tenantId: TENANT })
    const sum = database.dump('summary')[TENANT]
    expect(sum).toBe(database.dump('scores')[key('ann', DATE)])
    expect(await service.freshness()).toMatchObject({ changes: 0 })
  })
})

test('a job from before a tenant stage was added leaves that stage to whoever settles the change', async () => {
  const database = new Database()
  fill(database, 'hours', 'ann', { [DATE]: 1 })
  const connection = database.connect()
  const backend = memoryBackend({ unitOfWork: connection })
  const serviceOf = (stages: readonly Stage<Transaction>[]) =>
    new RecalcService<Transaction>({ backend, stages, employees: employeeList(['ann']) })
  const old = serviceOf([{ ...stageOf(scores), load: () => Promise.reject(new Error('not now')) }])
  const job = await old.triggerRecalcAllAsync(days)
  await job.result
  const service = serviceOf([stageOf(scores), summary()])
  await service.triggerRecalcAll(days)
  await edit(database, service, 7)
  await (await service.resumeJob(job.id)).result
  await service.settle({ tenantId: TENANT })
  const sum = database.dump('summary')[TENANT]
  expect(sum).toBe(database.dump('scores')[key('ann', DATE)])
  expect(await service.freshness()).toMatchObject({ changes: 0 })
})

async function edit(database: Database, service: Service, hours: number): Promise<void> {
  database.edit('hours', key('ann', DATE), hours)
  const tx = undefined as unknown as Transaction // the memory ledger needs none
  await service.noteChange(tx, { tenantId: TENANT, employeeId: 'ann', table: 'hours', dates: { from: DATE, to: DATE } })
}
