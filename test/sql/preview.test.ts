import { sql, type Transaction } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { DayDifference } from '../../src/index.ts'
import { sqlBackend } from '../../src/sql/index.ts'
import { type BalanceTables, balanceService, createBalanceTables } from '../changes/support/balance-host.ts'
import { engines } from './support/engines.ts'

const request = { tenantId: 'acme', from: '2025-03-01', to: '2025-03-10' }

const TABLES = ['hours', 'balances', 'sums', 'recalc_locks', 'recalc_changes', 'recalc_jobs', 'recalc_lanes']

describe.each(engines)('a preview on $name', ({ open }) => {
  test('leaves every row as it was, of the host and of the library, and shows what the run then does', async () => {
    const db = (await open()).connect<BalanceTables>()
    await createBalanceTables(db)
    const backend = sqlBackend(db)
    await backend.migrate()
    const service = balanceService(backend)
    await db
      .insertInto('hours')
      .values(['ann', 'bob'].map((employee) => ({ tenant: 'acme', employee, day: '2025-03-02', minutes: 480 })))
      .execute()
    await service.triggerRecalcAll(request)
    await db.transaction().execute(async (tx: Transaction<BalanceTables>) => {
      await tx.updateTable('hours').set({ minutes: 400 }).where('employee', '=', 'ann').execute()
      const dates = { from: '2025-03-02', to: '2025-03-02' }
      await service.noteChange(tx, { tenantId: 'acme', employeeId: 'ann', table: 'hours', dates })
    })
    const dump = async () => {
      const rows = TABLES.map(async (table) => {
        const found = await sql`select * from ${sql.table(table)}`.execute(db)
        return found.rows.map((row) => JSON.stringify(row)).toSorted()
      })
      return await Promise.all(rows)
    }
    const before = await dump()
    const preview = service.preview(request)
    const found: DayDifference[] = []
    for await (const difference of preview) found.push(difference)
    expect(await dump()).toEqual(before)
    expect(found.map(({ employeeId, date, before: old, after }) => [employeeId, date, old, after])).toEqual(
      Array.from({ length: 9 }, (_, i) => ['ann', `2025-03-${String(i + 2).padStart(2, '0')}`, 480, 400]),
    )
    expect(await preview.summary).toMatchObject({
      status: 'completed',
      days: 20,
      changedDays: 9,
      totals: { balances: { '': { before: 9 * 480, after: 9 * 400 } } },
    })
    // Left in the middle, and ended by a signal.
    for await (const _ of service.preview(request)) break
    const abort = new AbortController()
    const aborted = service.preview(request, { signal: abort.signal })
    abort.abort()
    await expect(aborted.summary).rejects.toThrow('abort')
    expect(await dump()).toEqual(before)

    await service.triggerRecalcAll(request)
    const rows = await db.selectFrom('balances').selectAll().where('employee', '=', 'ann').orderBy('day').execute()
    expect(rows.filter(({ minutes }) => minutes === 400)).toHaveLength(9)
    expect(await service.preview(request).summary).toMatchObject({ changedDays: 0 })
    await service.stop()
  })
})
