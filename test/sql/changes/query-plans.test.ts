import { CompiledQuery, type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { sqlBackend } from '../../../src/sql/index.ts'
import { engines } from '../support/engines.ts'
import { type Statement, spy } from '../support/statement-spy.ts'

describe.each(engines)('on $name', async ({ name, open }) => {
  const database = await open()
  const seen: Statement[] = []
  const kysely: Kysely<never> = database.connect()

  test('every statement of the ledger finds its rows by an index', async () => {
    const backend = sqlBackend(kysely)
    await backend.migrate()
    const { changes, unitOfWork } = backend
    const content = { days: [1, 1] } as const
    const rest = { content, state: 'waiting', attempts: 0, error: null, notedAt: 1, dueAt: 0 } as const
    const rows = Array.from({ length: 2_000 }, (_, i) => ({ tenantId: `t${i % 40}`, employeeId: `e${i}`, ...rest }))
    await unitOfWork.run((tx) => changes.note(tx, rows))
    if (name === 'PostgreSQL') await sql`analyze recalc_changes`.execute(kysely)
    else if (name !== 'SQLite') await sql`analyze table recalc_changes`.execute(kysely)

    const spied = sqlBackend(spy(kysely, seen)).changes as typeof changes
    await spied.hasDue(0)
    await spied.nextTenant(null)
    await spied.waiting('t1', { after: null, limit: 10 })
    await spied.waiting('t1', { after: { tenantId: 't1', employeeId: 'e1' }, limit: 10 })
    await spied.parked({ now: 5, limit: 10 })
    await spied.parked({ tenantId: 't1', now: 5, limit: 10 })
    await spied.dueAmong([{ tenantId: 't1', employeeId: 'e1' }], 5)
    await spied.release({ tenantId: 't1', state: 'held' })
    await spied.release({ tenantId: 't1', employeeId: 'e1', state: 'failing' })
    await spied.state('t1')
    await spied.list({ tenantId: 't1', after: 5, limit: 10 })
    await spied.list({ tenantId: 't1', state: 'held', after: 5, limit: 10 })
    await unitOfWork.run(async (tx) => {
      const spiedTx = spy(tx as never, seen) as never
      const employeeIds = ['e1', 'e41']
      await spied.read(spiedTx, 't1', { employeeIds, states: ['waiting', 'failing', 'held'], limit: 100 })
      await spied.readWaiting(spiedTx, 't1', { employeeId: 'e1', after: 5, limit: 100 })
      await spied.update(spiedTx, { remove: [3, 1], add: [] })
    })
    // Others are never run: they only tell the host's schema.
    const ofLedger = seen.filter(({ text }) => text.includes('recalc_changes'))
    expect(ofLedger.length).toBe(16)
    for (const statement of ofLedger) expect(await isIndexed(statement), statement.text).toBe(true)
  })

  async function isIndexed({ text, parameters }: Statement): Promise<boolean> {
    if (name === 'PostgreSQL') {
      // A small table is read whole for good reasons, so what is asked is whether it need not be.
      return await kysely.transaction().execute(async (tx) => {
        await sql`set local enable_seqscan = off`.execute(tx)
        const plan = CompiledQuery.raw(`explain ${text}`, [...parameters])
        const { rows } = await tx.executeQuery<Record<string, unknown>>(plan)
        return !rows.some((row) => /Seq Scan/.test(String(row['QUERY PLAN'])))
      })
    }
    const isSqlite = name === 'SQLite'
    const explain = `explain ${isSqlite ? 'query plan ' : ''}${text}`
    const { rows } = await kysely.executeQuery<Record<string, unknown>>(CompiledQuery.raw(explain, [...parameters]))
    // What a subquery gives, here called "lanes", is read as a whole; so are the "ids" that a statement brings with it.
    return rows.every((row) =>
      isSqlite
        ? /USING (COVERING |INTEGER )?(INDEX|PRIMARY KEY)|TEMP B-TREE|^(CO-ROUTINE|SCAN) lanes$/.test(
            String(row.detail),
          )
        : row.key !== null || row.table === 'ids' || String(row.table).startsWith('<'),
    )
  }
})
