import { type ConnectionOptions, DelayedError, type Job, Queue, Worker } from 'bullmq'
import { InvalidOptionsError } from '../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../expectation.ts'
import type { LaneDispatcher, LaneHandler } from '../jobs/lanes/lane-dispatcher.ts'
import type { LanePointer } from '../jobs/lanes/lane-store.ts'
import type { Logger } from '../pipeline/context.ts'
import { Outage } from './outage.ts'

/** Where the queue is, and how much this process takes from it. */
export interface BullmqDispatcherOptions {
  /** A Redis, as BullMQ takes it: options such as `{ url }` or `{ host, port }`, or a client, which stays the host's to close. */
  readonly connection: ConnectionOptions
  /** Services with the same name share lanes. Default `recalc-lanes`. */
  readonly queueName?: string
  /** The most lanes that this process has in hand. Default: one more than the `concurrency` of its service. */
  readonly concurrency?: number
}

/** Raised when messages change: a release never reads those of another form. */
const FORM = 1

/** How long a worker's silence lasts before BullMQ gives its message to another, in milliseconds. */
const LOCK_MS = 10_000
const STALLED_CHECK_MS = 5_000

/** A lane whose stages this process does not have is offered again after so long, in milliseconds. */
const REFUSED_MS = 250

/** How long it is waited before Redis is tried again: longer from time to time, in milliseconds. */
const RECONNECT_MS = 250
const LONGEST_RECONNECT_MS = 2_000

/** The longest that each part of a stop waits for Redis, in milliseconds. */
const STOP_MS = 2_000

/**
 * Carries lanes of jobs between processes over BullMQ and Redis. Messages hold nothing but where a lane is; the truth stays in the
 * database, so that nothing is lost with Redis.
 *
 * @example
 * new RecalcService({ stages, employees, backend: sqlBackend(kysely), dispatcher: bullmqDispatcher({ connection: { url } }) })
 * @throws {InvalidOptionsError}
 */
export function bullmqDispatcher(options: BullmqDispatcherOptions): LaneDispatcher {
  return new BullmqDispatcher(check(options))
}

class BullmqDispatcher implements LaneDispatcher {
  readonly #options: BullmqDispatcherOptions
  readonly #name: string
  readonly #outage = new Outage()
  #queue: Queue<LanePointer> | undefined
  #worker: Worker<LanePointer> | undefined
  #isStopped = false

  constructor(options: BullmqDispatcherOptions) {
    this.#options = options
    this.#name = `${options.queueName ?? 'recalc-lanes'}-${FORM}`
  }

