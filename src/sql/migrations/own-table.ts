import { InvalidOptionsError } from '../../errors.ts'
import type { Engine } from '../engines/engine.ts'
import { type RecalcDb, schemaOf } from '../tables.ts'

/**
 * Looks at what is there in place of a table that is about to be made, unless it is there already.
 *
 * @throws {InvalidOptionsError} when it is not the library's, or is so in a later form.
 */
export async function refuseForeignTable(
  db: RecalcDb,
  engine: Engine,
  table: string,
  columns: readonly string[],
): Promise<void> {
  const found = await engine.columnsOf(db, table, schemaOf(db))
  const missing = columns.filter((column) => !found.includes(column))
  if (found.length === 0 || missing.length === 0) return
  throw new InvalidOptionsError(
    `Expected the table ${table} to be recalc-service's own, got one without the columns ${missing.join(', ')}; ` +
      'choose another `prefix`, or rename that table. If it is its own after all, another migrator has made it: `migrate()` ' +
      "and a host's own Migrator each remember what they have run, so go on with the one that made it",
  )
}
