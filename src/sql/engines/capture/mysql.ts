import { sql } from 'kysely'
import { CaptureError } from '../../../errors.ts'
import type {
  Capture,
  CaptureEngine,
  SourceColumn,
  TableName,
  TriggerDefinition,
} from '../../capture/capture-engine.ts'
import { hexOf } from '../../capture/hex-literal.ts'
import { hashedKey } from '../../ledger-key.ts'
import { driverError } from '../driver-error.ts'

const TEXT = ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum']
const WHOLE_NUMBERS = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint']
/** Compared byte by byte, not as a collation folds and pads. */
const AS_BYTES = [...TEXT, 'set', 'json']

/** ER_BINLOG_CREATE_ROUTINE_NEED_SUPER */
const NEEDS_SUPER = 1419
/** ER_TRG_ALREADY_EXISTS */
const IS_THERE = 1359

export const mysqlCapture: CaptureEngine = {
  isTransactional: false,
  async currentSchema(db) {
    const { rows } = await sql<{ name: string }>`select database() as name`.execute(db)
    return rows[0]?.name
  },
  async describe(db, { schema, name }) {
    const { rows: tables } = await sql<{ type: string; engine: string | null }>`
      select table_type as type, engine as engine from information_schema.tables
      where table_schema = ${schema} and table_name = ${name}`.execute(db)
    const [table] = tables
    if (!table) return undefined
    const { rows: columns } = await sql<{ name: string; type: string }>`
      select column_name as name, data_type as type from information_schema.columns
      where table_schema = ${schema} and table_name = ${name} order by ordinal_position`.execute(db)
    const { rows: cascades } = await sql<{ name: string }>`
      select constraint_name as name from information_schema.referential_constraints
      where constraint_schema = ${schema} and table_name = ${name}
        and (delete_rule not in ('RESTRICT', 'NO ACTION') or update_rule not in ('RESTRICT', 'NO ACTION'))
      order by constraint_name`.execute(db)
    return {
      schema,
      name,
      columns: columns.map((column) => ({
        name: column.name,
        type: column.type.toLowerCase(),
        uses: usesOf(column.type),
      })),
      obstacle: obstacleOf(table),
      cascades: cascades.map((key) => key.name),
      partitions: [],
      silentKeys: [], // `replace` and `on duplicate key update` fire the triggers of what they do
    }
  },
  triggersOf(capture, ledger) {
    const body = (lines: string) => `begin\n${lines}\nend`
    const note = (ids: Row, rows: readonly Row[]) => insert(capture, ledger, ids, rows)
    const { employee, tenant, compared } = capture
    const ids = [tenant, employee].filter((id): id is SourceColumn => id !== null && 'name' in id)
    const isMoved = ids.length === 0 ? undefined : `not (${ids.map(isSame).join(' and ')})`
    const both = note('new', ['old', 'new'])
    const edited = isMoved
      ? `if ${isMoved} then\n${note('old', ['old'])}\n${note('new', ['new'])}\nelse\n${both}\nend if;`
      : both
    const { table } = capture
    return [
      { table, definition: `AFTER INSERT ${body(note('new', ['new']))}` },
      {
        table,
        definition: `AFTER UPDATE ${body(`if not (${compared.map(isSame).join(' and ')}) then\n${edited}\nend if;`)}`,
      },
      { table, definition: `AFTER DELETE ${body(note('old', ['old']))}` },
    ] satisfies TriggerDefinition[]
  },
  async installed(db, prefix) {
    const { rows } = await sql<{ name: string; tableSchema: string; tableName: string; definition: string }>`
      select trigger_name as name, event_object_schema as tableSchema, event_object_table as tableName,
        concat(action_timing, ' ', event_manipulation, ' ', action_statement) as definition
      from information_schema.triggers where left(trigger_name, ${prefix.length}) = ${prefix}
      order by trigger_name`.execute(db)
    return rows.map(({ name, tableSchema, tableName, definition }) => ({
      name,
      table: { schema: tableSchema, name: tableName },
      definition,
    }))
  },
  async create(db, { name, table, definition }) {
    const [, when = '', body = ''] = /^(\S+ \S+) (.*)$/s.exec(definition) ?? []
    const statement = `create trigger ${named({ ...table, name })} ${when} on ${named(table)} for each row ${body}`
    try {
      await sql.raw(statement).execute(db)
    } catch (error) {
      const { errno } = driverError(error)
      if (errno === IS_THERE) return // another process was faster
      if (errno !== NEEDS_SUPER) throw error
      throw new CaptureError(
        'Expected to be allowed to make triggers, but the server writes a binary log and wants SUPER for that: ' +
          'set log_bin_trust_function_creators = 1, or install with an account that has SUPER',
        { cause: error },
      )
    }
  },
  async drop(db, { name, table }) {
    await sql.raw(`drop trigger if exists ${named({ ...table, name })}`).execute(db)
  },
}

