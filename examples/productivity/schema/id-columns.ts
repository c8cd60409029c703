import { sql } from 'kysely'
import { DatabaseError } from '../../shared/database/database-error.ts'
import { type AnyDatabase, engineOf } from '../../shared/database/engine.ts'
import { EXACT } from '../../shared/database/exact-collation.ts'
import type { Tables } from './tables.ts'

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

/** @throws {DatabaseError} when there are tables whose ids pad, fold or sort otherwise: two people would be one, and hours lost. */
export async function refuseInexactIds(db: AnyDatabase): Promise<void> {
  const engine = engineOf(db)
  if (engine === 'sqlite') return
  const exact = EXACT[engine]
  const schema = sql.raw(engine === 'mysql' ? 'database()' : 'current_schema()')
  const { rows } = await sql<{ place: string; collation: string }>`
    select concat(table_name, '.', column_name) as place, coalesce(collation_name, 'default') as collation
    from information_schema.columns
    where table_schema = ${schema} and character_maximum_length is not null
      and coalesce(collation_name, '') not in (${sql.join(exact)})
      and (table_name = 'employees' and column_name = 'id' or table_name in (${sql.join(OF_EMPLOYEES)}) and column_name = 'employee_id')
    order by place
  `.execute(db)
  const [first] = rows
  if (!first) return
  const others = rows.length > 1 ? `, and ${rows.length - 1} more` : ''
  throw new DatabaseError(
    `Expected ids to be compared byte by byte and unpadded (${exact.join(' or ')}), ` +
      `but ${first.place} has the collation ${first.collation}${others}: convert these columns, or take a new database`,
  )
}
