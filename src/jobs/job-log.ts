import type { Employee } from '../run/plan/host-contracts.ts'
import { EventWriter } from './event-writer.ts'
import type { JobEvent, JobEventDraft } from './job-events.ts'
import type { JobRecord } from './job-record.ts'
import type { JobSettings } from './job-settings.ts'
import { type JobAction, reduceJob } from './job-state.ts'
import type { Lease } from './job-store.ts'
import { ProgressMeter } from './progress-meter.ts'

/**
 * What is written down of one run of a job: the record as it stands, and the events in the order in which they happen, each
 * with its number.
 */
export class JobLog<Tx> {
  readonly #settings: JobSettings<Tx>
  readonly #meter: ProgressMeter
  readonly #writer: EventWriter
  #record: JobRecord
  #last: Employee | undefined
  #hasEmittedProgress = false

  /** @param failed Called when events could not be stored; they wait for the next write. */
  constructor(
    settings: JobSettings<Tx>,
    claimed: { readonly lease: Lease; readonly record: JobRecord },
    { abandoned, failed }: { readonly abandoned: AbortSignal; failed(error: unknown): void },
  ) {
    const { clock, progressIntervalMs: intervalMs } = settings
    this.#settings = settings
    this.#record = claimed.record
    this.#meter = new ProgressMeter(claimed.record, { clock, intervalMs, emit: () => this.#emitProgress() })
    this.#writer = new EventWriter(claimed.lease, settings, abandoned, failed)
  }

  get record(): JobRecord {
    return this.#record
  }

  /** Something happened to the job. */
  apply(action: JobAction): void {
    this.#record = reduceJob(this.#record, action)
  }

  emit(...drafts: readonly JobEventDraft[]): void {
    this.#writer.write(this.#numbered(drafts), this.#record)
  }

  /** The job got on; `last` is whose days were dealt with last, when that is known. */
  advanced(last: Employee | undefined): void {
    this.#last = last ?? this.#last
    this.#meter.advanced()
  }

  /** Whose days are under way; progress tells it the next time. */
  lastIs(employee: Employee | undefined): void {
    this.#last = employee ?? this.#last
  }

  /** Emits progress now, when a first or another phase begins, or why it holds still has changed. */
  progress(when: 'always' | 'first'): void {
    if (when === 'always' || !this.#hasEmittedProgress) this.#emitProgress()
  }

  /** Nothing is emitted by itself any more. True once everything is stored. */
  async close(): Promise<boolean> {
    this.#meter.stop()
    return await this.#writer.flush()
  }

  /**
   * Stores the end of the run, in one write. Everything before it must be stored already.
   *
   * @returns the request to cancel that stands against it, if there is one: nothing was stored then. False when the write
   * failed, true when it is stored.
   */
  async end(
    end: Extract<JobAction, { readonly type: 'end' }>,
    event: JobEventDraft,
  ): Promise<boolean | NonNullable<JobRecord['cancel']>> {
    const before = this.#record
    this.apply(end)
    const drafts = [this.#meter.measure(this.#record, this.#last), event]
    const written = await this.#writer.writeEnd(this.#numbered(drafts), this.#record)
    if (typeof written !== 'boolean') this.#record = before
    return written
  }

  /** Events with their numbers; the record's last number is theirs. */
  #numbered(drafts: readonly JobEventDraft[]): readonly JobEvent[] {
    const { lastSeq, id: jobId } = this.#record
    const at = new Date(this.#settings.clock.now())
    this.#record = { ...this.#record, lastSeq: lastSeq + drafts.length }
    // A draft is an event without these three.
    return drafts.map((draft, i) => Object.freeze({ ...draft, seq: lastSeq + 1 + i, jobId, at }) as JobEvent)
  }

  #emitProgress(): void {
    this.#hasEmittedProgress = true
    const progress = this.#meter.measure(this.#record, this.#last)
    this.apply({ type: 'progress', remainingMs: progress.remainingMs })
    this.emit(progress)
  }
}
