import { type Kysely, sql } from 'kysely'

const SAVEPOINT = 'recalc_savepoint'

/** Does `work`, which always throws, in an open transaction, and rolls back to a savepoint what it wrote. */
export async function withSavepoint(db: Kysely<never>, work: () => Promise<never>): Promise<never> {
  await sql`savepoint ${sql.id(SAVEPOINT)}`.execute(db)
  try {
    return await work()
  } finally {
    try {
      await sql`rollback to savepoint ${sql.id(SAVEPOINT)}`.execute(db)
      await sql`release savepoint ${sql.id(SAVEPOINT)}`.execute(db)
    } catch {
      // The transaction is over. `work` has thrown why.
    }
  }
}
