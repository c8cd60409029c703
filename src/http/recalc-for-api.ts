import type { LedgerState, StoredChange } from '../changes/change-ledger.ts'
import type { DirtyQuery, DirtyScope } from '../changes/changes.ts'
import type { Settled } from '../changes/settle-now.ts'
import type { Estimate } from '../jobs/estimate.ts'
import type { JobEmployee } from '../jobs/job-employees.ts'
import type { JobEvent } from '../jobs/job-events.ts'
import type { FailurePage, Page, ResumeOptions } from '../jobs/job-queries.ts'
import type { JobSnapshot } from '../jobs/job-snapshot.ts'
import type { JobQuery } from '../jobs/job-store.ts'
import type { CorrectionsRequest, SettleCorrectionsRequest } from '../preview/corrections/correction-requests.ts'
import type { Corrections } from '../preview/corrections/corrections.ts'
import type { SettledCorrections } from '../preview/corrections/settle-corrections.ts'
import type { DayDifference } from '../preview/difference.ts'
import type { HeldPreviewOptions, HeldRequest } from '../preview/held/held-request.ts'
import type { PreviewSummary } from '../preview/preview-summary.ts'
import type { PreviewOptions } from '../preview/previews.ts'
import type { RecordedFailure } from '../run/checkpoint.ts'
import type { HistoryRequest } from '../run/history/history-request.ts'
import type { HistoryEntry } from '../run/history/history-store.ts'
import type {
  AllRequest,
  BatchRequest,
  DayRequest,
  JobTriggerOptions,
  TriggerOptions,
} from '../run/plan/resolve-request.ts'
import type { RecalcResult } from '../run/result.ts'

/** What the API needs of a preview. */
export type FoundDifferences = AsyncIterable<DayDifference> & {
  /** What the preview came to, once it is over. */
  readonly summary: Promise<PreviewSummary>
}

/** What the API needs of a `RecalcService`; any of them fits, whatever its transactions are. */
export interface RecalcForApi {
  /** The tables that stages write, to choose from. */
  readonly tables: readonly string[]
  /** As `RecalcService.triggerRecalc`. */
  triggerRecalc(request: DayRequest, options: TriggerOptions): Promise<RecalcResult>
  /** As `RecalcService.triggerRecalcAllAsync`. */
  triggerRecalcAllAsync(
    request: AllRequest,
    options: JobTriggerOptions,
  ): Promise<{
    /** The job's id. */
    readonly id: string
  }>
  /** As `RecalcService.triggerRecalcBatchAsync`. */
  triggerRecalcBatchAsync(
    request: BatchRequest,
    options: JobTriggerOptions,
  ): Promise<{
    /** The job's id. */
    readonly id: string
  }>
  /** As `RecalcService.estimate`. */
  estimate(request: AllRequest | BatchRequest, options: TriggerOptions): Promise<Estimate>
  /** As `RecalcService.preview`. */
  preview(
    request: AllRequest | BatchRequest,
    options: Pick<PreviewOptions, 'tables' | 'clearExisting' | 'closed' | 'signal'>,
  ): FoundDifferences
  /** As `RecalcService.preview` of held changes. */
  preview(request: HeldRequest, options: HeldPreviewOptions): FoundDifferences
  /** As `RecalcService.corrections`. */
  corrections(
    request: CorrectionsRequest,
    options: { readonly signal: AbortSignal },
  ): Pick<Corrections, 'csv' | 'summary' | typeof Symbol.asyncIterator>
  /** As `RecalcService.settleCorrections`. */
  settleCorrections(
    request: SettleCorrectionsRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<SettledCorrections>
  /** As `RecalcService.getJob`. */
  getJob(jobId: string): Promise<JobSnapshot>
  /** As `RecalcService.listJobs`. */
  listJobs(query: JobQuery): Promise<readonly JobSnapshot[]>
  /** As `RecalcService.listJobFailures`. */
  listJobFailures(jobId: string, page: FailurePage): Promise<readonly RecordedFailure[]>
  /** As `RecalcService.listJobEmployees`. */
  listJobEmployees(jobId: string, page: Page<string>): Promise<readonly JobEmployee[]>
  /** As `RecalcService.openJob`. */
  openJob(jobId: string): Promise<{
    /** As `JobHandle.events`. */
    events(options: { readonly after?: number; readonly signal?: AbortSignal }): AsyncGenerator<JobEvent, void>
  }>
  /** As `RecalcService.cancelJob`. */
  cancelJob(jobId: string, reason?: string): Promise<boolean>
  /** As `RecalcService.pauseJob`. */
  pauseJob(jobId: string): Promise<boolean>
  /** As `RecalcService.resumeJob`. */
  resumeJob(
    jobId: string,
    options: ResumeOptions,
  ): Promise<{
    /** The job's id. */
    readonly id: string
  }>
  /** As `RecalcService.freshness`. */
  freshness(query: { readonly tenantId: string }): Promise<LedgerState>
  /** As `RecalcService.listDirtyTenants`. */
  listDirtyTenants(query: { readonly limit: number }): Promise<readonly string[]>
  /** As `RecalcService.listDirty`. */
  listDirty(query: DirtyQuery): Promise<readonly StoredChange[]>
  /** As `RecalcService.history`. */
  history(request: HistoryRequest): Promise<readonly HistoryEntry[]>
  /** As `RecalcService.settle`. */
  settle(scope: DirtyScope, options: { readonly signal: AbortSignal }): Promise<Settled>
  /** As `RecalcService.releaseHeld`. */
  releaseHeld(scope: DirtyScope): Promise<number>
  /** As `RecalcService.isTransient`. */
  isTransient(error: unknown): boolean
}

/** Every method of {@link RecalcForApi}. */
export const METHODS = [
  'triggerRecalc',
  'triggerRecalcAllAsync',
  'triggerRecalcBatchAsync',
  'estimate',
  'preview',
  'corrections',
  'settleCorrections',
  'getJob',
  'listJobs',
  'listJobFailures',
  'listJobEmployees',
  'openJob',
  'cancelJob',
  'pauseJob',
  'resumeJob',
  'freshness',
  'listDirtyTenants',
  'listDirty',
  'history',
  'settle',
  'releaseHeld',
  'isTransient',
] as const satisfies readonly (keyof RecalcForApi)[]
