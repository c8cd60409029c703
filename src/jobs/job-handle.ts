import { EventEmitter } from 'eventemitter3'
import { JobNotFoundError, ServiceStoppedError } from '../errors.ts'
import type { Logger } from '../pipeline/context.ts'
import type { RecalcResult } from '../run/result.ts'
import { followEvents } from './follow-events.ts'
import type { JobEvent, JobEventMap, JobEventType } from './job-events.ts'
import type { JobReader } from './job-reader.ts'
import { type JobSnapshot, snapshotOf } from './job-snapshot.ts'

/** Called with each event of one type; an error it throws, or rejects with, is logged and harms nobody. */
export type JobListener<Type extends JobEventType> = (event: JobEventMap[Type]) => unknown

/**
 * A hand on a job, whoever works on it. Nothing needs to be cleaned up.
 *
 * Listeners hear every event from the moment the handle was made, beginning when the first of them is added, so that none
 * is lost in between.
 */
export class JobHandle {
  readonly id: string
  readonly #jobs: JobReader
  readonly #logger: Logger
  readonly #cancel: (reason: string | null) => Promise<boolean>
  readonly #emitter = new EventEmitter<JobEventType, unknown>()
  readonly #wrapped = new WeakMap<(event: never) => unknown, (event: JobEvent) => void>()
  readonly #after: number
  #ended: Promise<RecalcResult> | undefined
  #pumping = false

  /** @internal Handles are made by the service. */
  constructor(options: {
    readonly id: string
    readonly jobs: JobReader
    readonly logger: Logger
    readonly after: number
    readonly ended?: Promise<RecalcResult>
    cancel(reason: string | null): Promise<boolean>
  }) {
    this.id = options.id
    this.#jobs = options.jobs
    this.#logger = options.logger
    this.#after = options.after
    this.#ended = options.ended
    this.#cancel = options.cancel
  }

  /**
   * Settles when the job's present run ends, whatever became of it. Never rejects for a job that this service works on; for
   * another's it does when the job had been forgotten before anybody asked, or when this service is stopped meanwhile.
   */
  get result(): Promise<RecalcResult> {
    this.#ended ??= this.#lastResult()
    return this.#ended
  }

  on<Type extends JobEventType>(type: Type, listener: JobListener<Type>): this {
    this.#emitter.on(type, this.#wrap(listener))
    return this.#pump()
  }

  once<Type extends JobEventType>(type: Type, listener: JobListener<Type>): this {
    this.#emitter.once(type, this.#wrap(listener))
    return this.#pump()
  }

  off<Type extends JobEventType>(type: Type, listener: JobListener<Type>): this {
    this.#emitter.off(type, this.#wrap(listener))
    return this
  }

  /**
   * Every event after `after` (default 0: from the first), each once and in order. Ends with the last event of the job's
   * present run, at once when it has ended; ends silently when `signal` aborts or the service is stopped.
   */
  events(options: { readonly after?: number; readonly signal?: AbortSignal } = {}): AsyncGenerator<JobEvent, void> {
    return followEvents(this.#jobs, this.id, options)
  }

  /**
   * How the job stands now.
   *
   * @throws {JobNotFoundError} when it has been forgotten meanwhile.
   */
  async snapshot(): Promise<JobSnapshot> {
    const record = await this.#jobs.get(this.id)
    if (!record) throw new JobNotFoundError(this.id)
    return snapshotOf(record)
  }

  /** Lets blocks in flight commit and starts no other. False when the job has ended already. */
  cancel(reason?: string): Promise<boolean> {
    return this.#cancel(reason ?? null)
  }

  #wrap(listener: (event: never) => unknown): (event: JobEvent) => void {
    let wrapped = this.#wrapped.get(listener)
    if (!wrapped) {
      const failed = (error: unknown) => {
        this.#logger.error({ jobId: this.id, error }, 'A job event listener failed')
      }
      wrapped = (event) => {
        try {
          // The emitter calls a listener only with events of the type it was added for.
          Promise.resolve(listener(event as never)).catch(failed)
        } catch (error) {
          failed(error)
        }
      }
      this.#wrapped.set(listener, wrapped)
    }
    return wrapped
  }

  #pump(): this {
    if (!this.#pumping) {
      this.#pumping = true
      void this.#emitAll()
    }
    return this
  }

  /** Listeners outlive a store that is away for a while: what they missed they hear when there is news again. */
  async #emitAll(): Promise<void> {
    let after = this.#after
    for (;;) {
      try {
        for await (const event of this.events({ after })) {
          after = event.seq
          this.#emitter.emit(event.type, event)
        }
        return
      } catch (error) {
        this.#logger.error({ jobId: this.id, error }, 'Job events could not be read')
        if (this.#jobs.closed.aborted) return
        await this.#news()
      }
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        unwatch()
        this.#jobs.closed.removeEventListener('abort', wake)
        resolve()
      }
      const unwatch = this.#jobs.watch(this.id, wake)
      this.#jobs.closed.addEventListener('abort', wake, { once: true })
    })
  }

  async #lastResult(): Promise<RecalcResult> {
    let result: RecalcResult | undefined
    for await (const event of this.events({ after: this.#after })) {
      if ('result' in event) result = event.result
    }
    result ??= (await this.#jobs.get(this.id))?.result ?? undefined
    if (result) return result
    throw this.#jobs.closed.aborted ? new ServiceStoppedError() : new JobNotFoundError(this.id)
  }
}
