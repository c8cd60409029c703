import { sql } from 'kysely'
import { type RecalcDb, rawTable } from '../tables.ts'

/** For engines that lock only the rows that they delete, whatever else they read on the way. */
export async function deleteRows(db: RecalcDb, table: string, ids: readonly number[]): Promise<void> {
  // Numbers as they are: of thousands of bound values the query builder and the drivers make more work than the server.
  await sql`delete from ${rawTable(db, table)} where id in (${sql.raw(ids.join(','))})`.execute(db)
}
