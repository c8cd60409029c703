import { expect, it } from 'vitest'
import { primaryRole } from '../../../../examples/productivity/scoring/primary-role.ts'

it('the primary role is the one with most items, of several the one with the lowest id', () => {
  expect(primaryRole([])).toBeUndefined()
  const roles = [
    { roleId: 10, items: 7 },
    { roleId: 9, items: 7 },
    { roleId: 1, items: 6 },
  ]
  expect(primaryRole(roles)).toEqual({ roleId: 9, items: 7 })
  expect(primaryRole([{ roleId: 3, items: 0 }])).toEqual({ roleId: 3, items: 0 })
})
