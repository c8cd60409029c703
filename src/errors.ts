import type { RecalcFailure, RecalcResult } from './run/result.ts'

/** Every error that this library throws. `code` is a literal, so that a `switch` over it narrows. */
export abstract class RecalcError extends Error {
  abstract readonly code: string

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Thrown when a request or its options are malformed; nothing was read or written. */
export class InvalidRequestError extends RecalcError {
  readonly code = 'INVALID_REQUEST'
}

/** Thrown when the service is made with options that cannot work. */
export class InvalidOptionsError extends RecalcError {
  readonly code = 'INVALID_OPTIONS'
}

/** Thrown when the service is made with stages that cannot form a pipeline. */
export class PipelineError extends RecalcError {
  readonly code = 'PIPELINE'
  /** The names of the stages at fault. */
  readonly stages: readonly string[]

  constructor(message: string, stages: readonly string[]) {
    super(message)
    this.stages = stages
  }
}

/** Thrown when a repository or a stage of the host breaks its contract, such as pages of employees that run in circles. */
export class ContractError extends RecalcError {
  readonly code = 'CONTRACT'
}

/** Thrown when a synchronous run stopped at a failed day; `result` tells what was done and what failed. */
export class RecalcFailedError extends RecalcError {
  readonly code = 'RECALC_FAILED'
  readonly result: RecalcResult

  constructor(result: RecalcResult, failure: RecalcFailure, options?: ErrorOptions) {
    const { employeeId, date, stage } = failure
    const where = date ? ` (employee ${employeeId}, ${date})` : ` (stage ${stage})`
    super(`Recalculation failed${where}: ${failure.message}`, options)
    this.result = result
  }
}

/** Thrown by a host's `zone` function for a tenant that it does not know; over HTTP it is a 404. */
export class TenantNotFoundError extends RecalcError {
  readonly code = 'TENANT_NOT_FOUND'
  readonly tenantId: string

  constructor(tenantId: string) {
    super(`There is no tenant ${JSON.stringify(tenantId)}`)
    this.tenantId = tenantId
  }
}

/** Thrown when no job has the given id. */
export class JobNotFoundError extends RecalcError {
  readonly code = 'JOB_NOT_FOUND'
  readonly jobId: string

  constructor(jobId: string) {
    super(`No job has the id ${JSON.stringify(jobId)}; finished jobs are forgotten after a while`)
    this.jobId = jobId
  }
}

/** Thrown when another job of the same exclusive scope is still active. */
export class JobConflictError extends RecalcError {
  readonly code = 'JOB_CONFLICT'
  readonly activeJobId: string

  constructor(activeJobId: string) {
    super(`Job ${activeJobId} is still active; wait for it, cancel it or set \`exclusive: 'none'\``)
    this.activeJobId = activeJobId
  }
}

/** Thrown when the last job of the same exclusive scope began less than `cooldownMs` ago. */
export class CooldownError extends RecalcError {
  readonly code = 'COOLDOWN'
  /** Milliseconds until a job may be started. */
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super(`Another job was started a short while ago; try again in ${retryAfterMs} ms`)
    this.retryAfterMs = retryAfterMs
  }
}

/** Thrown when an `idempotencyKey` was used for another request before, whose job is still kept. */
export class IdempotencyConflictError extends RecalcError {
  readonly code = 'IDEMPOTENCY_CONFLICT'
  /** The job that the key stands for. */
  readonly jobId: string

  constructor(jobId: string) {
    super(`The \`idempotencyKey\` stands for job ${jobId}, which was another request; use a new key for a new request`)
    this.jobId = jobId
  }
}

/** Thrown when a job cannot be resumed: it is active, it is complete, or its stages are gone. */
export class NotResumableError extends RecalcError {
  readonly code = 'NOT_RESUMABLE'
  readonly jobId: string

  constructor(jobId: string, why: string) {
    super(`Job ${jobId} cannot be resumed: ${why}`)
    this.jobId = jobId
  }
}

/** Thrown when one step of a stage took longer than `stageTimeoutMs`. */
export class StageTimeoutError extends RecalcError {
  readonly code = 'STAGE_TIMEOUT'
  readonly stage: string

  constructor(stage: string, timeoutMs: number) {
    super(`Stage "${stage}" took longer than stageTimeoutMs (${timeoutMs} ms)`)
    this.stage = stage
  }
}

/** Thrown when a job is no longer its worker's: the lease ran out, or another took the job over. The old owner writes nothing more. */
export class LeaseLostError extends RecalcError {
  readonly code = 'LEASE_LOST'
  readonly jobId: string

  constructor(jobId: string) {
    super(`The lease on job ${jobId} is lost: its worker died, or did not renew it in time`)
    this.jobId = jobId
  }
}

/** Thrown when a transient error persisted through every attempt; `cause` is the last one. */
export class BackendUnavailableError extends RecalcError {
  readonly code = 'BACKEND_UNAVAILABLE'
  readonly attempts: number

  constructor(attempts: number, cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause)
    super(`The database failed ${attempts} times in a row: ${message}`, { cause })
    this.attempts = attempts
  }
}

/** Thrown when the service is called after `stop()`. */
export class ServiceStoppedError extends RecalcError {
  readonly code = 'SERVICE_STOPPED'

  constructor() {
    super('The service was stopped; make a new one')
  }
}
