import { type Kysely, sql, type Transaction } from 'kysely'
import {
  type DayKey,
  type DayStage,
  dayKey,
  dayStage,
  InvalidRequestError,
  memoryBackend,
  NestedCallError,
  RecalcFailedError,
  RecalcService,
  type Stage,
  tenantStage,
} from 'recalc-service'
import { sqlBackend, sqlUnitOfWork } from 'recalc-service/sql'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { servers } from '../support/servers.ts'
import { engines } from './support/engines.ts'

interface Tables {
  bookings: { employee_id: string; date: string; minutes: number }
  balances: { employee_id: string; date: string; minutes: number }
  totals: { minutes: number }
}
type Tx = Transaction<Tables>

const TENANT = 'acme'
const dates = ['2025-01-01', '2025-01-02', '2025-01-03', '2025-01-04', '2025-01-05']
const range = { tenantId: TENANT, employeeId: '1', from: dates[0]!, to: dates.at(-1)! }
const day = { tenantId: TENANT, employeeId: '1', date: dates[0]! }

async function makeTables(kysely: Kysely<Tables>): Promise<void> {
  for (const table of ['bookings', 'balances'] as const) {
    await kysely.schema
      .createTable(table)
      .addColumn('employee_id', 'varchar(20)', (column) => column.notNull())
      .addColumn('date', 'varchar(10)', (column) => column.notNull())
      .addColumn('minutes', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${table}_key`, ['employee_id', 'date'])
      .execute()
  }
  await kysely.schema
    .createTable('totals')
    .addColumn('minutes', 'integer', (column) => column.notNull())
    .execute()
  await sqlBackend(kysely).migrate()
}

async function clear(kysely: Kysely<Tables>): Promise<void> {
  for (const table of ['bookings', 'balances', 'totals'] as const) await kysely.deleteFrom(table).execute()
}

/** What a test does when the stage passes by. */
interface Hooks {
  load?(tx: Tx, context: { afterCommit(call: () => unknown): void }): Promise<void>
  calculate?(date: string): void
}

/** Balances: the bookings of all days so far, added up. */
function balances(hooks: Hooks = {}): DayStage<Tx> {
  const rowsOf = async (
    tx: Tx,
    table: 'bookings' | 'balances',
    block: {
      readonly tenantId: string
      readonly employeeIds: readonly string[]
      readonly from: string
      readonly to: string
    },
  ) => {
    const rows = await tx
      .selectFrom(table)
      .selectAll()
      .where('employee_id', 'in', block.employeeIds)
      .where('date', '>=', block.from)
      .where('date', '<=', block.to)
      .execute()
    return new Map<DayKey, number>(
      rows.map(({ employee_id, date, minutes }) => [
        dayKey({ tenantId: block.tenantId, employeeId: employee_id, date } as never),
        minutes,
      ]),
    )
  }
  return dayStage<number, ReadonlyMap<DayKey, number>, Tx>({
    name: 'balances',
    reads: { bookings: [0, 0], balances: [-1, -1] },
    writes: ['balances'],
    async load(block, context) {
      await hooks.load?.(context.tx, context)
      return await rowsOf(context.tx, 'bookings', block)
    },
    stored: (block, { tx }) => rowsOf(tx, 'balances', block),
    calculate(day, inputs, previous) {
      hooks.calculate?.(day.date)
      return (previous ?? 0) + (inputs.get(dayKey(day)) ?? 0)
    },
    async save({ upserts, deletes }, { tx }) {
      for (const { employeeId, date } of [...upserts.map(({ day }) => day), ...deletes]) {
        await tx.deleteFrom('balances').where('employee_id', '=', employeeId).where('date', '=', date).execute()
      }
      const rows = upserts.map(({ day, value }) => ({ employee_id: day.employeeId, date: day.date, minutes: value }))
      if (rows.length > 0) await tx.insertInto('balances').values(rows).execute()
    },
  })
}

const totals = tenantStage<Tx>({
  name: 'totals',
  reads: ['balances'],
  writes: ['totals'],
  async run({ tx }) {
    await tx.deleteFrom('totals').execute()
    const { minutes } = await tx
      .selectFrom('balances')
      .select((balance) => balance.fn.sum<number>('minutes').as('minutes'))
      .executeTakeFirstOrThrow()
    await tx.insertInto('totals').values({ minutes }).execute()
  },
})

const services: RecalcService<Tx>[] = []
afterEach(async () => {
  for (const service of services.splice(0)) await service.stop()
})

function serviceOn(
  kysely: Kysely<Tables>,
  stages: readonly Stage<Tx>[],
  options: { readonly block?: { readonly days?: number }; readonly concurrency?: number } = {},
): RecalcService<Tx> {
  const employees = { listEmployees: async ({ after }: { after?: string }) => (after ? [] : [{ id: '1' }]) }
  const service = new RecalcService<Tx>({ stages, employees, backend: sqlBackend(kysely), ...options })
  services.push(service)
  return service
}

async function book(tx: Kysely<Tables>, date: string, minutes: number, employeeId = '1'): Promise<void> {
  await tx.deleteFrom('bookings').where('employee_id', '=', employeeId).where('date', '=', date).execute()
  await tx.insertInto('bookings').values({ employee_id: employeeId, date, minutes }).execute()
}

async function balancesIn(kysely: Kysely<Tables>): Promise<readonly number[]> {
  const rows = await kysely.selectFrom('balances').selectAll().orderBy('employee_id').orderBy('date').execute()
  return rows.map(({ minutes }) => Number(minutes))
}

/** A transaction of the host's own, as it is told to begin one. */
function inTransaction<T>(kysely: Kysely<Tables>, isSqlite: boolean, work: (tx: Tx) => Promise<T>): Promise<T> {
  const begin = kysely.transaction()
  return (isSqlite ? begin : begin.setIsolationLevel('read committed')).execute(work)
}

describe.each(engines)('inside a transaction of the host on $name', ({ name, open }) => {
  const isSqlite = name === 'SQLite'
  let kysely: Kysely<Tables>
  let foreign: Kysely<Tables>

  beforeAll(async () => {
    const database = await open()
    kysely = database.connect<Tables>()
    foreign = database.connect<Tables>()
    await makeTables(kysely)
  })
  beforeEach(() => clear(kysely))

  test('an edit and its derived rows are committed together', async () => {
    const service = serviceOn(kysely, [balances(), totals])
    const result = await inTransaction(kysely, isSqlite, async (tx) => {
      await book(tx, dates[1]!, 60)
      const done = await service.triggerRecalcRange(range, { tx })
      expect(await balancesIn(tx)).toEqual([0, 60, 60, 60, 60])
      // In SQLite there is one connection, and the transaction has it.
      if (!isSqlite) expect(await balancesIn(foreign)).toEqual([])
      return done
    })
    expect(result).toMatchObject({ status: 'completed', processedDays: 5, unchangedDays: 0 })
    expect(await balancesIn(kysely)).toEqual([0, 60, 60, 60, 60])
    expect(Number((await kysely.selectFrom('totals').selectAll().executeTakeFirstOrThrow()).minutes)).toBe(240)
  })

  test('a rollback leaves neither the edit nor a derived row', async () => {
    const service = serviceOn(kysely, [balances(), totals])
    const changedMyMind = new Error('changed my mind')
    const undone = inTransaction(kysely, isSqlite, async (tx) => {
      await book(tx, dates[0]!, 60)
      await service.triggerRecalc(day, { tx })
      throw changedMyMind
    })
    await expect(undone).rejects.toBe(changedMyMind)
    for (const table of ['bookings', 'balances', 'totals'] as const) {
      expect(await kysely.selectFrom(table).selectAll().execute()).toEqual([])
    }
  })

  test('the rows are those of an ordinary trigger, whatever the size of blocks, and a second call changes nothing', async () => {
    for (const days of [1, 2, 31]) {
      const service = serviceOn(kysely, [balances(), totals], { block: { days } })
      for (const [i, date] of [dates[3]!, dates[0]!, dates[4]!].entries()) {
        await inTransaction(kysely, isSqlite, async (tx) => {
          await book(tx, date, days * 10 + i)
          await service.triggerRecalcRange(range, { tx })
          expect(await service.triggerRecalcRange(range, { tx })).toMatchObject({ processedDays: 5, unchangedDays: 5 })
        })
        const within = await balancesIn(kysely)
        expect(await service.triggerRecalcRange(range)).toMatchObject({ unchangedDays: 5 })
        await kysely.deleteFrom('balances').execute()
        await service.triggerRecalcRange(range)
        expect(await balancesIn(kysely)).toEqual(within)
      }
    }
  })

  test('a controlled transaction serves as well', async () => {
    const service = serviceOn(kysely, [balances()])
    const tx = await kysely.startTransaction().execute()
    await book(tx, dates[0]!, 5)
    await service.triggerRecalc(day, { tx })
    await tx.commit().execute()
    expect(await balancesIn(kysely)).toEqual([5])
    await expect(service.triggerRecalc(day, { tx })).rejects.toThrow(
      'Expected `tx` to be an open Transaction of the Kysely that the backend was given, got "one that is over"',
    )
  })

  test('whoever rolls back while a call still takes part gets a clean connection back, and nothing of the call', async () => {
    const entered = gate()
    const left = gate()
    const service = serviceOn(kysely, [
      balances({
        async load() {
          void entered.pass()
          await left.arrived
        },
      }),
    ])
    let call: Promise<unknown> | undefined
    const edit = inTransaction(kysely, isSqlite, async (tx) => {
      await book(tx, day.date, 60)
      call = service.triggerRecalcRange(range, { tx }).catch((error: unknown) => error)
      await entered.arrived
      throw new Error('the host changed its mind')
    })
    await expect(edit).rejects.toThrow('the host changed its mind')
    // Of all connections, the one that comes back last is given out first.
    await inTransaction(kysely, isSqlite, async (tx) => {
      void left.pass()
      expect(await call).toMatchObject({
        message: 'Expected the transaction to stay open until the call that takes part in it has ended, got "rollback"',
      })
      await book(tx, day.date, 30)
    })
    expect(await foreign.selectFrom('bookings').select('minutes').execute()).toEqual([{ minutes: 30 }])
    expect(await balancesIn(foreign)).toEqual([])
    await inTransaction(kysely, isSqlite, (tx) => service.triggerRecalc(day, { tx }))
    expect(await balancesIn(foreign)).toEqual([30])
  })

  test('a commit while a call still takes part is refused, and all of it rolled back', async () => {
    const entered = gate()
    const left = gate()
    const service = serviceOn(kysely, [
      balances({
        async load() {
          void entered.pass()
          await left.arrived
        },
      }),
    ])
    let call: Promise<unknown> | undefined
    const edit = inTransaction(kysely, isSqlite, async (tx) => {
      await book(tx, day.date, 60)
      call = service.triggerRecalcRange(range, { tx }).catch((error: unknown) => error)
      await entered.arrived
    })
    await expect(edit).rejects.toThrow('got "commit"')
    void left.pass()
    expect(await call).toBeInstanceOf(Error)
    await inTransaction(kysely, isSqlite, (tx) => book(tx, day.date, 30))
    expect(await foreign.selectFrom('bookings').select('minutes').execute()).toEqual([{ minutes: 30 }])
    expect(await balancesIn(foreign)).toEqual([])
  })

  test('a failed day rejects with its cause, and what follows is the host’s', async () => {
    const broken = new Error('broken')
    const calculate = (date: string) => {
      if (date === dates[2]) throw broken
    }
    const service = serviceOn(kysely, [balances({ calculate })])
    const failed = inTransaction(kysely, isSqlite, async (tx) => {
      await book(tx, dates[0]!, 60)
      await service.triggerRecalcRange(range, { tx })
    })
    await expect(failed).rejects.toThrow(RecalcFailedError)
    await expect(failed).rejects.toMatchObject({ cause: broken, result: { errors: [{ date: dates[2] }] } })
    expect(await balancesIn(kysely)).toEqual([])
  })

  test('calls for after the commit are handed to the host, who makes them once', async () => {
    const calls: string[] = []
    const load: Hooks['load'] = async (_tx, { afterCommit }) => {
      afterCommit(() => calls.push('first'))
      afterCommit(() => Promise.reject(new Error('is logged')))
      afterCommit(() => calls.push('last'))
    }
    const service = serviceOn(kysely, [balances({ load })])
    const result = await inTransaction(kysely, isSqlite, (tx) => service.triggerRecalc(day, { tx }))
    expect(calls).toEqual([])
    await result.afterCommit()
    expect(calls).toEqual(['first', 'last'])
    await result.afterCommit()
    expect(calls).toEqual(['first', 'last'])
  })

  test('a calculation cannot call for its own transaction', async () => {
    const load: Hooks['load'] = async (tx) => void (await service.triggerRecalc(day, { tx }))
    const service: RecalcService<Tx> = serviceOn(kysely, [balances({ load })])
    const nested = inTransaction(kysely, isSqlite, (tx) => service.triggerRecalc(day, { tx }))
    await expect(nested).rejects.toMatchObject({ cause: expect.any(NestedCallError) })
  })

  test('a run of this process that waits for the transaction does not keep it waiting', async () => {
    const service = serviceOn(kysely, [balances()], { concurrency: 1 })
    let ordinary: Promise<unknown> | undefined
    await inTransaction(kysely, isSqlite, async (tx) => {
      await service.triggerRecalc(day, { tx })
      // It takes the only slot and the employee in this process; then it waits for the connection, or for the employee.
      ordinary = service.triggerRecalc(day)
      await sql`select 1`.execute(tx)
      await book(tx, dates[0]!, 7)
      await service.triggerRecalc(day, { tx })
    })
    await ordinary
    expect(await balancesIn(kysely)).toEqual([7])
  })

  test('no other call takes a transaction, no other backend, and no other transaction', async () => {
    const service = serviceOn(kysely, [balances()])
    const { tenantId, from, to } = range
    await inTransaction(kysely, isSqlite, async (tx) => {
      const options = { tx } as never
      const others = [
        () => service.triggerRecalcBatch({ tenantId, employeeIds: ['1'], from, to }, options),
        () => service.triggerRecalcAll({ tenantId, from, to }, options),
        () => service.triggerRecalcAsync(day, options),
        () => service.triggerRecalcRangeAsync(range, options),
      ]
      for (const other of others) {
        await expect(other()).rejects.toThrow('only triggerRecalc and triggerRecalcRange can work inside a transaction')
      }
      const inMemory = new RecalcService<Tx>({
        stages: [balances()],
        employees: { listEmployees: async () => [] },
        backend: memoryBackend({ unitOfWork: sqlUnitOfWork(kysely) }),
      })
      await expect(inMemory.triggerRecalc(day, { tx })).rejects.toThrow('does not lock employees in your database')
      await expect(serviceOn(foreign, [balances()]).triggerRecalc(day, { tx })).rejects.toThrow(
        '"one of another Kysely"',
      )
      await expect(service.triggerRecalc(day, { tx, onError: 'continue' } as never)).rejects.toThrow(/`onError`/)
    })
    await expect(service.triggerRecalc(day, { tx: undefined as never })).rejects.toThrow(/`tx`.* got undefined$/)
    await expect(service.triggerRecalc(day, { tx: kysely as never })).rejects.toThrow(/^Expected `tx`/)
    expect(await balancesIn(kysely)).toEqual([])
  })

  test('a change is noted in an open transaction, and nowhere else', async () => {
    const service = serviceOn(kysely, [balances()])
    const note = (tx: unknown) =>
      service.noteChange(tx as never, {
        tenantId: TENANT,
        employeeId: '1',
        table: 'bookings',
        dates: { from: dates[0]!, to: dates[0]! },
      })
    await expect(note(kysely)).rejects.toThrow(/^Expected `tx` .*, got "a Kysely without a transaction"$/)
    const onConnection = kysely.connection().execute(note)
    await expect(onConnection).rejects.toThrow('"a Kysely without a transaction"')
    const over = await kysely.startTransaction().execute()
    await over.rollback().execute()
    await expect(note(over)).rejects.toThrow('"one that is over"')
    await expect(note(undefined)).rejects.toThrow(InvalidRequestError)
    expect(await service.freshness()).toMatchObject({ changes: 0 })

    await inTransaction(kysely, isSqlite, note)
    expect(await service.freshness()).toMatchObject({ changes: 1 })
    await service.settle({ tenantId: TENANT })
  })

  test('what was noted of its days is settled with them, in that transaction, and what follows is noted', async () => {
    const service = serviceOn(kysely, [balances()])
    await service.triggerRecalcRange(range)
    const edit = (minutes: number, after: () => void = () => {}) =>
      inTransaction(kysely, isSqlite, async (tx) => {
        await book(tx, dates[1]!, minutes)
        const at = { from: dates[1]!, to: dates[1]! }
        await service.noteChange(tx, { tenantId: TENANT, employeeId: '1', table: 'bookings', dates: at })
        await service.triggerRecalc({ ...day, date: dates[1]! }, { tx })
        expect(await balancesIn(tx)).toEqual([0, minutes, 0, 0, 0])
        after()
      })
    const undone = edit(10, () => {
      throw new Error('changed my mind')
    })
    await expect(undone).rejects.toThrow('changed my mind')
    expect(await service.freshness()).toMatchObject({ changes: 0 })
    expect(await balancesIn(kysely)).toEqual([0, 0, 0, 0, 0])

    // What was noted and committed before is taken with it as well, and is back after a rollback.
    const earlier = { tenantId: TENANT, employeeId: '1', table: 'bookings', dates: { from: dates[1]!, to: dates[1]! } }
    await inTransaction(kysely, isSqlite, (tx) => service.noteChange(tx, earlier))
    await expect(
      edit(10, () => {
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(await service.freshness()).toMatchObject({ changes: 1 })

    await edit(60)
    expect(await service.listDirty({ tenantId: TENANT })).toMatchObject([{ employeeId: '1', state: 'waiting' }])
    await service.settle({ tenantId: TENANT })
    expect((await balancesIn(kysely)).slice(0, 5)).toEqual([0, 60, 60, 60, 60])
    expect(await service.freshness()).toMatchObject({ changes: 0 })
  })

  test.runIf(name === 'PostgreSQL')(
    'a snapshot is refused, because it would hide what others have committed',
    async () => {
      const service = serviceOn(kysely, [balances()])
      for (const level of ['repeatable read', 'serializable'] as const) {
        const begin = kysely.transaction().setIsolationLevel(level)
        await expect(begin.execute((tx) => service.triggerRecalc(day, { tx }))).rejects.toThrow(
          `Expected \`tx\` to be a transaction at read committed, got "${level}"`,
        )
      }
      expect(await balancesIn(kysely)).toEqual([])
    },
  )

  test.runIf(name === 'PostgreSQL')(
    'a transaction that is over is told with what ended it, also when that was caught',
    async () => {
      const load: Hooks['load'] = async (tx) => {
        await sql`select 1 / 0`.execute(tx).catch(() => {})
      }
      const service = serviceOn(kysely, [balances({ load })])
      const aborted = inTransaction(kysely, isSqlite, (tx) => service.triggerRecalc(day, { tx }))
      await expect(aborted).rejects.toMatchObject({ code: '22012' })
      // The connection is as good as before.
      await inTransaction(kysely, isSqlite, (tx) => book(tx, dates[0]!, 1))
    },
  )
})

