import { batches } from '../../shared/database/batches.ts'
import { countOnBehindIds } from '../../shared/database/identity.ts'
import { anyTable, type Cell } from '../../shared/database/upsert.ts'
import type { Database } from '../schema/tables.ts'
import type { Sources } from './generate.ts'

/** Inserts everything, or nothing when a row is refused. @returns How many rows each table got. */
export async function insertSources(db: Database, sources: Sources): Promise<ReadonlyMap<string, number>> {
  return db.transaction().execute(async (tx) => {
    const counts = new Map<string, number>()
    for (const [table, rows] of Object.entries(sources)) {
      // Kysely cannot tell that the rows belong to the table beside them.
      const all = [...rows] as unknown as readonly Readonly<Record<string, Cell>>[]
      for (const batch of batches(all)) await anyTable(tx).insertInto(table).values(batch).execute()
      counts.set(table, all.length)
    }
    for (const table of ['absences', 'bookings']) await countOnBehindIds(tx, table)
    return counts
  })
}
