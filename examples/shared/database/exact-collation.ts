import { sql } from 'kysely'
import { DatabaseError } from './database-error.ts'
import { type AnyDatabase, engineOf } from './engine.ts'

/**
 * The collations that compare text byte by byte and do not pad it: to `utf8mb4_bin` on MariaDB, `a` and `a ` are one id, and
 * to a language's on PostgreSQL `B` comes behind `a`. SQLite compares like this by itself.
 */
export const EXACT = {
  mysql: ['utf8mb4_nopad_bin', 'utf8mb4_0900_bin'],
  postgres: ['C'],
} as const

/** The collation of MySQL's and MariaDB's tables; undefined for an engine that has it in its columns, or needs none. */
export async function exactCollation(db: AnyDatabase): Promise<string | undefined> {
  if (engineOf(db) !== 'mysql') return undefined
  const { rows } = await sql<{ name: string }>`
    select collation_name as name from information_schema.collations where collation_name in (${sql.join(EXACT.mysql)})
  `.execute(db)
  const found = EXACT.mysql.find((collation) => rows.some(({ name }) => name === collation))
  if (found !== undefined) return found
  throw new DatabaseError(
    `Expected a server that has one of the collations ${EXACT.mysql.join(' and ')}: MySQL 8.0.17 or MariaDB`,
  )
}
