import { InvalidOptionsError } from '../../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../../expectation.ts'
import type { CapturedKind } from './captured-change.ts'

/** How rows of a source table tell whose they are and on which days they lie. */
export interface CaptureSource {
  /** The table's name, if it is not what stages call it in `reads`. */
  readonly table?: string
  /** Its schema, in MySQL its database. Default: the one in which the Kysely makes tables. */
  readonly schema?: string
  /** The column of the tenant's id, or the id when all rows are of one tenant. A row without a tenant is nobody's. */
  readonly tenant:
    | string
    | {
        /** The tenant's id. */
        readonly always: string
      }
  /** The column of the employee's id. */
  readonly employee?: string
  /** Every row is everybody's, in place of `employee`. */
  readonly everybody?: true
  /** What a row without an employee is. Default `everybody`. */
  readonly withoutEmployee?: 'everybody' | 'nobody'
  /**
   * Columns of instants: a row lies on the days from its first to its last one. Milliseconds since 1970 in whole numbers;
   * `datetime` and `timestamp` without a zone are UTC. What is NULL is not there, such as the end of an open booking.
   */
  readonly instants?: readonly string[]
  /** The column of a date, or those of the first and the last one. A last one that is NULL lies as far as the horizon goes. */
  readonly dates?: readonly [string] | readonly [string, string]
  /** The column of the date or instant from which on a row counts, as far as the horizon goes. */
  readonly from?: string
  /** An update counts only if one of these changes, or one of those above. Default: every column. */
  readonly columns?: readonly string[]
  /** Lets foreign keys be that change or remove rows without any trigger firing: such edits are not noted. */
  readonly allowCascades?: true
}

/** Sources by the names that stages give them in `reads`. */
export type CaptureSources = Readonly<Record<string, CaptureSource>>

const MEMBERS = [
  'table',
  'schema',
  'tenant',
  'employee',
  'everybody',
  'withoutEmployee',
  'instants',
  'dates',
  'from',
  'columns',
  'allowCascades',
]

/** What tells the days, and by which columns. */
export function daysOf({ instants, dates, from }: CaptureSource): {
  readonly kind: CapturedKind
  readonly when: readonly string[]
} {
  if (instants) return { kind: 'instants', when: instants }
  if (dates) return { kind: 'dates', when: dates }
  return from === undefined ? { kind: 'always', when: [] } : { kind: 'from', when: [from] }
}

/**
 * Checks what can be checked without a database.
 *
 * @throws {InvalidOptionsError}
 */
export function checkSource(name: string, source: unknown): CaptureSource {
  const where = `sources.${name}`
  if (!isPlainObject(source))
    throw new InvalidOptionsError(expected(where, 'an object { tenant, employee, … }', source))
  const refuse = (member: string, expectation: string): never => {
    throw new InvalidOptionsError(expected(`${where}.${member}`, expectation, source[member]))
  }
  const unknown = unknownProperty(source, MEMBERS)
  if (unknown !== undefined) refuse(unknown, `left out: what is known is ${MEMBERS.join(', ')}`)
  const { tenant, employee, everybody, withoutEmployee } = source
  for (const member of ['table', 'schema', 'employee', 'from']) {
    if (source[member] !== undefined && !isName(source[member])) refuse(member, 'a non-empty string')
  }
  const isAlways = isPlainObject(tenant) && isName(tenant.always) && unknownProperty(tenant, ['always']) === undefined
  if (!isName(tenant) && !isAlways) refuse('tenant', 'the name of a column, or { always: the id of a tenant }')
  for (const member of ['everybody', 'allowCascades']) {
    if (source[member] !== undefined && source[member] !== true) refuse(member, '`true`, or left out')
  }
  if ((employee === undefined) === (everybody === undefined)) refuse('employee', 'given, or `everybody: true`')
  if (withoutEmployee !== undefined && withoutEmployee !== 'everybody' && withoutEmployee !== 'nobody') {
    refuse('withoutEmployee', "'everybody' or 'nobody'")
  }
  const given = ['instants', 'dates', 'from'].filter((member) => source[member] !== undefined)
  if (given[1] !== undefined) refuse(given[1], `left out where \`${given[0]}\` is given`)
  const { instants, dates, columns } = source
  if (instants !== undefined && !isNames(instants)) refuse('instants', 'an array of columns, at least one')
  if (dates !== undefined && (!isNames(dates) || dates.length > 2)) refuse('dates', 'an array of one or two columns')
  if (columns !== undefined && !isNames(columns)) refuse('columns', 'an array of columns, at least one')
  return source as unknown as CaptureSource // each of its members was looked at
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every(isName)
}
