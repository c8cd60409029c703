import { type Kysely, MysqlAdapter, PostgresAdapter, type RawBuilder, sql } from 'kysely'
import type { StoredChange } from '../../../../src/index.ts'
import { sqlBackend } from '../../../../src/sql/index.ts'

/** Tables of a host, with a column of every kind that tells a day. */
export interface HostTables {
  bookings: {
    id: number
    tenant_id: string | null
    employee_id: string | null
    come: unknown
    go: unknown
    note: string | null
  }
  absences: { id: number; tenant_id: string; employee_id: string; from_date: unknown; to_date: unknown }
  rules: { id: number; valid_from: unknown; factor: number }
  recalc_changes: { id: number }
}

type Flavour = 'mysql' | 'postgres' | 'sqlite'

export function flavourOf(db: Kysely<never>): Flavour {
  const { adapter } = db.getExecutor()
  if (adapter instanceof MysqlAdapter) return 'mysql'
  return adapter instanceof PostgresAdapter ? 'postgres' : 'sqlite'
}

/** The engine's own words for a few things. */
const words = {
  mysql: { instant: sql`datetime(3)`, date: sql`date`, exact: sql` character set utf8mb4 collate utf8mb4_general_ci` },
  postgres: { instant: sql`timestamptz(3)`, date: sql`date`, exact: sql`` },
  sqlite: { instant: sql`text`, date: sql`text`, exact: sql` collate nocase` },
} satisfies Record<Flavour, Record<string, RawBuilder<unknown>>>

export async function createHostTables(db: Kysely<HostTables>): Promise<void> {
  const { instant, date, exact } = words[flavourOf(db as never)]
  // Text whose collation folds case: a change of case is a change all the same.
  await sql`create table bookings (id integer not null primary key, tenant_id varchar(40), employee_id varchar(40)${exact},
    come ${instant} null, go ${instant} null, note varchar(40)${exact})`.execute(db)
  await sql`create table absences (id integer not null primary key, tenant_id varchar(40) not null,
    employee_id varchar(40) not null, from_date ${date}, to_date ${date})`.execute(db)
  await sql`create table rules (id integer not null primary key, valid_from ${date}, factor integer)`.execute(db)
}

/** An instant as the engine's column takes it. */
export function instant(db: Kysely<never>, iso: string): unknown {
  return flavourOf(db) === 'mysql' ? iso.replace('T', ' ').replace('Z', '') : iso
}

/** A column's text, whatever a driver would make of it in the zone of the process. */
export function textOf(db: Kysely<never>, type: 'instant' | 'date', column: string): RawBuilder<string | null> {
  const ref = sql.ref(column)
  if (flavourOf(db) === 'sqlite') return sql`${ref}`
  if (flavourOf(db) === 'mysql') return sql`cast(${ref} as char)`
  return type === 'date' ? sql`${ref}::text` : sql`to_char(${ref} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')`
}

/** What is in the ledger of a tenant, without what no test can know; and takes it out. */
export async function takeNotes(db: Kysely<HostTables>, tenantId = 'acme'): Promise<readonly unknown[]> {
  const changes = await sqlBackend(db).changes.list({ tenantId, after: 0, limit: 1_000 })
  await db.deleteFrom('recalc_changes').execute()
  return changes.map(shown)
}

function shown({ employeeId, content }: StoredChange): unknown {
  if (!('spans' in content) || !content.spans) return { employeeId, ...content }
  const spans = content.spans.map((ends) =>
    ends.map((end) => (typeof end === 'number' ? new Date(end).toISOString() : end)),
  )
  return { employeeId, table: content.table, spans }
}