describe.each(servers)('beside a transaction of the host on $name', ({ open }) => {
  let kysely: Kysely<Tables>

  beforeAll(async () => {
    kysely = (await open()).connect<Tables>()
    await makeTables(kysely)
  })
  beforeEach(() => clear(kysely))

  test('a job waits for the employee until the host commits, and sees the edit', async () => {
    const service = serviceOn(kysely, [balances()])
    const isBegun = gate()
    isBegun.open()
    const other = serviceOn(kysely, [balances({ load: () => isBegun.pass() })])
    const job = await inTransaction(kysely, false, async (tx) => {
      await service.triggerRecalc(day, { tx })
      const handle = await other.triggerRecalcAllAsync({ tenantId: TENANT, from: dates[0]!, to: dates[0]! })
      let hasLoaded = false
      void isBegun.arrived.then(() => {
        hasLoaded = true
      })
      await someoneWaits(kysely)
      await book(tx, dates[0]!, 60)
      await service.triggerRecalc(day, { tx })
      expect(hasLoaded).toBe(false)
      return handle
    })
    expect(await job.result).toMatchObject({ status: 'completed', unchangedDays: 1 })
    expect(await balancesIn(kysely)).toEqual([60])
  })

  test('another transaction of the host waits for the employee, and sees what the first one has written', async () => {
    const service = serviceOn(kysely, [balances()])
    const isLocked = gate()
    const first = inTransaction(kysely, false, async (tx) => {
      await service.triggerRecalc(day, { tx })
      void isLocked.pass()
      await someoneWaits(kysely)
      await book(tx, dates[0]!, 60)
      await service.triggerRecalc(day, { tx })
    })
    await isLocked.arrived
    const second = inTransaction(kysely, false, (tx) => service.triggerRecalc(day, { tx }))
    await first
    expect(await second).toMatchObject({ processedDays: 1, unchangedDays: 1 })
    expect(await balancesIn(kysely)).toEqual([60])
  })

  test('a deadlock goes to the host as it is, who may do the whole of it again', async () => {
    const service = serviceOn(kysely, [balances()])
    const bothHave = [gate(), gate()] as const
    const edit = (mine: 0 | 1) =>
      inTransaction(kysely, false, async (tx) => {
        await service.triggerRecalc({ ...day, employeeId: String(mine) }, { tx })
        void bothHave[mine].pass()
        await bothHave[1 - mine]!.arrived
        await service.triggerRecalc({ ...day, employeeId: String(1 - mine) }, { tx })
      })
    const outcomes = await Promise.allSettled([edit(0), edit(1)])
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(failed).toHaveLength(1)
    expect(service.isTransient(failed[0]!.reason)).toBe(true)
    expect(failed[0]!.reason).not.toBeInstanceOf(RecalcFailedError)
    expect(failed[0]!.reason.code).toMatch(/^(ER_LOCK_DEADLOCK|40P01)$/)
    expect(await balancesIn(kysely)).toEqual([0, 0])
  })
})

/** Resolves once a session of the server waits for a lock. */
async function someoneWaits(kysely: Kysely<Tables>): Promise<void> {
  const isPostgres = kysely.getExecutor().adapter.constructor.name.startsWith('Postgres')
  const waits = isPostgres
    ? sql<{
        Value: number
      }>`select count(*) as "Value" from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    : sql<{ Value: number }>`show global status like 'Innodb_row_lock_current_waits'`
  for (;;) {
    const { rows } = await waits.execute(kysely)
    if (Number(rows[0]?.Value) > 0) return
  }
}
