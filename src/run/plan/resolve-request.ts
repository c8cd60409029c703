import { countDays } from '../../calendar/date-range.ts'
import { type IsoDate, parseIsoDate } from '../../calendar/iso-date.ts'
import { MIDNIGHT } from '../../calendar/start-time.ts'
import { InvalidRequestError } from '../../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../../expectation.ts'
import type { Pipeline } from '../../pipeline/pipeline.ts'
import { type Selection, selectTables } from '../../pipeline/selection.ts'
import type { OnError, RunPlan } from './run-plan.ts'

/** One day of one employee. Dates are `YYYY-MM-DD` in the tenant's zone. */
export interface DayRequest {
  /** The tenant; a non-empty string. */
  readonly tenantId: string
  /** The employee; a non-empty string. */
  readonly employeeId: string
  /** The day, `YYYY-MM-DD`. */
  readonly date: string
}

/** Some days of one employee; both ends inclusive. */
export interface RangeRequest {
  /** The tenant; a non-empty string. */
  readonly tenantId: string
  /** The employee; a non-empty string. */
  readonly employeeId: string
  /** The first day, `YYYY-MM-DD`. */
  readonly from: string
  /** The last day, inclusive; at most `maxDays` days in all. */
  readonly to: string
}

/** Some days of some employees. `employeeIds: []` is nothing to do; an employee named twice counts once. */
export interface BatchRequest {
  /** The tenant; a non-empty string. */
  readonly tenantId: string
  /** The employees, in any order. */
  readonly employeeIds: readonly string[]
  /** The first day, `YYYY-MM-DD`. */
  readonly from: string
  /** The last day, inclusive; at most `maxDays` days in all. */
  readonly to: string
}

/** Some days of everybody whom the employee repository lists. */
export interface AllRequest {
  /** The tenant; a non-empty string. */
  readonly tenantId: string
  /** The first day, `YYYY-MM-DD`. */
  readonly from: string
  /** The last day, inclusive; at most `maxDays` days in all. */
  readonly to: string
}

/** Any request, as `estimate` takes it. */
export type RecalcRequest = DayRequest | RangeRequest | BatchRequest | AllRequest

interface CommonOptions {
  /** Only the stages that write one of these tables. Default: all stages. */
  readonly tables?: readonly string[]
  /** Remove rows that no source supports any more. Default true. */
  readonly clearExisting?: boolean
  /** Stop at the first failed day or go on with the others. Default: `fail-fast` at once, `continue` in jobs. */
  readonly onError?: OnError
  /** Ends the run early: the call rejects with the signal's reason; a job is cancelled. */
  readonly signal?: AbortSignal
  /** Why; kept with a job, and in the history. */
  readonly reason?: string
  /** Who asks, such as the id of a user; kept with a job, and in the history. */
  readonly actor?: string
}

/** What can be said about any request. */
export interface TriggerOptions extends CommonOptions {
  /** Only where a job is made. */
  readonly idempotencyKey?: never
  /** Only where a job is made. */
  readonly cooldownMs?: never
  /** Only where a job is made. */
  readonly whenBusy?: never
  /** Only with `triggerRecalc` and `triggerRecalcRange`. */
  readonly tx?: never
}

/** What can be said about a request that is calculated inside the host's own transaction. */
export interface TransactionOptions<Tx> extends Omit<CommonOptions, 'onError'> {
  /**
   * A transaction that the host has begun and will end: of `sqlBackend(kysely)` a Kysely `Transaction` of the same Kysely, at
   * READ COMMITTED.
   */
  readonly tx: [Tx] extends [undefined] ? never : Tx
}

