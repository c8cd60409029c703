/**
 * For authors of backends: what `memoryBackend` and `sqlBackend` are made of. The contract is {@link RecalcBackend}. The cases
 * of `backendConformance`, in `recalc-service/testing`, check whether a backend keeps it.
 *
 * @module recalc-service/backend
 */

export type { JobEvent, JobEventMap, JobEventType } from './jobs/job-events.ts'
export type { JobRecord, JobStatus, JobWithPlan } from './jobs/job-record.ts'
export { type JobAction, reduceJob } from './jobs/job-state.ts'
export type * from './jobs/job-store.ts'
export type * from './jobs/lanes/lane-dispatcher.ts'
export type * from './jobs/lanes/lane-store.ts'
export { queueOrder } from './jobs/queue-order.ts'
export type { StageShape } from './pipeline/stage-shape.ts'
export type { ValueChange } from './run/blocks/value-change.ts'
export {
  type Checkpoint,
  type Dispatched,
  type FailureKey,
  failureId,
  type LaneCheckpoint,
  type LaneStep,
  type PeriodStep,
  type RecordedFailure,
  type Step,
  StepSavedBefore,
  startOfRun,
} from './run/checkpoint.ts'
export type * from './run/corrections/correction-store.ts'
export { count, nothingCounted } from './run/counters.ts'
export type { RecalcFailure } from './run/failure.ts'
export type * from './run/history/history-store.ts'
export type { AfterCommit, RetryNotice, RunPhase } from './run/journal.ts'
export type { RunPlan } from './run/plan/run-plan.ts'
export type { Counters, RecalcResult, RunFault, RunStatus } from './run/result.ts'
export type { UnitOfWork } from './run/units/unit-of-work.ts'
