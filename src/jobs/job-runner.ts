import { LeaseLostError, RecoveryLimitError } from '../errors.ts'
import { loggerWith } from '../pipeline/logger.ts'
import type { Selection } from '../pipeline/selection.ts'
import type { ActiveRun } from '../run/active-run.ts'
import type { Checkpoint, Dispatched, LaneCheckpoint, RecordedFailure, Step } from '../run/checkpoint.ts'
import { daysDone } from '../run/counters.ts'
import { causeOf, type RecalcFailure } from '../run/failure.ts'
import type { AfterCommit, RetryNotice, RunJournal, RunPhase } from '../run/journal.ts'
import type { Employee } from '../run/plan/host-contracts.ts'
import type { Counters, RecalcResult } from '../run/result.ts'
import { executeRun, phasesOf } from '../run/run.ts'
import { RunControl, type Stop } from '../run/run-control.ts'
import { observed, runEnd, runOperation } from '../run/telemetry.ts'
import { attempt } from '../run/units/attempts.ts'
import { OF_JOB } from '../run/units/unit-slots.ts'
import { Heartbeat } from './heartbeat.ts'
import { cutOff, endEvent, faultOf, frozen, resultOf } from './job-end.ts'
import { isTerminal } from './job-events.ts'
import { JobLog } from './job-log.ts'
import type { JobRecord, JobWithPlan } from './job-record.ts'
import type { JobSettings } from './job-settings.ts'
import type { Lease } from './job-store.ts'
import { DispatchedLanes } from './lanes/dispatched-lanes.ts'
import { LaneFault } from './lanes/lane-fault.ts'
import type { LanesProgress } from './lanes/lane-store.ts'
import type { SharedLanes } from './lanes/shared-lanes.ts'

