import type { Kysely } from 'kysely'
import type { Cache } from '../../../../examples/productivity/database/redis.ts'
import type { Database, Tables } from '../../../../examples/productivity/schema/tables.ts'

/** The derived tables by the columns of their keys. */
const keys = {
  daily_scores: ['employee_id', 'score_date'],
  idle_periods: ['employee_id', 'work_date', 'start_time'],
  alerts: ['employee_id', 'work_date', 'alert_type', 'event_at'],
  employee_hourly_costs: ['employee_id', 'work_date'],
  employee_primary_roles: ['employee_id'],
  employee_current_status: ['employee_id'],
} as const satisfies Partial<Record<keyof Tables, readonly string[]>>

/** Tables that hold one row or more per employee and day, or one per employee. */
export const derivedTables = Object.keys(keys) as readonly (keyof typeof keys)[]

/** Columns that mysql2 gives as text, with all their places, and SQLite as numbers. */
const decimals: ReadonlySet<string> = new Set([
  'points_earned',
  'efficiency_rate',
  'threshold_minutes',
  'hourly_rate',
  'labor_cost',
  'cost_per_item',
  'points_today',
])

/** A cache that can be looked into. */
export class CacheInMemory implements Cache {
  readonly entries = new Map<string, string>()

  async replace(entries: ReadonlyMap<string, string>): Promise<void> {
    for (const [key, value] of entries) this.entries.set(key, value)
  }

  async close(): Promise<void> {}
}

/**
 * Everything that is derived, as text: a line per row of the six tables, every column by name in the order of the alphabet,
 * in the order of their keys, and a line per cache. What differs between drivers, the type of decimals, does not show.
 */
export async function allRows(db: Database, cache?: CacheInMemory): Promise<string> {
  const anyTable = db as unknown as Kysely<Record<string, Record<string, unknown>>> // of the keys above
  const lines: string[] = []
  for (const [table, key] of Object.entries(keys)) {
    const rows = await key
      .reduce((query, column) => query.orderBy(column), anyTable.selectFrom(table).selectAll())
      .execute()
    for (const row of rows) {
      const cells = Object.keys(row)
        .sort()
        .map((column) => [column, decimals.has(column) && row[column] !== null ? Number(row[column]) : row[column]])
      lines.push(`${table} ${JSON.stringify(Object.fromEntries(cells))}`)
    }
  }
  for (const [key, value] of cache?.entries ?? []) lines.push(`${key} ${value}`)
  return lines.join('\n')
}
