import { expect, test } from 'vitest'
import { addDays, dayKey, systemClock } from '../../src/index.ts'
import { Database, rowKey, type Transaction } from '../support/database.ts'
import { fill, key, TENANT, world } from '../support/service.ts'
import { scores, stageOf } from '../support/stages.ts'

const DAYS = ['2025-03-01', '2025-03-02', '2025-03-03', '2025-03-04', '2025-03-05', '2025-03-06']

test('a stage that reads a window of another one is told nothing of days that were not loaded, and so takes the stored ones', async () => {
  const database = new Database()
  fill(database, 'hours', 'ann', Object.fromEntries(DAYS.map((day) => [day, 1])))
  const first = stageOf(scores)
  const sums = stageOf({ table: 'ranks', reads: { scores: [-3, 0] }, formula: () => null })
  const closed = new Set<string>()
  const { service } = world(
    {
      stages: [
        first,
        {
          ...sums,
          kind: 'day',
          load: async (_, { tx, valuesOf }) => ({ tx, calculated: valuesOf<number>({ name: 'scores' }) }),
          calculate({ employeeId, date }, inputs) {
            const { tx, calculated } = inputs as { tx: Transaction; calculated: ReadonlyMap<string, number | null> }
            const window = [-3, -2, -1, 0].map((offset) => ({
              tenantId: TENANT,
              employeeId,
              date: addDays(date, offset),
            }))
            return window.reduce((sum, day) => {
              const known = calculated.get(dayKey(day))
              const value = known === undefined ? tx.read('scores', rowKey(day)) : known
              return sum + Number(value ?? 0)
            }, 0)
          },
        },
      ],
    },
    {
      database,
      clock: { ...systemClock, now: () => Date.parse('2025-03-06T12:00:00Z') },
      closedPeriods: {
        closed: async ({ employeeIds }) =>
          new Map(employeeIds.map((id) => [id, [...closed].map((day) => ({ from: day, to: day }))])),
      },
    },
  )
  const all = { tenantId: TENANT, employeeIds: ['ann'], from: '2025-03-01', to: '2025-03-06' }
  await service.triggerRecalcBatch(all)
  // The block begins with days that are closed, so the first days that are loaded are later ones.
  closed.add('2025-03-01').add('2025-03-02')
  for (const day of ['2025-03-01', '2025-03-05']) {
    database.edit('hours', key('ann', day), 5)
    const change = { tenantId: TENANT, employeeId: 'ann', table: 'hours', dates: { from: day, to: day } }
    await service.noteChange(undefined as unknown as Transaction, change) // the memory ledger needs none
  }
  await service.settle({ tenantId: TENANT })
  const settled = database.dump('ranks')
  await service.triggerRecalcBatch(all)
  expect(database.dump('ranks')).toEqual(settled)
})
