import { type Kysely, sql, type Transaction } from 'kysely'
import { sqlBackend } from 'recalc-service/sql'
import { backendConformance } from 'recalc-service/testing'
import { afterAll, beforeAll, describe, inject, onTestFinished, test } from 'vitest'
import { withDatabase } from '../support/mariadb.ts'
import { postgresDatabase, postgresKysely, startPgbouncer } from '../support/postgres.ts'
import { urlFrom } from '../support/server-url.ts'
import { embeddedPostgresDatabase, engines } from './support/engines.ts'

interface Tables {
  host_rows: { row: string }
}

const tables = ['jobs', 'job_employees', 'lanes', 'failures', 'events', 'locks', 'changes', 'corrections']

const others = [
  {
    name: 'PostgreSQL behind a PgBouncer that hands connections out per transaction',
    async open() {
      const { name } = await postgresDatabase()
      const pooler = await startPgbouncer(await urlFrom(inject('postgresLauncher')))
      const { kysely } = postgresKysely<Tables>(withDatabase(pooler.url, name))
      afterAll(async () => {
        await kysely.destroy()
        await pooler.stop()
      })
      return { connect: () => kysely }
    },
  },
  {
    name: 'PostgreSQL with a pool of one',
    async open() {
      const database = await postgresDatabase()
      return { connect: () => database.kysely<Tables>({ max: 1 }) }
    },
  },
  { name: 'PGlite', open: async () => embeddedPostgresDatabase() },
]

/** Why several units of work cannot be open at once. */
const ONE_AT_A_TIME: Readonly<Record<string, string>> = {
  SQLite: 'SQLite has one writer at a time',
  PGlite: 'PGlite has one session',
  'PostgreSQL with a pool of one': 'there is only one connection',
}

describe.each([...engines, ...others])(
  'sqlBackend on $name keeps the contract of every backend',
  async ({ name, open }) => {
    const database = await open()
    const kysely: Kysely<Tables> = database.connect()

    beforeAll(async () => {
      await sqlBackend(kysely).migrate()
      await kysely.schema.createTable('host_rows').addColumn('row', 'varchar(100)').execute()
    })

    const cases = backendConformance({
      async makeBackend() {
        for (const table of [...tables.map((table) => `recalc_${table}`), 'host_rows']) {
          await sql`delete from ${sql.table(table)}`.execute(kysely)
        }
        return sqlBackend(kysely)
      },
      rows: () => ({
        async write(tx, row) {
          await tx.insertInto('host_rows').values({ row }).execute()
        },
        async read() {
          return (await kysely.selectFrom('host_rows').select('row').execute()).map(({ row }) => row)
        },
      }),
      async endTransaction(tx) {
        if (name === 'SQLite') return await fillUp(kysely, tx)
        if (name !== 'MariaDB') return void (await sql`select 1 / 0`.execute(tx)) // any error does it in PostgreSQL
        const { rows } = await sql<{ id: number }>`select connection_id() as id`.execute(tx)
        await sql`kill ${sql.lit(rows[0]!.id)}`.execute(kysely)
      },
      ...(ONE_AT_A_TIME[name] && { without: { parallelUnitsOfWork: ONE_AT_A_TIME[name] } }),
    })
    for (const { name, skip, run } of cases) {
      test(name, (context) => (skip === undefined ? run() : context.skip(skip)))
    }
  },
)

/** SQLite rolls back what finds no room on the disk. */
async function fillUp(kysely: Kysely<Tables>, tx: Transaction<Tables>): Promise<void> {
  await sql`pragma max_page_count = 1`.execute(tx)
  onTestFinished(async () => void (await sql`pragma max_page_count = 1000000`.execute(kysely)))
  await tx
    .insertInto('host_rows')
    .values({ row: 'x'.repeat(5_000_000) })
    .execute()
}
