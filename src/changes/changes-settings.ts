import type { Pipeline } from '../pipeline/pipeline.ts'
import type { Selection } from '../pipeline/selection.ts'
import type { RunSettings } from '../run/run-settings.ts'
import type { ChangeLedger } from './change-ledger.ts'
import type { Horizon } from './dirty-days.ts'

/** How changes are settled in the background. */
export interface SettleOptions {
  /** How often changes of other processes are looked for, in milliseconds. Default 1,000. */
  readonly intervalMs: number
  /** Changes of an employee wait until so long after the last one, so that a burst is settled once. Default 0. */
  readonly quietMs: number
  /** More dirty days of one tenant become a job, with progress and cancel. Default 5,000. */
  readonly jobAbove: number
}

/** What settling works with. */
export interface ChangesSettings<Tx> extends RunSettings<Tx> {
  readonly changes: ChangeLedger<Tx>
  readonly pipeline: Pipeline<Tx>
  /** All stages. */
  readonly wholePass: Selection<Tx>
  readonly horizon: Horizon
  readonly maxDays: number
  readonly settle: SettleOptions
}
