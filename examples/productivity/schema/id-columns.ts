import { sql } from 'kysely'
import { type AnyDatabase, isMysql } from '../../shared/database/upsert.ts'
import { DatabaseError } from '../database/database-error.ts'
import type { Tables } from './tables.ts'

/**
 * MariaDB's collation and MySQL's that compare text byte by byte and do not pad it: to `utf8mb4_bin` on MariaDB, `a` and
 * `a ` are one id. SQLite compares like this by itself.
 */
const EXACT = ['utf8mb4_nopad_bin', 'utf8mb4_0900_bin'] as const

const OF_EMPLOYEES = [
  'pay_rates',
  'clock_times',
  'activity_logs',
  'daily_scores',
  'idle_periods',
  'alerts',
  'employee_hourly_costs',
  'employee_primary_roles',
  'employee_current_status',
] as const satisfies readonly (keyof Tables)[]

/** The collation for ids; undefined for an engine that needs none. */
export async function exactCollation(db: AnyDatabase): Promise<string | undefined> {
  if (!isMysql(db)) return undefined
  const { rows } = await sql<{ name: string }>`
    select collation_name as name from information_schema.collations where collation_name in (${sql.join(EXACT)})
  `.execute(db)
  const found = EXACT.find((collation) => rows.some(({ name }) => name === collation))
  if (found !== undefined) return found
  throw new DatabaseError(
    `Expected a server that has one of the collations ${EXACT.join(' and ')}: MySQL 8.0.17 or MariaDB`,
  )
}

/** @throws {DatabaseError} when there are tables whose ids pad or fold: two people would be one, and hours lost. */
export async function refuseInexactIds(db: AnyDatabase): Promise<void> {
  if (!isMysql(db)) return
  const { rows } = await sql<{ place: string; collation: string }>`
    select concat(table_name, '.', column_name) as place, collation_name as collation from information_schema.columns
    where table_schema = database() and collation_name is not null and collation_name not in (${sql.join(EXACT)})
      and (table_name = 'employees' and column_name = 'id' or table_name in (${sql.join(OF_EMPLOYEES)}) and column_name = 'employee_id')
    order by place
  `.execute(db)
  const [first] = rows
  if (!first) return
  const others = rows.length > 1 ? `, and ${rows.length - 1} more` : ''
  throw new DatabaseError(
    `Expected ids to be compared byte by byte and unpadded (${EXACT.join(' or ')}), ` +
      `but ${first.place} has the collation ${first.collation}${others}: convert these columns, or take a new database`,
  )
}
