import { expect, test } from 'vitest'
import { type DayStage, systemClock } from '../../src/index.ts'
import { Database, type Transaction } from '../support/database.ts'
import { fill, key, TENANT, world } from '../support/service.ts'
import { balances, scores, stageOf } from '../support/stages.ts'

const DAYS = ['2025-03-01', '2025-03-02', '2025-03-03', '2025-03-04']

/** A balance of four days; `meanwhile` is called when the next run reads what it calculates from. */
function host(others: readonly DayStage<Transaction>[] = []) {
  const database = new Database()
  for (const employee of ['ann', 'bob'])
    fill(database, 'hours', employee, Object.fromEntries(DAYS.map((day) => [day, 8])))
  const state: { meanwhile?: (() => Promise<void>) | undefined } = {}
  const stage = stageOf(balances)
  const made = world(
    {
      stages: [
        ...others,
        {
          ...stage,
          kind: 'day',
          async load(block, context) {
            const { meanwhile } = state
            state.meanwhile = undefined
            await meanwhile?.()
            return await stage.load(block, context)
          },
        },
      ],
    },
    { database, clock: { ...systemClock, now: () => Date.parse('2025-03-04T12:00:00Z') } },
  )
  const edit = async (employeeId: string, hours: number) => {
    database.edit('hours', key(employeeId, '2025-03-01'), hours)
    const change = { tenantId: TENANT, employeeId, table: 'hours', dates: { from: '2025-03-01', to: '2025-03-01' } }
    await made.service.noteChange(undefined as unknown as Transaction, change) // the memory ledger needs none
  }
  const all = { tenantId: TENANT, employeeIds: ['ann', 'bob'], from: '2025-03-01', to: '2025-03-04' }
  return { ...made, state, edit, all }
}

test('an edit that arrives while a run reads its sources reaches the days behind that run', async () => {
  const { service, database, state, edit, all } = host()
  await service.triggerRecalcBatch(all)
  state.meanwhile = () => edit('ann', 1)
  await service.triggerRecalcBatch({ ...all, to: '2025-03-02' })
  await service.settle({ tenantId: TENANT })
  const settled = database.dump('balances')
  expect(settled[key('ann', '2025-03-04')]).toBe(9)
  await service.triggerRecalcBatch(all)
  expect(database.dump('balances')).toEqual(settled)
})

test('so does one of an employee beside whom others have changes already', async () => {
  const { service, database, state, edit, all } = host()
  await service.triggerRecalcBatch(all)
  await edit('bob', 2)
  state.meanwhile = () => edit('ann', 1)
  await service.triggerRecalcBatch({ ...all, to: '2025-03-02' })
  await service.settle({ tenantId: TENANT })
  const settled = database.dump('balances')
  await service.triggerRecalcBatch(all)
  expect(database.dump('balances')).toEqual(settled)
})

test('a run of only some stages that has calculated with an edit leaves the days behind it to whoever settles that', async () => {
  const { service, database, edit, all } = host([stageOf(scores)])
  await service.triggerRecalcBatch(all)
  await edit('ann', 1)
  await service.triggerRecalcBatch({ ...all, to: '2025-03-01' }, { tables: ['balances'] })
  await service.settle({ tenantId: TENANT })
  const settled = database.dump('balances')
  expect(settled[key('ann', '2025-03-04')]).toBe(9)
  await service.triggerRecalcBatch(all)
  expect(database.dump('balances')).toEqual(settled)
})
