import { type Kysely, sql, type Transaction } from 'kysely'
import { sqlBackend } from 'recalc-service/sql'
import { backendConformance } from 'recalc-service/testing'
import { beforeAll, describe, onTestFinished, test } from 'vitest'
import { engines } from './support/engines.ts'

interface Tables {
  host_rows: { row: string }
}

const tables = ['jobs', 'job_employees', 'lanes', 'failures', 'events', 'locks']

describe.each(engines)('sqlBackend on $name keeps the contract of every backend', async ({ name, open }) => {
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
      const [session, kill] =
        name === 'PostgreSQL'
          ? [sql<{ id: number }>`select pg_backend_pid() as id`, 'select pg_terminate_backend']
          : [sql<{ id: number }>`select connection_id() as id`, 'kill ']
      const { rows } = await session.execute(tx)
      await sql.raw(`${kill}(${rows[0]!.id})`).execute(kysely)
    },
    ...(name === 'SQLite' && { without: { parallelUnitsOfWork: 'SQLite has one writer at a time' } }),
  })
  for (const { name, skip, run } of cases) {
    test(name, (context) => (skip === undefined ? run() : context.skip(skip)))
  }
})

/** SQLite rolls back what finds no room on the disk. */
async function fillUp(kysely: Kysely<Tables>, tx: Transaction<Tables>): Promise<void> {
  await sql`pragma max_page_count = 1`.execute(tx)
  onTestFinished(async () => void (await sql`pragma max_page_count = 1000000`.execute(kysely)))
  await tx
    .insertInto('host_rows')
    .values({ row: 'x'.repeat(5_000_000) })
    .execute()
}
