import type { Kysely } from 'kysely'
import { engineOf } from '../engines/engine-of.ts'
import { recalcDb, schemaOf, type TableNames } from '../tables.ts'

const COUNTERS = ['processed_periods', 'unchanged_periods', 'skipped_periods', 'failed_periods']

/** Lets jobs and lanes count periods, and lanes repair them. */
export async function addPeriods(host: Kysely<never>, { jobs, lanes }: TableNames): Promise<void> {
  const db = recalcDb(host)
  const engine = engineOf(db)
  for (const table of [jobs, lanes]) {
    const present = await engine.columnsOf(db, table, schemaOf(db))
    for (const column of COUNTERS.filter((name) => !present.includes(name))) {
      await db.schema
        .alterTable(table)
        .addColumn(column, 'bigint', (made) => made.notNull().defaultTo(0))
        .execute()
    }
  }
  const present = await engine.columnsOf(db, lanes, schemaOf(db))
  if (present.includes('stage')) return
  // JSON of the name, so ASCII, of any length.
  await db.schema.alterTable(lanes).addColumn('stage', engine.longText).execute()
}
