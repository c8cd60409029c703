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
import { type ClaimOutcome, JobQueue } from './job-queue.ts'
import { JobReader } from './job-reader.ts'
import { ACTIVE, type JobRecord, type JobStatus, RESUMABLE } from './job-record.ts'
import { type ClaimedJob, type JobEnd, JobRunner } from './job-runner.ts'
import type { JobSettings } from './job-settings.ts'
import type { ClaimRequest, WhenBusy } from './job-store.ts'
import type { LaneDispatcher } from './lanes/lane-dispatcher.ts'
import type { LaneStore } from './lanes/lane-store.ts'
import { LaneWorker } from './lanes/lane-worker.ts'
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
  readonly whenBusy: WhenBusy
}

/** What the jobs of a service need besides the settings of their runs. */
export interface JobsOptions<Tx> extends JobSettings<Tx> {
  readonly cooldownMs: number
  readonly recovery: Recovery
  /** Whether jobs are worked on here, or only stored. */
  readonly worker: boolean
  /** The most jobs that are taken up at once: those that wait, and those of dead workers. */
  readonly maxJobs: number
  readonly queuePollMs: number
  /** Lanes that other processes may calculate, and what carries pointers to them. Undefined: each job's worker calculates its own. */
  readonly sharing: { readonly lanes: LaneStore<Tx>; readonly dispatcher: LaneDispatcher } | undefined
  /** The stages of a frozen plan; or in what the service's own differ from it. */
  select(plan: Pick<RunPlan, 'stages'>): Selection<Tx> | { readonly difference: string }
}

/** The jobs that one service starts, resumes, takes and recovers, and those it is working on right now. */
export class Jobs<Tx> {
  readonly #options: JobsOptions<Tx>
  readonly #reader: JobReader
  readonly #recovery: JobRecovery
  readonly #queue: JobQueue
  /** Jobs that wait were taken up, or those of dead workers, and run. */
  readonly #taken = new Set<string>()
  // One job may be here twice: while a run that lost its lease is still winding up, and once it was claimed again.
  readonly #running = new Map<JobRunner<Tx>, Promise<JobEnd>>()
  /** Work that may yet start a run, or touch the store. */
  readonly #pending = new Set<Promise<unknown>>()
  readonly #lanes: LaneWorker<Tx> | undefined
  #stopped: unknown