/** How many failures that others have written down are read together. */
const FAILURES_PER_PAGE = 1_000

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
  readonly #log: JobLog<Tx>
  readonly #heartbeat: Heartbeat
  readonly #shared: SharedLanes<Tx> | undefined
  /** The number of the last failure that events have told of. */
  #emittedFailures: number
  #writeError: unknown

  /** @param shared Undefined: lanes are calculated by this process alone. */
  constructor(settings: JobSettings<Tx>, claimed: ClaimedJob, shared?: SharedLanes<Tx>) {
    const { id: jobId, plan } = claimed.record
    this.#settings = { ...settings, logger: loggerWith(settings.logger, { jobId, tenantId: plan.tenantId }) }
    this.#claimed = claimed
    this.#shared = shared
    this.#emittedFailures = claimed.lastFailure
    this.checkpoint = claimed.checkpoint
    this.lastFailure = claimed.lastFailure
    this.#log = new JobLog(this.#settings, claimed, {
      abandoned: this.#control.signal,
      failed: (error) => this.#cannotWrite(error),
    })
    this.#heartbeat = new Heartbeat(claimed.lease, settings, {
      renewed: ({ cancel, pause }) => this.#stopIfRequested(cancel, pause),
      failed: (err) => this.#settings.logger.warn({ err }, 'The lease could not be renewed'),
      lost: (error) => this.#loseLease(error),
    })
    this.#stopIfRequested(claimed.record.cancel, claimed.record.pauseRequested)
  }

  get jobId(): string {
    return this.#claimed.record.id
  }

  get counters(): Counters {
    return this.#log.record.counters
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
    const isFirst = this.#log.record.runs === 0
    if (takenOver && !isFirst && !(await this.#isEndEmitted())) {
      this.#log.emit({ type: 'interrupted', result: await this.#resultOf(cutOff(this.jobId), false) })
    }
    this.#log.apply({ type: 'begin', at: new Date(this.#now()), phases })
    const { runs, recoveries } = this.#log.record
    this.#log.emit(isFirst ? { type: 'started', stages: phases } : { type: 'resumed', stages: phases, runs })
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
    const poolIn = (shared: SharedLanes<Tx>) => (run: ActiveRun<Tx>) =>
      new DispatchedLanes(run, this.#settings, this.#claimed.lease, shared, {
        progressed: (progress) => this.#progressed(progress),
        advanced: (last) => this.#log.lastIs(last),
      })
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
      ...(this.#shared && { poolOf: poolIn(this.#shared) }),
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
    this.#emittedFailures += step.failures.length + step.moved.length
    const isFirst = this.counters.errorCount === 0
    this.#log.apply({ type: 'step', step })
    this.#emitFailures(step.failures, isFirst)
    this.#log.advanced(last)
  }

  counted(totalDays: number): void {
    this.#log.apply({ type: 'counted', totalDays })
  }

  phase(phase: RunPhase): void {
    this.#log.apply({ type: 'phase', phase })
    this.#log.emit({ type: 'stage', stage: phase.number, name: phase.name, title: phase.title })
    this.#log.progress('first')
  }

  waiting(reason: string | null): void {
    if (reason === this.#log.record.waitingFor) return
    this.#log.apply({ type: 'waiting', reason })
    this.#log.progress('always')
  }

  retrying(notice: RetryNotice, err: unknown): void {
    const { stage, attempt: number, delayMs } = notice
    this.#settings.logger.warn({ stage, attempt: number, delayMs, err }, 'Transient error, trying again')
    this.#log.emit({ type: 'retry', ...notice })
  }

  /** Takes over what other processes have calculated. @returns the failures that are new, in the order of their commits. */
  async #progressed({ counted, lastFailure, requested }: LanesProgress): Promise<readonly RecalcFailure[]> {
    const isFirst = this.counters.errorCount === 0
    const before = daysDone(this.counters)
    const fresh: RecalcFailure[] = []
    while (this.#emittedFailures < lastFailure) {
      const page = await this.failures({ after: this.#emittedFailures, limit: FAILURES_PER_PAGE })
      const upTo = page.filter(({ number }) => number <= lastFailure)
      for (const { number: _, moved, ...failure } of upTo) if (!moved) fresh.push(failure)
      this.#emittedFailures = upTo.length < FAILURES_PER_PAGE ? lastFailure : (upTo.at(-1)?.number ?? lastFailure)
    }
    this.#log.apply({ type: 'recounted', counted })
    this.#emitFailures(fresh, isFirst)
    if (daysDone(this.counters) > before || fresh.length > 0) this.#log.advanced(undefined)
    this.#stopIfRequested(requested.cancel, requested.pause)
    return fresh
  }

  #emitFailures(failures: readonly RecalcFailure[], areFirst: boolean): void {
    for (const failure of failures) this.#log.emit({ type: 'failure', ...failure })
    const [first] = failures
    if (!first || !areFirst) return
    const { employeeId, date, stage } = first
    const err = causeOf(first) ?? new LaneFault(first)
    this.#settings.logger.warn({ employeeId, date, stage, err }, 'The first failure of a job')
  }

  #stopIfRequested(cancel: JobRecord['cancel'], pause: boolean): void {
    if (cancel) this.cancel(cancel.reason)
    else if (pause) this.pause()
  }

  #now(): number {
    return this.#settings.clock.now()
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
    if (!(await this.#log.close())) return await this.#endUnstored(isDone)
    for (let { stopped } = this.#control; ; ) {
      const result = await this.#resultOf(stopped, isDone)
      const end = { type: 'end', result, fault: result.error ?? null } as const
      const written = await this.#log.end(end, endEvent(result, stopped?.cause))
      if (written === true) return { result, isStored: true, lastSeq: this.#log.record.lastSeq }
      if (written === false) return await this.#endUnstored(isDone)
      // It was answered that the job would be cancelled, so that is how it ends.
      stopped = { status: 'cancelled', cause: written.reason }
    }
  }

  /** What this run came to, as far as it knows: the job goes on elsewhere, or is found by its expired lease. */
  async #endUnstored(isDone: boolean): Promise<JobEnd> {
    const result = await this.#resultOf(this.#control.stopped, isDone)
    const left = frozen({ ...result, status: 'interrupted', error: faultOf(this.#writeError) })
    return { result: left, isStored: false, lastSeq: this.#log.record.lastSeq }
  }

  async #resultOf(stopped: Stop | undefined, isDone: boolean): Promise<RecalcResult> {
    const { startedAt, createdAt } = this.#log.record
    const errors = await this.#firstErrors()
    const finishedAt = new Date(this.#now())
    return resultOf(this.counters, { stopped, isDone, errors, startedAt: startedAt ?? createdAt, finishedAt })
  }

  /** True when the last event is a terminal one: whoever worked on the job died before it emitted that it had begun. */
  async #isEndEmitted(): Promise<boolean> {
    try {
      const [last] = await this.#settings.jobs.events(this.jobId, { after: this.#log.record.lastSeq - 1, limit: 1 })
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
      return first.map(({ number: _, moved: __, ...failure }) => failure)
    } catch (error) {
      this.#settings.logger.error({ err: error }, 'Failures could not be read')
      return []
    }
  }
}
