import { expect, test } from 'vitest'
import { halfIds } from '../../../src/run/lanes/half-ids.ts'
import { fc } from '../../support/fc.ts'

test('lanes of a job, split however often, never share an id', () => {
  const ids = new Set<number>()
  let generation = [1, 2, 3, 4_000_000_000]
  let count = 0
  for (let depth = 0; depth <= 10; depth++) {
    for (const id of generation) ids.add(id)
    count += generation.length
    generation = generation.flatMap((id) => halfIds(id))
  }
  expect(ids.size).toBe(count)
})

test('every half of a lane of a million employees has an exact id, and none that a run gives out itself', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
      (root, path) => {
        let id = root
        for (const isSecond of path) id = halfIds(id)[isSecond ? 1 : 0]
        expect(Number.isSafeInteger(id)).toBe(true)
        expect(id).toBeGreaterThan(2 ** 32)
        expect(id % 2 ** 32).toBe(root)
      },
    ),
  )
})
