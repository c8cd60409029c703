import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { engineOf } from '../engines/engine-of.ts'
import { recalcDb, schemaOf, type TableNames } from '../tables.ts'

/** What is written of a lock where only changes of a row are heard of by the other nodes of a cluster. */
export async function addClusterLocks(host: Kysely<never>, { locks }: TableNames): Promise<void> {
  const db = recalcDb(host)
  const engine = engineOf(db)
  const found = await engine.columnsOf(db, locks, schemaOf(db))
  const isMissing = (column: string) => !found.includes(column)
  const number = (column: string) =>
    db.schema.alterTable(locks).addColumn(column, 'bigint', (definition) => definition.notNull().defaultTo(0))
  if (isMissing('taken')) await number('taken').execute()
  if (isMissing('reserved_until')) await number('reserved_until').execute()
  if (isMissing('reserved_by')) {
    await db.schema.alterTable(locks).addColumn('reserved_by', sql`varchar(36)${engine.textCollation}`).execute()
  }
}