/** What can be said about a request that is to become a job. */
export interface JobTriggerOptions extends CommonOptions {
  /**
   * Makes it safe to ask again: as long as the job is kept, asking with the same key for the same tenant gives a handle on
   * that job, whatever became of it, also while `exclusive` or a cooldown would refuse a new one. The `signal` and
   * `cooldownMs` of a repeated call are of no effect. Default: every call makes a job.
   */
  readonly idempotencyKey?: string
  /**
   * The least time since the start of the last batch or all job of the same exclusive scope, in milliseconds; the longer of
   * this and the service's `cooldownMs` holds. Default 0. Jobs that nothing excludes wait for nothing.
   */
  readonly cooldownMs?: number
  /**
   * What becomes of a batch or all job while another one of its exclusive scope is active: it is refused, or waits behind it.
   * Default: as the service's `whenBusy` says.
   */
  readonly whenBusy?: 'reject' | 'queue'
  /** A job has transactions of its own. */
  readonly tx?: never
}

const PROPERTIES = {
  day: ['tenantId', 'employeeId', 'date'],
  range: ['tenantId', 'employeeId', 'from', 'to'],
  batch: ['tenantId', 'employeeIds', 'from', 'to'],
  all: ['tenantId', 'from', 'to'],
} as const

const OPTIONS = ['tables', 'clearExisting', 'onError', 'signal', 'reason', 'actor']

const JOB_OPTIONS = ['idempotencyKey', 'cooldownMs', 'whenBusy']

/** What resolving a request needs to know. */
export interface Resolution<Tx> {
  readonly pipeline: Pipeline<Tx>
  /** The most dates of a block. */
  readonly blockDays: number
  readonly maxDays: number
  readonly defaultOnError: OnError
  /** Whether the request is to become a job. */
  readonly asJob: boolean
  readonly dayStartsAt: string
  zoneOf(tenantId: string): Promise<string>
}

/** The kind of a request whose kind nobody names. */
export function kindOf(request: unknown): RunPlan['kind'] {
  if (!isPlainObject(request)) return 'all'
  if ('date' in request) return 'day'
  if ('employeeId' in request) return 'range'
  return 'employeeIds' in request ? 'batch' : 'all'
}

/**
 * Checks a request and freezes it into a plan; nothing of the host is called but its zone function.
 *
 * @throws {InvalidRequestError} that names the value and what was expected of it.
 */
export async function resolveRequest<Tx>(
  kind: RunPlan['kind'],
  request: unknown,
  options: JobTriggerOptions,
  resolution: Resolution<Tx>,
): Promise<{ readonly plan: RunPlan; readonly selection: Selection<Tx> }> {
  const checked = checkObject('request', request, PROPERTIES[kind])
  checkOptions(options, resolution.asJob)
  const tenantId = checkId('tenantId', checked.tenantId)
  const employeeIds = checkEmployees(kind, checked)
  const [from, to] = checkDates(kind, checked, resolution.maxDays)
  const selection = selectTables(resolution.pipeline, options.tables, resolution.blockDays)
  const plan: RunPlan = Object.freeze({
    kind,
    tenantId,
    employeeIds,
    from,
    to,
    zone: await resolution.zoneOf(tenantId),
    ...(resolution.dayStartsAt !== MIDNIGHT && { dayStartsAt: resolution.dayStartsAt }),
    ...(options.tables !== undefined && { tables: Object.freeze([...new Set(options.tables)].sort()) }),
    stages: selection.shapes,
    clearExisting: options.clearExisting ?? true,
    onError: options.onError ?? resolution.defaultOnError,
    ...(options.actor !== undefined && { actor: options.actor }),
  })
  return { plan, selection }
}

function checkObject(name: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  const shape = `an object { ${known.join(', ')} }`
  if (!isPlainObject(value)) throw new InvalidRequestError(expected(name, shape, value))
  const unknown = unknownProperty(value, known)
  if (unknown === undefined) return value
  throw new InvalidRequestError(`${expected(name, shape, value)}: \`${unknown}\` is not known`)
}

function checkId(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new InvalidRequestError(expected(name, 'a non-empty string', value))
}

