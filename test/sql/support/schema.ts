import { type Kysely, MysqlAdapter, PostgresAdapter, sql } from 'kysely'

/** A table as the database has it; indexes as `unique? columns`, sorted, the primary key first. */
export interface StoredTable {
  readonly columns: Readonly<Record<string, 'not null' | 'null'>>
  readonly indexes: readonly string[]
}

/** What is stored of the tables whose names begin with `prefix`, by their names without it. */
export async function storedTables(
  kysely: Kysely<never>,
  prefix: string,
): Promise<Readonly<Record<string, StoredTable>>> {
  const found: Record<string, StoredTable> = {}
  const tables = (await kysely.introspection.getTables()).filter(({ name }) => name.startsWith(prefix))
  for (const { name, columns } of tables) {
    found[name.slice(prefix.length)] = {
      columns: Object.fromEntries(columns.map((column) => [column.name, column.isNullable ? 'null' : 'not null'])),
      indexes: await indexesOf(kysely, name),
    }
  }
  return found
}

async function indexesOf(kysely: Kysely<never>, table: string): Promise<readonly string[]> {
  const { adapter } = kysely.getExecutor()
  const indexesIn =
    adapter instanceof MysqlAdapter
      ? mysqlIndexes
      : adapter instanceof PostgresAdapter
        ? postgresIndexes
        : sqliteIndexes
  const rows = await indexesIn(kysely, table)
  const columnsOf = new Map<string, string[]>()
  for (const { name, isUnique, isPrimary, column } of rows) {
    const kind = isPrimary ? 'primary' : isUnique ? 'unique' : 'index'
    const columns = columnsOf.get(`${name} ${kind}`) ?? []
    columnsOf.set(`${name} ${kind}`, [...columns, column])
  }
  return [...columnsOf].map(([key, columns]) => `${key.split(' ')[1]} (${columns.join(', ')})`).sort()
}

interface IndexedColumn {
  readonly name: string
  readonly isUnique: boolean
  readonly isPrimary: boolean
  readonly column: string
}

async function mysqlIndexes(kysely: Kysely<never>, table: string): Promise<readonly IndexedColumn[]> {
  const { rows } = await sql<{ name: string; nonUnique: number | string; columnName: string }>`
    select index_name as name, non_unique as nonUnique, column_name as columnName from information_schema.statistics
    where table_schema = database() and table_name = ${table} order by index_name, seq_in_index`.execute(kysely)
  return rows.map(({ name, nonUnique, columnName }) => ({
    name,
    isUnique: Number(nonUnique) === 0,
    isPrimary: name === 'PRIMARY',
    column: columnName,
  }))
}

async function postgresIndexes(kysely: Kysely<never>, table: string): Promise<readonly IndexedColumn[]> {
  const { rows } = await sql<IndexedColumn>`
    select index.relname as name, indisunique as "isUnique", indisprimary as "isPrimary",
      pg_get_indexdef(indexrelid, position::int, true) as column
    from pg_index join pg_class index on index.oid = indexrelid
      cross join lateral unnest(indkey) with ordinality as keys(key, position)
    where indrelid = to_regclass(${`"${table}"`}) order by name, position`.execute(kysely)
  return rows
}

async function sqliteIndexes(kysely: Kysely<never>, table: string): Promise<readonly IndexedColumn[]> {
  const { rows } = await sql<{ name: string; isUnique: number; origin: string; columnName: string }>`
    select list.name, list."unique" as isUnique, list.origin, info.name as columnName
    from pragma_index_list(${table}) list, pragma_index_info(list.name) info order by list.name, info.seqno`.execute(
    kysely,
  )
  const indexes = rows.map(({ name, isUnique, origin, columnName }) => ({
    name,
    isUnique: isUnique === 1,
    isPrimary: origin === 'pk',
    column: columnName,
  }))
  if (indexes.some(({ isPrimary }) => isPrimary)) return indexes
  // An integer primary key is the table's own order and has no index.
  const { rows: keys } = await sql<{ name: string }>`select name from pragma_table_info(${table}) where pk > 0`.execute(
    kysely,
  )
  return [...keys.map(({ name }) => ({ name: '', isUnique: true, isPrimary: true, column: name })), ...indexes]
}