  async dispatch(pointers: readonly LanePointer[]): Promise<void> {
    if (this.#isStopped) throw new Error('The dispatcher was stopped')
    const queue = this.#queueOf()
    await queue.waitUntilReady()
    await queue.addBulk(pointers.map((data) => ({ name: 'lane', data, opts: { jobId: idOf(data) } })))
    this.#outage.works()
  }

  work(handler: LaneHandler, { concurrency, logger }: { readonly concurrency: number; readonly logger: Logger }): void {
    // The worker of another service would never be stopped, and give every lane back to Redis.
    if (this.#worker || this.#isStopped) {
      throw new InvalidOptionsError(
        'Expected each service to have a `dispatcher` of its own, got one that is in use, or was stopped',
      )
    }
    this.#outage.logTo(logger)
    const worker = new Worker<LanePointer>(this.#name, (job, token) => take(job, token, handler), {
      connection: this.#connection(null),
      concurrency: this.#options.concurrency ?? concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    })
    worker.on('error', (error) => this.#outage.failed(error))
    worker.on('ready', () => this.#outage.works())
    this.#worker = worker
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    const worker = this.#worker
    if (worker) {
      // A close that waits for Redis cannot be hastened any more, a pause can be left.
      const isInOrder = await endsWithin(STOP_MS, () => worker.pause())
      await endsWithin(STOP_MS, () => worker.close(!isInOrder))
    }
    const queue = this.#queue
    if (queue && !(await endsWithin(STOP_MS, () => queue.close()))) {
      await endsWithin(STOP_MS, () => queue.disconnect())
    }
  }

  /** Made when it is needed: a process that only takes lanes opens no connection to send any. */
  #queueOf(): Queue<LanePointer> {
    if (this.#queue) return this.#queue
    const queue = new Queue<LanePointer>(this.#name, {
      // Who sends is told at once that Redis is away.
      connection: this.#connection(1),
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    })
    queue.on('error', (error) => this.#outage.failed(error))
    this.#queue = queue
    return queue
  }

  #connection(maxRetriesPerRequest: number | null): ConnectionOptions {
    const { connection } = this.#options
    if (!isPlainObject(connection)) return connection
    // A process whose dispatcher was stopped ends, also while Redis is away.
    const retryStrategy = (times: number) =>
      this.#isStopped ? null : Math.min(times * RECONNECT_MS, LONGEST_RECONNECT_MS)
    return { retryStrategy, ...connection, maxRetriesPerRequest }
  }
}

/** One message: its lane is calculated, is somebody else's business, or is left to another process. */
async function take(job: Job<LanePointer>, token: string | undefined, handler: LaneHandler): Promise<void> {
  const answer = await handler(job.data)
  if (answer === 'done') return
  await job.moveToDelayed(Date.now() + REFUSED_MS, token)
  throw new DelayedError()
}

/** The same for the same lane, so that one that is sent again while it waits, waits once. */
function idOf({ jobId, laneId, token }: LanePointer): string {
  return `${jobId}-${laneId}-${token}`
}

/** False when it took longer, or failed: whoever does not answer is not waited for. */
async function endsWithin(ms: number, work: () => Promise<unknown>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), ms)
  work().then(
    () => resolve(true),
    () => resolve(false),
  )
  const isOver = await promise
  clearTimeout(timer)
  return isOver
}

function check(options: unknown): BullmqDispatcherOptions {
  const known = ['connection', 'queueName', 'concurrency']
  const unknown = isPlainObject(options) ? unknownProperty(options, known) : undefined
  if (!isPlainObject(options) || unknown !== undefined) {
    throw new InvalidOptionsError(expected('options', 'an object { connection, queueName?, concurrency? }', options))
  }
  const { connection, queueName, concurrency } = options
  if (typeof connection !== 'object' || connection === null) {
    throw new InvalidOptionsError(expected('connection', 'options of a Redis connection, or a client', connection))
  }
  // A client's own options are of interest, too.
  const { keyPrefix, maxRetriesPerRequest } = clientOptions(connection)
  if (keyPrefix) {
    throw new InvalidOptionsError(expected('keyPrefix', 'absent: BullMQ cannot work with it; name a queue', keyPrefix))
  }
  if (!isPlainObject(connection) && maxRetriesPerRequest) {
    const expectation = 'null in the client that is the `connection`, as BullMQ asks'
    throw new InvalidOptionsError(expected('maxRetriesPerRequest', expectation, maxRetriesPerRequest))
  }
  if (queueName !== undefined && (typeof queueName !== 'string' || !/^[^:]{1,100}$/.test(queueName))) {
    throw new InvalidOptionsError(expected('queueName', 'text of at most 100 characters without a colon', queueName))
  }
  if (concurrency !== undefined && (!Number.isSafeInteger(concurrency) || Number(concurrency) < 1)) {
    throw new InvalidOptionsError(expected('concurrency', 'a whole number from 1', concurrency))
  }
  return { ...options, connection: connection as ConnectionOptions } as BullmqDispatcherOptions // as it was checked
}

/** What a connection is made with: options as they are, or those that a client of ioredis holds. */
function clientOptions(connection: object): Readonly<Record<string, unknown>> {
  const own = isPlainObject(connection) ? connection : 'options' in connection ? connection.options : undefined
  return typeof own === 'object' && own !== null ? { ...own } : {}
}