function checkEmployees(kind: RunPlan['kind'], request: Record<string, unknown>): readonly string[] | null {
  if (kind === 'all') return null
  if (kind !== 'batch') return Object.freeze([checkId('employeeId', request.employeeId)])
  const ids: unknown = request.employeeIds
  if (!Array.isArray(ids)) {
    throw new InvalidRequestError(expected('employeeIds', 'an array of non-empty strings', ids))
  }
  for (let i = 0; i < ids.length; i++) checkId(`employeeIds[${i}]`, ids[i])
  return Object.freeze([...new Set<string>(ids)].sort())
}

function checkDates(
  kind: RunPlan['kind'],
  request: Record<string, unknown>,
  maxDays: number,
): readonly [from: IsoDate, to: IsoDate] {
  if (kind === 'day') {
    const date = parseIsoDate(request.date, 'date')
    return [date, date]
  }
  const from = parseIsoDate(request.from, 'from')
  const to = parseIsoDate(request.to, 'to')
  if (to < from) throw new InvalidRequestError(expected('to', `\`from\` (${from}) or later`, to))
  const days = countDays(from, to)
  if (days > maxDays) {
    const limit = `the end of at most ${maxDays} days from \`from\` (${from}), as \`maxDays\` says`
    throw new InvalidRequestError(`${expected('to', limit, to)}, which makes ${days} days`)
  }
  return [from, to]
}

function checkOptions(options: unknown, asJob: boolean): void {
  if (!asJob) refuseJobOptions(options)
  if (isPlainObject(options) && 'tx' in options) {
    const expectation = 'left out: only triggerRecalc and triggerRecalcRange can work inside a transaction of yours'
    throw new InvalidRequestError(expected('tx', expectation, options.tx))
  }
  const checked = checkObject('options', options, asJob ? [...OPTIONS, ...JOB_OPTIONS] : OPTIONS)
  const { tables, clearExisting, onError, signal, reason, actor, idempotencyKey, cooldownMs, whenBusy } = checked
  const refuse = (name: string, expectation: string, value: unknown): never => {
    throw new InvalidRequestError(expected(name, expectation, value))
  }
  if (tables !== undefined) checkTables(tables)
  if (clearExisting !== undefined && typeof clearExisting !== 'boolean') {
    refuse('clearExisting', 'true or false', clearExisting)
  }
  if (onError !== undefined && onError !== 'fail-fast' && onError !== 'continue') {
    refuse('onError', "'fail-fast' or 'continue'", onError)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) refuse('signal', 'an AbortSignal', signal)
  if (reason !== undefined && typeof reason !== 'string') refuse('reason', 'a string', reason)
  if (actor !== undefined && typeof actor !== 'string') refuse('actor', 'a string', actor)
  if (idempotencyKey !== undefined) checkId('idempotencyKey', idempotencyKey)
  if (cooldownMs !== undefined && !(Number.isSafeInteger(cooldownMs) && Number(cooldownMs) >= 0)) {
    refuse('cooldownMs', 'a whole number from 0', cooldownMs)
  }
  if (whenBusy !== undefined && whenBusy !== 'reject' && whenBusy !== 'queue') {
    refuse('whenBusy', "'reject' or 'queue'", whenBusy)
  }
}

function refuseJobOptions(options: unknown): void {
  if (!isPlainObject(options)) return
  const found = JOB_OPTIONS.find((name) => name in options)
  if (found === undefined) return
  const expectation = 'left out where no job is made (triggerRecalc…Async makes one)'
  throw new InvalidRequestError(expected(found, expectation, options[found]))
}

function checkTables(tables: unknown): void {
  if (!Array.isArray(tables) || tables.length === 0) {
    throw new InvalidRequestError(expected('tables', 'a non-empty array of table names', tables))
  }
  for (let i = 0; i < tables.length; i++) checkId(`tables[${i}]`, tables[i])
}
