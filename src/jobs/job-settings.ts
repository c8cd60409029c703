import type { RunSettings } from '../run/run-settings.ts'
import type { ThrottleGate } from '../run/throttle.ts'
import type { JobStore } from './job-store.ts'

/** What every job of a service works with. */
export interface JobSettings<Tx> extends RunSettings<Tx> {
  readonly jobs: JobStore<Tx>
  /** Holds jobs up between blocks; undefined: nothing does. */
  readonly throttle: ThrottleGate | undefined
  readonly progressIntervalMs: number
  readonly maxErrorsKept: number
  readonly leaseMs: number
  /** How often in a row a job may be taken over without having been brought any further. */
  readonly maxRecoveries: number
}
