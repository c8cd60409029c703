import type { LedgerState, StoredChange } from '../changes/change-ledger.ts'
import type { DirtyQuery, DirtyScope } from '../changes/changes.ts'
import type { Settled } from '../changes/settle-lane.ts'
import type { JobEmployee } from '../jobs/job-employees.ts'
import type { JobEvent } from '../jobs/job-events.ts'
import type { JobSnapshot } from '../jobs/job-snapshot.ts'
import type { JobQuery } from '../jobs/job-store.ts'
import type { Estimate } from '../jobs/estimate.ts'
import type { RecordedFailure } from '../run/checkpoint.ts'
import type {
  AllRequest,
  BatchRequest,
  DayRequest,
  JobTriggerOptions,
  TriggerOptions,
} from '../run/plan/resolve-request.ts'
import type { RecalcResult } from '../run/result.ts'

interface Page<Key> {
  readonly after?: Key
  readonly limit?: number
}

/** What the API needs of a `RecalcService`; any of them fits, whatever its transactions are. */
export interface RecalcForApi {
  readonly tables: readonly string[]
  triggerRecalc(request: DayRequest): Promise<RecalcResult>
  triggerRecalcAllAsync(request: AllRequest, options: JobTriggerOptions): Promise<{ readonly id: string }>
  triggerRecalcBatchAsync(request: BatchRequest, options: JobTriggerOptions): Promise<{ readonly id: string }>
  estimate(request: AllRequest | BatchRequest, options: TriggerOptions): Promise<Estimate>
  getJob(jobId: string): Promise<JobSnapshot>
  listJobs(query: JobQuery): Promise<readonly JobSnapshot[]>
  listJobFailures(
    jobId: string,
    page: Page<number> & { readonly employeeId?: string },
  ): Promise<readonly RecordedFailure[]>
  listJobEmployees(jobId: string, page: Page<string>): Promise<readonly JobEmployee[]>
  openJob(jobId: string): Promise<{
    events(options: { readonly after?: number; readonly signal?: AbortSignal }): AsyncGenerator<JobEvent, void>
  }>
  cancelJob(jobId: string, reason?: string): Promise<boolean>
  resumeJob(jobId: string): Promise<{ readonly id: string }>
  freshness(query: { readonly tenantId: string }): Promise<LedgerState>
  listDirtyTenants(query: { readonly limit: number }): Promise<readonly string[]>
  listDirty(query: DirtyQuery): Promise<readonly StoredChange[]>
  settle(scope: DirtyScope, options: { readonly signal: AbortSignal }): Promise<Settled>
  releaseHeld(scope: DirtyScope): Promise<number>
  isTransient(error: unknown): boolean
}

/** Every method of {@link RecalcForApi}. */
export const METHODS = [
  'triggerRecalc',
  'triggerRecalcAllAsync',
  'triggerRecalcBatchAsync',
  'estimate',
  'getJob',
  'listJobs',
  'listJobFailures',
  'listJobEmployees',
  'openJob',
  'cancelJob',
  'resumeJob',
  'freshness',
  'listDirtyTenants',
  'listDirty',
  'settle',
  'releaseHeld',
  'isTransient',
] as const satisfies readonly (keyof RecalcForApi)[]
