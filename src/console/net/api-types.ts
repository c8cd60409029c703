// What the API answers, as far as the page reads it. The schemas that make and check it live in the server.

export type JobStatus =
  | 'queued'
  | 'running'
  | 'completed'
  | 'completed_with_errors'
  | 'failed'
  | 'cancelled'
  | 'paused'
  | 'interrupted'

export interface JobStage {
  readonly number: number
  readonly name: string
  readonly title: string
  readonly status: 'waiting' | 'running' | 'done' | 'stopped'
}

/** Numbers of employee-days, and the share of the whole that is done. */
interface JobCounters {
  readonly progress: number
  readonly processed_days: number
  readonly total_days: number
  readonly unchanged_days: number
  readonly skipped_days: number
  readonly failed_days: number
  readonly error_count: number
}

export interface Job extends JobCounters {
  readonly job_id: string
  readonly tenant_id: string
  readonly kind: string
  readonly status: JobStatus
  readonly start_date: string
  readonly end_date: string
  readonly reason: string | null
  readonly stage: number
  readonly stages: readonly JobStage[]
  readonly created_at: string
  readonly started_at: string | null
  readonly finished_at: string | null
  readonly runs: number
  readonly cancel_requested: boolean
  readonly pause_requested: boolean
  /** Why it holds still; `null` while it goes on. */
  readonly waiting_for: string | null
  readonly elapsed_seconds: number | null
  readonly remaining_seconds: number | null
  readonly last_seq: number
  readonly error: Fault | null
  readonly cancel_reason: string | null
  /** What it was narrowed down to; `null`: every table. */
  readonly tables: readonly string[] | null
  readonly clear_existing: boolean
}

interface Fault {
  readonly code: string
  readonly message: string
}

/** An event of a job; what it holds beyond this depends on its type. */
export interface JobEvent {
  readonly type: string
  readonly seq: number
  readonly at: string
}

export interface ProgressEvent extends JobEvent, JobCounters {
  readonly type: 'progress'
  readonly stage: number
  readonly elapsed_ms: number
  readonly remaining_ms: number | null
  readonly waiting_for: string | null
}

export interface RetryEvent extends JobEvent {
  readonly type: 'retry'
  readonly stage: string
  readonly attempt: number
  readonly code: string
  readonly message: string
}

export interface JobPage {
  readonly jobs: readonly Job[]
  readonly next: string | null
}

export interface Failure {
  readonly employee_id: string | null
  readonly date: string | null
  readonly stage: string
  readonly code: string
  readonly message: string
  readonly attempts: number
}

/** Of a job. */
export interface RecordedFailure extends Failure {
  readonly number: number
}

export interface FailurePage {
  readonly errors: readonly RecordedFailure[]
  readonly next: number | null
}

/** Days from `from` to `to`, both included. */
export interface Days {
  readonly from: string
  readonly to: string
}

export interface EmployeeRow {
  readonly employee_id: string
  readonly name: string | null
  /** How many of the job's dates, from the first, are dealt with. */
  readonly dates_done: number
  /** What failed there has to be asked for. */
  readonly failed_dates: readonly string[]
  /** Days that are closed by now, in a job that has left closed days alone; null when that could not be found out. */
  readonly closed: readonly Days[] | null
  /** This date and the later ones wait behind a failed day. */
  readonly blocked_from: string | null
}

export interface EmployeePage {
  readonly start_date: string
  readonly end_date: string
  readonly employees: readonly EmployeeRow[]
  readonly next: string | null
}

/** What settling came to, or that there is more to do. */
export type Settled =
  | { readonly settled: false }
  | {
      readonly settled: true
      readonly days: number
      readonly failed: number
      readonly failed_stages: readonly string[]
    }

/** How much of a tenant is noted and not settled. */
export interface Freshness {
  readonly tenant_id: string
  readonly dirty_employees: number
  readonly changes: number
  readonly oldest_at: string | null
  readonly failing: number
  readonly held: number
}

