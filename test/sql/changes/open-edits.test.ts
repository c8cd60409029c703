import type { Kysely, Transaction } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/index.ts'
import { sqlBackend } from '../../../src/sql/index.ts'
import { type BalanceTables, balanceService, createBalanceTables, work } from '../../changes/support/balance-host.ts'
import { engines } from '../support/engines.ts'

/** The tests' today. */
const clock = { ...systemClock, now: () => Date.parse('2025-03-31T12:00:00Z') }
const DAY = '2025-03-28'
const AT = [new Date(`${DAY}T08:00:00Z`)]

// SQLite has one writer at a time: there is no other edit.
describe.each(engines.filter(({ name }) => name !== 'SQLite'))('$name', (engine) => {
  let db: Kysely<BalanceTables>
  let recalc: ReturnType<typeof balanceService>

  beforeAll(async () => {
    const database = await engine.open()
    db = database.connect<BalanceTables>()
    await createBalanceTables(db)
    const backend = sqlBackend(db, { clock })
    await backend.migrate()
    recalc = balanceService(backend as never, {}, { clock })
    return () => recalc.stop()
  })

  /** Bob's edit is open while something is done about Ann's. */
  async function whileAnEditIsOpen(changes: number, work: () => Promise<void>): Promise<void> {
    await db.deleteFrom('recalc_changes' as 'hours').execute()
    await db.transaction().execute(async (tx) => {
      for (let i = 0; i < changes; i++) await note(tx, 'ann')
    })
    const open = await db.startTransaction().execute()
    await note(open, 'bob')
    try {
      await work()
    } finally {
      await open.rollback().execute()
    }
  }

  const note = (tx: Transaction<BalanceTables>, employeeId: string) =>
    recalc.noteChange(tx, { tenantId: 'acme', employeeId, table: 'hours', at: AT })

  const settled = async () => {
    const { changes } = await recalc.freshness()
    expect(changes).toBe(0)
  }

  test.each([1, 2, 5, 10, 100, 1_000])('settling %i changes waits for no edit that is open', async (changes) => {
    await whileAnEditIsOpen(changes, async () => {
      await recalc.settle({ tenantId: 'acme', employeeId: 'ann' })
      await settled()
      await recalc.settle({ tenantId: 'acme' })
    })
  })

  test('neither does a trigger that takes changes with it, nor a release', async () => {
    await whileAnEditIsOpen(20, async () => {
      await recalc.triggerRecalc({ tenantId: 'acme', employeeId: 'ann', date: DAY })
      await settled()
      await recalc.releaseHeld({ tenantId: 'acme' })
    })
  })

  test('an edit waits for nobody who is settling', async () => {
    await db.deleteFrom('recalc_changes' as 'hours').execute()
    await db.transaction().execute((tx) => note(tx, 'ann'))
    let isNoted = false
    const settling = balanceService(sqlBackend(db, { clock }) as never, {
      onCalculate: () => {},
    })
    const backend = sqlBackend(db, { clock })
    await backend.unitOfWork.run(async (tx) => {
      const found = await backend.changes?.read(tx, 'acme', {
        employeeIds: ['ann'],
        states: ['waiting'],
        limit: 9,
      })
      await backend.changes?.update(tx, { remove: found?.map(({ id }) => id) ?? [], add: [] })
      await db.transaction().execute(async (edit) => {
        await work(edit, 'ann', DAY, 5)
        await note(edit, 'ann')
      })
      isNoted = true
    })
    await settling.stop()
    expect(isNoted).toBe(true)
    const { changes } = await recalc.freshness()
    expect(changes).toBe(1)
  })
})
