import { sql } from 'kysely'
import type { Capture, CaptureEngine, SourceColumn, TableName } from '../../capture/capture-engine.ts'
import { hexOf } from '../../capture/hex-literal.ts'
import { hexKey } from '../../ledger-key.ts'

const MAIN = 'main'

export const sqliteCapture: CaptureEngine = {
  isTransactional: true,
  currentSchema: async () => MAIN,
  async describe(db, { schema, name }) {
    const { rows: tables } = await sql<{ name: string; type: string }>`
      select name, type from sqlite_master where name = ${name} collate nocase and type in ('table', 'view')`.execute(
      db,
    )
    const [table] = tables
    if (!table) return undefined
    const { rows: columns } = await sql<{ name: string; type: string; pk: number }>`
      select name, type, pk from pragma_table_info(${name})`.execute(db)
    return {
      schema: MAIN,
      name: table.name,
      columns: columns.map((column) => ({ name: column.name, type: column.type.toLowerCase(), uses: ANY_USE })),
      obstacle:
        table.type === 'view'
          ? 'it is a view, whose rows change with those of its tables'
          : schema === MAIN
            ? undefined
            : 'triggers write only to tables of their own database file',
      cascades: [], // they fire triggers
      partitions: [],
      silentKeys: await uniqueKeys(db, table.name, columns),
    }
  },
  triggersOf(capture, ledger) {
    const { table, compared } = capture
    const on = `on ${quoted(table.name)} for each row`
    const body = (...statements: readonly string[]) => `begin\n${statements.join('\n')}\nend`
    const note = (ids: string, rows: readonly string[], ...given: Given) => insert(capture, ledger, ids, rows, ...given)
    const ids = [capture.tenant, capture.employee].filter((id): id is SourceColumn => id !== null && 'name' in id)
    const isMoved = ids.length === 0 ? '0' : `(${ids.map(changed).join(' or ')})`
    const edited = [
      note('new', ['old', 'new'], `not ${isMoved}`),
      ...(ids.length === 0 ? [] : [note('old', ['old'], isMoved), note('new', ['new'], isMoved)]),
    ]
    const replaced = (isUpdate: boolean) => {
      const meets = table.silentKeys.map((key) => {
        const is = key.map((name) => `replaced.${quoted(name)} = new.${quoted(name)}`)
        const isNew = key.map((name) => changed({ name }))
        return `(${[...is, ...(isUpdate ? [`(${isNew.join(' or ')})`] : [])].join(' and ')})`
      })
      return note('replaced', ['replaced'], meets.join(' or '), `${quoted(table.name)} as replaced`)
    }
    // `insert or replace` fires no trigger of the rows that it removes.
    const silent =
      table.silentKeys.length === 0
        ? []
        : [`before insert ${on} ${body(replaced(false))}`, `before update ${on} ${body(replaced(true))}`]
    return [
      ...silent,
      `after insert ${on} ${body(note('new', ['new']))}`,
      `after update ${on} when ${compared.map(changed).join(' or ')} ${body(...edited)}`,
      `after delete ${on} ${body(note('old', ['old']))}`,
    ].map((definition) => ({ table, definition }))
  },
  async installed(db, prefix) {
    const { rows } = await sql<{ name: string; tableName: string; text: string }>`
      select name, tbl_name as tableName, sql as text from sqlite_master
      where type = 'trigger' and substr(name, 1, ${prefix.length}) = ${prefix} order by name`.execute(db)
    return rows.map(({ name, tableName, text }) => ({
      name,
      table: { schema: MAIN, name: tableName },
      definition: text.replace(/^create trigger\s+\S+\s+/i, ''),
    }))
  },
  async create(db, { name, definition }) {
    await sql.raw(`create trigger if not exists ${quoted(name)} ${definition}`).execute(db)
  },
  async drop(db, { name }) {
    await sql.raw(`drop trigger if exists ${quoted(name)}`).execute(db)
  },
}

