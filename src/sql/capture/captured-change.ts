import { firstEpochDay, lastEpochDay, msPerDay } from '../../calendar/epoch-day.ts'
import { isIsoDate } from '../../calendar/iso-date.ts'
import type { ChangeContent, SpanEnd } from '../../changes/change-ledger.ts'

/** What tells the days of a row. */
export type CapturedKind = 'instants' | 'dates' | 'from' | 'always'

/** A cell of a row: a number, text as hex, or NULL. */
type Cell = number | string | null

/**
 * What a trigger writes. Text is UTF-8 in hex: it needs no quoting, and no connection's charset alters it.
 */
export interface CapturedBody {
  readonly captured: CapturedKind
  readonly table: string
  readonly tenant: string
  /** `null`: everybody. */
  readonly employee: string | null
  /** Versions of rows, old and new: the cells that tell their days. */
  readonly rows: readonly (readonly Cell[])[]
}

export function isCaptured(body: unknown): body is CapturedBody {
  return typeof body === 'object' && body !== null && 'captured' in body
}

export function readCaptured({ captured, table, tenant, employee, rows }: CapturedBody): {
  readonly tenantId: string
  readonly employeeId: string | null
  readonly content: ChangeContent
} {
  const spans = rows.flatMap((cells) => spanOf(captured, cells) ?? [])
  return {
    tenantId: textOf(tenant),
    employeeId: employee === null ? null : textOf(employee),
    content: { table: textOf(table), spans },
  }
}

type Span = readonly [first: SpanEnd, last: SpanEnd]

const WITHOUT_END: readonly [Span] = [[null, null]]

/** Instants of the calendar, in every zone. */
const EARLIEST = (firstEpochDay + 2) * msPerDay
const LATEST = (lastEpochDay - 2) * msPerDay

/** The days on which a row lies; `undefined`: on none. What cannot be read may lie anywhere. */
function spanOf(kind: CapturedKind, cells: readonly Cell[]): readonly [Span] | undefined {
  if (kind === 'instants') return spanOfInstants(cells)
  if (kind === 'always') return WITHOUT_END
  const [first = null, last = kind === 'from' ? null : first] = cells
  if (kind === 'dates' && cells.length === 1 && first === null) return undefined
  const [from, to] = [endOf(kind, first), endOf(kind, last)]
  return [from !== null && to !== null && to < from ? [to, from] : [from, to]]
}

function spanOfInstants(cells: readonly Cell[]): readonly [Span] | undefined {
  const instants: number[] = []
  for (const cell of cells) {
    if (cell === null) continue
    const instant = instantOf(cell)
    if (Number.isNaN(instant)) return WITHOUT_END
    if (instant >= EARLIEST && instant <= LATEST) instants.push(instant)
  }
  return instants.length === 0 ? undefined : [[Math.min(...instants), Math.max(...instants)]]
}

/** NaN for what is no instant. Without an offset it is UTC. */
function instantOf(cell: number | string): number {
  if (typeof cell === 'number') return cell
  const text = textOf(cell)
  return Date.parse(/[Zz]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.trim().replace(' ', 'T')}Z`)
}

/** A date, or an instant. Years in which nobody works, such as 9999, stand for "without end". */
function endOf(kind: CapturedKind, cell: Cell): SpanEnd {
  if (cell === null) return null
  if (typeof cell === 'number') return cell >= EARLIEST && cell <= LATEST ? cell : null
  const text = textOf(cell)
  const date = text.slice(0, 10)
  if (kind === 'dates' || text.length <= 10)
    return isIsoDate(date) && date < '9999' && date > '1900-01-02' ? date : null
  const instant = instantOf(cell)
  return instant >= EARLIEST && instant <= LATEST ? instant : null
}

function textOf(hex: string): string {
  return Buffer.from(hex, 'hex').toString()
}
