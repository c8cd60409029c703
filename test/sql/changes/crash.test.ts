import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/index.ts'
import { sqlBackend } from '../../../src/sql/index.ts'
import {
  type BalanceTables,
  balanceService,
  balancesOf,
  createBalanceTables,
  work,
} from '../../changes/support/balance-host.ts'
import { engines } from '../support/engines.ts'

type Service = ReturnType<typeof balanceService>

/** The tests' today. */
const clock = { ...systemClock, now: () => Date.parse('2025-03-31T12:00:00Z') }

const expected = {
  '2025-03-26': 60,
  '2025-03-27': 60,
  '2025-03-28': 67,
  '2025-03-29': 67,
  '2025-03-30': 67,
  '2025-03-31': 67,
}

describe.each(engines)('$name', async (engine) => {
  const database = await engine.open()
  const db = database.connect<BalanceTables>()

  test('whoever settles may die in front of any statement: nothing is lost, and nothing is half written', async () => {
    await createBalanceTables(db)
    await sqlBackend(db).migrate()
    let isReached = true
    for (let statement = 1; isReached; statement++) {
      for (const table of ['hours', 'balances', 'sums', 'recalc_changes'] as const) {
        await db.deleteFrom(table as 'hours').execute()
      }
      let seen = Number.NEGATIVE_INFINITY
      const dying = database.connect<BalanceTables>((text, run) => {
        seen += 1
        // The server takes back what a dead process had begun.
        if (seen >= statement && text !== 'rollback') throw new Error('died')
        return run()
      })
      const first = serviceOn(dying)
      await edit(first, dying, '2025-03-26', 60)
      await edit(first, dying, '2025-03-28', 7)
      seen = 0
      const outcome = await first.settle({ tenantId: 'acme' }).then(
        () => 'settled',
        () => 'died',
      )
      isReached = outcome === 'died'
      seen = Number.NEGATIVE_INFINITY
      await first.stop()

      const balances = Object.values(await balancesOf(db, 'ann'))
      // Blocks of two days: each is wholly there or not at all.
      expect(balances).toEqual(Object.values(expected).slice(0, balances.length))
      expect(balances.length % 2).toBe(0)
      const second = serviceOn(db)
      await second.settle({ tenantId: 'acme' })
      expect(await balancesOf(db, 'ann')).toEqual(expected)
      expect(await db.selectFrom('sums').selectAll().execute()).toEqual([{ tenant: 'acme', minutes: 388 }])
      expect(await second.freshness()).toMatchObject({ changes: 0 })
      await second.stop()
    }
  })

  function serviceOn(own: typeof db): Service {
    const retry = { attempts: 1, minDelayMs: 0, maxDelayMs: 0 }
    const backend = sqlBackend(own, { clock })
    return balanceService(backend, { tenantStage: true }, { clock, retry, block: { days: 2 } })
  }

  async function edit(recalc: Service, own: typeof db, date: string, minutes: number): Promise<void> {
    await own.transaction().execute(async (tx) => {
      await work(tx, 'ann', date, minutes)
      const at = [new Date(`${date}T08:00:00Z`)]
      await recalc.noteChange(tx, { tenantId: 'acme', employeeId: 'ann', table: 'hours', at })
    })
  }
})
