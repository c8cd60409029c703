import type { RecalcService } from '../recalc-service.ts'
import type { Output } from './output.ts'

/** What commands need of a service, whatever its transactions are. */
export type RecalcForCli = Pick<
  RecalcService,
  | 'cancelJob'
  | 'estimate'
  | 'freshness'
  | 'getJob'
  | 'history'
  | 'isTransient'
  | 'listDirty'
  | 'listJobFailures'
  | 'listJobs'
  | 'openJob'
  | 'pauseJob'
  | 'preview'
  | 'corrections'
  | 'releaseHeld'
  | 'resumeJob'
  | 'settle'
  | 'stop'
  | 'triggerRecalcAllAsync'
  | 'triggerRecalcAsync'
  | 'triggerRecalcBatchAsync'
  | 'triggerRecalcRangeAsync'
>

/** What a command is given. */
export interface CommandContext {
  readonly recalc: RecalcForCli
  /** As the global options say, once the command line is read. */
  readonly output: () => Output
  /** Aborted when somebody wants the command to end. */
  readonly signal: AbortSignal
  /** Says what the command ends with, unless that is 0. */
  readonly exitWith: (code: number) => void
}
