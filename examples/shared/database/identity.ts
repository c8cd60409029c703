import { sql } from 'kysely'
import { type AnyDatabase, engineOf } from './engine.ts'
import { anyTable } from './upsert.ts'

/**
 * Lets the next row that comes without an id get one behind all that are there. Only PostgreSQL counts on by itself, without a
 * look at ids that rows were given.
 */
export async function countOnBehindIds(db: AnyDatabase, table: string): Promise<void> {
  if (engineOf(db) !== 'postgres') return
  const sequence = sql`pg_get_serial_sequence(${table}, 'id')`
  const last = anyTable(db)
    .selectFrom(table)
    .select(({ fn }) => fn.max('id').as('id'))
  await sql`select setval(${sequence}, greatest((${last}), 1)) where ${sequence} is not null`.execute(db)
}
