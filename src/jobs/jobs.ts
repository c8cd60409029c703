import { randomUUID } from 'node:crypto'
import {
  CooldownError,
  IdempotencyConflictError,
  JobConflictError,
  JobNotFoundError,
  NotResumableError,
  type RecalcError,
} from '../errors.ts'
import type { Selection } from '../pipeline/selection.ts'
import { startOfRun } from '../run/checkpoint.ts'
import { messageOf } from '../run/failure.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import { phasesOf } from '../run/run.ts'
import { outsideCalculation } from '../run/units/nested-calls.ts'
import { JobHandle } from './job-handle.ts'
import type { JobIdentity } from './job-identity.ts'
import { JobReader } from './job-reader.ts'
import { ACTIVE, type JobRecord, type JobStatus, RESUMABLE } from './job-record.ts'
import { type ClaimedJob, type JobEnd, JobRunner } from './job-runner.ts'
import type { JobSettings } from './job-settings.ts'
import type { ClaimRequest } from './job-store.ts'
import { newJob, queuedEvent } from './new-job.ts'
import { JobRecovery, type Recovery } from './recovery.ts'

/** What is known of a job that is asked for, besides its plan. */
export interface JobRequest {
  readonly reason: string | null
  readonly scope: string | null
  /** Cancels it. */
  readonly signal: AbortSignal | undefined
  /** Undefined: a job of its own, whoever asks for it. */
  readonly identity: JobIdentity | undefined
  /** At least so long after the last one of its scope; the service's own cooldown may be longer. */
  readonly cooldownMs: number
}

/** What the jobs of a service need besides the settings of their runs. */
export interface JobsOptions<Tx> extends JobSettings<Tx> {
  readonly cooldownMs: number
  readonly recovery: Recovery
  /** The stages of a frozen plan; or in what the service's own differ from it. */
  select(plan: Pick<RunPlan, 'stages'>): Selection<Tx> | { readonly difference: string }
}

/** The jobs that one service starts, resumes and recovers, and those it is working on right now. */
export class Jobs<Tx> {
  readonly #options: JobsOptions<Tx>
  readonly #reader: JobReader
  readonly #recovery: JobRecovery
  // One job may be here twice: while a run that lost its lease is still winding up, and once it was claimed again.
  readonly #running = new Map<JobRunner<Tx>, Promise<JobEnd>>()
  /** Work that may yet start a run, or touch the store. */
  readonly #pending = new Set<Promise<unknown>>()
  #stopped: unknown

