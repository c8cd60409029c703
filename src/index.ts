/**
 * The service, its stages, its jobs, and the calendar. It needs no other package of yours: jobs and changes live in memory until a
 * backend such as `sqlBackend` of `recalc-service/sql` keeps them.
 *
 * @module recalc-service
 */

export { type Clock, systemClock, type Timer } from './calendar/clock.ts'
export { addDays, countDays, type DateInterval, datesBetween } from './calendar/date-range.ts'
export { type IsoDate, isIsoDate, parseIsoDate } from './calendar/iso-date.ts'
export { type OwnPeriods, type PeriodKind, periodOf, periodsBetween } from './calendar/period.ts'
export type { DayStart } from './calendar/start-time.ts'
export { dateOf, dayBounds, isZone } from './calendar/zone.ts'
export type { Change } from './changes/change.ts'
export type * from './changes/change-ledger.ts'
export type { AffectedDays, DirtyQuery, DirtyScope } from './changes/changes.ts'
export type { SettleOptions } from './changes/changes-settings.ts'
export type { Horizon } from './changes/dirty-days.ts'
export type { Settled } from './changes/settle-now.ts'
export {
  BackendUnavailableError,
  CallTimeoutError,
  CaptureError,
  ContractError,
  CooldownError,
  IdempotencyConflictError,
  InvalidOptionsError,
  InvalidRequestError,
  JobConflictError,
  JobNotFoundError,
  LeaseLostError,
  NestedCallError,
  NotResumableError,
  PeriodBlockedError,
  PipelineError,
  RecalcError,
  RecoveryLimitError,
  ServiceStoppedError,
  StageTimeoutError,
  StaleCorrectionError,
  TenantNotFoundError,
  UnitOfWorkTimeoutError,
} from './errors.ts'
export type { Estimate } from './jobs/estimate.ts'
export type { JobEmployee } from './jobs/job-employees.ts'
export type * from './jobs/job-events.ts'
export type { JobHandle, JobListener } from './jobs/job-handle.ts'
export type { FailurePage, Page, ResumeOptions } from './jobs/job-queries.ts'
export type { JobStatus } from './jobs/job-record.ts'
export type { Exclusive } from './jobs/job-scope.ts'
export type { JobSnapshot } from './jobs/job-snapshot.ts'
export type { JobQuery, RecalcBackend, WhenBusy } from './jobs/job-store.ts'
export type { Recovery } from './jobs/recovery.ts'
export { type MemoryBackendOptions, type MemoryLimits, memoryBackend } from './memory/memory-backend.ts'
export type { Calculator, CommonOptions, RecalcServiceOptions } from './options.ts'
export type { CalcContext, Calculation, Logger, RunIdentity, StageContext, TenantContext } from './pipeline/context.ts'
export type { DayOffsets } from './pipeline/day-offsets.ts'
export { type Block, type DayKey, dayKey, type EmployeeDay } from './pipeline/employee-day.ts'
export {
  type EmployeePeriod,
  type PeriodBlock,
  type PeriodChanges,
  type PeriodKey,
  type PeriodReads,
  type PeriodStage,
  type PeriodStageDefinition,
  type PeriodValue,
  periodKey,
  periodStage,
} from './pipeline/period-stage.ts'
export {
  type DailyCalc,
  type DayChanges,
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
export type { Corrected, Correction } from './preview/corrections/correction.ts'
export type { CorrectionsRequest, SettleCorrectionsRequest } from './preview/corrections/correction-requests.ts'
export type { Corrections } from './preview/corrections/corrections.ts'
export type { CorrectionsSummary } from './preview/corrections/corrections-summary.ts'
export type { SettledCorrections } from './preview/corrections/settle-corrections.ts'
export type { DayDifference, DayOrPeriod, Difference } from './preview/difference.ts'
export type { HeldPreviewOptions, HeldRequest } from './preview/held/held-request.ts'
export type { ItemStream } from './preview/item-stream.ts'
export type { Preview } from './preview/preview.ts'
export type { FieldTotal, PreviewSummary } from './preview/preview-summary.ts'
export type { ClosedInPreview } from './preview/previewed-lanes.ts'
export type { PreviewOptions } from './preview/previews.ts'
export { RecalcService } from './recalc-service.ts'
export type { BlockShape } from './run/blocks/block-calculator.ts'
export type { RecordedFailure } from './run/checkpoint.ts'
export type { RecalcFailure } from './run/failure.ts'
export type { EmployeeHistory, HistoryRequest, RunHistory } from './run/history/history-request.ts'
export type { HistoryEntry, HistoryRun } from './run/history/history-store.ts'
export type { RunPhase } from './run/journal.ts'
export type {
  ClosedInterval,
  ClosedPeriods,
  Employee,
  EmployeeQuery,
  EmployeeRepository,
} from './run/plan/host-contracts.ts'
export type {
  AllRequest,
  BatchRequest,
  DayRequest,
  JobTriggerOptions,
  RangeRequest,
  RecalcRequest,
  TransactionOptions,
  TriggerOptions,
} from './run/plan/resolve-request.ts'
export type { OnError } from './run/plan/run-plan.ts'
export type { ZoneOption } from './run/plan/zones.ts'
export { RecalcFailedError } from './run/recalc-failed-error.ts'
export type { Counters, JoinedResult, PeriodCounters, RecalcResult, RunFault, RunStatus } from './run/result.ts'
export type {
  ChangeLevels,
  DayCounts,
  Levels,
  LockKind,
  ObservedOperation,
  Operation,
  OperationEnd,
  StageCall,
  Telemetry,
  TelemetryEvent,
} from './run/telemetry.ts'
export type { Throttle } from './run/throttle.ts'
export type { RetryPolicy } from './run/units/backoff.ts'
export type { UnitOfWork } from './run/units/unit-of-work.ts'
