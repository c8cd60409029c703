import type { Timer } from '../calendar/clock.ts'
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
import type { RunPlan } from '../run/plan/run-plan.ts'
import { messageOf, type RecalcResult } from '../run/result.ts'
import { phasesOf } from '../run/run.ts'
import { JobHandle } from './job-handle.ts'
import type { JobIdentity } from './job-identity.ts'
import { JobReader } from './job-reader.ts'
import { ACTIVE, hasEnded, type JobRecord, type JobStatus, RESUMABLE } from './job-record.ts'
import { JobRunner, type JobSettings, type OwnedJob } from './job-runner.ts'
import type { LeaseRequest } from './job-store.ts'
import { newJob, queuedEvent } from './new-job.ts'

/** What becomes of a job whose worker died: it is taken up, or marked as `interrupted` for somebody to decide. */
export type Recovery = 'resume' | 'mark'

/** What is known of a job that is asked for, besides its plan. */
export interface JobWish {
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
  /** Unique per service. */
  readonly owner: string
  /** The stages of a frozen plan; undefined when the service no longer has one of them. */
  select(plan: Pick<RunPlan, 'stages'>): Selection<Tx> | undefined
}

/** The jobs that one service starts, resumes and recovers, and those it is working on right now. */
export class Jobs<Tx> {
  readonly #options: JobsOptions<Tx>
  readonly #reader: JobReader
  // One job may be here twice: while a run that lost its lease is still winding up, and once it was claimed again.
  readonly #running = new Map<JobRunner<Tx>, Promise<unknown>>()
  /** Work that may yet start a run, or touch the store. */
  readonly #pending = new Set<Promise<unknown>>()
  #recovery: Timer | undefined
  #stopped: unknown

  constructor(options: JobsOptions<Tx>) {
    this.#options = options
    this.#reader = new JobReader(options.jobs)
  }

