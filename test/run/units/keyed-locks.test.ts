import { expect, test } from 'vitest'
import { KeyedLocks } from '../../../src/run/units/keyed-locks.ts'
import { fc } from '../../support/fc.ts'
import { settled } from '../../support/settled.ts'

const patient = { stopping: new AbortController().signal }

test('a free name is taken at once, and given back', async () => {
  const locks = new KeyedLocks()
  expect(locks.acquire(['a', 'b'], patient)).toBeUndefined()
  expect(locks.size).toBe(2)
  locks.release(['a', 'b'])
  expect(locks.size).toBe(0)
})

test('those who wait get a name in the order in which they came', async () => {
  const locks = new KeyedLocks()
  const order: number[] = []
  void locks.acquire(['a'], patient)
  const waiting = [1, 2, 3].map(async (number) => {
    await locks.acquire(['a'], patient)
    order.push(number)
    locks.release(['a'])
  })
  await settled()
  expect(order).toEqual([])
  locks.release(['a'])
  await Promise.all(waiting)
  expect(order).toEqual([1, 2, 3])
  expect(locks.size).toBe(0)
})

test('nobody overtakes those who wait', async () => {
  const locks = new KeyedLocks()
  void locks.acquire(['a'], patient)
  const first = locks.acquire(['a'], patient)
  locks.release(['a'])
  expect(locks.acquire(['a'], patient)).toBeInstanceOf(Promise)
  await first
})

test('who gives up while waiting leaves with the reason and holds nothing', async () => {
  const locks = new KeyedLocks()
  const abort = new AbortController()
  void locks.acquire(['b'], patient)
  const waiting = locks.acquire(['a', 'b', 'c'], { stopping: abort.signal })
  const next = locks.acquire(['b'], patient)
  await settled()
  abort.abort('enough')
  await expect(waiting).rejects.toBe('enough')
  expect(locks.acquire(['a'], patient)).toBeUndefined()
  locks.release(['a', 'b'])
  await next
  locks.release(['b'])
  expect(locks.size).toBe(0)
})

test('who has given up already does not wait', async () => {
  const locks = new KeyedLocks()
  void locks.acquire(['a'], patient)
  await expect(locks.acquire(['a'], { stopping: AbortSignal.abort('too late') })).rejects.toBe('too late')
  locks.release(['a'])
  expect(locks.size).toBe(0)
})

test('a turn that came before the signal is kept', async () => {
  const locks = new KeyedLocks()
  const abort = new AbortController()
  void locks.acquire(['a'], patient)
  const waiting = locks.acquire(['a'], { stopping: abort.signal })
  locks.release(['a'])
  abort.abort('too late')
  await expect(waiting).resolves.toBeUndefined()
  locks.release(['a'])
  expect(locks.size).toBe(0)
})

test('whoever wants what: no name is held twice, nobody waits for ever, no name is left', async () => {
  const someKeys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }).map((keys) => keys.sort())
  const visitor = fc.record({ keys: someKeys, stays: fc.nat({ max: 3 }), givesUp: fc.option(fc.nat({ max: 6 })) })
  await fc.assert(
    fc.asyncProperty(fc.array(visitor, { maxLength: 12 }), async (visitors) => {
      const locks = new KeyedLocks()
      const held = new Set<string>()
      const turns = async (count: number) => {
        for (let i = 0; i < count; i++) await Promise.resolve()
      }
      await Promise.all(
        visitors.map(async ({ keys, stays, givesUp }) => {
          const abort = new AbortController()
          if (givesUp !== null) void turns(givesUp).then(() => abort.abort('enough'))
          try {
            await locks.acquire(keys, { stopping: abort.signal })
          } catch (reason) {
            expect(reason).toBe('enough')
            return
          }
          for (const key of keys) {
            expect(held.has(key)).toBe(false)
            held.add(key)
          }
          await turns(stays)
          for (const key of keys) held.delete(key)
          locks.release(keys)
        }),
      )
      expect(locks.size).toBe(0)
    }),
    { numRuns: 500 },
  )
})

test('thousands of names later there is still only what is held', () => {
  const locks = new KeyedLocks()
  void locks.acquire(['held'], patient)
  for (let i = 0; i < 5_000; i++) {
    void locks.acquire([`e${i}`], patient)
    locks.release([`e${i}`])
  }
  expect(locks.size).toBe(1)
  expect(locks.kept).toBeLessThan(1_010)
  expect(locks.acquire(['held'], patient)).toBeInstanceOf(Promise)
})
