import { LeaseLostError } from '../errors.ts'
import type { Selection } from '../pipeline/selection.ts'
import { attempt } from '../run/units/attempts.ts'
import type { Checkpoint, LaneCheckpoint, RecordedFailure, Step } from '../run/checkpoint.ts'
import type { AfterCommit, RetryNotice, RunJournal, RunPhase } from '../run/journal.ts'
import type { Employee } from '../run/plan/host-contracts.ts'
import { type Counters, codeOf, messageOf, type RecalcResult, type RunFault } from '../run/result.ts'
import { executeRun, phasesOf } from '../run/run.ts'
import { RunControl, type Stop } from '../run/run-control.ts'
import { endStatus } from '../run/run-now.ts'
import type { RunSettings } from '../run/run-settings.ts'
import { EventWriter } from './event-writer.ts'
import { Heartbeat } from './heartbeat.ts'
import { isTerminal, type JobEvent, type JobEventDraft } from './job-events.ts'
import type { JobRecord, JobWithPlan } from './job-record.ts'
import { type JobAction, reduceJob } from './job-state.ts'
import type { JobStore, Lease } from './job-store.ts'
import { ProgressMeter } from './progress-meter.ts'

/** What every job of a service works with. */
export interface JobSettings<Tx> extends RunSettings<Tx> {
  readonly jobs: JobStore<Tx>
  readonly progressIntervalMs: number
  readonly maxErrorsKept: number
  readonly leaseMs: number
}

/** A job that this process may work on. */
export interface OwnedJob<Tx> {
  readonly lease: Lease
  readonly record: JobWithPlan
  readonly checkpoint: Checkpoint
  readonly lastFailure: number
  /** Its last run did not end: the worker died, or is cut off. */
  readonly takenOver: boolean
  readonly selection: Selection<Tx>
}

/**
 * One run of one job, under one lease: lets the run go, keeps the lease, and writes down what happens in the order in
 * which it happens. The result, the last event and the status of the job become visible in one write, the last one.
 *
 * When the lease is lost, or the end cannot be stored, the job is left to whoever finds it by its expired lease, and the
 * result of this run is `interrupted`.
 */
export class JobRunner<Tx> implements RunJournal<Tx> {
  readonly checkpoint: Checkpoint
  readonly lastFailure: number
  readonly #giveUp = new AbortController()
  readonly #control = new RunControl(this.#giveUp.signal)
  readonly #settings: JobSettings<Tx>
  readonly #owned: OwnedJob<Tx>
  readonly #phases: readonly RunPhase[]
  readonly #meter: ProgressMeter
  readonly #writer: EventWriter
  readonly #heartbeat: Heartbeat
  #record: JobRecord
  #last: Employee | undefined
  #toldBeginning = false
  #writeError: unknown

