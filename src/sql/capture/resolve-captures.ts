import { CaptureError, InvalidOptionsError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import type { Engine } from '../engines/engine.ts'
import type { RecalcDb } from '../tables.ts'
import type { Capture, ColumnUse, SourceColumn, SourceTable } from './capture-engine.ts'
import { type CaptureSource, type CaptureSources, checkSource, daysOf } from './capture-source.ts'

/** The part of a stage, or of a `dailyCalc`, that says what it reads. */
export interface Reader {
  /** Table → days read, as of a stage. */
  readonly reads?: Readonly<Record<string, unknown>> | readonly string[]
}

/**
 * Sources with their tables and columns as the database has them; nothing is written.
 *
 * @throws {InvalidOptionsError | CaptureError} for the first that cannot be captured.
 */
export async function resolveCaptures(
  db: RecalcDb,
  engine: Engine,
  sources: CaptureSources,
  given: { readonly schema: string | undefined; readonly readers: readonly Reader[] | undefined },
): Promise<readonly Capture[]> {
  const checked = Object.entries(sources).map(([name, source]) => [name, checkSource(name, source)] as const)
  if (given.readers) for (const [name] of checked) checkIsRead(name, given.readers)
  const captures: Capture[] = []
  for (const [name, source] of checked) {
    const wanted = { schema: source.schema ?? given.schema, name: source.table ?? name }
    const table = await engine.capture.describe(db, wanted)
    if (!table) {
      const place = wanted.schema === undefined ? '' : ` in ${JSON.stringify(wanted.schema)}`
      throw new InvalidOptionsError(
        expected(`sources.${name}`, `a table of the database${place}; see \`table\` and \`schema\``, wanted.name),
      )
    }
    captures.push(captureOf(name, source, table))
  }
  return captures
}

function checkIsRead(name: string, readers: readonly Reader[]): void {
  const read = readers.flatMap(({ reads }) => (Array.isArray(reads) ? reads : Object.keys(reads ?? {})))
  if (read.includes(name)) return
  const known = [...new Set(read)].toSorted().map((table) => JSON.stringify(table))
  throw new InvalidOptionsError(expected('sources', `tables that a stage reads (${known.join(', ') || 'none'})`, name))
}

function captureOf(name: string, source: CaptureSource, table: SourceTable): Capture {
  if (table.obstacle !== undefined) {
    throw new CaptureError(`The table ${JSON.stringify(table.name)} cannot be captured: ${table.obstacle}`)
  }
  if (table.cascades.length > 0 && !source.allowCascades) {
    const keys = table.cascades.map((key) => JSON.stringify(key)).join(', ')
    throw new CaptureError(
      `The table ${JSON.stringify(table.name)} cannot be captured: its foreign keys ${keys} change or remove rows, and this ` +
        'database fires no trigger then. Make them `restrict`, or say `allowCascades: true` and note such edits yourself',
    )
  }
  const column = (member: string, wanted: string, use?: ColumnUse | readonly ColumnUse[]): SourceColumn => {
    const found = table.columns.find((own) => own.name === wanted)
    if (!found) {
      const known = table.columns.map((own) => own.name).join(', ')
      throw new InvalidOptionsError(
        expected(`sources.${name}.${member}`, `columns of ${JSON.stringify(table.name)} (${known})`, wanted),
      )
    }
    const uses = [use ?? []].flat()
    if (uses.length > 0 && !uses.some((own) => found.uses.includes(own))) {
      throw new InvalidOptionsError(
        `${expected(
          `sources.${name}.${member}`,
          `of a type that holds ${uses
            .map((own) => `an ${own}`)
            .join(' or ')
            .replace('an date', 'a date')}`,
          wanted,
        )}, which is ${found.type}`,
      )
    }
    return found
  }
  const { tenant, employee, columns } = source
  const { kind, when } = daysOf(source)
  const use = { instants: 'instant', dates: 'date', from: ['date', 'instant'], always: [] } as const
  const used = {
    tenant: typeof tenant === 'string' ? column('tenant', tenant, 'id') : tenant,
    employee: employee === undefined ? null : column('employee', employee, 'id'),
    when: when.map((own) => column(kind, own, use[kind])),
  }
  const named = columns?.map((own) => column('columns', own))
  const compared = [used.tenant, used.employee, ...used.when, ...(named ?? [])].filter(
    (own): own is SourceColumn => own !== null && 'name' in own,
  )
  return {
    source: name,
    table,
    ...used,
    kind,
    isEverybodysWithoutEmployee: source.withoutEmployee !== 'nobody',
    compared: named ? [...new Set(compared)] : table.columns,
  }
}
