import { expect, test } from 'vitest'
import { openSqlite } from '../../examples/shared/database/sqlite.ts'
import { InvalidOptionsError } from '../../src/index.ts'
import { kyselyOn, sqlBackend } from '../../src/sql/index.ts'

test.each([0, -1, Number.NaN, 1.5, Number.POSITIVE_INFINITY])('a pollMs of %s is refused', async (pollMs) => {
  const db = openSqlite()
  expect(() => sqlBackend(db, { pollMs })).toThrow(InvalidOptionsError)
  expect(() => sqlBackend(db, { pollMs })).toThrow('Expected `pollMs` to be a whole number from 1, got')
  await db.destroy()
})

test('transactions of the host without an executor, or the other way round, are refused', async () => {
  const db = openSqlite()
  const unitOfWork = { run: <T>(work: (tx: object) => Promise<T>) => work({}) }
  // @ts-expect-error One of the two is missing.
  expect(() => sqlBackend(db, { unitOfWork })).toThrow('Expected `executorOf` beside `unitOfWork`')
  // @ts-expect-error The other one.
  expect(() => sqlBackend(db, { executorOf: () => db })).toThrow('Expected `unitOfWork` beside `executorOf`')
  await db.destroy()
})

test('kyselyOn hands every statement to the function, in the schema of the given Kysely', async () => {
  const db = openSqlite<{ notes: { note: string } }>().withSchema('office')
  const asked: unknown[] = []
  const on = kyselyOn(db, async (sql, parameters) => {
    asked.push([sql, parameters])
    return { rows: [], numAffectedRows: 2 }
  })
  const { numUpdatedRows } = await on.updateTable('notes').set({ note: 'new' }).executeTakeFirstOrThrow()
  expect(numUpdatedRows).toBe(2n)
  expect(asked).toEqual([['update "office"."notes" set "note" = ?', ['new']]])
  await db.destroy()
})
