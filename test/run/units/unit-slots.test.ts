import { expect, test } from 'vitest'
import { KeyedLocks } from '../../../src/run/units/keyed-locks.ts'
import { HOLDS_EMPLOYEES, OF_JOB, SYNCHRONOUS, type UnitRank, UnitSlots } from '../../../src/run/units/unit-slots.ts'
import { Database, TransientError } from '../../support/database.ts'
import { fc } from '../../support/fc.ts'
import { gate } from '../../support/gate.ts'
import { HANGS_MS } from '../../support/limits.ts'
import { employeeList, TENANT, world } from '../../support/service.ts'
import { settled } from '../../support/settled.ts'
import { scores, stageOf } from '../../support/stages.ts'

const patient = { stopping: new AbortController().signal }

test('holders of employees enter first, then synchronous calls, then jobs, each in the order of arrival', async () => {
  const slots = new UnitSlots(1)
  expect(slots.acquire(OF_JOB, patient)).toBeUndefined()
  const order: string[] = []
  const ranks: readonly (readonly [string, UnitRank])[] = [
    ['job 1', OF_JOB],
    ['call 1', SYNCHRONOUS],
    ['job 2', OF_JOB],
    ['holder', HOLDS_EMPLOYEES],
    ['call 2', SYNCHRONOUS],
  ]
  for (const [name, rank] of ranks) void slots.acquire(rank, patient)?.then(() => order.push(name))
  for (let i = 0; i < ranks.length; i++) {
    slots.release()
    await settled()
    expect(slots.open).toBe(1)
  }
  expect(order).toEqual(['holder', 'call 1', 'call 2', 'job 1', 'job 2'])
  slots.release()
  expect(slots.open).toBe(0)
})

test('who gives up while waiting takes no slot, and keeps nobody else from it', async () => {
  const slots = new UnitSlots(1)
  expect(slots.acquire(OF_JOB, patient)).toBeUndefined()
  const abort = new AbortController()
  const leaving = slots.acquire(SYNCHRONOUS, { stopping: abort.signal })
  const next = slots.acquire(OF_JOB, patient)
  abort.abort('enough')
  await expect(leaving).rejects.toBe('enough')
  slots.release()
  await next
  expect(slots.open).toBe(1)
  await expect(slots.acquire(SYNCHRONOUS, { stopping: abort.signal })).rejects.toBe('enough')
  slots.release()
  expect(slots.open).toBe(0)
})

test('slots and employees together never make two wait for each other, whoever waits, gives up or comes first', async () => {
  const units = fc.array(
    fc.record({
      rank: fc.constantFrom<UnitRank[]>(SYNCHRONOUS, OF_JOB),
      keys: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 3 }),
      turns: fc.nat({ max: 3 }),
      givesUpAfter: fc.option(fc.nat({ max: 4 }), { freq: 3 }),
    }),
    { maxLength: 14 },
  )
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), units, async (most, all) => {
      const slots = new UnitSlots(most)
      const locks = new KeyedLocks()
      const held = new Set<string>()
      let open = 0
      const done = await Promise.all(
        all.map(async ({ rank, keys, turns, givesUpAfter }) => {
          const abort = new AbortController()
          const waiter = { stopping: abort.signal }
          const patience = givesUpAfter === null ? undefined : turn(givesUpAfter).then(() => abort.abort('enough'))
          try {
            await enter(slots, locks, { rank, keys: keys.toSorted(), waiter })
          } catch (reason) {
            await patience
            return reason === 'enough'
          }
          expect(++open).toBeLessThanOrEqual(most)
          for (const key of keys) {
            expect(held.has(key)).toBe(false)
            held.add(key)
          }
          await turn(turns)
          for (const key of keys) held.delete(key)
          open -= 1
          slots.release()
          locks.release(keys.toSorted())
          return true
        }),
      )
      expect(done.every(Boolean)).toBe(true)
      expect([slots.open, locks.size]).toEqual([0, 0])
    }),
    { numRuns: 150, timeout: HANGS_MS },
  )
})

test('`concurrency` bounds jobs and synchronous calls of a service together', async () => {
  const stuck = gate()
  let open = 0
  let most = 0
  const ids = Array.from({ length: 12 }, (_, i) => `e${String(i).padStart(2, '0')}`)
  const { service } = world(
    {
      dailyCalc: {
        async calculateDay() {
          most = Math.max(most, ++open)
          await stuck.pass()
          open -= 1
        },
      },
    },
    { concurrency: 3, employees: ids, exclusive: 'none' },
  )
  const request = { tenantId: TENANT, from: '2025-01-01', to: '2025-01-01' }
  const jobs = await Promise.all([1, 2, 3].map(() => service.triggerRecalcAllAsync(request)))
  const calls = ids.map((employeeId) => service.triggerRecalc({ tenantId: TENANT, employeeId, date: '2025-02-01' }))
  await stuck.arrived
  await settled()
  expect(open).toBe(3)
  stuck.open()
  await Promise.all([...calls, ...jobs.map(({ result }) => result)])
  expect(most).toBe(3)
})

test('a call that somebody waits for waits for one unit of work, not for a job', async () => {
  const order: string[] = []
  const second = gate()
  const { service } = world(
    { stages: [stageOf(scores)] },
    {
      concurrency: 1,
      block: { employees: 1, days: 1 },
      employees: employeeList(['a', 'b', 'c', 'd', 'e', 'f']),
      probe: async ({ name, block }) => {
        if (name !== 'load') return
        order.push(block?.employeeIds[0] ?? '')
        if (order.length === 2) await second.pass()
      },
    },
  )
  const job = await service.triggerRecalcAllAsync({ tenantId: TENANT, from: '2025-01-01', to: '2025-01-01' })
  await second.arrived
  const call = service.triggerRecalc({ tenantId: TENANT, employeeId: 'z', date: '2025-01-01' })
  await settled()
  second.open()
  await Promise.all([call, job.result])
  expect(order.indexOf('z')).toBe(2)
})

test('a unit of work that fails gives its slot and its employees back', async () => {
  const database = new Database()
  let failures = 0
  const { service } = world(
    { stages: [stageOf(scores)] },
    {
      database,
      concurrency: 1,
      probe: ({ name }) => {
        if (name === 'begin' && failures++ < 2) throw new TransientError('away')
      },
    },
  )
  const day = { tenantId: TENANT, employeeId: 'a', date: '2025-01-01' }
  await expect(service.triggerRecalc(day)).resolves.toMatchObject({ status: 'completed' })
  await expect(service.triggerRecalc(day)).resolves.toMatchObject({ status: 'completed' })
})

/** As a unit of work does it: a slot, then the employees; who has to wait for these gives the slot back meanwhile. */
async function enter(
  slots: UnitSlots,
  locks: KeyedLocks,
  unit: {
    readonly rank: UnitRank
    readonly keys: readonly string[]
    readonly waiter: { readonly stopping: AbortSignal }
  },
): Promise<void> {
  const { rank, keys, waiter } = unit
  await slots.acquire(rank, waiter)
  if (locks.tryAcquire(keys)) return
  slots.release()
  await locks.acquire(keys, waiter)
  try {
    await slots.acquire(HOLDS_EMPLOYEES, waiter)
  } catch (reason) {
    locks.release(keys)
    throw reason
  }
}

async function turn(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await new Promise((resolve) => setImmediate(resolve))
}