type Row = 'old' | 'new'

function usesOf(type: string): SourceColumn['uses'] {
  const own = type.toLowerCase()
  if (WHOLE_NUMBERS.includes(own)) return ['id', 'instant']
  if (TEXT.includes(own)) return ['id', 'date']
  if (own === 'uuid') return ['id']
  if (own === 'date') return ['date']
  return own === 'datetime' || own === 'timestamp' ? ['instant'] : []
}

function obstacleOf({ type, engine }: { readonly type: string; readonly engine: string | null }): string | undefined {
  if (type !== 'BASE TABLE') return `it is a ${type.toLowerCase()}, which has no triggers`
  if (engine?.toLowerCase() === 'innodb') return undefined
  return `its engine is ${engine}: an edit would stay when its transaction, and with it the note, is rolled back`
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

function named({ schema, name }: TableName): string {
  return schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

/** True when a column did not change, whatever its collation holds to be equal and whatever the session's time zone. */
function isSame({ name, type }: SourceColumn): string {
  const sides = [`old.${quoted(name)}`, `new.${quoted(name)}`].map((cell) => {
    if (AS_BYTES.includes(type)) return `cast(${cell} as binary)`
    return type === 'timestamp' ? `unix_timestamp(${cell})` : cell
  })
  return sides.join(' <=> ')
}

// Literals hold neither a backslash nor a quote, so no sql_mode reads them in another way.
function insert(capture: Capture, ledger: TableName, ids: Row, rows: readonly Row[]): string {
  const { source, tenant, employee, kind, when, isEverybodysWithoutEmployee } = capture
  const text = ({ name }: SourceColumn) => `convert(${ids}.${quoted(name)} using utf8mb4)`
  const keyOf = (column: SourceColumn) => `sha2(${text(column)}, 256)`
  const [tenantKey, tenantHex] =
    'always' in tenant
      ? [`'${hashedKey(tenant.always)}'`, `'${hexOf(tenant.always)}'`]
      : [keyOf(tenant), `hex(${text(tenant)})`]
  const hasEmployee = employee ? `char_length(${text(employee)}) > 0` : 'false'
  const employeeKey = employee ? `case when ${hasEmployee} then ${keyOf(employee)} else '-' end` : `'-'`
  const employeeHex = employee
    ? `case when ${hasEmployee} then concat('"', hex(${text(employee)}), '"') else 'null' end`
    : `'null'`
  const versions = rows.map((row) => {
    const cells = when.map((column) => `ifnull(${cellOf(column, `${row}.${quoted(column.name)}`)}, 'null')`)
    return `'[', ${[...cells.flatMap((cell, i) => (i === 0 ? [cell] : ["','", cell])), "']'"].join(', ')}`
  })
  const body = [
    `'{"captured":"${kind}","table":"${hexOf(source)}","tenant":"'`,
    tenantHex,
    `'","employee":'`,
    employeeHex,
    `',"rows":['`,
    versions.join(", ',', "),
    `']}'`,
  ].join(', ')
  const conditions = [
    ...('always' in tenant ? [] : [`char_length(${text(tenant)}) > 0`]),
    ...(employee && !isEverybodysWithoutEmployee ? [hasEmployee] : []),
    ...(kind === 'instants'
      ? [`coalesce(${rows.flatMap((row) => when.map(({ name }) => `${row}.${quoted(name)}`)).join(', ')}) is not null`]
      : []),
  ]
  const now = "timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000"
  const statement =
    `insert into ${named(ledger)} (state, tenant_hash, employee_hash, noted_at, due_at, body) ` +
    `values (0, ${tenantKey}, ${employeeKey}, ${now}, 0, concat(${body}));`
  return conditions.length === 0 ? statement : `if ${conditions.join(' and ')} then\n${statement}\nend if;`
}

/** A cell as it stands in the body. A `timestamp` is the same instant in every session's time zone, and a `datetime` is UTC. */
function cellOf({ type }: SourceColumn, cell: string): string {
  if (type === 'datetime') return `timestampdiff(microsecond, '1970-01-01', ${cell}) div 1000`
  if (type === 'timestamp') return `floor(unix_timestamp(${cell}) * 1000)`
  if (WHOLE_NUMBERS.includes(type)) return cell
  return `concat('"', hex(convert(${cell} using utf8mb4)), '"')`
}
