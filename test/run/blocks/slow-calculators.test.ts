import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { dayStage, periodStage, RecalcService } from '../../../src/index.ts'

const STAFF = Array.from({ length: 6 }, (_, i) => ({ id: `e${i}` }))
const MONTH = { tenantId: 'acme', from: '2025-01-01', to: '2025-01-31' }

/** Longer than a run may keep the event loop. */
function burn(): void {
  const end = performance.now() + 15
  while (performance.now() < end);
}

test('the event loop gets its turn between employees, however long their days and months take', async () => {
  let turns = 0
  const heard = { days: [] as number[], months: [] as number[] }
  const recalc = new RecalcService({
    zone: 'UTC',
    block: { employees: STAFF.length, days: 31 },
    employees: { listEmployees: async ({ after = '' }) => STAFF.filter(({ id }) => id > after) },
    stages: [
      dayStage<number, undefined>({
        name: 'days',
        writes: ['days'],
        load: async () => undefined,
        calculate({ date }) {
          if (date !== MONTH.from) return 1
          heard.days.push(turns)
          burn()
          return 1
        },
        save: async () => {},
      }),
      periodStage<number, undefined>({
        name: 'months',
        period: 'month',
        reads: { days: 'period' },
        writes: ['months'],
        load: async () => undefined,
        calculate() {
          heard.months.push(turns)
          burn()
          return 1
        },
        save: async () => {},
      }),
    ],
  })
  let isOver = false
  const counting = (async () => {
    for (; !isOver; turns++) await setImmediate()
  })()
  const { status } = await recalc.triggerRecalcAll(MONTH)
  isOver = true
  await counting
  expect(status).toBe('completed')
  for (const seen of [heard.days, heard.months]) {
    expect(seen).toHaveLength(STAFF.length)
    expect(new Set(seen).size).toBe(STAFF.length)
  }
  await recalc.stop()
})
