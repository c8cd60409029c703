import { EventEmitter } from 'eventemitter3'
import { InvalidRequestError, JobNotFoundError, ServiceStoppedError } from '../errors.ts'
import { expected } from '../expectation.ts'
import type { Logger } from '../pipeline/context.ts'
import type { RecalcResult } from '../run/result.ts'
import { followEvents } from './follow-events.ts'
import { isTerminal, type JobEvent, type JobEventMap, type JobEventType } from './job-events.ts'
import type { JobReader } from './job-reader.ts'
import type { JobRecord } from './job-record.ts'
import type { JobEnd } from './job-runner.ts'
import { type JobSnapshot, snapshotOf } from './job-snapshot.ts'

/** Called with each event of one type; an error it throws, or rejects with, is logged and harms nobody. */
export type JobListener<Type extends JobEventType> = (event: JobEventMap[Type]) => unknown

/**
 * A handle on a job, whoever works on it. Nothing needs to be cleaned up.
 *
 * Listeners get every event from the moment the handle was made, beginning when the first of them is added, so that none
 * is lost in between. Whoever is added after the run has ended still gets its last event.
 */
export class JobHandle {
  /** The job's id. */
  readonly id: string
  readonly #jobs: JobReader
  readonly #logger: Logger
  readonly #cancel: (reason: string | null) => Promise<boolean>
  readonly #emitter = new EventEmitter<JobEventType, unknown>()
  readonly #wrapped = new WeakMap<(event: never) => unknown, (event: JobEvent) => void>()
  readonly #storedResult: RecalcResult | null
  readonly #ended: Promise<JobEnd> | undefined
  #result: Promise<RecalcResult> | undefined
  #last: JobEvent | undefined
  #pumped: Promise<void> | undefined
  /** The `seq` of the last event that the listeners got. */
  #emittedSeq: number
  #onEmitted: (() => void) | undefined

  /** @internal Handles are made by the service. */
  constructor(options: {
    /** The job's id. */
    readonly id: string
    readonly jobs: JobReader
    readonly logger: Logger
    readonly after: number
    /** As it stood when the handle was made. */
    readonly record: Pick<JobRecord, 'result'>
    /** The run of this process, if it is one. */
    readonly ended: Promise<JobEnd> | undefined
    cancel(reason: string | null): Promise<boolean>
  }) {
    this.id = options.id
    this.#jobs = options.jobs
    this.#logger = options.logger
    this.#emittedSeq = options.after
    this.#storedResult = options.record.result
    this.#ended = options.ended
    this.#cancel = options.cancel
  }

  /**
   * Settles when the job's present run ends, whatever became of it, and after the listeners of this handle got its last event.
   * Never rejects for a job that this service works on; for another's it does when the job had been forgotten before anybody
   * asked, or when this service is stopped meanwhile.
   */
  get result(): Promise<RecalcResult> {
    this.#result ??= this.#lastResult()
    return this.#result
  }

  /** Calls `listener` at each event of this type, from now on. */
  on<Type extends JobEventType>(type: Type, listener: JobListener<Type>): this {
    this.#emitter.on(type, this.#wrap(listener))
    return this.#added(type, listener)
  }

  /** Calls `listener` at the next event of this type. */
  once<Type extends JobEventType>(type: Type, listener: JobListener<Type>): this {
    if (this.#last?.type !== type) this.#emitter.once(type, this.#wrap(listener))
    return this.#added(type, listener)
  }

  /** Ends what `on` or `once` began. */
  off<Type extends JobEventType>(type: Type, listener: JobListener<Type>): this {
    this.#emitter.off(type, this.#wrap(listener))
    return this
  }

  /**
   * Every event after `after` (default 0: from the first), each once and in order. Ends with the last event of the job's
   * present run, at once when it has ended; ends silently when `signal` aborts or the service is stopped.
   *
   * @throws {InvalidRequestError} when `after` is no whole number from 0.
   */
  events(options: { readonly after?: number; readonly signal?: AbortSignal } = {}): AsyncGenerator<JobEvent, void> {
    const { after = 0 } = options
    if (!Number.isSafeInteger(after) || after < 0) {
      throw new InvalidRequestError(expected('after', 'a whole number from 0', after))
    }
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

  /**
   * Lets blocks in flight commit and starts no other. False when the job has ended already.
   *
   * @throws {InvalidRequestError} when the reason is no string.
   */
  async cancel(reason?: string): Promise<boolean> {
    if (reason !== undefined && typeof reason !== 'string') {
      throw new InvalidRequestError(expected('reason', 'a string', reason))
    }
    return await this.#cancel(reason ?? null)
  }

  #wrap(listener: (event: never) => unknown): (event: JobEvent) => void {
    let wrapped = this.#wrapped.get(listener)
    if (!wrapped) {
      const failed = (error: unknown) => {
        this.#logger.error({ jobId: this.id, err: error }, 'A job event listener failed')
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

  /** The run may be over already. */
  #added(type: JobEventType, listener: (event: never) => unknown): this {
    const last = this.#last
    if (last?.type === type) queueMicrotask(() => this.#wrap(listener)(last))
    void this.#pump()
    return this
  }

  #pump(): Promise<void> {
    this.#pumped ??= this.#emitAll()
    return this.#pumped
  }

  /** Listeners outlive a store that is away for a while: they get what they missed when it is back. */
  async #emitAll(): Promise<void> {
    for (;;) {
      try {
        for await (const event of this.events({ after: this.#emittedSeq })) {
          if (isTerminal(event)) this.#last = event
          this.#emitter.emit(event.type, event)
          this.#emittedSeq = event.seq
          this.#onEmitted?.()
        }
        return
      } catch (error) {
        this.#logger.error({ jobId: this.id, err: error }, 'Job events could not be read')
        if (this.#jobs.closed.aborted) return
        await this.#jobs.news(this.id)
      }
    }
  }

  /** Resolves when the listeners have got the event `seq`, also when another run follows it. */
  #emittedThrough(seq: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmitted = () => {
        if (this.#emittedSeq >= seq) resolve()
      }
      this.#onEmitted()
    })
  }

  async #lastResult(): Promise<RecalcResult> {
    if (this.#storedResult) return this.#storedResult
    if (this.#ended) {
      const { result, isStored, lastSeq } = await this.#ended
      if (isStored && this.#pumped) await Promise.race([this.#pumped, this.#emittedThrough(lastSeq)])
      return result
    }
    await this.#pump()
    if (this.#last && 'result' in this.#last) return this.#last.result
    const record = this.#jobs.closed.aborted ? undefined : await this.#jobs.get(this.id)
    if (record?.result) return record.result
    throw this.#jobs.closed.aborted ? new ServiceStoppedError() : new JobNotFoundError(this.id)
  }
}
