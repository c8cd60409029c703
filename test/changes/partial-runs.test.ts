import { expect, test } from 'vitest'
import { systemClock, tenantStage } from '../../src/index.ts'
import { Database, type Transaction } from '../support/database.ts'
import { months } from '../support/months.ts'
import { fill, key, TENANT, world } from '../support/service.ts'
import { scores, stageOf } from '../support/stages.ts'

const DATE = '2025-01-30'
const request = { tenantId: TENANT, employeeId: 'ann', date: DATE }

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
