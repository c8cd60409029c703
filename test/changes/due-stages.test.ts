import { expect, test } from 'vitest'
import { tenantStage } from '../../src/index.ts'
import { Database, type Transaction } from '../support/database.ts'
import { fill, TENANT, world } from '../support/service.ts'
import { scores, stageOf } from '../support/stages.ts'

const request = { tenantId: TENANT, employeeIds: ['ann', 'bob'], from: '2025-03-01', to: '2025-03-02' }

/** A host with a sum of all scores, which runs after the days; bob's days, and the sum, fail as long as they are broken. */
function host() {
  const database = new Database()
  fill(database, 'hours', 'ann', { '2025-03-01': 8 })
  fill(database, 'hours', 'bob', { '2025-03-01': 1 })
  const state = { isBroken: false, isSumBroken: false, sums: [] as number[] }
  const sums = tenantStage<Transaction>({
    name: 'sums',
    reads: ['scores'],
    writes: ['sums'],
    run: async () => {
      if (state.isSumBroken) throw new Error('no sum')
      const all = Object.values(database.dump('scores')).map(Number)
      state.sums.push(all.reduce((sum, one) => sum + one, 0))
    },
  })
  const days = stageOf(scores)
  const failing = {
    ...days,
    kind: 'day' as const,
    calculate(...[day, ...rest]: Parameters<typeof days.calculate>) {
      if (state.isBroken && day.employeeId === 'bob') throw new Error('broken')
      return days.calculate(day, ...rest)
    },
  }
  const options = { database, block: { employees: 1, days: 31 }, concurrency: 1 }
  return { ...world({ stages: [failing, sums] }, options), state }
}

test('a run that ends before its tenant stages leaves them to whoever settles', async () => {
  const { service, state } = host()
  state.isBroken = true
  await expect(service.triggerRecalcBatch(request)).rejects.toMatchObject({ code: 'RECALC_FAILED' })
  expect(state.sums).toEqual([])
  expect(await service.listDirty({ tenantId: TENANT })).toMatchObject([
    { employeeId: null, content: { stage: 'sums' }, error: { code: 'UNFINISHED_RUN' } },
  ])
  await service.settle({ tenantId: TENANT })
  expect(state.sums).toEqual([80])
  expect(await service.freshness()).toMatchObject({ changes: 0 })
})

test('who settles is told which tenant stages have failed, and these stay noted', async () => {
  const { service, state } = host()
  state.isSumBroken = true
  const dates = { from: '2025-03-01', to: '2025-03-01' }
  const change = { tenantId: TENANT, employeeId: 'ann', table: 'hours', dates }
  await service.noteChange(undefined as unknown as Transaction, change) // the memory ledger needs none
  const failed = await service.settle({ tenantId: TENANT })
  expect(failed).toMatchObject({ failed: 0, failedStages: ['sums'] })
  expect(await service.listDirty({ tenantId: TENANT })).toMatchObject([
    { state: 'failing', content: { stage: 'sums' }, error: { message: 'no sum' } },
  ])
  state.isSumBroken = false
  const mended = await service.settle({ tenantId: TENANT })
  expect(mended).toMatchObject({ failed: 0, failedStages: [] })
  expect(await service.freshness()).toMatchObject({ changes: 0 })
})

test('a run that ends before its tenant stages leaves them to the next run', async () => {
  const { service, state } = host()
  state.isBroken = true
  await expect(service.triggerRecalcBatch(request)).rejects.toMatchObject({ code: 'RECALC_FAILED' })
  state.isBroken = false
  await service.triggerRecalcBatch(request)
  expect(state.sums).toEqual([90])
  expect(await service.freshness()).toMatchObject({ changes: 0 })
})

test('a run that changes nothing, or none of whose stages is for the tenant, notes nothing', async () => {
  const { service, state } = host()
  await service.triggerRecalcBatch(request)
  expect(await service.freshness()).toMatchObject({ changes: 0 })
  state.isBroken = true
  await expect(service.triggerRecalcBatch({ ...request, employeeIds: ['bob'] })).rejects.toMatchObject({})
  await expect(service.triggerRecalcBatch(request, { tables: ['scores'] })).rejects.toMatchObject({})
  expect(await service.freshness()).toMatchObject({ changes: 0 })
})
