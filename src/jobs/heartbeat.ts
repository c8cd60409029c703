import type { Timer } from '../calendar/clock.ts'
import type { JobSettings } from './job-runner.ts'
import type { Lease, Renewal } from './job-store.ts'

/** What comes of a beat. */
interface HeartbeatListener {
  renewed(renewal: Renewal): void
  failed(error: unknown): void
}

/** Settings that matter to the heartbeat. */
type HeartbeatSettings = Pick<JobSettings<never>, 'jobs' | 'clock' | 'leaseMs'>

/** Keeps a lease for as long as its run lasts, its end included: a block in flight may outlive a whole lease. */
export class Heartbeat {
  readonly #lease: Lease
  readonly #settings: HeartbeatSettings
  readonly #listener: HeartbeatListener
  #timer: Timer | undefined
  #beating: Promise<void> | undefined
  #stopped = false

  constructor(lease: Lease, settings: HeartbeatSettings, listener: HeartbeatListener) {
    this.#lease = lease
    this.#settings = settings
    this.#listener = listener
  }

  /** The next beat comes after a third of the lease, so that one may be missed. */
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
  async quiet(): Promise<void> {
    await this.#beating
  }

  async #beat(): Promise<void> {
    const { jobs, clock, leaseMs } = this.#settings
    const { owner } = this.#lease
    try {
      const renewal = await jobs.renew(this.#lease, { owner, now: clock.now(), leaseMs })
      if (!this.#stopped) this.#listener.renewed(renewal)
    } catch (error) {
      if (!this.#stopped) this.#listener.failed(error)
    }
    if (!this.#stopped) this.start()
  }
}
