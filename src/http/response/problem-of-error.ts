import {
  BackendUnavailableError,
  CooldownError,
  IdempotencyConflictError,
  InvalidRequestError,
  JobConflictError,
  JobNotFoundError,
  NotResumableError,
  RecalcFailedError,
  ServiceStoppedError,
} from '../../errors.ts'
import { isUnavailable } from '../unavailable.ts'
import type { DescribeFailure } from './failure-text.ts'
import { invalidRequest, Problem, type ValidationError } from './problem.ts'
import { resultView } from './result-view.ts'

/**
 * What may be told about anything that was thrown; `undefined` for what nobody expected. The words are this module's own
 * wherever the error's could name something of the inside.
 */
export function problemOfError(error: unknown, describeFailure: DescribeFailure): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof InvalidRequestError) return invalidRequest([validationErrorOf(error)])
  if (error instanceof JobNotFoundError) return jobNotFound()
  if (error instanceof JobConflictError) return jobConflict(error.activeJobId)
  if (error instanceof CooldownError) return cooldown(error)
  if (error instanceof NotResumableError) return new Problem(409, error.code, error.message)
  if (error instanceof RecalcFailedError) return recalcFailed(error, describeFailure)
  if (error instanceof BackendUnavailableError || isUnavailable(error)) {
    return new Problem(503, 'BACKEND_UNAVAILABLE', 'The database is not available at the moment; try again later')
  }
  if (error instanceof ServiceStoppedError) {
    return new Problem(503, error.code, 'The service was stopped; try again later')
  }
  if (error instanceof IdempotencyConflictError) {
    const detail = 'This Idempotency-Key was used for another request; use a new one for each request'
    return new Problem(422, error.code, detail, { extensions: { job_id: error.jobId } })
  }
  return undefined
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
  return new Problem(429, code, `Another job was started a short while ago; try again in ${seconds} s`, {
    extensions: { retry_after_seconds: seconds },
    headers: { 'Retry-After': String(seconds) },
  })
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
