import { InvalidRequestError } from '../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../expectation.ts'
import { JOB_STATUSES } from './job-record.ts'
import type { JobQuery, WhenBusy } from './job-store.ts'

/** The most that a page of failures or employees may be asked to hold. */
const LONGEST_PAGE = 1_000

/** Which page of something; `after` is what the page before it ended with. */
export interface Page<Cursor> {
  /** The key of the last item of the page before. Default: from the beginning. */
  readonly after?: Cursor
  /** 1 to 1,000; default 100. */
  readonly limit?: number
}

/** Which page of a job's failures. */
export interface FailurePage extends Page<number> {
  /** Only those of this employee. */
  readonly employeeId?: string
}

/** How a job is resumed. */
export interface ResumeOptions {
  /** What becomes of it while another job of its scope is active. Default: as the service's option says. */
  readonly whenBusy?: WhenBusy
}

/** How to resume a job. @throws {InvalidRequestError} */
export function checkResumeOptions(options: unknown): ResumeOptions {
  const { whenBusy } = checkShape('options', options, ['whenBusy'])
  if (whenBusy === undefined) return {}
  return whenBusy === 'reject' || whenBusy === 'queue'
    ? { whenBusy }
    : refuse('whenBusy', "'reject' or 'queue'", whenBusy)
}

/** The id of a job. @throws {InvalidRequestError} */
export function checkJobId(jobId: unknown): string {
  return checkId('jobId', jobId)
}

/** Why a job is to end. @throws {InvalidRequestError} */
export function checkReason(reason: unknown): string | null {
  if (reason === undefined || typeof reason === 'string') return reason ?? null
  throw new InvalidRequestError(expected('reason', 'a string', reason))
}

/** Which jobs to list. @throws {InvalidRequestError} */
export function checkQuery(query: unknown): JobQuery {
  const { tenantId, status, limit, after } = checkShape('query', query, ['tenantId', 'status', 'limit', 'after'])
  if (Array.isArray(tenantId)) {
    for (let i = 0; i < tenantId.length; i++) checkId(`tenantId[${i}]`, tenantId[i])
  } else if (tenantId !== undefined && (typeof tenantId !== 'string' || tenantId === '')) {
    refuse('tenantId', 'a non-empty string, or an array of them', tenantId)
  }
  if (status !== undefined && !JOB_STATUSES.some((known) => known === status)) {
    refuse('status', JOB_STATUSES.map((known) => `'${known}'`).join(' or '), status)
  }
  if (limit !== undefined && !isWhole(limit, 1)) refuse('limit', 'a whole number from 1', limit)
  if (after !== undefined) checkId('after', after)
  return query as JobQuery // as was just checked
}

/** Which failures to list: those with a higher number than `after`. @throws {InvalidRequestError} */
export function checkFailurePage(page: unknown): Required<Page<number>> & Pick<FailurePage, 'employeeId'> {
  const { after = 0, limit = 100, employeeId } = checkShape('page', page, ['after', 'limit', 'employeeId'])
  if (!isWhole(after, 0)) return refuse('after', 'a whole number from 0', after)
  const whose = employeeId === undefined ? {} : { employeeId: checkId('employeeId', employeeId) }
  return { ...whose, after, limit: checkLimit(limit) }
}

/** Which employees to list: those behind `after`. @throws {InvalidRequestError} */
export function checkEmployeePage(page: unknown): { readonly after: string | null; readonly limit: number } {
  const { after, limit = 100 } = checkShape('page', page, ['after', 'limit'])
  return { after: after === undefined ? null : checkId('after', after), limit: checkLimit(limit) }
}

function checkId(name: string, id: unknown): string {
  return typeof id === 'string' && id !== '' ? id : refuse(name, 'a non-empty string', id)
}

function checkLimit(limit: unknown): number {
  if (isWhole(limit, 1) && limit <= LONGEST_PAGE) return limit
  return refuse('limit', `a whole number from 1 to ${LONGEST_PAGE}`, limit)
}

function checkShape(name: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  const shape = `an object { ${known.map((property) => `${property}?`).join(', ')} }`
  if (!isPlainObject(value)) return refuse(name, shape, value)
  const unknown = unknownProperty(value, known)
  return unknown === undefined ? value : refuse(name, `${shape}: \`${unknown}\` is not known`, value)
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least
}

function refuse(name: string, expectation: string, value: unknown): never {
  throw new InvalidRequestError(expected(name, expectation, value))
}
