import { BackendUnavailableError, LeaseLostError, RecoveryLimitError } from '../errors.ts'
import { loggerWith } from '../pipeline/logger.ts'
import type { Selection } from '../pipeline/selection.ts'
import type { Checkpoint, Dispatched, LaneCheckpoint, RecordedFailure, Step } from '../run/checkpoint.ts'
import { causeOf, codeOf, messageOf } from '../run/failure.ts'
import type { AfterCommit, RetryNotice, RunJournal, RunPhase } from '../run/journal.ts'
import type { Employee } from '../run/plan/host-contracts.ts'
import { type Counters, endStatus, type RecalcResult, type RunFault } from '../run/result.ts'
import { executeRun, phasesOf } from '../run/run.ts'
import { RunControl, type Stop } from '../run/run-control.ts'
import { observed, runEnd, runOperation } from '../run/telemetry.ts'
import { attempt } from '../run/units/attempts.ts'
import { OF_JOB } from '../run/units/unit-slots.ts'
import { EventWriter } from './event-writer.ts'
import { Heartbeat } from './heartbeat.ts'
import { isTerminal, type JobEvent, type JobEventDraft } from './job-events.ts'
import type { JobRecord, JobWithPlan } from './job-record.ts'
import type { JobSettings } from './job-settings.ts'
import { type JobAction, reduceJob } from './job-state.ts'
import type { Lease } from './job-store.ts'
import { ProgressMeter } from './progress-meter.ts'

/** A job that this process has claimed. */
export interface ClaimedJob {
  readonly lease: Lease
  readonly record: JobWithPlan
  readonly checkpoint: Checkpoint
  readonly lastFailure: number
  /** Its last run did not end: the worker died, or is cut off. */
  readonly takenOver: boolean
}

/** How a run of a job ended. */
export interface JobEnd {
  readonly result: RecalcResult
  /** False when its end could not be stored: whoever finds the job by its expired lease takes it up. */
  readonly isStored: boolean
  /** The `seq` of the last event of the run. */
  readonly lastSeq: number
}

/**
 * One run of one job, under one lease: executes the run, keeps the lease, and stores what happens in the order in which it
 * happens. The result, the last event and the status of the job become visible in one write, the last one.
 *
 * When the lease is lost, or the end cannot be stored, the job is left to whoever finds it by its expired lease, and the
 * result of this run is `interrupted`.
 */
export class JobRunner<Tx> implements RunJournal<Tx> {
  readonly checkpoint: Checkpoint
  readonly lastFailure: number
  readonly #control = new RunControl()
  readonly #settings: JobSettings<Tx>
  readonly #claimed: ClaimedJob
  readonly #meter: ProgressMeter
  readonly #writer: EventWriter
  readonly #heartbeat: Heartbeat
  #record: JobRecord
  #last: Employee | undefined
  #hasEmittedProgress = false
  #writeError: unknown

