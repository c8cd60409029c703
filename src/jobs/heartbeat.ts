import type { Timer } from '../calendar/clock.ts'
import { CallTimeoutError, LeaseLostError } from '../errors.ts'
import { withDeadline } from '../run/units/deadline.ts'
import type { JobSettings } from './job-settings.ts'
import type { Lease, Renewal } from './job-store.ts'

/** What comes of a beat. */
interface HeartbeatListener {
  renewed(renewal: Renewal): void
  /** The lease could not be renewed, but holds for a while. */
  failed(error: unknown): void
  /** Another has claimed the job, or the lease has run out by this process's own clock: nobody may rely on it any more. */
  lost(error: LeaseLostError): void
}

/** Settings that matter to the heartbeat. */
type HeartbeatSettings = Pick<JobSettings<never>, 'jobs' | 'clock' | 'leaseMs'>

/**
 * Keeps a lease for as long as its run lasts, its end included: a block in flight may outlive a whole lease.
 *
 * A beat comes every third of the lease and waits no longer than that for an answer, so that one may be missed.
 */
export class Heartbeat {
  readonly #lease: Lease
  readonly #settings: HeartbeatSettings
  readonly #listener: HeartbeatListener
  #validUntil: number
  #timer: Timer | undefined
  #beating: Promise<void> | undefined
  #stopped = false

  constructor(lease: Lease, settings: HeartbeatSettings, listener: HeartbeatListener) {
    this.#lease = lease
    this.#settings = settings
    this.#listener = listener
    this.#validUntil = settings.clock.now() + settings.leaseMs
  }

  start(): void {
    const { clock, leaseMs } = this.#settings
    this.#timer = clock.setTimeout(() => {
      this.#beating = this.#beat()
    }, leaseMs / 3)
    this.#timer.unref()
  }

  /** No other beat follows, and what one in flight brings to light is of no interest any more. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  /** Resolves when the beat in flight, if there is one, is over. */
  async idle(): Promise<void> {
    await this.#beating
  }

  async #beat(): Promise<void> {
    const { jobs, clock, leaseMs } = this.#settings
    const now = clock.now()
    const timeoutMs = leaseMs / 3
    try {
      const renew = () => jobs.renew(this.#lease, { now, leaseMs })
      const late = () => new CallTimeoutError('the renewal of a lease', timeoutMs)
      const renewal = await withDeadline(renew, { clock, timeoutMs, inBackground: true, late })
      this.#validUntil = now + leaseMs
      if (!this.#stopped) this.#listener.renewed(renewal)
    } catch (error) {
      if (!this.#stopped) this.#report(error)
    }
    if (!this.#stopped) this.start()
  }

  #report(error: unknown): void {
    if (error instanceof LeaseLostError) this.#listener.lost(error)
    else {
      this.#listener.failed(error)
      if (this.#settings.clock.now() >= this.#validUntil) this.#listener.lost(new LeaseLostError(this.#lease.jobId))
    }
  }
}
