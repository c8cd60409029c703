import type { Kysely } from 'kysely'
import { engineOf } from '../engines/engine-of.ts'
import { recalcDb, sideTable } from '../tables.ts'

/** An employee's changes can be read page by page. Cut short anywhere it goes on where it was the next time. */
export async function pageChanges(host: Kysely<never>, prefix: string): Promise<void> {
  const db = recalcDb(host)
  const engine = engineOf(db)
  const name = sideTable(prefix, 'changes')
  const columns = ['state', 'tenant_hash', 'employee_hash', 'id']
  await engine.createIndex(db.schema.createIndex(`${name}_page`).on(name).columns(columns))
  // The new one does its work.
  await engine.dropIndex(db, name, `${name}_lane`)
}