  constructor(settings: JobSettings<Tx>, claimed: ClaimedJob) {
    const { clock, progressIntervalMs: intervalMs } = settings
    const { id: jobId, plan } = claimed.record
    this.#settings = { ...settings, logger: loggerWith(settings.logger, { jobId, tenantId: plan.tenantId }) }
    this.#claimed = claimed
    this.#record = claimed.record
    this.checkpoint = claimed.checkpoint
    this.lastFailure = claimed.lastFailure
    this.#meter = new ProgressMeter(claimed.record, { clock, intervalMs, emit: () => this.#emitProgress() })
    this.#writer = new EventWriter(claimed.lease, this.#settings, this.#control.signal, (error) =>
      this.#cannotWrite(error),
    )
    this.#heartbeat = new Heartbeat(claimed.lease, settings, {
      renewed: ({ cancel, pause }) => this.#heed(cancel, pause),
      failed: (err) => this.#settings.logger.warn({ err }, 'The lease could not be renewed'),
      lost: (error) => this.#loseLease(error),
    })
    this.#heed(claimed.record.cancel, claimed.record.pauseRequested)
  }

  get jobId(): string {
    return this.#record.id
  }

  get counters(): Counters {
    return this.#record.counters
  }

  /** Ends the run gracefully: blocks in flight commit, no other starts. */
  cancel(reason: string | null): void {
    this.#control.stop({ status: 'cancelled', cause: reason })
  }

  /** As {@link cancel}, but leaves the job for whoever resumes it. */
  pause(): void {
    this.#control.stop({ status: 'paused', cause: undefined })
  }

  /** As {@link cancel}, but leaves the job for whoever recovers it. */
  interrupt(cause: unknown): void {
    this.#control.stop({ status: 'interrupted', cause })
  }

  /** As {@link interrupt}, without waiting for what is in flight. */
  abandon(cause: unknown): void {
    this.#control.abandon(cause)
  }

  /** Runs the job to its end; never rejects. */
  async run(selection: Selection<Tx>): Promise<JobEnd> {
    const { logger, maxRecoveries, telemetry } = this.#settings
    const { takenOver, record } = this.#claimed
    const { plan } = record
    const phases = phasesOf(selection)
    const isFirst = this.#record.runs === 0
    if (takenOver && !isFirst && !(await this.#isEndEmitted())) {
      this.#emit({ type: 'interrupted', result: await this.#resultOf(cutOff(this.jobId), false) })
    }
    this.#apply({ type: 'begin', at: new Date(this.#now()), phases })
    const { runs, recoveries } = this.#record
    this.#emit(isFirst ? { type: 'started', stages: phases } : { type: 'resumed', stages: phases, runs })
    logger.info({ runs }, 'Job started')
    this.#heartbeat.start()
    if (recoveries > maxRecoveries) {
      this.#control.stop({ status: 'failed', cause: new RecoveryLimitError(this.jobId, recoveries) })
    }
    const end = await observed(
      telemetry,
      () => runOperation(this.jobId, plan, true),
      async () => await this.#end(await this.#execute(selection)),
      ({ result }) => runEnd(result.status, result, this.#control.stopped?.cause),
    )
    this.#heartbeat.stop()
    const { status, processedDays, failedDays, error } = end.result
    const err = error && (this.#writeError ?? this.#control.stopped?.cause)
    logger.info({ status, processedDays, failedDays, ...(err !== undefined && { err }) }, 'Job ended')
    if (err instanceof LeaseLostError) telemetry?.record({ type: 'lease-lost' })
    return end
  }

  #execute(selection: Selection<Tx>): Promise<boolean> {
    return executeRun({
      id: this.jobId,
      jobId: this.jobId,
      reason: this.#claimed.record.reason,
      plan: this.#claimed.record.plan,
      selection,
      settings: this.#settings,
      control: this.#control,
      journal: this,
      rank: OF_JOB,
      throttle: this.#settings.throttle,
    })
  }

  /**
   * Ends the job without working on it, as `cancelled` or `paused` when somebody asked for that, else `interrupted`; never
   * rejects.
   */
  async close(): Promise<JobEnd> {
    this.#control.stop(cutOff(this.jobId))
    return await this.#end(false)
  }

  /** Resolves when a heartbeat that was in flight as the run ended is over; nobody needs to wait for it but `stop()`. */
  idle(): Promise<void> {
    return this.#heartbeat.idle()
  }

  // The run's journal.

  failures(page: { readonly after: number; readonly limit: number }): Promise<readonly RecordedFailure[]> {
    return this.#settings.jobs.failures(this.jobId, page)
  }

  failuresOf(employeeIds: readonly string[]): Promise<readonly RecordedFailure[]> {
    return this.#settings.jobs.failuresOf(this.jobId, employeeIds)
  }

  openLanes(lanes: readonly LaneCheckpoint[], dispatched: Dispatched | undefined): Promise<void> {
    return this.#attempt(() => this.#settings.jobs.openLanes(this.#claimed.lease, lanes, dispatched))
  }

  splitLane(laneId: number, halves: readonly LaneCheckpoint[]): Promise<void> {
    return this.#attempt(() => this.#settings.jobs.splitLane(this.#claimed.lease, laneId, halves))
  }

  save(tx: Tx, step: Step): Promise<AfterCommit | undefined> {
    return this.#settings.jobs.saveStep(tx, this.#claimed.lease, step)
  }

  committed(step: Step, last: Employee | undefined): void {
    const isFirstFailure = step.failures.length > 0 && this.counters.errorCount === 0
    this.#apply({ type: 'step', step })
    this.#last = last ?? this.#last
    for (const failure of step.failures) this.#emit({ type: 'failure', ...failure })
    if (isFirstFailure) {
      const [first] = step.failures
      const { employeeId, date, stage } = first ?? {}
      this.#settings.logger.warn({ employeeId, date, stage, err: causeOf(first) }, 'The first failure of a job')
    }
    this.#meter.advanced()
  }

  counted(totalDays: number): void {
    this.#apply({ type: 'counted', totalDays })
  }

  phase(phase: RunPhase): void {
    this.#apply({ type: 'phase', phase })
    this.#emit({ type: 'stage', stage: phase.number, name: phase.name, title: phase.title })
    if (!this.#hasEmittedProgress) this.#emitProgress()
  }

  waiting(reason: string | null): void {
    if (reason === this.#record.waitingFor) return
    this.#apply({ type: 'waiting', reason })
    this.#emitProgress()
  }

  retrying(notice: RetryNotice, err: unknown): void {
    const { stage, attempt: number, delayMs } = notice
    this.#settings.logger.warn({ stage, attempt: number, delayMs, err }, 'Transient error, trying again')
    this.#emit({ type: 'retry', ...notice })
  }

  #heed(cancel: JobRecord['cancel'], pause: boolean): void {
    if (cancel) this.cancel(cancel.reason)
    else if (pause) this.pause()
  }

  #now(): number {
    return this.#settings.clock.now()
  }

  #apply(action: JobAction): void {
    this.#record = reduceJob(this.#record, action)
  }

  #emit(...drafts: readonly JobEventDraft[]): void {
    this.#writer.write(this.#numbered(drafts), this.#record)
  }

  /** Events with their numbers; the record's last number is theirs. */
  #numbered(drafts: readonly JobEventDraft[]): readonly JobEvent[] {
    const { lastSeq } = this.#record
    const at = new Date(this.#now())
    this.#record = { ...this.#record, lastSeq: lastSeq + drafts.length }
    // A draft is an event without these three.
    return drafts.map(
      (draft, i) => Object.freeze({ ...draft, seq: lastSeq + 1 + i, jobId: this.jobId, at }) as JobEvent,
    )
  }

  #emitProgress(): void {
    this.#hasEmittedProgress = true
    const progress = this.#meter.measure(this.#record, this.#last)
    this.#apply({ type: 'progress', remainingMs: progress.remainingMs })
    this.#emit(progress)
  }

  async #attempt(write: () => Promise<void>): Promise<void> {
    await attempt('checkpoint', { settings: this.#settings, control: this.#control, journal: this }, write)
  }

  #cannotWrite(error: unknown): void {
    this.#settings.logger.error({ err: error }, 'Job events could not be stored')
    this.#writeError = error
    if (error instanceof LeaseLostError) this.#loseLease(error)
    else this.#control.fail(error)
  }

  /** Another process may work on the job: whatever is in flight here is given up, its writes would be refused. */
  #loseLease(error: LeaseLostError): void {
    this.#settings.logger.warn({ err: error }, 'The job is given up')
    this.#control.abandon(error)
  }

  async #end(isDone: boolean): Promise<JobEnd> {
    this.#meter.stop()
    if (!(await this.#writer.flush())) return await this.#endUnstored(isDone)
    for (let { stopped } = this.#control; ; ) {
      const before = this.#record
      const result = await this.#resultOf(stopped, isDone)
      this.#apply({ type: 'end', result, fault: result.error ?? null })
      const drafts = [this.#meter.measure(this.#record, this.#last), endEvent(result, stopped?.cause)]
      const written = await this.#writer.writeEnd(this.#numbered(drafts), this.#record)
      if (written === true) return { result, isStored: true, lastSeq: this.#record.lastSeq }
      if (written === false) return await this.#endUnstored(isDone)
      // It was answered that the job would be cancelled, so that is how it ends.
      this.#record = before
      stopped = { status: 'cancelled', cause: written.reason }
    }
  }

  /** What this run came to, as far as it knows: the job goes on elsewhere, or is found by its expired lease. */
  async #endUnstored(isDone: boolean): Promise<JobEnd> {
    const result = await this.#resultOf(this.#control.stopped, isDone)
    const left = frozen({ ...result, status: 'interrupted', error: faultOf(this.#writeError) })
    return { result: left, isStored: false, lastSeq: this.#record.lastSeq }
  }

  async #resultOf(stopped: Stop | undefined, isDone: boolean): Promise<RecalcResult> {
    // A run that was interrupted, or paused, when there was nothing left to do is complete.
    const isLeft = stopped?.status === 'interrupted' || stopped?.status === 'paused'
    const early = isLeft && isDone ? undefined : stopped
    const isFault =
      (early?.status === 'failed' && !early.failure) || (early?.status === 'interrupted' && isTrouble(early.cause))
    return frozen({
      status: early?.status ?? endStatus(this.counters),
      ...this.counters,
      errors: await this.#firstErrors(),
      ...(isFault && { error: faultOf(early?.cause) }),
      startedAt: this.#record.startedAt ?? this.#record.createdAt,
      finishedAt: new Date(this.#now()),
    })
  }

  /** True when the last event is a terminal one: whoever worked on the job died before it emitted that it had begun. */
  async #isEndEmitted(): Promise<boolean> {
    try {
      const [last] = await this.#settings.jobs.events(this.jobId, { after: this.#record.lastSeq - 1, limit: 1 })
      return last !== undefined && isTerminal(last)
    } catch (error) {
      this.#settings.logger.error({ err: error }, 'The last event could not be read')
      return false
    }
  }

  async #firstErrors(): Promise<RecalcResult['errors']> {
    const limit = this.#settings.maxErrorsKept
    if (this.counters.errorCount === 0 || limit === 0) return []
    try {
      const first = await this.failures({ after: 0, limit })
      return first.map(({ number: _, ...failure }) => failure)
    } catch (error) {
      this.#settings.logger.error({ err: error }, 'Failures could not be read')
      return []
    }
  }
}

/** How a run ended whose worker died, or lost its lease. */
function cutOff(jobId: string): Stop {
  return { status: 'interrupted', cause: new LeaseLostError(jobId) }
}

/** True for what interrupted a run although nobody wanted it. */
function isTrouble(cause: unknown): boolean {
  return cause instanceof LeaseLostError || cause instanceof BackendUnavailableError
}

function faultOf(error: unknown): RunFault {
  return { code: codeOf(error), message: messageOf(error) }
}

/** Results are given to callers and kept: nobody may change one. */
function frozen(result: RecalcResult): RecalcResult {
  for (const error of result.errors) Object.freeze(error)
  Object.freeze(result.errors)
  return Object.freeze(result)
}

function endEvent(result: RecalcResult, cause: unknown): JobEventDraft {
  switch (result.status) {
    case 'completed':
    case 'completed_with_errors':
      return { type: 'completed', result }
    case 'cancelled':
      return { type: 'cancelled', result, reason: typeof cause === 'string' ? cause : null }
    case 'failed':
    case 'paused':
    case 'interrupted':
      return { type: result.status, result }
  }
}
