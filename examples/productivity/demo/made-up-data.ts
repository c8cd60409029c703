import type { Kysely } from 'kysely'
import type { IsoDate } from 'recalc-service'
import type { Database } from '../schema/tables.ts'
import type { DemoOptions } from './cli-options.ts'

/** What a database was filled with; a table of the demo's own. */
interface MadeUpTable {
  made_up_data: {
    zone: string
    first_day: IsoDate
    last_day: IsoDate
    employees: number
    seed: number
    until: number
  }
}

/** Notes what the database is about to be filled with, so that every later run looks at it from the same moment. */
export async function rememberMadeUpData(db: Database, { zone, from, to, source }: DemoOptions): Promise<void> {
  const own = ownTable(db)
  await own.schema
    .createTable('made_up_data')
    .ifNotExists()
    .addColumn('zone', 'varchar(64)', (column) => column.notNull())
    .addColumn('first_day', 'varchar(10)', (column) => column.notNull())
    .addColumn('last_day', 'varchar(10)', (column) => column.notNull())
    .addColumn('employees', 'integer', (column) => column.notNull())
    .addColumn('seed', 'integer', (column) => column.notNull())
    .addColumn('until', 'bigint', (column) => column.notNull())
    .execute()
  await own.deleteFrom('made_up_data').execute()
  if (source.kind !== 'generator') return
  const { employees, seed, until } = source
  const row = { zone, first_day: from, last_day: to, employees, seed, until: until.getTime() }
  await own.insertInto('made_up_data').values(row).execute()
}

/** The options, about what is in the database when an earlier run has made that up. */
export async function aboutMadeUpData(db: Database, options: DemoOptions): Promise<DemoOptions> {
  if (options.source.kind === 'files') return options
  const tables = await db.introspection.getTables()
  if (!tables.some(({ name }) => name === 'made_up_data')) return options
  const found = await ownTable(db).selectFrom('made_up_data').selectAll().executeTakeFirst()
  if (!found) return options
  const { zone, first_day: from, last_day: to, employees, seed } = found
  const { days } = options.source
  return {
    ...options,
    zone,
    from,
    to,
    source: { kind: 'generator', employees, days, seed, until: new Date(found.until) },
  }
}

function ownTable(db: Database): Kysely<MadeUpTable> {
  return db as unknown as Kysely<MadeUpTable>
}
