import { type Kysely, sql } from 'kysely'
import { sqlBackend } from 'recalc-service/sql'
import { afterAll, expect, test } from 'vitest'
import { postgresKysely, startPostgres } from '../support/postgres.ts'
import { runs } from '../support/runs.ts'

interface Size {
  readonly table: number
  readonly index: number
}

/** Ten a second for ten minutes, or for an hour. */
const UPDATES = runs(6_000, 36_000)
const CONNECTIONS = 8
const EMPLOYEES = Array.from({ length: 500 }, (_, i) => `employee ${i}`)

const server = await startPostgres()
const { kysely } = postgresKysely<never>(`${server.url}/postgres`, { max: CONNECTIONS + 1 })
afterAll(async () => {
  await kysely.destroy()
  await server.stop()
})

test('ten updates a second leave the table of locks as large as it was, also while a report is open', async () => {
  await sql`alter system set autovacuum_naptime = '1s'`.execute(kysely)
  await sql`select pg_reload_conf()`.execute(kysely)
  const { migrate, unitOfWork } = sqlBackend(kysely)
  await migrate()
  await unitOfWork.run((tx) => unitOfWork.lockEmployees(tx, 'acme', EMPLOYEES))
  const before = await sizeOf(kysely)

  await kysely
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (report) => {
      await sql`select count(*) from recalc_jobs`.execute(report) // what it sees cannot be vacuumed away
      let begun = 0
      const lane = async () => {
        for (let number = begun++; number < UPDATES; number = begun++) {
          const employee = EMPLOYEES[(number * 7) % EMPLOYEES.length] as string
          await unitOfWork.run((tx) => unitOfWork.lockEmployees(tx, 'acme', [employee]))
        }
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, lane))
    })

  expect(await sizeOf(kysely)).toEqual(before)
})

async function sizeOf(db: Kysely<never>): Promise<Size> {
  const { rows } = await sql<Size>`select pg_relation_size('recalc_locks')::int as "table",
    pg_relation_size((select indexrelid from pg_index where indrelid = 'recalc_locks'::regclass))::int as "index"`.execute(
    db,
  )
  return rows[0] as Size
}
