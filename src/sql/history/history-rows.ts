import type { Selectable } from 'kysely'
import type { IsoDate } from '../../calendar/iso-date.ts'
import { InvalidRequestError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import type { ValueChange } from '../../run/blocks/value-change.ts'
import { messageOf } from '../../run/failure.ts'
import type { HistoryEntry, HistoryRecord, HistoryRun } from '../../run/history/history-store.ts'
import { jsonFormOf } from '../../run/json-form.ts'
import { asciiJson, escapeToAscii } from '../ascii-json.ts'
import { hash } from '../hash.ts'
import { bytesOfAscii } from '../statements.ts'
import type { HistoryTable, NewHistoryRow } from './history-table.ts'

/** The most that a row's values take in a statement: with what stands around them it stays below the bound of one statement. */
const MAX_BYTES = 128 * 1024

/** A reason and an actor are cut after so many characters. */
const MAX_TEXT = 1_000

/** What stands in `body` beside the values. */
interface Head {
  readonly tenantId: string
  readonly employeeId: string
  readonly run: HistoryRun
  readonly tables: readonly string[]
}

/** One value in `body`; what is usual is left out of `rest`. */
type StoredValue = readonly [stage: string, date: IsoDate, before: unknown, after: unknown, rest?: Rest]

interface Rest {
  readonly through?: IsoDate
  readonly isBeforeUnknown?: true
  readonly notKept?: string
}

/** How rows of an employee are found. */
export function historyKey(tenantId: string, employeeId: string): string {
  return hash('employee', tenantId, employeeId)
}

/** The rows of one unit of work: one per employee, more where its values are large. */
export function rowsOf({ tenantId, at, run, changes, tablesOf }: HistoryRecord): readonly NewHistoryRow[] {
  const rows: NewHistoryRow[] = []
  const { reason, actor } = run
  const bounded = { ...run, reason: cut(reason), actor: cut(actor) }
  for (const [employeeId, own] of Map.groupBy(changes, (change) => change.employeeId)) {
    const tables = tablesOf?.(employeeId) ?? []
    const head = asciiJson({ tenantId, employeeId, run: bounded, tables } satisfies Head)
    const employee_hash = historyKey(tenantId, employeeId)
    for (const { values, first, last } of partsOf(own)) {
      const body = `{"head":${head},"values":[${values.join()}]}`
      rows.push({ employee_hash, run_id: run.id, first_date: first, last_date: last, kept_at: at, body })
    }
  }
  return rows
}

/** Each employee's row repeats them. */
function cut(text: string | null): string | null {
  return text !== null && text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}

interface Part {
  readonly values: string[]
  first: IsoDate
  last: IsoDate
  bytes: number
}

function partsOf(changes: readonly ValueChange[]): readonly Part[] {
  const parts: Part[] = []
  let part: Part | undefined
  for (const change of changes) {
    const { date, through } = change
    const json = valueJson(change)
    const bytes = bytesOfAscii(json)
    if (!part || part.bytes + bytes > MAX_BYTES) {
      part = { values: [], first: date, last: through, bytes: 0 }
      parts.push(part)
    }
    part.values.push(json)
    part.bytes += bytes
    if (date < part.first) part.first = date
    if (through > part.last) part.last = through
  }
  return parts
}

function valueJson({ stage, date, through, before, isBeforeKnown, after }: ValueChange): string {
  const usual: Rest = { ...(through !== date && { through }), ...(!isBeforeKnown && { isBeforeUnknown: true }) }
  const json = (values: string, rest: Rest) => {
    const end = Object.keys(rest).length > 0 ? `,${asciiJson(rest)}` : ''
    return `[${asciiJson(stage)},"${date}",${values}${end}]`
  }
  try {
    const values = escapeToAscii(`${jsonFormOf(before)},${jsonFormOf(after)}`)
    if (values.length <= MAX_BYTES / 2 || bytesOfAscii(values) <= MAX_BYTES) return json(values, usual)
    return json('null,null', { ...usual, notKept: `larger than ${MAX_BYTES / 1024} KiB` })
  } catch (error) {
    return json('null,null', { ...usual, notKept: messageOf(error) })
  }
}

/** The values of a row, in the order in which they were written. */
export function entriesOf(row: Selectable<Pick<HistoryTable, 'id' | 'kept_at' | 'body'>>): readonly HistoryEntry[] {
  const { head, values } = JSON.parse(row.body) as { readonly head: Head; readonly values: readonly StoredValue[] } // as rowsOf wrote it
  return values.map(([stage, date, before, after, rest = {}], i) => ({
    id: `${row.id}.${i}`,
    tenantId: head.tenantId,
    employeeId: head.employeeId,
    stage,
    date,
    through: rest.through ?? date,
    before,
    isBeforeKnown: rest.isBeforeUnknown !== true,
    after,
    notKept: rest.notKept ?? null,
    at: new Date(Number(row.kept_at)),
    run: head.run,
    tables: head.tables,
  }))
}

/** Where a page begins: behind a value of a row. */
export interface HistoryPlace {
  readonly row: number
  readonly value: number
}

/** @throws {InvalidRequestError} when it is no id that {@link entriesOf} gave. */
export function placeOf(after: string): HistoryPlace {
  const [, row, value] = /^(\d{1,15})\.(\d{1,9})$/.exec(after) ?? []
  if (row === undefined || value === undefined) {
    throw new InvalidRequestError(expected('after', 'the `id` of an entry of the history', after))
  }
  return { row: Number(row), value: Number(value) }
}
