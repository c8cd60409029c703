import type { Timer } from '../calendar/clock.ts'
import { CooldownError, JobConflictError, JobNotFoundError, NotResumableError, type RecalcError } from '../errors.ts'
import type { Selection } from '../pipeline/selection.ts'
import { startOfRun } from '../run/checkpoint.ts'
import type { RunPlan } from '../run/plan.ts'
import type { RecalcResult } from '../run/result.ts'
import { phasesOf } from '../run/run.ts'
import { JobHandle } from './job-handle.ts'
import { ACTIVE, type JobRecord, type JobStatus, RESUMABLE } from './job-record.ts'
import { JobRunner, type JobSettings, type OwnedJob } from './job-runner.ts'
import type { Lease, LeaseRequest } from './job-store.ts'
import { newJob, queuedEvent } from './new-job.ts'

/** What the jobs of a service need besides the settings of their runs. */
export interface JobsOptions<Tx> extends JobSettings<Tx> {
  readonly cooldownMs: number
  /** Unique per service. */
  readonly owner: string
  /** The stages of a frozen plan; undefined when the service no longer has one of them. */
  select(plan: RunPlan): Selection<Tx> | undefined
}

/** The jobs that one service starts, resumes and recovers, and those it is working on right now. */
export class Jobs<Tx> {
  readonly #options: JobsOptions<Tx>
  readonly #runners = new Map<string, { runner: JobRunner<Tx>; ended: Promise<unknown> }>()
  #recovery: Timer | undefined
  #stopped: unknown

  constructor(options: JobsOptions<Tx>) {
    this.#options = options
  }

  /**
   * Stores a job and begins to work on it.
   *
   * @throws {JobConflictError} while another job of its scope is active.
   * @throws {CooldownError} when the last one of its scope is too recent.
   */
  async create(
    plan: RunPlan,
    selection: Selection<Tx>,
    about: { readonly reason: string | null; readonly scope: string | null; readonly signal: AbortSignal | undefined },
  ): Promise<JobHandle> {
    const { jobs, cooldownMs, clock } = this.#options
    const at = new Date(clock.now())
    const record = newJob(plan, { ...about, phases: phasesOf(selection), at })
    const admission = await jobs.create(record, queuedEvent(record), { ...this.#leaseRequest(), cooldownMs })
    if ('activeJobId' in admission) throw new JobConflictError(admission.activeJobId)
    if ('retryAfterMs' in admission) throw new CooldownError(admission.retryAfterMs)
    const stored = await jobs.get(record.id)
    return this.#run(admission.lease, stored ?? record, selection, { signal: about.signal, after: 0 })
  }

  /**
   * Takes up a job that has ended: what failed and what was not reached.
   *
   * @throws {JobNotFoundError} {@link NotResumableError} {@link JobConflictError}
   */
  async resume(jobId: string): Promise<JobHandle> {
    return await this.#claim(jobId, RESUMABLE)
  }

  /** A hand on any job. */
  async open(jobId: string): Promise<JobHandle> {
    const record = await this.#options.jobs.get(jobId)
    if (!record) throw new JobNotFoundError(jobId)
    return this.#handle(record, record.lastSeq, record.result ? Promise.resolve(record.result) : undefined)
  }

  /** False when the job has ended already. */
  async cancel(jobId: string, reason: string | null): Promise<boolean> {
    const asked = await this.#options.jobs.requestCancel(jobId, reason)
    if (asked === undefined) throw new JobNotFoundError(jobId)
    if (asked) this.#runners.get(jobId)?.runner.cancel(reason)
    return asked
  }

  /** Takes up every interrupted job, now and whenever another one's lease has run out. */
  async recover(): Promise<void> {
    const { jobs, clock, leaseMs, logger } = this.#options
    for (const jobId of await jobs.listInterrupted(clock.now())) {
      if (this.#stopped) return
      try {
        await this.#claim(jobId, ['interrupted', ...ACTIVE])
        logger.info({ jobId }, 'Interrupted job taken up')
      } catch (error) {
        logger.warn({ jobId, error }, 'Interrupted job could not be taken up')
      }
    }
    if (this.#stopped) return
    this.#recovery?.cancel()
    this.#recovery = clock.setTimeout(() => {
      this.recover().catch((error: unknown) => logger.error({ error }, 'Recovery of interrupted jobs failed'))
    }, leaseMs)
    this.#recovery.unref()
  }

  /** Lets blocks in flight commit and leaves the jobs `interrupted`. */
  async stop(cause: RecalcError): Promise<void> {
    this.#stopped = cause
    this.#recovery?.cancel()
    for (const { runner } of this.#runners.values()) runner.interrupt(cause)
    await Promise.all([...this.#runners.values()].map(({ ended }) => ended))
  }

  async #claim(jobId: string, from: readonly JobStatus[]): Promise<JobHandle> {
    const { jobs } = this.#options
    const record = await jobs.get(jobId)
    if (!record) throw new JobNotFoundError(jobId)
    const selection = this.#options.select(record.plan)
    if (!selection) {
      const stages = record.plan.stages.join(', ')
      throw new NotResumableError(jobId, `this service does not have all of its stages (${stages})`)
    }
    const claim = await jobs.claim(jobId, { ...this.#leaseRequest(), from })
    if ('activeJobId' in claim) throw new JobConflictError(claim.activeJobId)
    if ('status' in claim) throw new NotResumableError(jobId, `it is ${claim.status}`)
    const { lease, ...claimed } = claim
    return this.#run(lease, claimed.record, selection, { ...claimed, signal: undefined, after: claimed.record.lastSeq })
  }

  #run(
    lease: Lease,
    record: JobRecord,
    selection: Selection<Tx>,
    how: Partial<Pick<OwnedJob<Tx>, 'checkpoint' | 'lastFailure'>> & {
      readonly signal: AbortSignal | undefined
      readonly after: number
    },
  ): JobHandle {
    const { checkpoint = startOfRun, lastFailure = 0, signal, after } = how
    const runner = new JobRunner(this.#options, { lease, record, checkpoint, lastFailure, selection })
    const cancel = () => {
      const reason: unknown = signal?.reason
      void this.cancel(record.id, reason instanceof Error ? reason.message : String(reason))
    }
    signal?.addEventListener('abort', cancel, { once: true })
    const ended = runner.run().finally(() => {
      signal?.removeEventListener('abort', cancel)
      this.#runners.delete(record.id)
    })
    this.#runners.set(record.id, { runner, ended })
    if (signal?.aborted) cancel()
    if (this.#stopped) runner.interrupt(this.#stopped)
    return this.#handle(record, after, ended)
  }

  #handle(record: JobRecord, after: number, ended: Promise<RecalcResult> | undefined): JobHandle {
    const { jobs, logger } = this.#options
    const cancel = (reason: string | null) => this.cancel(record.id, reason)
    return new JobHandle({ id: record.id, jobs, logger, after, cancel, ...(ended && { ended }) })
  }

  #leaseRequest(): LeaseRequest {
    const { owner, clock, leaseMs } = this.#options
    return { owner, now: clock.now(), leaseMs }
  }
}