  constructor(options: JobsOptions<Tx>) {
    this.#options = options
    const { sharing, select } = options
    this.#lanes = sharing && new LaneWorker(options, { ...sharing, select: (plan) => select(plan) })
    this.#reader = new JobReader(options.jobs, options.clock)
    this.#recovery = new JobRecovery({
      ...options,
      taken: this.#taken,
      most: options.maxJobs,
      get: (jobId) => options.jobs.get(jobId),
      isKnown: (plan) => !('difference' in options.select(plan)),
      resume: (record) => this.#awaitedByStop(() => this.#resumeRecord(record, ['interrupted'])),
      close: (jobId) => this.#awaitedByStop(() => this.#close(jobId)),
    })
    this.#queue = new JobQueue({
      ...options,
      hasRoom: () => this.#taken.size < options.maxJobs,
      recover: () => this.#recovery.poll(),
      claim: (jobId) => this.#awaitedByStop(() => this.#claimWaiting(jobId)),
    })
  }

  /**
   * Stores a job and begins to work on it, unless it has to wait or is somebody else's to do; of one that was asked for before it
   * gives a handle on what there is.
   *
   * @throws {JobConflictError} while another job of its scope is active, unless it is to wait.
   * @throws {CooldownError} when the last one of its scope is too recent.
   * @throws {IdempotencyConflictError} when its identity is that of another request.
   */
  create(plan: RunPlan, selection: Selection<Tx>, request: JobRequest): Promise<JobHandle> {
    return this.#awaitedByStop(async () => {
      const { jobs, clock, worker } = this.#options
      const record = newJob(plan, { ...request, phases: phasesOf(selection), at: new Date(clock.now()) })
      const event = queuedEvent(record)
      const cooldownMs = Math.max(request.cooldownMs, this.#options.cooldownMs)
      const { whenBusy } = request
      const admission = await jobs.create(record, event, { ...this.#claimRequest(), cooldownMs, whenBusy, worker })
      if ('existing' in admission) {
        const { existing } = admission
        if (existing.fingerprint !== record.fingerprint) throw new IdempotencyConflictError(existing.id)
        return this.#handleOn(existing)
      }
      if ('activeJobId' in admission) throw new JobConflictError(admission.activeJobId)
      if ('retryAfterMs' in admission) throw new CooldownError(admission.retryAfterMs)
      const stored = { ...record, lastSeq: event.seq }
      if ('waits' in admission) return this.#waiting(stored, 0, request.signal)
      const { lease } = admission
      const claimed = { checkpoint: startOfRun, lastFailure: 0, lease, record: stored, takenOver: false }
      const ended = this.#run(claimed, selection, request.signal)
      return this.#handle(stored, 0, ended)
    })
  }

  /**
   * Takes up a job that has ended, or whose worker died: what failed and what was not reached. Where nobody works, and where it
   * meets another job of its scope and is to wait, it is left to whoever takes it.
   *
   * @throws {JobNotFoundError} {@link NotResumableError} {@link JobConflictError}
   */
  resume(jobId: string, whenBusy: WhenBusy): Promise<JobHandle> {
    return this.#awaitedByStop(async () => {
      const found = await this.#recordOf(jobId)
      if (!this.#options.worker) return await this.#requeue(found, whenBusy)
      try {
        const { record, ended } = await this.#resumeRecord(found, RESUMABLE)
        return this.#handle(record, record.lastSeq, ended)
      } catch (error) {
        if (whenBusy === 'reject' || !(error instanceof JobConflictError)) throw error
        return await this.#requeue(found, whenBusy)
      }
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

  /** False when the job has ended already, or is to be cancelled. Once it is true nobody takes the job up but who resumes it. */
  async pause(jobId: string): Promise<boolean> {
    const runners = this.#runnersOf(jobId)
    const isRequested = await this.#options.jobs.requestPause(jobId)
    if (isRequested === undefined) throw new JobNotFoundError(jobId)
    if (!isRequested) return false
    for (const runner of runners) runner.pause()
    if (runners.length === 0) await this.#awaitedByStop(() => this.#closeIfAbandoned(jobId))
    return true
  }

  /**
   * Takes up interrupted jobs, those of dead workers and those that wait, now and from now on; resolves once the first look was
   * taken.
   */
  async start(): Promise<void> {
    if (!this.#options.worker) return
    this.#lanes?.start()
    await outsideCalculation(() => this.#recovery.start())
    outsideCalculation(() => this.#queue.start())
  }

  /** Lets blocks in flight commit and leaves the jobs `interrupted`; nothing of the store is used any more after that. */
  async stop(cause: RecalcError): Promise<void> {
    this.#stopped = cause
    this.#recovery.stop()
    this.#queue.stop()
    for (const runner of this.#running.keys()) runner.interrupt(cause)
    const lanes = this.#lanes?.stop(cause)
    await this.#queue.idle()
    await Promise.allSettled(this.#pending)
    await Promise.all(this.#running.values())
    await Promise.allSettled(this.#pending) // what the runs have left
    await lanes
    await this.#reader.close()
  }

  /** Waits for no work in flight any more: it is given up. */
  abandon(cause: RecalcError): void {
    for (const runner of this.#running.keys()) runner.abandon(cause)
    this.#lanes?.abandon(cause)
    this.#reader.abandon()
  }

  async #recordOf(jobId: string): Promise<JobRecord> {
    const record = await this.#options.jobs.get(jobId)
    if (!record) throw new JobNotFoundError(jobId)
    return record
  }

  /** Ends a job that nobody works on; no stage is needed for that. */
  async #close(jobId: string): Promise<void> {
    const claimed = await this.#claim(jobId, ['interrupted', ...ACTIVE], true)
    await new JobRunner(this.#options, claimed).close()
    this.#queue.poll()
  }

  /** A job that is to be cancelled, or to pause, ends now when there is nobody who would end it. */
  async #closeIfAbandoned(jobId: string): Promise<void> {
    try {
      await this.#close(jobId)
    } catch (error) {
      // Somebody works on it, or has just ended it.
      if (error instanceof NotResumableError || error instanceof JobNotFoundError) return
      // The store is away: whoever recovers jobs ends it.
      this.#options.logger.warn({ jobId, err: error }, 'The job will be ended by whoever recovers it')
    }
  }

  /** Takes a job that waits. */
  async #claimWaiting(jobId: string): Promise<ClaimOutcome> {
    const record = await this.#options.jobs.get(jobId)
    if (!record) return 'not claimed'
    const selection = this.#options.select(record.plan)
    if ('difference' in selection) return 'foreign'
    const claim = await this.#options.jobs.claim(jobId, { ...this.#claimRequest(), from: ['queued'] })
    if (!('lease' in claim)) return 'not claimed'
    this.#taken.add(jobId)
    void this.#run(claim, selection, undefined)
    return 'claimed'
  }

  /** Leaves a job to whoever takes it. */
  async #requeue({ id, plan, lastSeq }: JobRecord, whenBusy: WhenBusy): Promise<JobHandle> {
    const { jobs, clock } = this.#options
    this.#selectionOf(id, plan)
    const requeued = await jobs.requeue(id, { now: clock.now(), from: RESUMABLE, whenBusy })
    if ('activeJobId' in requeued) throw new JobConflictError(requeued.activeJobId)
    if ('status' in requeued) throw new NotResumableError(id, `it is ${requeued.status}`)
    return this.#waiting(requeued.record, lastSeq, undefined)
  }

  /** @throws {NotResumableError} when this service does not have the stages of a job. */
  #selectionOf(jobId: string, plan: JobRecord['plan']): Selection<Tx> {
    const selection = this.#options.select(plan)
    if (!('difference' in selection)) return selection
    throw new NotResumableError(jobId, `this service's stages are not those of the job: ${selection.difference}`)
  }

  async #resumeRecord(
    record: JobRecord,
    from: readonly JobStatus[],
  ): Promise<{ readonly record: JobRecord; readonly ended: Promise<JobEnd> }> {
    const jobId = record.id
    const selection = this.#selectionOf(jobId, record.plan)
    // An active job may be taken from a worker that is dead. One of this process is not, even when it could not renew its
    // lease in time.
    const orDead = this.#runnersOf(jobId).length > 0 ? [] : ACTIVE
    const claimed = await this.#claim(jobId, [...from, ...orDead])
    return { record: claimed.record, ended: this.#run(claimed, selection, undefined) }
  }

  async #claim(jobId: string, from: readonly JobStatus[], toEnd = false): Promise<ClaimedJob> {
    const claim = await this.#options.jobs.claim(jobId, { ...this.#claimRequest(), from, toEnd })
    if ('activeJobId' in claim) throw new JobConflictError(claim.activeJobId)
    if ('status' in claim) throw new NotResumableError(jobId, `it is ${claim.status}`)
    return claim
  }

  #run(claimed: ClaimedJob, selection: Selection<Tx>, signal: AbortSignal | undefined): Promise<JobEnd> {
    const runner = new JobRunner(this.#options, claimed, this.#lanes)
    this.#lanes?.start()
    const cancel = () => this.#cancelFor(signal, runner)
    if (signal?.aborted) cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    if (this.#stopped) runner.interrupt(this.#stopped)
    const ended = outsideCalculation(() => runner.run(selection)).finally(() => {
      signal?.removeEventListener('abort', cancel)
      this.#running.delete(runner)
      this.#taken.delete(runner.jobId)
      this.#queue.poll()
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

  /** A handle on a job that waits; whoever takes it, `signal` cancels it. */
  #waiting(record: JobRecord, after: number, signal: AbortSignal | undefined): JobHandle {
    const handle = this.#handle(record, after, undefined)
    if (this.#options.worker) outsideCalculation(() => this.#queue.add(record.id))
    if (signal) this.#cancelWith(signal, handle)
    return handle
  }

  #cancelWith(signal: AbortSignal, handle: JobHandle): void {
    const cancel = () => {
      this.#awaitedByStop(() => this.cancel(handle.id, messageOf(signal.reason))).catch((err: unknown) => {
        this.#options.logger.warn({ jobId: handle.id, err }, 'The job could not be cancelled')
      })
    }
    if (signal.aborted) cancel()
    signal.addEventListener('abort', cancel, { once: true })
    const ended = () => signal.removeEventListener('abort', cancel)
    handle.result.then(ended, ended)
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