  constructor(options: JobsOptions<Tx>) {
    this.#options = options
    this.#reader = new JobReader(options.jobs, options.clock)
    this.#recovery = new JobRecovery({
      ...options,
      most: options.concurrency,
      get: (jobId) => options.jobs.get(jobId),
      isKnown: (plan) => !('difference' in options.select(plan)),
      resume: (record) => this.#awaitedByStop(() => this.#resumeRecord(record, ['interrupted'])),
      close: (jobId) => this.#awaitedByStop(() => this.#close(jobId)),
    })
  }

  /**
   * Stores a job and begins to work on it; of one that was asked for before it gives a handle on what there is.
   *
   * @throws {JobConflictError} while another job of its scope is active.
   * @throws {CooldownError} when the last one of its scope is too recent.
   * @throws {IdempotencyConflictError} when its identity is that of another request.
   */
  create(plan: RunPlan, selection: Selection<Tx>, request: JobRequest): Promise<JobHandle> {
    return this.#awaitedByStop(async () => {
      const { jobs, clock } = this.#options
      const record = newJob(plan, { ...request, phases: phasesOf(selection), at: new Date(clock.now()) })
      const event = queuedEvent(record)
      const cooldownMs = Math.max(request.cooldownMs, this.#options.cooldownMs)
      const admission = await jobs.create(record, event, { ...this.#claimRequest(), cooldownMs })
      if ('existing' in admission) {
        const { existing } = admission
        if (existing.fingerprint !== record.fingerprint) throw new IdempotencyConflictError(existing.id)
        return this.#handleOn(existing)
      }
      if ('activeJobId' in admission) throw new JobConflictError(admission.activeJobId)
      if ('retryAfterMs' in admission) throw new CooldownError(admission.retryAfterMs)
      const stored = { ...record, lastSeq: event.seq }
      const { lease } = admission
      const claimed = { checkpoint: startOfRun, lastFailure: 0, lease, record: stored, takenOver: false }
      const ended = this.#run(claimed, selection, request.signal)
      return this.#handle(stored, 0, ended)
    })
  }

  /**
   * Takes up a job that has ended, or whose worker died: what failed and what was not reached.
   *
   * @throws {JobNotFoundError} {@link NotResumableError} {@link JobConflictError}
   */
  resume(jobId: string): Promise<JobHandle> {
    return this.#awaitedByStop(async () => {
      const { record, ended } = await this.#resumeRecord(await this.#recordOf(jobId), RESUMABLE)
      return this.#handle(record, record.lastSeq, ended)
    })
  }

  /** A handle on any job. */
  async open(jobId: string): Promise<JobHandle> {
    return this.#handleOn(await this.#recordOf(jobId))
  }

  /** False when the job has ended already. Once it is true the job ends as `cancelled`, whoever works on it. */
  async cancel(jobId: string, reason: string | null): Promise<boolean> {
    // Only those that run by now: the answer may come when the job has long been resumed.
    const runners = this.#runnersOf(jobId)
    const isRequested = await this.#options.jobs.requestCancel(jobId, reason)
    if (isRequested === undefined) throw new JobNotFoundError(jobId)
    if (!isRequested) return false
    for (const runner of runners) runner.cancel(reason)
    if (runners.length === 0) await this.#awaitedByStop(() => this.#closeIfAbandoned(jobId))
    return true
  }

  /** Takes up interrupted jobs and those of dead workers, now and from now on; resolves once the first look was taken. */
  start(): Promise<void> {
    return outsideCalculation(() => this.#recovery.start())
  }

  /** Lets blocks in flight commit and leaves the jobs `interrupted`; nothing of the store is used any more after that. */
  async stop(cause: RecalcError): Promise<void> {
    this.#stopped = cause
    this.#recovery.stop()
    for (const runner of this.#running.keys()) runner.interrupt(cause)
    await Promise.allSettled(this.#pending)
    await Promise.all(this.#running.values())
    await Promise.allSettled(this.#pending) // what the runs have left
    await this.#reader.close()
  }

  /** Waits for no work in flight any more: it is given up. */
  abandon(cause: RecalcError): void {
    for (const runner of this.#running.keys()) runner.abandon(cause)
    this.#reader.abandon()
  }

  async #recordOf(jobId: string): Promise<JobRecord> {
    const record = await this.#options.jobs.get(jobId)
    if (!record) throw new JobNotFoundError(jobId)
    return record
  }

  /** Ends a job that nobody works on; no stage is needed for that. */
  async #close(jobId: string): Promise<void> {
    const claimed = await this.#claim(jobId, ['interrupted', ...ACTIVE])
    await new JobRunner(this.#options, claimed).close()
  }

  /** A job that is to be cancelled ends now when there is nobody who would end it. */
  async #closeIfAbandoned(jobId: string): Promise<void> {
    try {
      await this.#close(jobId)
    } catch (error) {
      // Somebody works on it, or has just ended it.
      if (error instanceof NotResumableError || error instanceof JobNotFoundError) return
      // Another job of its scope is active, or the store is away: whoever recovers jobs ends it.
      this.#options.logger.warn({ jobId, err: error }, 'The job will be ended as cancelled by whoever recovers it')
    }
  }

  async #resumeRecord(
    record: JobRecord,
    from: readonly JobStatus[],
  ): Promise<{ readonly record: JobRecord; readonly ended: Promise<JobEnd> }> {
    const jobId = record.id
    const selection = this.#options.select(record.plan)
    if ('difference' in selection) {
      throw new NotResumableError(jobId, `this service's stages are not those of the job: ${selection.difference}`)
    }
    // An active job may be taken from a worker that is dead. One of this process is not, even when it could not renew its
    // lease in time.
    const orDead = this.#runnersOf(jobId).length > 0 ? [] : ACTIVE
    const claimed = await this.#claim(jobId, [...from, ...orDead])
    return { record: claimed.record, ended: this.#run(claimed, selection, undefined) }
  }

  async #claim(jobId: string, from: readonly JobStatus[]): Promise<ClaimedJob> {
    const claim = await this.#options.jobs.claim(jobId, { ...this.#claimRequest(), from })
    if ('activeJobId' in claim) throw new JobConflictError(claim.activeJobId)
    if ('status' in claim) throw new NotResumableError(jobId, `it is ${claim.status}`)
    return claim
  }

  #run(claimed: ClaimedJob, selection: Selection<Tx>, signal: AbortSignal | undefined): Promise<JobEnd> {
    const runner = new JobRunner(this.#options, claimed)
    const cancel = () => this.#cancelFor(signal, runner)
    if (signal?.aborted) cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    if (this.#stopped) runner.interrupt(this.#stopped)
    const ended = outsideCalculation(() => runner.run(selection)).finally(() => {
      signal?.removeEventListener('abort', cancel)
      this.#running.delete(runner)
      void this.#awaitedByStop(() => runner.idle())
    })
    this.#running.set(runner, ended)
    return ended
  }

  #cancelFor(signal: AbortSignal | undefined, runner: JobRunner<Tx>): void {
    const { jobs, logger } = this.#options
    const { jobId } = runner
    const reason = messageOf(signal?.reason)
    runner.cancel(reason)
    this.#awaitedByStop(() => jobs.requestCancel(jobId, reason)).catch((error: unknown) => {
      logger.warn({ jobId, err: error }, 'That the job is to be cancelled could not be stored')
    })
  }

  #runnersOf(jobId: string): readonly JobRunner<Tx>[] {
    return [...this.#running.keys()].filter((runner) => runner.jobId === jobId)
  }

  async #awaitedByStop<T>(work: () => Promise<T>): Promise<T> {
    const pending = work()
    this.#pending.add(pending)
    try {
      return await pending
    } finally {
      this.#pending.delete(pending)
    }
  }

  /** A handle on a job as it stands now, whoever works on it. */
  #handleOn(record: JobRecord): JobHandle {
    return this.#handle(record, record.lastSeq, undefined)
  }

  #handle(record: JobRecord, after: number, ended: Promise<JobEnd> | undefined): JobHandle {
    const { logger } = this.#options
    const cancel = (reason: string | null) => this.cancel(record.id, reason)
    return new JobHandle({ id: record.id, jobs: this.#reader, logger, after, record, cancel, ended })
  }

  #claimRequest(): ClaimRequest {
    const { clock, leaseMs } = this.#options
    return { claimId: randomUUID(), now: clock.now(), leaseMs }
  }
}
