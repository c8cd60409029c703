import { type IsoDate, parseIsoDate } from '../../calendar/iso-date.ts'
import { InvalidRequestError } from '../../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../../expectation.ts'
import type { HistoryEntry, HistoryQuery, HistoryStore } from './history-store.ts'

/** The most entries of a page. */
const LONGEST_PAGE = 1_000

interface HistoryPage {
  /** Whose history. */
  readonly tenantId: string
  /** The `id` of an entry: only what was changed before it. */
  readonly after?: string
  /** 1 to 1,000; default 100. */
  readonly limit?: number
}

/** The history of some days of one employee, both ends inclusive; of a period as soon as one of its days is among them. */
export interface EmployeeHistory extends HistoryPage {
  /** The employee. */
  readonly employeeId: string
  /** The first day, `YYYY-MM-DD`. */
  readonly from: string
  /** The last day, inclusive. */
  readonly to: string
  /** Only of the history of a run. */
  readonly runId?: never
}

/** The history of one run. */
export interface RunHistory extends HistoryPage {
  /** The id of a job, or the `run.id` of an entry. */
  readonly runId: string
  /** Only of the history of an employee. */
  readonly employeeId?: never
  /** Only of the history of an employee. */
  readonly from?: never
  /** Only of the history of an employee. */
  readonly to?: never
}

/** What of the history is asked for. */
export type HistoryRequest = EmployeeHistory | RunHistory

const OF_EMPLOYEE = ['tenantId', 'employeeId', 'from', 'to', 'after', 'limit']
const OF_RUN = ['tenantId', 'runId', 'after', 'limit']

/** @throws {InvalidRequestError} for a bad request, or where no history is kept. */
export async function listHistory(
  store: Pick<HistoryStore, 'list'> | undefined,
  request: unknown,
): Promise<readonly HistoryEntry[]> {
  const query = checkHistoryRequest(request)
  if (store) return await store.list(query)
  throw new InvalidRequestError(
    'Expected a backend that keeps a history, got one that does not; make it with sqlBackend(kysely, { history: true })',
  )
}

function checkHistoryRequest(request: unknown): HistoryQuery {
  const known = isPlainObject(request) && 'runId' in request ? OF_RUN : OF_EMPLOYEE
  const shape = `an object { ${OF_EMPLOYEE.join(', ')} } or { ${OF_RUN.join(', ')} }`
  if (!isPlainObject(request)) return refuse('request', shape, request)
  const unknown = unknownProperty(request, known)
  if (unknown !== undefined) {
    throw new InvalidRequestError(`${expected('request', shape, request)}: \`${unknown}\` does not belong there`)
  }
  const { after, limit = 100 } = request
  if (after !== undefined && typeof after !== 'string') refuse('after', 'the `id` of an entry of the history', after)
  if (!Number.isSafeInteger(limit) || Number(limit) < 1 || Number(limit) > LONGEST_PAGE) {
    refuse('limit', `a whole number from 1 to ${LONGEST_PAGE}`, limit)
  }
  const tenantId = checkId('tenantId', request.tenantId)
  const of = known === OF_RUN ? { runId: checkId('runId', request.runId) } : daysOf(request)
  return { tenantId, of, after: after === undefined ? null : String(after), limit: Number(limit) }
}

function daysOf(request: Record<string, unknown>): HistoryQuery['of'] {
  const employeeId = checkId('employeeId', request.employeeId)
  const from: IsoDate = parseIsoDate(request.from, 'from')
  const to: IsoDate = parseIsoDate(request.to, 'to')
  if (to < from) refuse('to', `\`from\` (${from}) or later`, to)
  return { employeeId, from, to }
}

function checkId(name: string, value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : refuse(name, 'a non-empty string', value)
}

function refuse(name: string, expectation: string, value: unknown): never {
  throw new InvalidRequestError(expected(name, expectation, value))
}
