/** Every error that this library throws. `code` is a literal, so that a `switch` over it narrows. */
export abstract class RecalcError extends Error {
  /** What kind of error it is; a literal in each class. */
  abstract readonly code: string

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Thrown when a request or its options are malformed; nothing was read or written. */
export class InvalidRequestError extends RecalcError {
  /** Always this literal. */
  readonly code = 'INVALID_REQUEST'
}

/** Why a period failed that was left as it was: days of it, or a period that it builds on, have failed. It is never thrown. */
export class PeriodBlockedError extends RecalcError {
  /** Always this literal. */
  readonly code = 'PERIOD_BLOCKED'
}

/** Thrown when the service is made with options that cannot work. */
export class InvalidOptionsError extends RecalcError {
  /** Always this literal. */
  readonly code = 'INVALID_OPTIONS'
}

/** Thrown when source tables cannot be captured: triggers on them would miss edits, or may not be made. Nothing is lost by trying again. */
export class CaptureError extends RecalcError {
  /** Always this literal. */
  readonly code = 'CAPTURE'
}

/** Thrown when the service is made with stages that cannot form a pipeline. */
export class PipelineError extends RecalcError {
  /** Always this literal. */
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
  /** Always this literal. */
  readonly code = 'CONTRACT'
}

/** Thrown by a host's `zone` function for a tenant that it does not know; over HTTP it is a 404. */
export class TenantNotFoundError extends RecalcError {
  /** Always this literal. */
  readonly code = 'TENANT_NOT_FOUND'
  /** The id that nobody knows. */
  readonly tenantId: string

  constructor(tenantId: string) {
    super(`There is no tenant ${JSON.stringify(tenantId)}`)
    this.tenantId = tenantId
  }
}

/** Thrown when no job has the given id. */
export class JobNotFoundError extends RecalcError {
  /** Always this literal. */
  readonly code = 'JOB_NOT_FOUND'
  /** The id that was asked for. */
  readonly jobId: string

  constructor(jobId: string) {
    super(`No job has the id ${JSON.stringify(jobId)}; finished jobs are forgotten after a while`)
    this.jobId = jobId
  }
}

/**
 * Thrown when corrections cannot be taken over because they are none, or none any more: something else is stored, right or
 * taken over by now. Nothing was remembered of any of them. List them again.
 */
export class StaleCorrectionError extends RecalcError {
  readonly code = 'STALE_CORRECTION'
  /** The ids at fault. */
  readonly ids: readonly string[]

  constructor(ids: readonly string[]) {
    const more = ids.length > 1 ? ` and ${ids.length - 1} more` : ''
    super(
      `There is no correction ${ids[0]}${more}: something was edited or taken over meanwhile; list the corrections again`,
    )
    this.ids = ids
  }
}

/** Thrown when another job of the same exclusive scope is still active. */
export class JobConflictError extends RecalcError {
  /** Always this literal. */
  readonly code = 'JOB_CONFLICT'
  /** The job in the way. */
  readonly activeJobId: string

  constructor(activeJobId: string) {
    super(`Job ${activeJobId} is still active; wait for it, cancel it or set \`exclusive: 'none'\``)
    this.activeJobId = activeJobId
  }
}

/** Thrown when the last job of the same exclusive scope began less than `cooldownMs` ago. */
export class CooldownError extends RecalcError {
  /** Always this literal. */
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
  /** Always this literal. */
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
  /** Always this literal. */
  readonly code = 'NOT_RESUMABLE'
  /** The job. */
  readonly jobId: string

  constructor(jobId: string, why: string) {
    super(`Job ${jobId} cannot be resumed: ${why}`)
    this.jobId = jobId
  }
}

/** Thrown when one step of a stage took longer than `stageTimeoutMs`. */
export class StageTimeoutError extends RecalcError {
  /** Always this literal. */
  readonly code = 'STAGE_TIMEOUT'
  /** The name of the stage. */
  readonly stage: string

  constructor(stage: string, timeoutMs: number) {
    super(`Stage "${stage}" took longer than stageTimeoutMs (${timeoutMs} ms)`)
    this.stage = stage
  }
}

/** Thrown when a unit of work took longer than `unitOfWorkTimeoutMs`, or the library waited in it for longer than a lease. */
export class UnitOfWorkTimeoutError extends RecalcError {
  /** Always this literal. */
  readonly code = 'UNIT_OF_WORK_TIMEOUT'
  /** The stage whose code was awaited; undefined when the database itself was. */
  readonly stage: string | undefined

  constructor(stage: string | undefined, timeoutMs: number) {
    const awaited = stage === undefined ? 'the database to answer' : `stage "${stage}"`
    super(
      `A unit of work was given up: it waited ${timeoutMs} ms for ${awaited}. The connection may be dead, the pool may be ` +
        'exhausted (a calculator must use `context.tx`, not a connection of its own), or `unitOfWorkTimeoutMs` may be too short',
    )
    this.stage = stage
  }
}

/** Thrown when a call of the host's repository, or of the job store, did not answer in time. */
export class CallTimeoutError extends RecalcError {
  /** Always this literal. */
  readonly code = 'CALL_TIMEOUT'

  constructor(what: string, timeoutMs: number) {
    super(`Waited ${timeoutMs} ms for ${what}, which did not answer; the connection may be dead, or the pool exhausted`)
  }
}

/** Thrown when a calculation awaits a call of its own service, which would wait for the calculation. */
export class NestedCallError extends RecalcError {
  /** Always this literal. */
  readonly code = 'NESTED_CALL'

  constructor(what: string) {
    super(
      `${what} was called inside a calculation of the same service and would wait for itself; note the change ` +
        '(`noteChange(context.tx, …)`), call it in `context.afterCommit(…)`, or start a job without awaiting its result',
    )
  }
}

/** Thrown when a job is no longer its worker's: the lease ran out, or another took the job over. The old owner writes nothing more. */
export class LeaseLostError extends RecalcError {
  /** Always this literal. */
  readonly code = 'LEASE_LOST'
  /** The job whose lease is lost. */
  readonly jobId: string

  constructor(jobId: string) {
    super(`The lease on job ${jobId} is lost: its worker died, or did not renew it in time`)
    this.jobId = jobId
  }
}

/** Recorded as the fault of a job that was taken over too often without having been brought any further: it may be what kills its workers. */
export class RecoveryLimitError extends RecalcError {
  /** Always this literal. */
  readonly code = 'RECOVERY_LIMIT'
  /** The job. */
  readonly jobId: string

  constructor(jobId: string, recoveries: number) {
    super(
      `Job ${jobId} was taken over ${recoveries} times in a row without a step forward (\`maxRecoveries\`): it may be what ` +
        'kills its workers; look into their logs, then resume it',
    )
    this.jobId = jobId
  }
}

/** Thrown when a transient error persisted through every attempt; `cause` is the last one. */
export class BackendUnavailableError extends RecalcError {
  /** Always this literal. */
  readonly code = 'BACKEND_UNAVAILABLE'
  /** How many attempts were made. */
  readonly attempts: number

  constructor(attempts: number, cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause)
    super(`The database failed ${attempts} times in a row: ${message}`, { cause })
    this.attempts = attempts
  }
}

/** Thrown when the service is called after `stop()`. */
export class ServiceStoppedError extends RecalcError {
  /** Always this literal. */
  readonly code = 'SERVICE_STOPPED'

  constructor() {
    super('The service was stopped; make a new one')
  }
}
