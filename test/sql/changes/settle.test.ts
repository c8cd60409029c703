import type { Kysely } from 'kysely'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../src/index.ts'
import { type SqlBackend, sqlBackend } from '../../../src/sql/index.ts'
import {
  type BalanceTables,
  balanceService,
  balancesOf,
  createBalanceTables,
  work,
} from '../../changes/support/balance-host.ts'
import { engines } from '../support/engines.ts'

/** The tests' today. */
const clock = { ...systemClock, now: () => Date.parse('2025-03-31T12:00:00Z') }

const at = (date: string) => [new Date(`${date}T08:00:00Z`)]

describe.each(engines)('$name', (engine) => {
  let db: Kysely<BalanceTables>
  let backend: SqlBackend<never>
  const statements: string[] = []
  let refusal: ((statement: string) => Error | undefined) | undefined

  beforeAll(async () => {
    const database = await engine.open()
    db = database.connect<BalanceTables>((statement, run) => {
      statements.push(statement)
      const error = refusal?.(statement)
      return error ? Promise.reject(error) : run()
    })
    await createBalanceTables(db)
    backend = sqlBackend(db, { clock, history: true }) as unknown as SqlBackend<never>
    await backend.migrate()
  })

  beforeEach(async () => {
    for (const table of ['hours', 'balances', 'sums', 'recalc_changes'] as const) {
      await db.deleteFrom(table as 'hours').execute()
    }
    statements.length = 0
  })

  const service = (
    ...[host, options]: Parameters<typeof balanceService> extends [unknown, ...infer Rest] ? Rest : never
  ) => balanceService(backend, host, { clock, ...options })

  const edit = async (recalc: ReturnType<typeof service>, employeeId: string, date: string, minutes: number) => {
    await db.transaction().execute(async (tx) => {
      await work(tx, employeeId, date, minutes)
      await recalc.noteChange(tx, { tenantId: 'acme', employeeId, table: 'hours', at: at(date) })
    })
  }

  describe('a database that is away', () => {
    /** Reset for the servers, busy for SQLite. */
    const away = Object.assign(new Error('away'), { code: 'ECONNRESET', errcode: 5 })
    const tenant = { tenantId: 'acme' }
    /** Waits for no pause between two attempts. */
    const hurried: Clock = { ...clock, setTimeout: (callback) => systemClock.setTimeout(callback, 0) }
    const recalc = () =>
      balanceService(sqlBackend(db, { clock: hurried, history: true }) as unknown as SqlBackend<never>, {}, { clock })
    const calls: readonly (readonly [string, (recalc: ReturnType<typeof service>) => Promise<unknown>, string])[] = [
      ['settle', (recalc) => recalc.settle(tenant), 'recalc_changes'],
      ['freshness', (recalc) => recalc.freshness(), 'recalc_changes'],
      ['listDirty', (recalc) => recalc.listDirty(tenant), 'recalc_changes'],
      ['listDirtyTenants', (recalc) => recalc.listDirtyTenants(), 'recalc_changes'],
      ['releaseHeld', (recalc) => recalc.releaseHeld(tenant), 'recalc_changes'],
      [
        'history',
        (recalc) => recalc.history({ ...tenant, employeeId: 'ann', from: '2025-03-01', to: '2025-03-31' }),
        'recalc_history',
      ],
    ]
    afterEach(() => {
      refusal = undefined
    })

    test.for(calls)('for a moment is nothing that %s tells of', async ([, call, table]) => {
      let times = 2
      refusal = (statement) => (statement.includes(table) && times-- > 0 ? away : undefined)
      await expect(call(recalc())).resolves.toBeDefined()
      expect(times).toBeLessThan(0)
    })

    test.for(calls)('for long is told by %s with a typed error', async ([, call, table]) => {
      refusal = (statement) => (statement.includes(table) ? away : undefined)
      await expect(call(recalc())).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', cause: away })
    })
  })

  test('an edit is settled through the balance of every later day up to today', async () => {
    const recalc = service()
    await edit(recalc, 'ann', '2025-03-28', 60)
    expect(await recalc.freshness({ tenantId: 'acme' })).toMatchObject({ dirtyEmployees: 1, changes: 1 })
    expect(await recalc.settle({ tenantId: 'acme' })).toEqual({ days: 4, failed: 0, failedStages: [] })
    expect(await balancesOf(db, 'ann')).toEqual({
      '2025-03-28': 60,
      '2025-03-29': 60,
      '2025-03-30': 60,
      '2025-03-31': 60,
    })
    expect(await recalc.freshness()).toMatchObject({ dirtyEmployees: 0, changes: 0, oldestAt: null })
  })

  test('a change whose transaction is rolled back never was', async () => {
    const recalc = service()
    const edited = db.transaction().execute(async (tx) => {
      await recalc.noteChange(tx, { tenantId: 'acme', employeeId: 'ann', table: 'hours', at: at('2025-03-28') })
      throw new Error('no')
    })
    await expect(edited).rejects.toThrow('no')
    expect(await recalc.freshness()).toMatchObject({ changes: 0 })
  })

  test('the statement notes what noteChange notes', async () => {
    const recalc = service()
    const change = {
      tenantId: 'acme',
      employeeId: 'Łu😀',
      table: 'hours',
      dates: { from: '2025-03-30', to: '2025-03-31' },
    }
    const { sql: text, parameters } = recalc.changeStatement(change)
    await db.transaction().execute((tx) => recalc.noteChange(tx, change))
    const { CompiledQuery } = await import('kysely')
    await db.executeQuery(CompiledQuery.raw(text, [...parameters]))
    const [one, two] = await recalc.listDirty({ tenantId: 'acme' })
    expect({ ...two, id: 0 }).toEqual({ ...one, id: 0 })
    expect(one).toMatchObject({ employeeId: 'Łu😀', content: { table: 'hours', from: '2025-03-30', to: '2025-03-31' } })
  })

  test('an edit that is undone at the third day calculates three days of ten years', async () => {
    const calculated: string[] = []
    const recalc = service(
      { onCalculate: ({ date }) => calculated.push(date) },
      { horizon: { back: 4_000 }, maxDays: 10_000 },
    )
    await work(db, 'ann', '2015-04-01', 10)
    await recalc.triggerRecalcRange({ tenantId: 'acme', employeeId: 'ann', from: '2015-04-01', to: '2025-03-31' })
    calculated.length = 0
    await edit(recalc, 'ann', '2015-05-01', 60)
    await edit(recalc, 'ann', '2015-05-03', -60)
    await recalc.settle({ tenantId: 'acme' })
    expect(calculated).toEqual(['2015-05-01', '2015-05-02', '2015-05-03'])
  })

  test('a chain of 3,653 days is settled in blocks, each day once', async () => {
    let calculated = 0
    const recalc = service({ onCalculate: () => calculated++ }, { horizon: { back: 4_000 }, block: { days: 366 } })
    await edit(recalc, 'ann', '2015-04-01', 10)
    statements.length = 0
    expect(await recalc.settle({ tenantId: 'acme' })).toEqual({ days: 3_653, failed: 0, failedStages: [] })
    expect(calculated).toBe(3_653)
    expect(statements.filter((text) => text.startsWith('insert into') && text.includes('changes')).length).toBeLessThan(
      12,
    )
  })

  test('any number of changes of a day cost one calculation', async () => {
    let calculated = 0
    const recalc = service({ onCalculate: () => calculated++ })
    for (let i = 1; i <= 20; i++) await edit(recalc, 'ann', '2025-03-31', i)
    expect(await recalc.settle({ tenantId: 'acme' })).toEqual({ days: 1, failed: 0, failedStages: [] })
    expect(calculated).toBe(1)
    expect(await balancesOf(db, 'ann')).toEqual({ '2025-03-31': 20 })
  })

  test('a day that fails keeps its change with its error, and the others go on', async () => {
    let isBroken = true
    const recalc = service({
      onCalculate: ({ date }) => {
        if (isBroken && date === '2025-03-29') throw new Error('no rate')
      },
    })
    await edit(recalc, 'ann', '2025-03-29', 60)
    await edit(recalc, 'bob', '2025-03-31', 5)
    expect(await recalc.settle({ tenantId: 'acme' })).toEqual({ days: 2, failed: 1, failedStages: [] })
    await recalc.settle({ tenantId: 'acme' })
    expect(await recalc.listDirty({ tenantId: 'acme' })).toMatchObject([
      { employeeId: 'ann', state: 'failing', attempts: 2, error: { code: 'Error', message: 'no rate' } },
    ])
    expect(await balancesOf(db, 'bob')).toEqual({ '2025-03-31': 5 })
    isBroken = false
    await recalc.settle({ tenantId: 'acme' })
    expect(await balancesOf(db, 'ann')).toEqual({ '2025-03-29': 60, '2025-03-30': 60, '2025-03-31': 60 })
    expect(await recalc.freshness()).toMatchObject({ changes: 0 })
  })

  test('a change of closed days is held, and settled once they are open', async () => {
    const closed = new Map([['ann', '2025-03-30']])
    const recalc = service({}, { closedPeriods: { closedThrough: async () => closed } })
    await edit(recalc, 'ann', '2025-03-29', 60)
    await recalc.settle({ tenantId: 'acme' })
    expect(await balancesOf(db, 'ann')).toEqual({})
    expect(await recalc.freshness({ tenantId: 'acme' })).toMatchObject({ held: 1, changes: 1, oldestAt: null })
    closed.clear()
    expect(await recalc.releaseHeld({ tenantId: 'acme' })).toBe(1)
    await recalc.settle({ tenantId: 'acme' })
    expect(await balancesOf(db, 'ann')).toEqual({ '2025-03-29': 60, '2025-03-30': 60, '2025-03-31': 60 })
  })

  test('a trigger takes the changes of its days with it, and notes what follows behind them', async () => {
    const recalc = service()
    await edit(recalc, 'ann', '2025-03-29', 60)
    await recalc.triggerRecalc({ tenantId: 'acme', employeeId: 'ann', date: '2025-03-29' })
    const [left] = await recalc.listDirty({ tenantId: 'acme' })
    expect(left).toMatchObject({ state: 'waiting', content: { days: [20_177, 20_177], from: 'balances' } })
    await recalc.settle({ tenantId: 'acme' })
    expect(await balancesOf(db, 'ann')).toEqual({ '2025-03-29': 60, '2025-03-30': 60, '2025-03-31': 60 })
  })

  test('a change of everybody is everybody’s, and tenant stages run once the days are done', async () => {
    const recalc = service({ tenantStage: true })
    await work(db, 'ann', '2025-03-31', 5)
    await work(db, 'bob', '2025-03-31', 7)
    await db
      .transaction()
      .execute((tx) => recalc.noteChange(tx, { tenantId: 'acme', table: 'hours', dates: { from: '2025-03-31' } }))
    await recalc.settle({ tenantId: 'acme' })
    expect(await db.selectFrom('sums').selectAll().execute()).toEqual([{ tenant: 'acme', minutes: 12 }])
    expect(await recalc.freshness()).toMatchObject({ changes: 0 })
  })

  test('the same change of everybody’s, noted again and again, gives everybody one change', async () => {
    const recalc = service({ tenantStage: true })
    for (let times = 0; times < 30; times++) {
      await db.transaction().execute((tx) => recalc.noteChange(tx, { tenantId: 'acme', table: 'hours' }))
    }
    await recalc.settle({ tenantId: 'acme', employeeId: 'ann' })
    const left = await recalc.listDirty({ tenantId: 'acme' })
    expect(left.filter(({ employeeId }) => employeeId === 'bob')).toHaveLength(1)
  })

  test('changes of any number, wherever they wait, cost an edit no statement more', async () => {
    const recalc = service()
    const cost = async (minutes: number) => {
      await edit(recalc, 'ann', '2025-03-31', minutes)
      statements.length = 0
      await recalc.settle({ tenantId: 'acme', employeeId: 'ann' })
      return statements.length
    }
    await cost(1)
    const alone = await cost(2)
    await db.transaction().execute(async (tx) => {
      for (let i = 0; i < 300; i++) {
        const tenantId = i % 2 ? `other-${i}` : 'acme'
        await recalc.noteChange(tx, { tenantId, employeeId: `e${i}`, table: 'hours', at: at('2025-03-31') })
      }
    })
    expect(await cost(3)).toBe(alone)
  })

  test('several processes that settle at once calculate each day once', async () => {
    let calculated = 0
    const count = { onCalculate: () => calculated++ }
    const services = [service(count), service(count), service(count)]
    const [first] = services
    if (first) for (const employee of ['ann', 'bob']) await edit(first, employee, '2025-03-28', 60)
    const settled = await Promise.all(services.map((one) => one.settle({ tenantId: 'acme' })))
    expect(settled.reduce((sum, { days }) => sum + days, 0)).toBe(8)
    expect(calculated).toBe(8)
    expect(await balancesOf(db, 'bob')).toEqual(await balancesOf(db, 'ann'))
    expect(await first?.freshness()).toMatchObject({ changes: 0 })
  })

  test('a service that was started settles a change of its own as soon as it is committed', async () => {
    const recalc = service()
    await recalc.start()
    await edit(recalc, 'ann', '2025-03-31', 9)
    await expect.poll(() => balancesOf(db, 'ann')).toEqual({ '2025-03-31': 9 })
    await expect.poll(() => recalc.freshness()).toMatchObject({ changes: 0 })
    await recalc.stop()
  })

  test('a service that was started settles what others have noted, of every tenant', async () => {
    const other = service()
    await edit(other, 'ann', '2025-03-31', 9)
    await db.transaction().execute(async (tx) => {
      for (const tenantId of ['b', 'c']) {
        await other.noteChange(tx, { tenantId, employeeId: 'x', table: 'hours', at: at('2025-03-31') })
      }
    })
    const recalc = service({}, { settle: { intervalMs: 20 } })
    await recalc.start()
    await expect.poll(() => recalc.freshness()).toMatchObject({ changes: 0 })
    expect(await balancesOf(db, 'ann')).toEqual({ '2025-03-31': 9 })
    await recalc.stop()
  })
})
