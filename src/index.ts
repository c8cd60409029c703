export { type Clock, systemClock, type Timer } from './calendar/clock.ts'
export { addDays, countDays, datesBetween } from './calendar/date-range.ts'
export { type IsoDate, isIsoDate, parseIsoDate } from './calendar/iso-date.ts'
export { dateOf, dayBounds, isZone } from './calendar/zone.ts'
export {
  BackendUnavailableError,
  ContractError,
  CooldownError,
  IdempotencyConflictError,
  InvalidOptionsError,
  InvalidRequestError,
  JobConflictError,
  JobNotFoundError,
  LeaseLostError,
  NotResumableError,
  PipelineError,
  RecalcError,
  RecalcFailedError,
  ServiceStoppedError,
  StageTimeoutError,
  TenantNotFoundError,
} from './errors.ts'
export type { JobEmployee } from './jobs/job-employees.ts'
export type * from './jobs/job-events.ts'
export type { JobHandle, JobListener } from './jobs/job-handle.ts'
export type { FailurePage, Page } from './jobs/job-queries.ts'
export type { JobRecord, JobStatus, JobWithPlan } from './jobs/job-record.ts'
export type { JobSnapshot } from './jobs/job-snapshot.ts'
export type * from './jobs/job-store.ts'
export type { Recovery } from './jobs/jobs.ts'
export { type MemoryBackendOptions, memoryBackend } from './memory/memory-backend.ts'
export type { Exclusive, RecalcServiceOptions } from './options.ts'
export type { CalcContext, Calculation, Logger, StageContext, TenantContext } from './pipeline/context.ts'
export { type Block, type DayKey, dayKey, type EmployeeDay } from './pipeline/employee-day.ts'
export {
  type DailyCalc,
  type DayChanges,
  type DayOffsets,
  type DayStage,
  type DayStageDefinition,
  type DayValue,
  dayStage,
  type Stage,
  type TenantStage,
  type TenantStageDefinition,
  tenantStage,
  type ValueStageDefinition,
} from './pipeline/stages.ts'
export { type Estimate, RecalcService } from './recalc-service.ts'
export {
  type Checkpoint,
  type FailureKey,
  type LaneCheckpoint,
  type RecordedFailure,
  type Step,
  StepSavedBefore,
} from './run/checkpoint.ts'
export type { ClosedPeriods, Employee, EmployeeQuery, EmployeeRepository } from './run/host-contracts.ts'
export type { AfterCommit, RunPhase } from './run/journal.ts'
export type { OnError, RunPlan } from './run/plan.ts'
export type {
  AllRequest,
  BatchRequest,
  DayRequest,
  JobTriggerOptions,
  RangeRequest,
  RecalcRequest,
  TriggerOptions,
} from './run/request.ts'
export type { Counters, RecalcFailure, RecalcResult, RunFault, RunStatus } from './run/result.ts'
export type { RetryPolicy } from './run/retry.ts'
export type { BlockShape } from './run/settings.ts'
export type { UnitOfWork } from './run/unit-of-work.ts'
