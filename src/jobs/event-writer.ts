import { BackendUnavailableError, CallTimeoutError } from '../errors.ts'
import { backoffMs, sleep } from '../run/units/backoff.ts'
import type { UnitOfWork } from '../run/units/unit-of-work.ts'
import type { JobEvent } from './job-events.ts'
import type { JobRecord } from './job-record.ts'
import type { JobSettings } from './job-settings.ts'
import type { Lease } from './job-store.ts'

/** Settings that matter to the writer. */
type WriterSettings = Pick<JobSettings<never>, 'jobs' | 'retry' | 'clock'> & {
  readonly unitOfWork: Pick<UnitOfWork<never>, 'isTransient'>
}

/**
 * Stores a job's events in the order in which they happen, one write at a time: what happens during a write goes into the
 * next one, so a slow store gets fewer writes, not a longer queue of them. Events whose write failed wait for the next
 * write and stay in front of what follows: none is ever left out.
 */
export class EventWriter {
  readonly #lease: Lease
  readonly #settings: WriterSettings
  readonly #failed: (error: unknown) => void
  readonly #abandoned: AbortSignal
  #waiting: JobEvent[] = []
  #record: JobRecord | undefined
  #writing: Promise<void> | undefined
  #refusal: JobRecord['cancel'] = null

  /** @param abandoned Aborts when nothing is to be tried again. */
  constructor(lease: Lease, settings: WriterSettings, abandoned: AbortSignal, failed: (error: unknown) => void) {
    this.#lease = lease
    this.#settings = settings
    this.#abandoned = abandoned
    this.#failed = failed
  }

  /** Will store `events` together with the record as they leave it. */
  write(events: readonly JobEvent[], record: JobRecord): void {
    for (const event of events) this.#waiting.push(event)
    this.#record = record
    this.#writing ??= this.#writeAll()
  }

  /** Stores what could not be stored before, once more. True once everything is stored. */
  async flush(): Promise<boolean> {
    await this.#writing
    if (this.#waiting.length > 0) this.#writing ??= this.#writeAll()
    await this.#writing
    return this.#waiting.length === 0
  }

  /**
   * Stores the end of a run. Everything before it must be stored already.
   *
   * @returns the request to cancel that stands against it, if there is one: nothing was stored then. False when the write
   * failed, true when it is stored.
   */
  async writeEnd(events: readonly JobEvent[], record: JobRecord): Promise<boolean | NonNullable<JobRecord['cancel']>> {
    this.#refusal = null
    this.write(events, record)
    await this.#writing
    return this.#refusal ?? this.#waiting.length === 0
  }

  async #writeAll(): Promise<void> {
    // What is emitted in one go is stored in one go.
    await Promise.resolve()
    while (this.#record && this.#waiting.length > 0) {
      const events = this.#waiting
      this.#waiting = []
      try {
        this.#refusal = await this.#append(events, this.#record)
      } catch (error) {
        this.#waiting = [...events, ...this.#waiting]
        this.#failed(error)
        break
      }
    }
    this.#writing = undefined
  }

  async #append(events: readonly JobEvent[], record: JobRecord): Promise<JobRecord['cancel']> {
    const { jobs, retry, clock, unitOfWork } = this.#settings
    for (let attempt = 1; ; attempt++) {
      try {
        return await jobs.append(this.#lease, events, record)
      } catch (error) {
        if (!(error instanceof CallTimeoutError) && !unitOfWork.isTransient(error)) throw error
        if (attempt >= retry.attempts || this.#abandoned.aborted) throw new BackendUnavailableError(attempt, error)
        await sleep(clock, backoffMs(retry, attempt), this.#abandoned)
      }
    }
  }
}
