import { isDeepStrictEqual } from 'node:util'
import { type RawBuilder, sql } from 'kysely'
import { countDays, datesBetween, type IsoDate } from 'recalc-service'
import type { Database } from '../../examples/productivity/schema/tables.ts'
import { engineOf } from '../../examples/shared/database/engine.ts'

/** What there is to recalculate, and from when it is seen. */
export interface Workload {
  readonly db: Database
  readonly url: string
  readonly zone: string
  readonly from: IsoDate
  readonly to: IsoDate
  readonly asOf: Date
  /** Ascending. */
  readonly employeeIds: readonly string[]
}

export const TENANT = 'bench'

/** The shape of a block by default; that of the hand-written loop as well. */
export const BLOCK = { employees: 25, days: 31 }

export const SCORES = ['daily_scores', 'idle_periods'] as const

const DERIVED = [
  ...SCORES,
  'alerts',
  'employee_hourly_costs',
  'employee_primary_roles',
  'employee_current_status',
] as const

export type DerivedTable = (typeof DERIVED)[number]

/** How many employee-days these employees have. */
export function daysOf({ from, to }: Workload, employeeIds: readonly string[]): number {
  return employeeIds.length * countDays(from, to)
}

/** Everything in blocks of a shape. */
export function* chunksOf({ from, to }: Workload, employeeIds: readonly string[], shape: typeof BLOCK) {
  const dates = datesBetween(from, to)
  for (let e = 0; e < employeeIds.length; e += shape.employees) {
    for (let d = 0; d < dates.length; d += shape.days) {
      const own = dates.slice(d, d + shape.days)
      const ends = { from: own[0] as IsoDate, to: own.at(-1) as IsoDate } // a chunk has a date at least
      yield { tenantId: TENANT, employeeIds: employeeIds.slice(e, e + shape.employees), dates: own, ...ends }
    }
  }
}

/** Leaves no derived row. */
export async function empty({ db }: Workload): Promise<void> {
  for (const table of DERIVED) await sql`truncate table ${sql.table(table)}`.execute(db)
}

/** Rows of some tables: how many, and what is in them. */
export type Fingerprint = Readonly<Record<string, { readonly rows: number; readonly sum: string }>>

/** What the tables hold of these employees. */
export async function fingerprint(
  { db }: Workload,
  {
    tables = DERIVED,
    employeeIds,
  }: { readonly tables?: readonly DerivedTable[]; readonly employeeIds: readonly string[] },
): Promise<Fingerprint> {
  const isPostgres = engineOf(db) === 'postgres'
  const schema = sql.raw(isPostgres ? 'current_schema()' : 'database()')
  const hash = (row: RawBuilder<unknown>) =>
    isPostgres ? sql`hashtextextended(${row}, 0)::numeric` : sql`crc32(${row})`
  const found = tables.map(async (table) => {
    const columns = await sql<{ name: string }>`
      select column_name as name from information_schema.columns
      where table_schema = ${schema} and table_name = ${table} order by ordinal_position`.execute(db)
    const cells = columns.rows.map(({ name }) => sql`coalesce(cast(${sql.ref(name)} as char(64)), '~')`)
    const row = sql`concat_ws('|', ${sql.join(cells)})`
    const { rows } = await sql<{ rows: number; sum: string | null }>`
      select count(*) as ${sql.ref('rows')}, cast(sum(${hash(row)}) as char(40)) as sum
      from ${sql.table(table)} where employee_id in (${sql.join(employeeIds)})`.execute(db)
    return [table, { rows: Number(rows[0]?.rows), sum: String(rows[0]?.sum) }] as const
  })
  return Object.fromEntries(await Promise.all(found))
}

/** Ends the benchmark when the tables do not hold what they must. */
export function assertSame(name: string, actual: Fingerprint, expected: Fingerprint): void {
  if (isDeepStrictEqual(actual, expected)) return
  const [got, wanted] = [actual, expected].map((one) => JSON.stringify(one))
  throw new Error(`Expected "${name}" to leave the rows that the job leaves, ${wanted}, got ${got}`)
}
