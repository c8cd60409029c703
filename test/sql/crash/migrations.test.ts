import type { Kysely } from 'kysely'
import { recalcMigrations } from 'recalc-service/sql'
import { describe, expect, test } from 'vitest'
import type { StatementHook } from '../../support/crash-database.ts'
import { engines } from '../support/engines.ts'
import { storedTables } from '../support/schema.ts'

/** From one statement at which a process dies to the next. */
const STEP = 3

describe.each(engines)('the schema on $name', async ({ open }) => {
  const database = await open()

  test('is finished by whoever comes after a process that died in the middle', async () => {
    const kysely = database.connect<never>()
    const migrations = recalcMigrations('torn_')
    const { down } = migrations.torn_0001_jobs!
    const up = async (client: Kysely<never>, finished: Set<string>) => {
      for (const [name, migration] of Object.entries(migrations)) {
        if (finished.has(name)) continue
        await migration.up(client)
        finished.add(name)
      }
    }
    const whole = diesBefore(Number.POSITIVE_INFINITY)
    await up(database.connect(whole.hook), new Set())
    const expected = await storedTables(kysely, 'torn_')
    expect(whole.seen()).toBeGreaterThan(10)
    for (let statement = 2; statement <= whole.seen(); statement += STEP) {
      await down!(kysely)
      const finished = new Set<string>()
      await expect(up(database.connect(diesBefore(statement).hook), finished)).rejects.toThrow('died')
      await up(kysely, finished)
      expect(await storedTables(kysely, 'torn_')).toEqual(expected)
    }
  })
})

/** Lets a process "die" in front of a statement: it is not run, nor is any that follows. */
function diesBefore(last: number): { readonly hook: StatementHook; readonly seen: () => number } {
  let seen = 0
  const hook: StatementHook = (statement, run) => {
    seen += 1
    // What a dead process had begun the database takes back.
    if (seen >= last && statement !== 'rollback') throw new Error('died')
    return run()
  }
  return { hook, seen: () => seen }
}