  constructor(settings: JobSettings<Tx>, owned: OwnedJob<Tx>) {
    this.#settings = settings
    this.#owned = owned
    this.#record = owned.record
    this.checkpoint = owned.checkpoint
    this.lastFailure = owned.lastFailure
    this.#phases = phasesOf(owned.selection)
    this.#meter = new ProgressMeter(owned.record, settings.clock.now(), settings.progressIntervalMs)
    this.#writer = new EventWriter(owned.lease, settings, (error) => this.#cannotWrite(error))
    this.#heartbeat = new Heartbeat(owned.lease, settings, {
      renewed: ({ cancel }) => cancel && this.cancel(cancel.reason),
      failed: (error) => this.#notRenewed(error),
    })
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

  /** As {@link cancel}, but leaves the job for whoever recovers it. */
  interrupt(cause: unknown): void {
    this.#control.stop({ status: 'interrupted', cause })
  }

  /** Runs the job to its end; never rejects. */
  async run(): Promise<RecalcResult> {
    const { selection, record, takenOver } = this.#owned
    const { plan } = record
    const isFirst = this.#record.runs === 0
    if (takenOver && !isFirst && !(await this.#endIsTold())) {
      this.#tell({ type: 'interrupted', result: await this.#resultOf(cutOff(this.jobId)) })
    }
    this.#apply({ type: 'begin', at: new Date(this.#now()), phases: this.#phases })
    const { runs } = this.#record
    this.#tell(isFirst ? { type: 'started', stages: this.#phases } : { type: 'resumed', stages: this.#phases, runs })
    this.#heartbeat.start()
    await executeRun({ plan, selection, settings: this.#settings, control: this.#control, journal: this })
    const result = await this.#end()
    this.#heartbeat.stop()
    return result
  }

  /** Ends the job as `interrupted` without working on it; never rejects. */
  async leave(): Promise<RecalcResult> {
    this.#control.stop(cutOff(this.jobId))
    return await this.#end()
  }

  /** Resolves when a heartbeat that was in flight as the run ended is over; nobody needs to wait for it but `stop()`. */
  quiet(): Promise<void> {
    return this.#heartbeat.quiet()
  }

  // What the run tells: RunJournal.

  failures(page: { readonly after: number; readonly limit: number }): Promise<readonly RecordedFailure[]> {
    return this.#settings.jobs.failures(this.jobId, page)
  }

  openLanes(lanes: readonly LaneCheckpoint[], handedOut: { after: string | null; all: boolean }): Promise<void> {
    return this.#attempt(() => this.#settings.jobs.openLanes(this.#owned.lease, lanes, handedOut))
  }

  splitLane(laneId: number, halves: readonly LaneCheckpoint[]): Promise<void> {
    return this.#attempt(() => this.#settings.jobs.splitLane(this.#owned.lease, laneId, halves))
  }

  save(tx: Tx, step: Step): Promise<AfterCommit | undefined> {
    return this.#settings.jobs.saveStep(tx, this.#owned.lease, step)
  }

  committed(step: Step, last: Employee | undefined): void {
    this.#apply({ type: 'step', step })
    this.#last = last ?? this.#last
    for (const failure of step.failures) this.#tell({ type: 'failure', ...failure })
    if (this.#meter.isDue(this.#now())) this.#tellProgress()
  }

  counted(totalDays: number): void {
    this.#apply({ type: 'counted', totalDays })
  }

  phase(phase: RunPhase): void {
    this.#apply({ type: 'phase', phase })
    this.#tell({ type: 'stage', stage: phase.number, name: phase.name, title: phase.title })
    if (!this.#toldBeginning) this.#tellProgress()
  }

  retrying(notice: RetryNotice): void {
    this.#settings.logger.warn({ jobId: this.jobId, ...notice }, 'Transient error, trying again')
    this.#tell({ type: 'retry', ...notice })
  }

  #now(): number {
    return this.#settings.clock.now()
  }

  #apply(action: JobAction): void {
    this.#record = reduceJob(this.#record, action)
  }

  #tell(...drafts: readonly JobEventDraft[]): void {
    const at = new Date(this.#now())
    const events = drafts.map((draft, i) => this.#numbered(draft, this.#record.lastSeq + 1 + i, at))
    this.#record = { ...this.#record, lastSeq: this.#record.lastSeq + events.length }
    this.#writer.write(events, this.#record)
  }

  #numbered(draft: JobEventDraft, seq: number, at: Date): JobEvent {
    return { ...draft, seq, jobId: this.jobId, at } as JobEvent // a draft is an event without these three
  }

  #tellProgress(): void {
    this.#toldBeginning = true
    const progress = this.#meter.tell(this.#record, this.#now(), this.#last)
    this.#apply({ type: 'progress', remainingMs: progress.remainingMs })
    this.#tell(progress)
  }

  async #attempt(write: () => Promise<void>): Promise<void> {
    await attempt('checkpoint', { settings: this.#settings, control: this.#control, journal: this }, write)
  }

  #cannotWrite(error: unknown): void {
    this.#settings.logger.error({ jobId: this.jobId, error }, 'Job events could not be stored')
    this.#writeError = error
    if (error instanceof LeaseLostError) this.#loseLease(error)
    else this.#control.stop({ status: 'failed', cause: error })
  }

  #notRenewed(error: unknown): void {
    this.#settings.logger.warn({ jobId: this.jobId, error }, 'The lease could not be renewed')
    if (error instanceof LeaseLostError) this.#loseLease(error)
  }

  /** Another process works on the job: whatever is in flight here is to give up, its writes would be refused. */
  #loseLease(error: LeaseLostError): void {
    this.#control.stop({ status: 'interrupted', cause: error })
    this.#giveUp.abort(error)
  }

  async #end(): Promise<RecalcResult> {
    await this.#writer.flush()
    const { stopped } = this.#control
    const result = await this.#resultOf(stopped)
    this.#apply({ type: 'end', result, fault: result.error ?? null })
    this.#tell(this.#meter.tell(this.#record, this.#now(), this.#last), endEvent(result, stopped?.cause))
    return (await this.#writer.flush()) ? result : leftBehind(result, this.#writeError)
  }

  async #resultOf(stopped: Stop | undefined): Promise<RecalcResult> {
    const isFault = (stopped?.status === 'failed' && !stopped.failure) || stopped?.cause instanceof LeaseLostError
    return {
      status: stopped?.status ?? endStatus(this.counters),
      ...this.counters,
      errors: await this.#firstErrors(),
      ...(isFault && { error: faultOf(stopped?.cause) }),
      startedAt: this.#record.startedAt ?? this.#record.createdAt,
      finishedAt: new Date(this.#now()),
    }
  }

  /** True when the last event is a terminal one: whoever worked on the job died before it told that it had begun. */
  async #endIsTold(): Promise<boolean> {
    try {
      const [last] = await this.#settings.jobs.events(this.jobId, { after: this.#record.lastSeq - 1, limit: 1 })
      return last !== undefined && isTerminal(last)
    } catch (error) {
      this.#settings.logger.error({ jobId: this.jobId, error }, 'The last event could not be read')
      return false
    }
  }

  async #firstErrors(): Promise<RecalcResult['errors']> {
    try {
      const first = await this.failures({ after: 0, limit: this.#settings.maxErrorsKept })
      return first.map(({ number: _, ...failure }) => failure)
    } catch (error) {
      this.#settings.logger.error({ jobId: this.jobId, error }, 'Failures could not be read')
      return []
    }
  }
}

/** How a run ended whose worker died, or lost its lease. */
function cutOff(jobId: string): Stop {
  return { status: 'interrupted', cause: new LeaseLostError(jobId) }
}

function faultOf(error: unknown): RunFault {
  return { code: codeOf(error), message: messageOf(error) }
}

/** What this run came to, as far as it knows: the job goes on elsewhere, or is found by its expired lease. */
function leftBehind(result: RecalcResult, cause: unknown): RecalcResult {
  return { ...result, status: 'interrupted', error: faultOf(cause) }
}

function endEvent(result: RecalcResult, cause: unknown): JobEventDraft {
  switch (result.status) {
    case 'completed':
    case 'completed_with_errors':
      return { type: 'completed', result }
    case 'cancelled':
      return { type: 'cancelled', result, reason: typeof cause === 'string' ? cause : null }
    case 'failed':
    case 'interrupted':
      return { type: result.status, result }
  }
}
