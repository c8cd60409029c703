import type { Clock } from '../../calendar/clock.ts'
import type { ChangeWatch } from '../../changes/change-ledger.ts'
import { CallTimeoutError } from '../../errors.ts'
import type { Logger } from '../../pipeline/context.ts'
import { backoffMs, sleep } from '../../run/units/backoff.ts'
import { withDeadline } from '../../run/units/deadline.ts'

/** What is used of a connected `Client` of `pg`. */
export interface ListenClient {
  /** Runs a statement. */
  query(text: string): Promise<unknown>
  /** Calls `listener` at each event of this kind. */
  on(event: 'notification', listener: () => void): unknown
  /** Calls `listener` at each event of this kind. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Calls `listener` at each event of this kind. */
  on(event: 'end', listener: () => void): unknown
  /** Closes the connection. */
  end(): Promise<void>
}

const RETRY = { attempts: Number.POSITIVE_INFINITY, minDelayMs: 100, maxDelayMs: 30_000 }

/** The longest wait for a connection to open, to answer, or to close, in milliseconds. */
const TIMEOUT_MS = 10_000

interface ListenerOptions {
  /** Opens a connection that is nobody else's. */
  readonly listen: () => Promise<ListenClient>
  readonly channel: string
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'>
  /** Called at each notification, and when it listens anew: some may have been missed. */
  readonly wake: () => void
}

/**
 * Listens to a channel until it is stopped. A connection that breaks is opened again, after growing pauses; what is missed
 * meanwhile is found by polling.
 */
export function listenForWakes(options: ListenerOptions): ChangeWatch {
  const stopping = new AbortController()
  const listening = listenUntil(stopping.signal, options)
  return {
    stop() {
      stopping.abort()
      return listening
    },
  }
}

async function listenUntil(signal: AbortSignal, options: ListenerOptions): Promise<void> {
  const { clock, logger, channel } = options
  for (let failures = 0; !signal.aborted; ) {
    const connection = new Connection(options)
    try {
      await connection.open(signal)
      failures = 0
      await connection.lost(signal)
    } catch (err) {
      failures += 1
      if (!signal.aborted) logger.warn({ err, channel }, 'Cannot listen for changes; they are found by polling')
    }
    await connection.close()
    if (!signal.aborted) await sleep(clock, backoffMs(RETRY, Math.max(1, failures)), signal)
  }
}

class Connection {
  readonly #options: ListenerOptions
  readonly #lost = Promise.withResolvers<never>()
  #client: ListenClient | undefined
  #isClosed = false

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#lost.promise.catch(() => {}) // it may break when nobody waits for it
  }

  async open(signal: AbortSignal): Promise<void> {
    const { channel, wake } = this.#options
    await this.#inTime('to listen for changes', () => this.#connect(), signal)
    await this.#inTime('to listen for changes', async () => await this.#client?.query(`listen "${channel}"`), signal)
    wake()
  }

  /** Rejects when the connection breaks, or the signal aborts. */
  lost(signal: AbortSignal): Promise<never> {
    signal.addEventListener('abort', () => this.#lost.reject(signal.reason), { once: true })
    if (signal.aborted) this.#lost.reject(signal.reason)
    return this.#lost.promise
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const client = this.#client
    // A server that is gone does not answer; the connection then ends with its socket.
    if (client) await this.#inTime('to end a connection', () => client.end()).catch(() => {})
  }

  async #connect(): Promise<void> {
    const client = await this.#options.listen()
    client.on('error', (error) => this.#lost.reject(error))
    client.on('end', () => this.#lost.reject(new Error('The connection has ended')))
    client.on('notification', () => {
      if (!this.#isClosed) this.#options.wake()
    })
    this.#client = client
    if (this.#isClosed) await client.end() // nobody waits for it any more
  }

  #inTime<T>(what: string, call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const late = () => new CallTimeoutError(`the database, asked ${what},`, TIMEOUT_MS)
    return withDeadline(call, { clock: this.#options.clock, timeoutMs: TIMEOUT_MS, ...(signal && { signal }), late })
  }
}