  /**
   * Stores a job and begins to work on it; of one that was asked for before it gives a hand on what there is.
   *
   * @throws {JobConflictError} while another job of its scope is active.
   * @throws {CooldownError} when the last one of its scope is too recent.
   * @throws {IdempotencyConflictError} when its identity is that of another request.
   */
  create(plan: RunPlan, selection: Selection<Tx>, wish: JobWish): Promise<JobHandle> {
    return this.#awaitedByStop(async () => {
      const { jobs, clock } = this.#options
      const record = newJob(plan, { ...wish, phases: phasesOf(selection), at: new Date(clock.now()) })
      const event = queuedEvent(record)
      const cooldownMs = Math.max(wish.cooldownMs, this.#options.cooldownMs)
      const admission = await jobs.create(record, event, { ...this.#leaseRequest(), cooldownMs })
      if ('existing' in admission) {
        const { existing } = admission
        if (existing.fingerprint !== record.fingerprint) throw new IdempotencyConflictError(existing.id)
        return this.#handleOn(existing)
      }
      if ('activeJobId' in admission) throw new JobConflictError(admission.activeJobId)
      if ('retryAfterMs' in admission) throw new CooldownError(admission.retryAfterMs)
      const stored = { ...record, lastSeq: event.seq }
      const start = {
        checkpoint: startOfRun,
        lastFailure: 0,
        lease: admission.lease,
        record: stored,
        takenOver: false,
        selection,
      }
      return this.#run(start, { signal: wish.signal, after: 0 })
    })
  }

  /**
   * Takes up a job that has ended, or whose worker died: what failed and what was not reached.
   *
   * @throws {JobNotFoundError} {@link NotResumableError} {@link JobConflictError}
   */
  resume(jobId: string): Promise<JobHandle> {
    return this.#awaitedByStop(() => this.#claim(jobId, RESUMABLE))
  }

  /** A hand on any job. */
  async open(jobId: string): Promise<JobHandle> {
    const record = await this.#options.jobs.get(jobId)
    if (!record) throw new JobNotFoundError(jobId)
    return this.#handleOn(record)
  }

  /** False when the job has ended already. */
  async cancel(jobId: string, reason: string | null): Promise<boolean> {
    const asked = await this.#options.jobs.requestCancel(jobId, reason)
    if (asked === undefined) throw new JobNotFoundError(jobId)
    if (asked) for (const runner of this.#runnersOf(jobId)) runner.cancel(reason)
    return asked
  }

  /** Takes up every interrupted job, now and whenever another one's lease has run out. */
  async start(): Promise<void> {
    await this.#awaitedByStop(() => this.#recover())
    this.#recoverLater()
  }

  /** Lets blocks in flight commit and leaves the jobs `interrupted`; nothing of the store is used any more after that. */
  async stop(cause: RecalcError): Promise<void> {
    this.#stopped = cause
    this.#recovery?.cancel()
    for (const runner of this.#running.keys()) runner.interrupt(cause)
    await Promise.allSettled(this.#pending)
    await Promise.all(this.#running.values())
    await Promise.allSettled(this.#pending) // what the runs have left
    await this.#reader.close()
  }

  #recoverLater(): void {
    if (this.#stopped) return
    const { clock, leaseMs, logger } = this.#options
    this.#recovery = clock.setTimeout(async () => {
      try {
        await this.#awaitedByStop(() => this.#recover())
      } catch (error) {
        logger.error({ error }, 'Recovery of interrupted jobs failed')
      }
      this.#recoverLater()
    }, leaseMs)
    this.#recovery.unref()
  }

  async #recover(): Promise<void> {
    const { jobs, clock, logger, recovery } = this.#options
    for (const jobId of await jobs.listInterrupted(clock.now())) {
      if (this.#stopped) return
      try {
        if (recovery === 'mark') await this.#mark(jobId)
        else {
          await this.#claim(jobId, ['interrupted'])
          logger.info({ jobId }, 'Interrupted job resumed')
        }
      } catch (error) {
        logger.warn({ jobId, error }, 'Interrupted job could not be recovered')
      }
    }
  }

  /** Ends a job whose worker died as `interrupted`. */
  async #mark(jobId: string): Promise<void> {
    const record = await this.#options.jobs.get(jobId)
    if (!record || hasEnded(record.status)) return
    await new JobRunner(this.#options, await this.#own(record, [])).leave()
    this.#options.logger.info({ jobId }, 'Interrupted job marked')
  }

  async #claim(jobId: string, from: readonly JobStatus[]): Promise<JobHandle> {
    const record = await this.#options.jobs.get(jobId)
    if (!record) throw new JobNotFoundError(jobId)
    const owned = await this.#own(record, from)
    return this.#run(owned, { signal: undefined, after: owned.record.lastSeq })
  }

  async #own(record: JobRecord, from: readonly JobStatus[]): Promise<OwnedJob<Tx>> {
    const { jobs } = this.#options
    const jobId = record.id
    const selection = this.#options.select(record.plan)
    if (!selection || phasesOf(selection).length === 0) {
      const stages = record.phases.map(({ name }) => name).join(', ')
      throw new NotResumableError(jobId, `this service does not have all of its stages (${stages})`)
    }
    // An active job may be taken from a worker that is dead. One of this process is not, even when it could not renew its
    // lease in time.
    const orDead = this.#runnersOf(jobId).length > 0 ? [] : ACTIVE
    const claim = await jobs.claim(jobId, { ...this.#leaseRequest(), from: [...from, ...orDead] })
    if ('activeJobId' in claim) throw new JobConflictError(claim.activeJobId)
    if ('status' in claim) throw new NotResumableError(jobId, `it is ${claim.status}`)
    return { ...claim, selection }
  }

  #run(owned: OwnedJob<Tx>, how: { readonly signal: AbortSignal | undefined; readonly after: number }): JobHandle {
    const { record } = owned
    const { signal, after } = how
    const runner = new JobRunner(this.#options, owned)
    const cancel = () => this.#cancelFor(signal, runner)
    if (signal?.aborted) cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    if (record.cancel) runner.cancel(record.cancel.reason)
    if (this.#stopped) runner.interrupt(this.#stopped)
    const ended = runner.run().finally(() => {
      signal?.removeEventListener('abort', cancel)
      this.#running.delete(runner)
      void this.#awaitedByStop(() => runner.quiet())
    })
    this.#running.set(runner, ended)
    return this.#handle(record, after, ended)
  }

  #cancelFor(signal: AbortSignal | undefined, runner: JobRunner<Tx>): void {
    const { jobs, logger } = this.#options
    const { jobId } = runner
    const reason = messageOf(signal?.reason)
    runner.cancel(reason)
    jobs.requestCancel(jobId, reason).catch((error: unknown) => {
      logger.warn({ jobId, error }, 'That the job is to be cancelled could not be stored')
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

  /** A hand on a job as it stands now, whoever works on it. */
  #handleOn(record: JobRecord): JobHandle {
    return this.#handle(record, record.lastSeq, record.result ? Promise.resolve(record.result) : undefined)
  }

  #handle(record: JobRecord, after: number, ended: Promise<RecalcResult> | undefined): JobHandle {
    const { logger } = this.#options
    const cancel = (reason: string | null) => this.cancel(record.id, reason)
    return new JobHandle({ id: record.id, jobs: this.#reader, logger, after, cancel, ...(ended && { ended }) })
  }

  #leaseRequest(): LeaseRequest {
    const { owner, clock, leaseMs } = this.#options
    return { owner, now: clock.now(), leaseMs }
  }
}
