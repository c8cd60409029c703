import { countDays } from '../calendar/date-range.ts'
import { type IsoDate, parseIsoDate } from '../calendar/iso-date.ts'
import { InvalidRequestError } from '../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../expectation.ts'
import { checkTableIsRead, type ReadingPipeline } from '../pipeline/affected-days.ts'
import type { ChangeContent, NewChange } from './change-ledger.ts'

/**
 * What a host says about an edit of its sources. An edit that moves something from one employee to another is two changes.
 *
 * @example
 * { tenantId, employeeId, table: 'bookings', at: [before.start, after.start] }
 * { tenantId, employeeId, table: 'absences', dates: { from: '2025-02-10', to: '2025-02-12' } }
 * { tenantId, table: 'rules' } // everybody, as far as the horizon goes
 */
export interface Change {
  /** Whose data is different. */
  readonly tenantId: string
  /** Whose rows are different. Default: everybody's. */
  readonly employeeId?: string
  /** As a stage's `reads` names it. */
  readonly table: string
  /**
   * Instants at which rows were or are: their days in the tenant's zone are found out when the change is settled. Those that
   * are not there, such as the old one of a new row, may be `null` or undefined.
   */
  readonly at?: readonly (Date | null | undefined)[]
  /**
   * Days, both ends inclusive. An end that is left out, or is 9999-12-31, lies as far away as the horizon goes. Without `at`
   * and `dates` both do.
   */
  readonly dates?: {
    /** The first day, `YYYY-MM-DD`. Default: as far back as `horizon` goes. */
    readonly from?: string
    /** The last day, inclusive. Default: as far ahead as `horizon` goes. */
    readonly to?: string
  }
}

const MEMBERS = ['tenantId', 'employeeId', 'table', 'at', 'dates']

/** What many hosts write for "without end". */
const FOREVER = '9999-12-31'

/**
 * Checks a change before anything is written.
 *
 * @throws {InvalidRequestError} that names the value and what was expected of it.
 */
export function checkChange(
  change: unknown,
  given: { readonly pipeline: ReadingPipeline; readonly maxDays: number; readonly now: number },
): NewChange {
  const shape = `an object { ${MEMBERS.join(', ')} }`
  if (!isPlainObject(change)) throw new InvalidRequestError(expected('change', shape, change))
  const unknown = unknownProperty(change, MEMBERS)
  if (unknown !== undefined) {
    throw new InvalidRequestError(`${expected('change', shape, change)}: \`${unknown}\` is not known`)
  }
  const tenantId = checkId('tenantId', change.tenantId)
  const employeeId = change.employeeId === undefined ? null : checkId('employeeId', change.employeeId)
  const table = checkId('table', change.table)
  checkTableIsRead(given.pipeline, table)
  const content: ChangeContent = { table, ...whenOf(change, given.maxDays) }
  return { tenantId, employeeId, content, state: 'waiting', attempts: 0, error: null, notedAt: given.now, dueAt: 0 }
}

function whenOf(change: Record<string, unknown>, maxDays: number) {
  const { at, dates } = change
  if (at !== undefined && dates !== undefined) {
    throw new InvalidRequestError(expected('dates', 'left out where `at` is given', dates))
  }
  if (at !== undefined) return { at: instantsOf(at) }
  if (dates === undefined) return { from: null, to: null }
  const unknown = isPlainObject(dates) ? unknownProperty(dates, ['from', 'to']) : undefined
  if (!isPlainObject(dates) || unknown !== undefined) {
    throw new InvalidRequestError(expected('dates', 'an object { from?, to? }', dates))
  }
  const from = endOf('dates.from', dates.from)
  const to = dates.to === FOREVER ? null : endOf('dates.to', dates.to)
  if (from !== null && to !== null) {
    if (to < from) throw new InvalidRequestError(expected('dates.to', `\`dates.from\` (${from}) or later`, to))
    const days = countDays(from, to)
    if (days > maxDays) {
      const limit = `the end of at most ${maxDays} days (\`maxDays\`), or left out for "without end"`
      throw new InvalidRequestError(`${expected('dates.to', limit, to)}, which makes ${days} days`)
    }
  }
  return { from, to }
}

function endOf(name: string, value: unknown): IsoDate | null {
  return value === undefined ? null : parseIsoDate(value, name)
}

/** Instants of the calendar, in every zone. */
const EARLIEST = Date.UTC(1900, 0, 3)
const LATEST = Date.UTC(9999, 11, 29)

function instantsOf(at: unknown): readonly number[] {
  const shape = 'an array of valid Dates from 1900 to 9999, at least one'
  if (!Array.isArray(at)) throw new InvalidRequestError(expected('at', shape, at))
  const instants: number[] = []
  for (const [i, instant] of (at as readonly unknown[]).entries()) {
    if (instant === null || instant === undefined) continue
    const time = instant instanceof Date ? instant.getTime() : Number.NaN
    if (!(time >= EARLIEST && time <= LATEST))
      throw new InvalidRequestError(expected(`at[${i}]`, 'a valid Date', instant))
    instants.push(time)
  }
  if (instants.length === 0) throw new InvalidRequestError(expected('at', shape, at))
  return [...new Set(instants)]
}

function checkId(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new InvalidRequestError(expected(name, 'a non-empty string', value))
}
