import { sql } from 'kysely'
import type { Capture, CaptureEngine, SourceColumn, TableName } from '../../capture/capture-engine.ts'
import { hexOf } from '../../capture/hex-literal.ts'
import type { RecalcDb } from '../../tables.ts'
import { wakeExpression } from '../postgres-wake.ts'

const TEXT = ['text', 'varchar', 'bpchar', 'citext', 'name']
const WHOLE_NUMBERS = ['int2', 'int4', 'int8']
const INSTANTS = ['timestamptz', 'timestamp']
/** Types of which equal values are the same; all others are compared as text, byte by byte. */
const COMPARABLE = [...WHOLE_NUMBERS, ...INSTANTS, 'bool', 'date', 'time', 'uuid', 'float4', 'float8', 'bytea', 'oid']

/** When triggers fire, as `pg_trigger.tgtype` has it. */
const AFTER = { insert: 4, delete: 8, update: 16 } as const
const BEFORE_TRUNCATE = 34

/** Any number that hosts do not use for advisory locks of their own. */
const INSTALL_LOCK = 5_120_917_263_549

/**
 * One trigger per statement, with what it did in transition tables. Its function runs with the rights of whoever installed
 * it, so writers of a source need none on the ledger; and with a `search_path` of its own, so no writer can slip operators in.
 */
export const postgresCapture: CaptureEngine = {
  isTransactional: true,
  async currentSchema(db) {
    const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(db)
    return rows[0]?.name ?? undefined
  },
  async describe(db, { schema, name }) {
    const { rows } = await sql<{ oid: string; kind: string }>`
      select c.oid::text as oid, c.relkind::text as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${schema} and c.relname = ${name} and c.relkind in ('r', 'p', 'v', 'm', 'f')`.execute(db)
    const [table] = rows
    if (!table) return undefined
    const { rows: columns } = await sql<{ name: string; type: string; isEnum: boolean }>`
      select a.attname as name, coalesce(b.typname, t.typname) as type, coalesce(b.typtype, t.typtype) = 'e' as "isEnum"
      from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_type b on b.oid = nullif(t.typbasetype, 0)
      where a.attrelid = ${table.oid}::oid and a.attnum > 0 and not a.attisdropped order by a.attnum`.execute(db)
    return {
      schema,
      name,
      columns: columns.map((column) => ({
        name: column.name,
        type: column.type,
        uses: column.isEnum ? ['id'] : usesOf(column.type),
      })),
      obstacle: ['r', 'p'].includes(table.kind)
        ? undefined
        : 'it is a view or a foreign table, of which triggers see no rows',
      cascades: [], // they fire triggers
      partitions: await partitionsOf(db, table.oid),
      silentKeys: [],
    }
  },
  triggersOf(capture, ledger) {
    const all = capture.table
    return [all, ...all.partitions].flatMap((table) => {
      const definitions = [
        [AFTER.insert, from(capture, 'new_rows')],
        [AFTER.delete, from(capture, 'old_rows')],
        [AFTER.update, differences(capture)],
        [BEFORE_TRUNCATE, from(capture, named(table))],
      ] as const
      return definitions.map(([when, rows]) => ({ table, definition: `${when} O ${body(capture, ledger, rows)}` }))
    })
  },
  async installed(db, prefix) {
    const { rows } = await sql<{ name: string; tableSchema: string; tableName: string; definition: string }>`
      select t.tgname as name, n.nspname as "tableSchema", c.relname as "tableName",
        concat(t.tgtype, ' ', t.tgenabled, ' ', p.prosrc) as definition
      from pg_trigger t join pg_proc p on p.oid = t.tgfoid
        join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
      where not t.tgisinternal and starts_with(t.tgname, ${prefix}) order by t.tgname`.execute(db)
    return rows.map(({ name, tableSchema, tableName, definition }) => ({
      name,
      table: { schema: tableSchema, name: tableName },
      definition,
    }))
  },
  async lock(db) {
    await sql`select pg_advisory_xact_lock(${sql.lit(INSTALL_LOCK)})`.execute(db)
  },
  async create(db, { name, table, definition }, ledger) {
    const [, type = '', source = ''] = /^(\d+) O (.*)$/s.exec(definition) ?? []
    const when = Number(type)
    const call = named({ schema: ledger.schema, name })
    await sql
      .raw(
        `create or replace function ${call}() returns trigger language plpgsql security definer ` +
          `set search_path = pg_catalog, pg_temp as ${dollarQuoted(source)}`,
      )
      .execute(db)
    await sql.raw(`revoke all on function ${call}() from public`).execute(db)
    const tables = [
      ...(when === AFTER.insert || when === AFTER.update ? ['new table as new_rows'] : []),
      ...(when === AFTER.delete || when === AFTER.update ? ['old table as old_rows'] : []),
    ]
    const event = Object.entries(AFTER).find(([, own]) => own === when)?.[0]
    await sql
      .raw(
        `create or replace trigger ${quoted(name)} ${event === undefined ? 'before truncate' : `after ${event}`} on ${named(table)} ` +
          `${tables.length > 0 ? `referencing ${tables.join(' ')} ` : ''}for each statement execute function ${call}()`,
      )
      .execute(db)
  },
  async drop(db, { name, table }, ledger) {
    await sql.raw(`drop trigger if exists ${quoted(name)} on ${named(table)}`).execute(db)
    await sql.raw(`drop function if exists ${named({ schema: ledger.schema, name })}()`).execute(db)
  },
}

