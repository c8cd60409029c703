import { type Kysely, sql } from 'kysely'
import { RecalcService, type TransactionOptions } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { backendConformance } from 'recalc-service/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { balancesStage, type DayMinutes, type Host } from '../../../examples/hosts/balances.ts'
import { drizzleHost } from '../../../examples/hosts/drizzle.ts'
import { knexHost } from '../../../examples/hosts/knex.ts'
import { prismaHost } from '../../../examples/hosts/prisma.ts'
import { typeormHost } from '../../../examples/hosts/typeorm.ts'
import { postgresDatabase } from '../../support/postgres.ts'

describe('Prisma', () => suite(prismaHost))
describe('Drizzle', () => suite(drizzleHost))
describe('Knex', () => suite(knexHost))
describe('TypeORM', () => suite(typeormHost))

const PERIOD = { tenantId: 'acme', from: '2025-03-01', to: '2025-03-03' }

async function suite<Tx extends object>(
  open: (url: string, db: Kysely<unknown>) => Host<Tx> | Promise<Host<Tx>>,
): Promise<void> {
  const database = await postgresDatabase()
  const db = database.kysely<unknown>()
  const host = await open(database.url, db)
  afterAll(() => host.close())
  const { queries } = host
  const backend = sqlBackend(db, host)

  beforeAll(async () => {
    await backend.migrate()
    for (const table of ['bookings', 'balances']) {
      await sql`create table ${sql.table(table)} (employee_id text, date text, minutes int not null,
        primary key (employee_id, date))`.execute(db)
    }
  })
  beforeEach(empty)

  async function empty() {
    for (const { name } of await db.introspection.getTables()) {
      if (!name.endsWith('_migration')) await sql`delete from ${sql.table(name)}`.execute(db)
    }
  }

  const book = (row: DayMinutes) => host.unitOfWork.run((tx) => queries.saveBooking(tx, row))
  const failing = (tx: Tx) => sql`select 1 / 0`.execute(host.executorOf(tx))
  const balances = async () => {
    const { rows } = await sql<{ row: string }>`select concat_ws(' ', employee_id, date, minutes) as row from balances
      order by 1`.execute(db)
    return rows.map(({ row }) => row)
  }
  const service = () =>
    new RecalcService({
      stages: [balancesStage(queries)],
      backend,
      employees: {
        listEmployees: async ({ after = '', limit }) =>
          [{ id: 'ada' }, { id: 'bob' }].filter(({ id }) => id > after).slice(0, limit),
      },
    })

  describe('keeps the contract of every backend', () => {
    const cases = backendConformance<Tx>({
      async makeBackend() {
        await empty()
        return backend
      },
      rows: () => ({
        async write(tx, row) {
          await queries.saveBalances(tx, [{ employeeId: row, date: '2025-01-01', minutes: 0 }])
        },
        async read() {
          return (await balances()).map((row) => row.replace(/ 2025-01-01 0$/, ''))
        },
      }),
      endTransaction: async (tx) => void (await failing(tx)),
    })
    for (const { name, skip, run } of cases) test(name, (context) => (skip === undefined ? run() : context.skip(skip)))
  })

  test('a trigger after an edit calculates the day in a transaction of the host’s library', async () => {
    await using recalc = service()
    await book({ employeeId: 'ada', date: '2025-03-01', minutes: 30 })
    await recalc.triggerRecalc({ tenantId: 'acme', employeeId: 'ada', date: '2025-03-01' })
    expect(await balances()).toEqual(['ada 2025-03-01 30'])
  })

  test('a trigger inside the host’s own transaction commits with the edit, or not at all', async () => {
    await using recalc = service()
    const edit = (minutes: number, after: () => void = () => {}) =>
      host.unitOfWork.run(async (tx) => {
        await queries.saveBooking(tx, { employeeId: 'ada', date: '2025-03-01', minutes })
        const day = { tenantId: 'acme', employeeId: 'ada', date: '2025-03-01' }
        await recalc.triggerRecalc(day, { tx } as TransactionOptions<Tx>)
        expect(await balances()).not.toContain(`ada 2025-03-01 ${minutes}`)
        after()
      })
    await edit(30)
    expect(await balances()).toEqual(['ada 2025-03-01 30'])
    const undone = edit(60, () => {
      throw new Error('changed my mind')
    })
    await expect(undone).rejects.toThrow('changed my mind')
    expect(await balances()).toEqual(['ada 2025-03-01 30'])
  })

  test('a change that is noted in the host’s own transaction is settled once that has committed', async () => {
    await using recalc = service()
    await recalc.triggerRecalcBatch({ ...PERIOD, employeeIds: ['ada'] })
    await host.unitOfWork.run(async (tx) => {
      await queries.saveBooking(tx, { employeeId: 'ada', date: '2025-03-02', minutes: 30 })
      const dates = { from: '2025-03-02', to: '2025-03-02' }
      await recalc.noteChange(tx, { tenantId: 'acme', employeeId: 'ada', table: 'bookings', dates })
    })
    await recalc.settle({ tenantId: 'acme' })
    expect((await balances()).slice(0, 3)).toEqual(['ada 2025-03-01 0', 'ada 2025-03-02 30', 'ada 2025-03-03 30'])
  })

  test('a durable job writes its rows and its checkpoints', async () => {
    await using recalc = service()
    await book({ employeeId: 'ada', date: '2025-03-01', minutes: 30 })
    await book({ employeeId: 'bob', date: '2025-03-02', minutes: 40 })
    const job = await recalc.triggerRecalcAllAsync(PERIOD)
    expect(await job.result).toMatchObject({ status: 'completed', processedDays: 6 })
    expect(await balances()).toEqual([
      'ada 2025-03-01 30',
      'ada 2025-03-02 30',
      'ada 2025-03-03 30',
      'bob 2025-03-01 0',
      'bob 2025-03-02 40',
      'bob 2025-03-03 40',
    ])
  })

  test('a step is there exactly when the rows of its block are', async () => {
    const { unitOfWork } = backend
    const locks = async () => (await sql`select 1 from recalc_locks`.execute(db)).rows.length
    const refused = unitOfWork.run(async (tx) => {
      await unitOfWork.lockEmployees(tx, 'acme', ['ada'])
      throw new Error('no')
    })
    await expect(refused).rejects.toThrow('no')
    expect(await locks()).toBe(0)
    await unitOfWork.run((tx) => unitOfWork.lockEmployees(tx, 'acme', ['ada']))
    expect(await locks()).toBe(1)
  })

  test('an error of a connection that was killed is transient', async () => {
    const { unitOfWork } = backend
    const killed = await unitOfWork
      .run(async (tx) => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(host.executorOf(tx))
        await sql`select pg_terminate_backend(${rows[0]!.pid}, 10000)`.execute(db) // once it is gone
        await queries.balances(tx, { ...PERIOD, employeeIds: ['ada'], dates: [] } as never) // all that is read of a block
      })
      .catch((error: unknown) => error)
    expect([killed, unitOfWork.isTransient(killed)]).toEqual([expect.any(Error), true])
  })
}
