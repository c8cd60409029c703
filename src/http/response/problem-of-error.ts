import {
  BackendUnavailableError,
  CooldownError,
  IdempotencyConflictError,
  InvalidRequestError,
  JobConflictError,
  JobNotFoundError,
  NotResumableError,
  ServiceStoppedError,
  StaleCorrectionError,
  TenantNotFoundError,
} from '../../errors.ts'
import { RecalcFailedError } from '../../run/recalc-failed-error.ts'
import type { Api } from '../call.ts'
import type { DescribeFailure } from './failure-text.ts'
import { invalidRequest, Problem, type ValidationError } from './problem.ts'
import { resultView } from './result-view.ts'

/**
 * What clients may see of an error; `undefined` for an unexpected one. The words are this module's own
 * wherever the error's could name something of the inside.
 */
export function problemOfError(
  error: unknown,
  { recalc, options }: Pick<Api, 'recalc' | 'options'>,
): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof InvalidRequestError) return invalidRequest([validationErrorOf(error)])
  if (error instanceof JobNotFoundError) return jobNotFound()
  if (error instanceof TenantNotFoundError) return new Problem(404, error.code, 'There is no such tenant')
  if (error instanceof JobConflictError) return jobConflict(error.activeJobId)
  if (error instanceof CooldownError) return cooldown(error)
  if (error instanceof NotResumableError) return new Problem(409, error.code, error.message)
  if (error instanceof StaleCorrectionError) return new Problem(409, error.code, error.message)
  if (error instanceof RecalcFailedError) return recalcFailed(error, options.describeFailure)
  if (error instanceof ServiceStoppedError) return unavailable(error.code, 'The service was stopped')
  if (error instanceof IdempotencyConflictError) {
    const detail = 'This Idempotency-Key was used for another request; use a new one for each request'
    return new Problem(422, error.code, detail, { extensions: { job_id: error.jobId } })
  }
  if (error instanceof BackendUnavailableError || isTransient(recalc, error)) {
    return unavailable('BACKEND_UNAVAILABLE', 'The database is not available at the moment')
  }
  return undefined
}

/** A backend that cannot judge an error must not hide the error that it was asked about. */
function isTransient(recalc: Api['recalc'], error: unknown): boolean {
  try {
    return recalc.isTransient(error)
  } catch {
    return false
  }
}

/** When to try again after a 503, in seconds: long enough for a restart, short enough for a person who waits. */
const UNAVAILABLE_SECONDS = 5

function unavailable(code: string, what: string): Problem {
  return new Problem(503, code, `${what}; try again later`, retryAfter(UNAVAILABLE_SECONDS))
}

function retryAfter(seconds: number) {
  return { extensions: { retry_after_seconds: seconds }, headers: { 'Retry-After': String(seconds) } }
}

/** The same words for a job that never was, one that was forgotten, and one of another tenant. */
export function jobNotFound(): Problem {
  return new Problem(404, 'JOB_NOT_FOUND', 'There is no such job; finished jobs are forgotten after a while')
}

/** @param activeJobId `null` when that job is none of the caller's business. */
export function jobConflict(activeJobId: string | null): Problem {
  const detail = 'Another job is still active; wait for it or cancel it'
  return new Problem(409, 'JOB_CONFLICT', detail, { extensions: { active_job_id: activeJobId } })
}

function cooldown({ code, retryAfterMs }: CooldownError): Problem {
  const seconds = Math.ceil(retryAfterMs / 1000)
  const detail = `Another job was started a short while ago; try again in ${seconds} s`
  return new Problem(429, code, detail, retryAfter(seconds))
}

function recalcFailed({ code, result }: RecalcFailedError, describeFailure: DescribeFailure): Problem {
  const [first] = result.errors
  const detail = first
    ? `The day could not be recalculated: ${describeFailure(first)}`
    : 'The day could not be recalculated'
  return new Problem(422, code, detail, { extensions: { result: resultView(result, describeFailure) } })
}

/** What the library calls its arguments, and what they are called in a body. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ['tenantId', 'tenant_id'],
  ['employeeId', 'employee_id'],
  ['employeeIds', 'employee_ids'],
  ['from', 'start_date'],
  ['to', 'end_date'],
  ['clearExisting', 'clear_existing'],
  ['idempotencyKey', 'Idempotency-Key'],
])

function validationErrorOf({ message }: InvalidRequestError): ValidationError {
  const translated = message.replace(/`(\w+)((?:\[\d+\])?)`/g, (_, name: string, index: string) => {
    return `\`${FIELDS.get(name) ?? name}${index}\``
  })
  return { field: translated.match(/`([^`]+)`/)?.[1] ?? '', message: translated }
}
