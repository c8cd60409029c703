import { type Kysely, sql } from 'kysely'
import { sqlBackend } from 'recalc-service/sql'
import { backendConformance } from 'recalc-service/testing'
import { beforeAll, describe, test } from 'vitest'
import { engines } from './support/engines.ts'

interface Tables {
  host_rows: { row: string }
}

const tables = ['jobs', 'job_employees', 'lanes', 'failures', 'events', 'locks', 'changes']

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
    ...(name === 'SQLite' && { without: { parallelUnitsOfWork: 'SQLite has one writer at a time' } }),
  })
  for (const { name, skip, run } of cases) {
    test(name, (context) => (skip === undefined ? run() : context.skip(skip)))
  }
})
