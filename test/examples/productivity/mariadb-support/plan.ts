import { CompiledQuery, sql } from 'kysely'
import type { Database, Tables } from '../../../../examples/productivity/schema/tables.ts'
import { type Cost, measured } from './watched-statements.ts'

/** How a statement comes to the rows of one table. */
export interface Step {
  readonly table: string | null
  /** `ALL` reads the table, `index` a whole index. */
  readonly type: string | null
  readonly key: string | null
  readonly Extra: string | null
}

/** What the server means to do. */
export async function planOf(db: Database, query: CompiledQuery): Promise<readonly Step[]> {
  const explain = CompiledQuery.raw(`explain ${query.sql}`, [...query.parameters])
  return (await db.executeQuery<Step>(explain)).rows
}

/** What it costs to do it, without its being done: it is rolled back. */
export async function costOf(db: Database, query: CompiledQuery): Promise<Cost> {
  const transaction = await db.startTransaction().execute()
  try {
    const { cost } = await transaction
      .getExecutor()
      .provideConnection((connection) =>
        measured(connection, () => connection.executeQuery(CompiledQuery.raw(query.sql, [...query.parameters]))),
      )
    return cost
  } finally {
    await transaction.rollback().execute()
  }
}

/** An index that is not the primary key. */
export interface Index {
  readonly table: keyof Tables
  readonly name: string
}

export async function secondaryIndexes(db: Database): Promise<readonly Index[]> {
  const { rows } = await sql<Index>`
    select distinct table_name as ${sql.ref('table')}, index_name as name from information_schema.statistics
    where table_schema = database() and non_unique = 1 and table_name not like 'recalc%' order by 1, 2`.execute(db)
  return rows
}

/** Runs something as if the index were not there; dropping it, and building it anew, would take seconds. */
export async function without(db: Database, { table, name }: Index, run: () => Promise<void>): Promise<void> {
  const [hidden, shown] = (await isMariadb(db)) ? ['ignored', 'not ignored'] : ['invisible', 'visible']
  const alter = (how: string | undefined) =>
    sql`alter table ${sql.table(table)} alter index ${sql.ref(name)} ${sql.raw(String(how))}`.execute(db)
  await alter(hidden)
  try {
    await run()
  } finally {
    await alter(shown)
  }
}

/** MySQL otherwise. */
export async function isMariadb(db: Database): Promise<boolean> {
  const { rows } = await sql<{ version: string }>`select version() as version`.execute(db)
  return rows[0]?.version.includes('MariaDB') ?? false
}
