import { type Kysely, sql } from 'kysely'
import pg from 'pg'
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/index.ts'
import {
  installCapture,
  type ListenClient,
  type SqlBackendOptions,
  sqlBackend,
  uninstallCapture,
} from '../../../src/sql/index.ts'
import {
  type BalanceTables,
  balanceService,
  balancesOf,
  createBalanceTables,
  work,
} from '../../changes/support/balance-host.ts'
import { withDatabase } from '../../support/mariadb.ts'
import { postgresDatabase, postgresKysely, startPgbouncer } from '../../support/postgres.ts'
import { sqliteDatabase } from '../support/engines.ts'

/** Nothing is found by polling within a test. */
const NEVER = 2_000_000_000

const hours = { hours: { tenant: 'tenant', employee: 'employee', dates: ['day'] } } as const

describe('PostgreSQL', async () => {
  const database = await postgresDatabase()
  let db: Kysely<BalanceTables>
  const stops: (() => Promise<unknown>)[] = []
  const warnings: string[] = []
  let opened: pg.Client[] = []

  beforeAll(async () => {
    db = database.kysely()
    await createBalanceTables(db)
    await sqlBackend(db).migrate()
  })

  beforeEach(async () => {
    opened = []
    warnings.length = 0
    for (const table of ['hours', 'balances', 'recalc_changes'] as const)
      await db.deleteFrom(table as 'hours').execute()
  })

  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  const listen = async (): Promise<pg.Client> => {
    const client = new pg.Client(database.url)
    await client.connect()
    opened.push(client)
    return client
  }

  /** A service that finds changes of others only when it is told of them. */
  async function started(options: SqlBackendOptions = { listen }) {
    const logger = { warn: (_: object, message: string) => void warnings.push(message) }
    const backend = sqlBackend(db, { ...options, logger })
    const clock = { ...systemClock, now: () => Date.parse('2025-03-31T12:00:00Z') }
    const recalc = balanceService(backend, {}, { clock, settle: { intervalMs: NEVER } })
    await recalc.start()
    stops.push(() => recalc.stop())
    return recalc
  }

  /** Its first look is over, and it listens. */
  const isListening = () => expect.poll(async () => await listeners(db, database.name)).toBe(1)

  const other = (on: Kysely<BalanceTables>) => balanceService(sqlBackend(on))

  async function edit(minutes: number, on = db): Promise<void> {
    await on.transaction().execute(async (tx) => {
      await work(tx, 'ann', '2025-03-31', minutes)
      const change = {
        tenantId: 'acme',
        employeeId: 'ann',
        table: 'hours',
        dates: { from: '2025-03-31', to: '2025-03-31' },
      }
      await other(on).noteChange(tx, change)
    })
  }

  test('what another process notes is settled at once', async () => {
    await started()
    await isListening()
    for (const minutes of [5, 6, 7]) {
      await edit(minutes)
      await expect.poll(() => balancesOf(db, 'ann')).toEqual({ '2025-03-31': minutes })
    }
  })

  test('what a trigger notes is settled at once', async () => {
    await installCapture(db, hours)
    await started()
    await isListening()
    await db.insertInto('hours').values({ tenant: 'acme', employee: 'ann', day: '2025-03-31', minutes: 9 }).execute()
    await expect.poll(() => balancesOf(db, 'ann')).toEqual({ '2025-03-31': 9 })
    await uninstallCapture(db)
  })

  test('a connection that breaks is opened anew, and what was noted meanwhile is settled', async () => {
    await started()
    await isListening()
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database.name} and query like 'listen %'`.execute(
      db,
    )
    await edit(5)
    await expect.poll(() => balancesOf(db, 'ann')).toEqual({ '2025-03-31': 5 })
    await expect.poll(() => opened.length).toBe(2)
    expect(warnings).toEqual(['Cannot listen for changes; they are found by polling'])
    await isListening()
    await edit(6)
    await expect.poll(() => balancesOf(db, 'ann')).toEqual({ '2025-03-31': 6 })
  })

  test('a connection that cannot be opened is tried again', async () => {
    let attempts = 0
    await started({
      listen: () => {
        attempts += 1
        return attempts === 1 ? Promise.reject(new Error('refused')) : listen()
      },
    })
    await isListening()
    expect(attempts).toBe(2)
  })

  test('one that never opens holds up nobody who stops; opened later, it is closed', async () => {
    const late = Promise.withResolvers<ListenClient>()
    const recalc = await started({ listen: () => late.promise })
    await recalc.stop()
    let isEnded = false
    late.resolve({
      query: async () => expect.unreachable(),
      on() {},
      async end() {
        isEnded = true
      },
    })
    await expect.poll(() => isEnded).toBe(true)
  })

  test('a stopped service listens no more', async () => {
    const recalc = await started()
    await isListening()
    await recalc.stop()
    await expect.poll(async () => await listeners(db, database.name)).toBe(0)
  })

  test('of many open transactions only some notify, and the changes of all are found', async () => {
    await started()
    await isListening()
    const listener = await listen()
    let wakes = 0
    listener.on('notification', () => (wakes += 1))
    await listener.query('listen recalc_changes')
    const holder = await listen()
    onTestFinished(async () => void (await Promise.all([listener.end(), holder.end()])))
    await holder.query('begin')
    await holder.query('select pg_advisory_xact_lock(512091726, i) from generate_series(0, 7) i')
    await edit(5)
    await holder.query(`select pg_notify('recalc_changes', '')`)
    expect(await balancesOf(db, 'ann')).toEqual({})
    await holder.query('commit')
    await expect.poll(() => wakes).toBe(1)
    await expect.poll(() => balancesOf(db, 'ann')).toEqual({ '2025-03-31': 5 })
  })

  test('it notes through a pooler that hands out connections per transaction', async () => {
    const pooler = await startPgbouncer(database.url)
    const { kysely } = postgresKysely<BalanceTables>(withDatabase(pooler.url, database.name))
    onTestFinished(async () => {
      await kysely.destroy()
      await pooler.stop()
    })
    await started()
    await isListening()
    await edit(5, kysely)
    await expect.poll(() => balancesOf(db, 'ann')).toEqual({ '2025-03-31': 5 })
  })
})

test('other databases tell of nothing: it is refused', () => {
  const db = sqliteDatabase().connect()
  expect(() => sqlBackend(db, { listen: async () => expect.unreachable() })).toThrow('Expected `listen` to be')
})

async function listeners(db: Kysely<BalanceTables>, database: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
    where datname = ${database} and query like 'listen %' and state = 'idle'`.execute(db)
  return Number(rows[0]?.n)
}
