import type { Timer } from '../calendar/clock.ts'
import { LeaseLostError } from '../errors.ts'
import type { Selection } from '../pipeline/selection.ts'
import type { Checkpoint, LaneCheckpoint, RecordedFailure, Step } from '../run/checkpoint.ts'
import type { Employee } from '../run/host-contracts.ts'
import type { AfterCommit, RetryNotice, RunJournal, RunPhase } from '../run/journal.ts'
import { type Counters, codeOf, messageOf, type RecalcResult } from '../run/result.ts'
import { executeRun, phasesOf } from '../run/run.ts'
import { RunControl } from '../run/run-control.ts'
import { endStatus } from '../run/run-now.ts'
import type { RunSettings } from '../run/settings.ts'
import type { JobEvent, JobEventDraft } from './job-events.ts'
import type { JobRecord } from './job-record.ts'
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
  readonly record: JobRecord
  readonly checkpoint: Checkpoint
  readonly lastFailure: number
  readonly selection: Selection<Tx>
}

/**
 * One run of one job, under one lease: lets the run go, keeps the lease, and writes down what happens in the order in
 * which it happens. The result, the last event and the status of the job become visible in one write, the last one.
 */
export class JobRunner<Tx> implements RunJournal<Tx> {
  readonly checkpoint: Checkpoint
  readonly lastFailure: number
  readonly #giveUp = new AbortController()
  readonly #control = new RunControl(this.#giveUp.signal)
  readonly #settings: JobSettings<Tx>
  readonly #owned: OwnedJob<Tx>
  #record: JobRecord
  #meter: ProgressMeter
  #last: Employee | undefined
  #written: Promise<void> = Promise.resolve()
  #heartbeat: Timer | undefined

  constructor(settings: JobSettings<Tx>, owned: OwnedJob<Tx>) {
    this.#settings = settings
    this.#owned = owned
    this.#record = owned.record
    this.checkpoint = owned.checkpoint
    this.lastFailure = owned.lastFailure
    this.#meter = new ProgressMeter(owned.record, settings.clock.now(), settings.progressIntervalMs)
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
    const { selection } = this.#owned
    const phases = phasesOf(selection)
    const at = new Date(this.#now())
    const isFirst = this.#record.runs === 0
    this.#apply({ type: 'begin', at, phases })
    const { runs } = this.#record
    this.#tell(isFirst ? { type: 'started', stages: phases } : { type: 'resumed', stages: phases, runs })
    this.#tell(this.#meter.tell(this.#record, this.#now(), undefined))
    this.#beat()
    await executeRun({
      plan: this.#record.plan,
      selection,
      settings: this.#settings,
      control: this.#control,
      journal: this,
    })
    this.#heartbeat?.cancel()
    return await this.#end()
  }

  // What the run tells: RunJournal.

  failures(page: { readonly after: number; readonly limit: number }): Promise<readonly RecordedFailure[]> {
    return this.#settings.jobs.failures(this.jobId, page)
  }

  openLanes(lanes: readonly LaneCheckpoint[], handedOut: { after: string | null; all: boolean }): Promise<void> {
    return this.#settings.jobs.openLanes(this.#owned.lease, lanes, handedOut)
  }

  splitLane(laneId: number, halves: readonly LaneCheckpoint[]): Promise<void> {
    return this.#settings.jobs.splitLane(this.#owned.lease, laneId, halves)
  }

  save(tx: Tx, step: Step): Promise<AfterCommit | undefined> {
    return this.#settings.jobs.saveStep(tx, this.#owned.lease, step)
  }

  committed(step: Step, last: Employee | undefined): void {
    this.#apply({ type: 'step', step })
    this.#last = last ?? this.#last
    for (const failure of step.failures) this.#tell({ type: 'failure', ...failure })
    const now = this.#now()
    if (this.#meter.isDue(now)) this.#tell(this.#meter.tell(this.#record, now, this.#last))
  }

  counted(totalDays: number): void {
    this.#apply({ type: 'counted', totalDays })
  }

  phase(phase: RunPhase): void {
    this.#apply({ type: 'phase', phase })
    this.#tell({ type: 'stage', stage: phase.number, name: phase.name, title: phase.title })
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
    const record = this.#record
    this.#written = this.#written
      .then(() => this.#settings.jobs.append(this.#owned.lease, events, record))
      .catch((error: unknown) => this.#cannotWrite(error))
  }

  #numbered(draft: JobEventDraft, seq: number, at: Date): JobEvent {
    return { ...draft, seq, jobId: this.jobId, at } as JobEvent // a draft is an event without these three
  }

  #cannotWrite(error: unknown): void {
    this.#settings.logger.error({ jobId: this.jobId, error }, 'Job events could not be stored')
    if (error instanceof LeaseLostError) this.#loseLease(error)
    else this.#control.stop({ status: 'failed', cause: error })
  }

  /** Another process works on the job: whatever is in flight here is to give up, its writes would be refused. */
  #loseLease(error: LeaseLostError): void {
    this.#control.stop({ status: 'interrupted', cause: error })
    this.#giveUp.abort(error)
  }

  #beat(): void {
    const { clock, leaseMs, jobs } = this.#settings
    this.#heartbeat = clock.setTimeout(async () => {
      try {
        const renewal = await jobs.renew(this.#owned.lease, { ...this.#owned.lease, now: this.#now(), leaseMs })
        if (renewal.cancel) this.cancel(renewal.cancel.reason)
      } catch (error) {
        if (error instanceof LeaseLostError) this.#loseLease(error)
        else this.#settings.logger.warn({ jobId: this.jobId, error }, 'The lease could not be renewed')
      }
      if (!this.#control.stopped) this.#beat()
    }, leaseMs / 3)
    this.#heartbeat.unref()
  }

  async #end(): Promise<RecalcResult> {
    const { stopped } = this.#control
    const status = stopped?.status ?? endStatus(this.counters)
    const isFault = stopped?.status === 'failed' && !stopped.failure
    const fault = isFault ? { code: codeOf(stopped.cause), message: messageOf(stopped.cause) } : null
    await this.#written
    const result: RecalcResult = {
      status,
      ...this.counters,
      errors: await this.#firstErrors(),
      ...(fault && { error: fault }),
      startedAt: this.#record.startedAt ?? this.#record.createdAt,
      finishedAt: new Date(this.#now()),
    }
    this.#apply({ type: 'end', result, fault })
    const progress = this.#meter.tell(this.#record, this.#now(), this.#last)
    this.#tell(progress, endEvent(result, stopped?.cause))
    await this.#written
    return result
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
