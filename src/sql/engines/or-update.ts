import { sql } from 'kysely'
import type { Engine } from './engine.ts'

/** By `on conflict`, as PostgreSQL and SQLite have it. */
export const orUpdate: Engine['orUpdate'] = (insert, key, columns) =>
  insert.onConflict((conflict) => {
    const found = conflict.columns([...key])
    if (columns.length === 0) return found.doNothing()
    return found.doUpdateSet(
      Object.fromEntries(columns.map((column) => [column, sql`${sql.ref(`excluded.${column}`)}`])),
    )
  })