/** A column takes whatever it is given: what it holds is looked at when it is read. */
const ANY_USE = ['id', 'instant', 'date'] as const

type Db = Parameters<CaptureEngine['describe']>[0]

async function uniqueKeys(
  db: Db,
  table: string,
  columns: readonly { readonly name: string; readonly type: string; readonly pk: number }[],
): Promise<readonly (readonly string[])[]> {
  const { rows } = await sql<{ name: string; column: string | null }>`
    select list.name, info.name as "column" from pragma_index_list(${table}) list, pragma_index_info(list.name) info
    where list."unique" = 1 order by list.name, info.seqno`.execute(db)
  const indexes = [...Map.groupBy(rows, ({ name }) => name).values()].map((own) => own.map(({ column }) => column))
  const primary = columns.filter(({ pk }) => pk > 0)
  const [only] = primary
  // Such a key is the table's own order and has no index.
  const rowid = primary.length === 1 && only?.type.toLowerCase() === 'integer' ? [[only.name]] : []
  // An expression has no name here.
  return [...rowid, ...indexes.filter((key): key is string[] => key.every((name) => name !== null))]
}

type Given = [condition?: string, from?: string]

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** True when a column changed, whatever its collation holds to be equal. */
function changed({ name }: Pick<SourceColumn, 'name'>): string {
  return `old.${quoted(name)} is not new.${quoted(name)} collate binary`
}

function insert(
  capture: Capture,
  ledger: TableName,
  ids: string,
  rows: readonly string[],
  condition?: string,
  from?: string,
): string {
  const { source, tenant, employee, kind, when, isEverybodysWithoutEmployee } = capture
  const hex = ({ name }: SourceColumn) => `hex(cast(${ids}.${quoted(name)} as text))`
  const [tenantKey, tenantHex] =
    'always' in tenant ? [`'${hexKey(tenant.always)}'`, `'${hexOf(tenant.always)}'`] : [hex(tenant), hex(tenant)]
  const key = employee ? `nullif(${hex(employee)}, '')` : 'null'
  const versions = rows.map((row) => {
    const cells = when.map(({ name }) => cellOf(`${row}.${quoted(name)}`))
    return [`'['`, cells.join(` || ',' || `), `']'`].filter((part) => part !== '').join(' || ')
  })
  const body = [
    `'{"captured":"${kind}","table":"${hexOf(source)}","tenant":"'`,
    tenantHex,
    `'","employee":'`,
    `coalesce('"' || ${key} || '"', 'null')`,
    `',"rows":['`,
    versions.join(` || ',' || `),
    `']}'`,
  ].join(' || ')
  const isSomewhere = rows.flatMap((row) => when.map(({ name }) => `${row}.${quoted(name)} is not null`))
  const conditions = [
    ...(condition === undefined ? [] : [`(${condition})`]),
    ...('always' in tenant ? [] : [`${tenantHex} <> ''`]),
    ...(employee && !isEverybodysWithoutEmployee ? [`${key} is not null`] : []),
    ...(kind === 'instants' ? [`(${isSomewhere.join(' or ')})`] : []),
  ]
  const now = `cast((julianday('now') - 2440587.5) * 86400000 as integer)`
  return (
    `insert into ${quoted(ledger.name)} (state, tenant_hash, employee_hash, noted_at, due_at, body) ` +
    `select 0, ${tenantKey}, coalesce(${key}, '-'), ${now}, 0, ${body}` +
    `${from === undefined ? '' : ` from ${from}`} where ${conditions.join(' and ') || '1'};`
  )
}

/** A cell as it stands in the body. */
function cellOf(cell: string): string {
  return (
    `case typeof(${cell}) when 'null' then 'null' when 'integer' then ${cell} ` +
    `when 'real' then cast(${cell} as integer) else '"' || hex(${cell}) || '"' end`
  )
}