function usesOf(type: string): SourceColumn['uses'] {
  if (WHOLE_NUMBERS.includes(type)) return ['id', 'instant']
  if (TEXT.includes(type)) return ['id', 'date']
  if (type === 'uuid') return ['id']
  if (type === 'date') return ['date']
  return INSTANTS.includes(type) ? ['instant'] : []
}

async function partitionsOf(db: RecalcDb, oid: string): Promise<readonly TableName[]> {
  const { rows } = await sql<{ schema: string; name: string }>`
    with recursive below as (
      select inhrelid from pg_inherits where inhparent = ${oid}::oid
      union select i.inhrelid from pg_inherits i join below b on i.inhparent = b.inhrelid
    )
    select n.nspname as schema, c.relname as name from below
      join pg_class c on c.oid = below.inhrelid join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') order by 1, 2`.execute(db)
  return rows
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function named({ schema, name }: TableName): string {
  return schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

/** Text between delimiters that do not occur in it. */
function dollarQuoted(text: string): string {
  let tag = 'recalc'
  while (text.includes(`$${tag}$`)) tag += '_'
  return `$${tag}$${text}$${tag}$`
}

/** The ids and the days of rows of a table. */
function from({ tenant, employee, kind, when }: Capture, table: string, more: readonly string[] = []): string {
  const text = ({ name }: SourceColumn) => `r.${quoted(name)}::text collate "C"`
  const cells = when.map(cellOf)
  const [first = 'null::text', last = 'null::text'] =
    kind === 'instants' ? [`least(${cells.join(', ')})`, `greatest(${cells.join(', ')})`] : cells
  const columns = [
    `${'always' in tenant ? `'-'::text` : text(tenant)} as tenant`,
    `${employee ? `nullif(${text(employee)}, '')` : 'null::text'} as employee`,
    `${first} as first`,
    `${last} as last`,
    ...more,
  ]
  return `select ${columns.join(', ')} from ${table} r`
}

/**
 * Rows that an update took away, and those that it brought: nothing pairs the old with the new ones, and nothing needs to. What
 * is on both sides did not change.
 */
function differences(capture: Capture): string {
  const more = capture.compared.map(({ name, type }, i) => {
    const cell = `r.${quoted(name)}`
    return `${COMPARABLE.includes(type) ? cell : `${cell}::text collate "C"`} as c${i}`
  })
  const [before, after] = [from(capture, 'old_rows', more), from(capture, 'new_rows', more)]
  return `(${before} except all ${after}) union all (${after} except all ${before})`
}

/** Notes of the same employee and days are one: of instants those of the same day in UTC. */
function body(
  { source, tenant, employee, kind, when, isEverybodysWithoutEmployee }: Capture,
  ledger: TableName,
  rows: string,
): string {
  const text = 'always' in tenant ? `'${hexOf(tenant.always)}'` : `encode(convert_to(tenant, 'UTF8'), 'hex')`
  const bytes = 'always' in tenant ? `decode('${hexOf(tenant.always)}', 'hex')` : `convert_to(tenant, 'UTF8')`
  const ends = when.length === 0 ? [] : kind === 'instants' || when.length > 1 ? ['first', 'last'] : ['first']
  const cells = ends.map((end) => `coalesce(${end}::text, 'null')`)
  const isInstants = kind === 'instants'
  const conditions = [
    ...('always' in tenant ? [] : [`tenant <> ''`]),
    ...(employee && !isEverybodysWithoutEmployee ? ['employee is not null'] : []),
    ...(isInstants ? ['first is not null'] : []),
  ]
  const where = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''
  const grouped = isInstants
    ? `select tenant, employee, min(first) as first, max(last) as last from (${rows}) as rows${where} ` +
      'group by tenant, employee, first / 86400000, last / 86400000'
    : `select distinct tenant, employee, first, last from (${rows}) as rows${where}`
  return `
begin
  insert into ${named(ledger)} (state, tenant_hash, employee_hash, noted_at, due_at, body)
  select 0, encode(sha256(${bytes}), 'hex'),
    coalesce(encode(sha256(convert_to(employee, 'UTF8')), 'hex'), '-'),
    floor(extract(epoch from clock_timestamp()) * 1000)::bigint, 0,
    concat('{"captured":"${kind}","table":"${hexOf(source)}","tenant":"', ${text}, '","employee":',
      coalesce('"' || encode(convert_to(employee, 'UTF8'), 'hex') || '"', 'null'),
      ',"rows":[[', ${[...cells.flatMap((cell, i) => (i === 0 ? [cell] : ["','", cell])), "']]}'"].join(', ')})
  from (${grouped}) as noted;
  if found then
    perform ${wakeExpression(ledger.name)};
  end if;
  return null;
end
`
}

/** A cell as it stands in the body. A `timestamp` without a zone is UTC; what is infinite lies on no day. */
function cellOf({ name, type }: SourceColumn): string {
  const cell = `r.${quoted(name)}`
  if (WHOLE_NUMBERS.includes(type)) return `${cell}::bigint`
  if (INSTANTS.includes(type))
    return `case when isfinite(${cell}) then floor(extract(epoch from ${cell}) * 1000)::bigint end`
  const text =
    type === 'date' ? `case when isfinite(${cell}) then to_char(${cell}::timestamp, 'YYYY-MM-DD') end` : `${cell}::text`
  return `'"' || encode(convert_to(${text}, 'UTF8'), 'hex') || '"'`
}
