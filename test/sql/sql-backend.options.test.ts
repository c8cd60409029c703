import { expect, test } from 'vitest'
import { openSqlite } from '../../examples/productivity/database/sqlite.ts'
import { InvalidOptionsError } from '../../src/index.ts'
import { sqlBackend } from '../../src/sql/index.ts'

test.each([0, -1, Number.NaN, 1.5, Number.POSITIVE_INFINITY])('a pollMs of %s is refused', async (pollMs) => {
  const db = openSqlite()
  expect(() => sqlBackend(db, { pollMs })).toThrow(InvalidOptionsError)
  expect(() => sqlBackend(db, { pollMs })).toThrow('Expected `pollMs` to be a whole number from 1, got')
  await db.destroy()
})
