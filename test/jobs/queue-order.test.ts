import { describe, expect, test } from 'vitest'
import { claimOrder, HEAD_START_MS, queueOrder } from '../../src/jobs/queue-order.ts'

const NOW = 1_000_000_000
const large = { kind: 'all', from: '2025-01-01', to: '2025-01-31' } as never

describe('a job’s place among those that wait', () => {
  test.each([
    ['a day of one employee', { kind: 'day', from: '2025-01-01', to: '2025-01-01' }],
    ['some days of one employee', { kind: 'range', from: '2025-01-01', to: '2025-01-31' }],
    ['a list of one employee', { kind: 'batch', employeeIds: ['7'], from: '2025-01-01', to: '2025-01-31' }],
    ['one day of everybody', { kind: 'all', from: '2025-01-01', to: '2025-01-01' }],
  ])('has a head start for %s', (_, plan) => {
    expect(queueOrder(plan as never, NOW, 0)).toBe(NOW)
    expect(queueOrder(large, NOW, 0)).toBe(NOW + HEAD_START_MS)
  })

  test('is behind the last one of its scope, however small it is', () => {
    const last = queueOrder(large, NOW, 0)
    expect(queueOrder({ kind: 'day' }, NOW - 5_000, last)).toBe(last + 1)
  })
})

describe('jobs are taken', () => {
  const job = (jobId: string, tenantKey: string, order: number) => ({ jobId, tenantKey, order })
  const idsIn = (jobs: ReturnType<typeof claimOrder>) => jobs.map(({ jobId }) => jobId)

  test('small ones first, whichever tenant was served last', () => {
    const waiting = [job('large', 'idle', NOW + 1), job('small', 'busy', NOW)]
    expect(idsIn(claimOrder(waiting, NOW, (key) => (key === 'busy' ? 9 : 0)))).toEqual(['small', 'large'])
  })

  test('of the tenant that was served longest ago, and of one moment the oldest', () => {
    const waiting = [job('1', 'a', 1), job('2', 'b', 2), job('3', 'c', 3), job('4', 'c', 4)]
    const servedAt = { a: 5, b: 4, c: 4 } as Record<string, number>
    expect(idsIn(claimOrder(waiting, NOW, (key) => servedAt[key] ?? 0))).toEqual(['2', '3', '4', '1'])
  })
})
