import { CompiledQuery, sql, type Transaction } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '../support/mariadb.ts'
import { AskedQueries, mostRows, type Tables } from './support/asked-queries.ts'

interface PlanRow {
  readonly table: string | null
  readonly type: string | null
  readonly key: string | null
}

const database = await testDatabase()
const queries = new AskedQueries()
const kysely = database.kysely<Tables>({}, { log: queries.log })
const asked = () => queries.all()

beforeAll(() => queries.ask(kysely, (tables) => `analyze table ${tables.join(', ')}`))

test('every query is planned along an index', async () => {
  const unplanned: unknown[] = []
  for (const { sql, parameters } of asked()) {
    const { rows } = await kysely.executeQuery<PlanRow>(CompiledQuery.raw(`explain ${sql}`, [...parameters]))
    for (const { table, type, key } of rows) {
      // Without a table: found at once, or known to be nowhere. In angle brackets: what another line of the plan gives.
      if (table !== null && !table.startsWith('<') && (type === 'ALL' || key === null))
        unplanned.push({ sql, table, type, key })
    }
  }
  expect(unplanned).toEqual([])
})

test('every query reads few rows, however many jobs, lanes, events and failures there are', async () => {
  expect(asked().length).toBeGreaterThan(35)
  expect(await heavy(asked())).toEqual([])
})

test('there is no index that some query does not need', async () => {
  const indexes = await secondaryIndexes()
  expect(indexes.length).toBeGreaterThan(8)
  const reads = asked().filter(({ sql }) => /^\s*select/.test(sql))
  const idle: string[] = []
  for (const { table, name, columns } of indexes) {
    await kysely.schema.dropIndex(name).on(table).execute()
    if ((await heavy(reads)).length === 0) idle.push(name)
    await kysely.schema.createIndex(name).on(table).columns(columns).execute()
  }
  expect(idle).toEqual([])
})

/** Queries that read more rows than what they give can be worth, or that cannot be run. */
async function heavy(asked: readonly CompiledQuery[]): Promise<readonly unknown[]> {
  const found: unknown[] = []
  for (const { sql, parameters } of asked) {
    const outcome = await kysely
      .transaction()
      .execute(async (tx) => {
        const idle = -(await reads(tx)) + (await reads(tx))
        const before = await reads(tx)
        await tx.executeQuery(CompiledQuery.raw(sql, [...parameters]))
        throw new RolledBack((await reads(tx)) - before - idle)
      })
      .catch((error: unknown) => error)
    const rowsRead = outcome instanceof RolledBack ? outcome.rowsRead : outcome
    if (typeof rowsRead !== 'number' || rowsRead > mostRows(sql, parameters)) found.push({ sql, parameters, rowsRead })
  }
  return found
}

async function secondaryIndexes(): Promise<readonly { table: keyof Tables; name: string; columns: never[] }[]> {
  const { rows } = await sql<{ table: keyof Tables; name: string; columns: string }>`
    select table_name as \`table\`, index_name as name, group_concat(column_name order by seq_in_index) as columns
    from information_schema.statistics where table_schema = database() and non_unique = 1 and table_name like 'recalc%'
    group by table_name, index_name`.execute(kysely)
  return rows.map(({ columns, ...index }) => ({ ...index, columns: columns.split(',') as never[] }))
}

class RolledBack extends Error {
  readonly rowsRead: number

  constructor(rowsRead: number) {
    super('rolled back')
    this.rowsRead = rowsRead
  }
}

/** The rows that this connection has read so far. */
async function reads(tx: Transaction<Tables>): Promise<number> {
  const { rows } = await tx.executeQuery<{ Value: string }>(
    CompiledQuery.raw("show session status like 'Handler_read%'"),
  )
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
}