export interface FreshnessPage {
  readonly tenants: readonly Freshness[]
  readonly more: boolean
}

export interface DirtyChange {
  readonly id: number
  readonly employee_id: string | null
  readonly state: string
  readonly table: string | null
  readonly stage: string | null
  readonly at: readonly string[]
  readonly start_date: string | null
  readonly end_date: string | null
  readonly attempts: number
  readonly code: string | null
  readonly message: string | null
  readonly noted_at: string
  readonly due_at: string | null
}

export interface DirtyPage {
  readonly changes: readonly DirtyChange[]
  readonly next: number | null
}

/** One value that a run has changed. */
export interface HistoryEntry {
  readonly id: string
  readonly stage: string
  readonly before: unknown
  readonly before_known: boolean
  readonly after: unknown
  readonly not_kept: string | null
  readonly at: string
  readonly job_id: string | null
  readonly kind: string
  readonly reason: string | null
  readonly actor: string | null
  readonly tables: readonly string[]
}

export interface HistoryPage {
  readonly entries: readonly HistoryEntry[]
  readonly next: string | null
}

export interface StartRequest {
  readonly tenant_id: string
  readonly start_date: string
  readonly end_date: string
  readonly employee_ids?: readonly string[]
  readonly tables?: readonly string[]
  readonly clear_existing: boolean
  readonly reason?: string
}

/** Of a recalculation, or of what held changes would do. */
export type PreviewRequest =
  | (StartRequest & { readonly closed: 'skip' | 'include' | 'only' })
  | { readonly held: true; readonly tenant_id: string }

/** A day or period, and what it is of. */
interface Place {
  readonly employee_id: string
  readonly start_date: string
  readonly end_date: string
  readonly stage: string
}

/** What a recalculation would change. */
export interface Difference extends Place {
  readonly kind: 'insert' | 'update' | 'delete'
  readonly before: unknown
  readonly after: unknown
}

/** Stage → numeric field → something about all of it. */
export type Totals<Total> = Readonly<Record<string, Readonly<Record<string, Total>>>>

export interface PreviewSummary {
  readonly days: number
  readonly changed_days: number
  readonly closed_days: number
  readonly failed_days: number
  readonly inserts: number
  readonly updates: number
  readonly deletes: number
  /** The first of them. */
  readonly errors: readonly Failure[]
  readonly totals: Totals<{ readonly before: number; readonly after: number }>
  readonly left_out: readonly string[]
}

/** What a closed day or period owes. */
export interface Correction extends Place {
  readonly id: string
  readonly stored: unknown
  readonly right: unknown
  readonly taken: Readonly<Record<string, number>>
  readonly difference: Readonly<Record<string, number>>
}

export interface CorrectionsSummary {
  readonly corrections: number
  readonly totals: Totals<number>
  readonly failed_days: number
  readonly failed_periods: number
  readonly errors: readonly Failure[]
}

export interface Estimate {
  readonly employees: number
  readonly total_days: number
  readonly estimated_duration_seconds: number | null
}

export interface StartedJob {
  readonly job_id: string
}

export type Permission =
  | 'start'
  | 'read'
  | 'cancel'
  | 'pause'
  | 'resume'
  | 'settle'
  | 'release'
  | 'history'
  | 'preview'
  | 'corrections'
  | 'settle-corrections'

/** What the caller may do. */
export interface Me {
  readonly tenants: readonly string[] | '*'
  readonly actions: readonly Permission[] | '*'
  /** Those that a recalculation may be narrowed down to; empty: there is nothing to choose. */
  readonly tables: readonly string[]
}

/** An answer of type `application/problem+json`. */
export interface ProblemDetails {
  readonly title?: string
  readonly detail?: string
  readonly code?: string
  readonly errors?: readonly { readonly field: string; readonly message: string }[]
  readonly active_job_id?: string | null
}
