import type { Clock } from '../../calendar/clock.ts'
import type { Access } from '../auth/access.ts'

/** How a stream finds out whether its client may still read the stream. */
export interface PermissionOptions {
  /** What the client had when the stream began. */
  readonly access: Access
  /** Asks again; rejects once the client may no longer read the stream. */
  renew(): Promise<Access>
  /** The longest time for which an answer is believed, in milliseconds. */
  readonly renewMs: number
  readonly clock: Clock
}

/** A client's permission to read a stream, which ends with its credentials: when they expire, or soon after they are revoked. */
export class Permission {
  readonly #options: PermissionOptions
  #validUntil: number

  constructor(options: PermissionOptions) {
    this.#options = options
    this.#validUntil = this.#untilOf(options.access)
  }

  /** For how long it holds without being renewed, in milliseconds. */
  get remainingMs(): number {
    return Math.max(0, this.#validUntil - this.#options.clock.now())
  }

  /** Renews it if it is time to. Rejects once it is gone. */
  async check(): Promise<void> {
    if (this.remainingMs > 0) return
    this.#validUntil = this.#untilOf(await this.#options.renew())
  }

  #untilOf({ expiresAt }: Access): number {
    const { clock, renewMs } = this.#options
    return Math.min(clock.now() + renewMs, expiresAt?.getTime() ?? Number.POSITIVE_INFINITY)
  }
}
