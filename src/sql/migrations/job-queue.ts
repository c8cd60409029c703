import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { engineOf } from '../engines/engine-of.ts'
import { recalcDb, schemaOf, type TableNames } from '../tables.ts'

/**
 * Jobs can wait, in queues, and pause. Jobs that are there neither wait nor are to pause. Cut short anywhere it goes on where it
 * was the next time.
 */
export async function addQueue(host: Kysely<never>, { jobs }: TableNames): Promise<void> {
  const db = recalcDb(host)
  const engine = engineOf(db)
  const found = await engine.columnsOf(db, jobs, schemaOf(db))
  const isMissing = (column: string) => !found.includes(column)
  const number = (column: string) =>
    db.schema.alterTable(jobs).addColumn(column, 'bigint', (definition) => definition.notNull().defaultTo(0))
  if (isMissing('pause_requested')) await number('pause_requested').execute()
  if (isMissing('queue_order')) await number('queue_order').execute()
  if (isMissing('queue_hash')) {
    await db.schema.alterTable(jobs).addColumn('queue_hash', sql`varchar(64)${engine.textCollation}`).execute()
  }
  const indexes: [string, string[]][] = [
    ['scope_queue', ['scope_hash', 'status', 'queue_order']],
    ['queue', ['queue_hash', 'queue_order']],
  ]
  for (const [name, columns] of indexes) {
    await engine.createIndex(db.schema.createIndex(`${jobs}_${name}`).on(jobs).columns(columns))
  }
  // The new one does its work.
  await engine.dropIndex(db, jobs, `${jobs}_scope`)
}
