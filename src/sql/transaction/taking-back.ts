import { type Kysely, sql } from 'kysely'

const SAVEPOINT = 'recalc_look'

/** Does something in an open transaction and takes back what it wrote. A transaction that is over stays as it is. */
export async function takingBack(db: Kysely<never>, work: () => Promise<never>): Promise<never> {
  await sql`savepoint ${sql.id(SAVEPOINT)}`.execute(db)
  try {
    return await work()
  } finally {
    try {
      await sql`rollback to savepoint ${sql.id(SAVEPOINT)}`.execute(db)
      await sql`release savepoint ${sql.id(SAVEPOINT)}`.execute(db)
    } catch {
      // Then the transaction is over, which is what `work` has thrown.
    }
  }
}
