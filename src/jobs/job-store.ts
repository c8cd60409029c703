import type { ChangeLedger } from '../changes/change-ledger.ts'
import type { Checkpoint, Dispatched, LaneCheckpoint, RecordedFailure, Step } from '../run/checkpoint.ts'
import type { CorrectionStore } from '../run/corrections/correction-store.ts'
import type { HistoryStore } from '../run/history/history-store.ts'
import type { AfterCommit } from '../run/journal.ts'
import type { UnitOfWork } from '../run/units/unit-of-work.ts'
import type { JobEvent } from './job-events.ts'
import type { JobRecord, JobStatus, JobWithPlan } from './job-record.ts'
import type { LaneStore } from './lanes/lane-store.ts'
import type { Lease, Renewal } from './lease.ts'

export type { Lease, Renewal } from './lease.ts'

/** Where jobs, changes, locks and transactions live. */
export interface RecalcBackend<Tx = unknown> {
  /** Opens transactions and locks employees. */
  readonly unitOfWork: UnitOfWork<Tx>
  /** Keeps jobs, with their checkpoints, failures and events. */
  readonly jobs: JobStore<Tx>
  /** Keeps lanes that any process may claim. Undefined: lanes are calculated by the worker of their job alone, and `dispatcher` is refused. */
  readonly lanes?: LaneStore<Tx>
  /** Undefined: a backend without a ledger, with which `noteChange` and `settle` are refused. */
  readonly changes?: ChangeLedger<Tx>
  /** Undefined: nothing is kept of what runs change. */
  readonly history?: HistoryStore<Tx> | undefined
  /** Undefined: nobody remembers which corrections of closed days were taken over, so none are listed. */
  readonly corrections?: CorrectionStore<Tx> | undefined
}

/** Who asks for a lease, and until when it holds unless it is renewed. */
export interface LeaseRequest {
  /** Milliseconds since 1970. */
  readonly now: number
  /** For how long, in milliseconds. */
  readonly leaseMs: number
}

/** Who asks for a job. */
export interface ClaimRequest extends LeaseRequest {
  /** Random, a new one for each claim. */
  readonly claimId: string
}

/** What becomes of a job that meets another active one of its scope: it is refused, or waits behind it. */
export type WhenBusy = 'reject' | 'queue'

/** Who asks for a new job, and what may stand in its way. */
export interface AdmissionRequest extends ClaimRequest {
  /** The least time since the last job of its scope was made, in milliseconds. */
  readonly cooldownMs: number
  /** What becomes of it while another one of its scope is active. */
  readonly whenBusy: WhenBusy
  /** Whether whoever asks works on it; otherwise it waits for somebody who does. */
  readonly worker: boolean
}

/** Who asks for a job, and how it may stand. */
export interface ClaimOf extends ClaimRequest {
  /** The statuses in which it may be claimed. */
  readonly from: readonly JobStatus[]
  /** It is to be ended, not to be worked on. Default false. */
  readonly toEnd?: boolean
}

/** Whether a job was let in. */
export type Admission =
  | {
      /** The right to work on it. */
      readonly lease: Lease
    }
  /** It waits for its turn, or for somebody to take it. */
  | {
      /** Always true. */
      readonly waits: true
    }
  /** It was asked for before: this is the job that there is under its id. */
  | {
      /** That job. */
      readonly existing: JobRecord
    }
  /** Another job of its scope is active. */
  | {
      /** That job. */
      readonly activeJobId: string
    }
  /** The last job of its scope is too recent. */
  | {
      /** After how many milliseconds it may be asked for again. */
      readonly retryAfterMs: number
    }

/** Whether a job waits again for somebody to take it. */
export type Requeued =
  | {
      /** The job, which waits now. */
      readonly record: JobRecord
    }
  /** Another job of its scope is active. */
  | {
      /** That job. */
      readonly activeJobId: string
    }
  /** Its status is none of those that were asked for. */
  | {
      /** The status it has. */
      readonly status: JobStatus
    }

/** A job that waits, in front of all others of its queue. */
export interface WaitingJob {
  /** The job. */
  readonly jobId: string
  /** The same for jobs of the same tenant. */
  readonly tenantKey: string
  /** Jobs of a queue are taken in this order; see `queueOrder`. */
  readonly order: number
}

/** Some of the queues in which jobs wait. */
export interface WaitingPage {
  /** Those that may be taken now. */
  readonly jobs: readonly WaitingJob[]
  /** Where the next page begins; `null`: this one was the last. */
  readonly next: string | null
}

/** Whether somebody may work on a stored job. */
export type Claim =
  | {
      /** The right to work on it. */
      readonly lease: Lease
      /** The job, with all that a worker needs. */
      readonly record: JobWithPlan
      /** How far it is. */
      readonly checkpoint: Checkpoint
      /** The number of its last failure; 0 when there was none. */
      readonly lastFailure: number
      /** Its last run did not end: the worker died, or is cut off. */
      readonly takenOver: boolean
    }
  /** Another job of its scope is active. */
  | {
      /** That job. */
      readonly activeJobId: string
    }
  /** Its status is none of those that were asked for, or its lease still holds. */
  | {
      /** The status it has. */
      readonly status: JobStatus
    }

/** A job that nobody works on although its last run did not come to an end of its own. */
export interface AbandonedJob {
  /** The job. */
  readonly jobId: string
  /** Where it stands. */
  readonly status: JobStatus
  /** Somebody has asked for its end. */
  readonly cancelRequested: boolean
  /** Somebody has asked it to pause. */
  readonly pauseRequested: boolean
}

/** Which jobs to list. */
export interface JobQuery {
  /** One tenant or several; none of an empty list's. Default: every tenant's. */
  readonly tenantId?: string | readonly string[]
  /** Only jobs in this status. Default: all. */
  readonly status?: JobStatus
  /** The most jobs to list. Default 100. */
  readonly limit?: number
  /** The id of a job of these tenants, whatever its status: only jobs behind it in the list. Default: from the newest. */
  readonly after?: string
}

/**
 * Where jobs are kept. Writes under a lease throw `LeaseLostError` once the job has been claimed by another.
 */
export interface JobStore<Tx = unknown> {
  /**
   * Stores a queued job with its first event, unless another job of its scope is active or, within `cooldownMs`, was made
   * before it. One atomic step: of any number at once exactly one gets in. With `whenBusy: 'queue'` the others wait behind it, in
   * the order in which they were stored; nobody holds the lease of a job that waits.
   *
   * A record with a `fingerprint` may be asked for more than once. When a job is there already under its id, that one is
   * told and nothing is stored, whoever is active and however recent; of any number at once exactly one is stored.
   */
  create(record: JobWithPlan, event: JobEvent, request: AdmissionRequest): Promise<Admission>

  /**
   * Takes a job over whose status is one of `from`; an active one only when its lease has expired. From then on it is
   * `running` and has neither result nor end; of two that claim it at once one wins, whatever they share. A request to cancel
   * it, or to pause it, stands when the job was active or interrupted; of a job that has ended otherwise it is forgotten.
   *
   * A job that waits can be taken at once, unless others of its scope wait in front of it. Those that wait stand in nobody's way
   * but of those behind them. With `toEnd` the job is not worked on, only ended: it is `queued` in the hands of whoever claims
   * it, whoever else of its scope is active.
   *
   * @throws {JobNotFoundError}
   */
  claim(jobId: string, request: ClaimOf): Promise<Claim>

  /**
   * Has a job whose status is one of `from` wait for somebody to take it, behind those of its scope that wait already; with
   * `whenBusy: 'reject'` only when none of them is active. Nobody holds its lease then.
   *
   * @throws {JobNotFoundError}
   */
  requeue(
    jobId: string,
    request: { readonly now: number; readonly from: readonly JobStatus[]; readonly whenBusy: WhenBusy },
  ): Promise<Requeued>

  /**
   * The first job of each queue behind the queue `after`, of at most `limit` queues. Jobs of one scope form a queue, and so do
   * the jobs without a scope of one tenant. Left out are jobs whose scope somebody works in, and those of `except`.
   */
  listWaiting(query: {
    readonly limit: number
    readonly after: string | null
    readonly except: readonly string[]
  }): Promise<WaitingPage>

  /** Keeps the lease until `now + leaseMs`. */
  renew(lease: Lease, request: LeaseRequest): Promise<Renewal>

  /** The job, or undefined when there is none. */
  get(jobId: string): Promise<JobRecord | undefined>

  /**
   * Newest first, by `createdAt`; of the same millisecond in an order of the store's own, which stays as it is. Results come
   * without the failures that they list (`errors` is empty): these may be many, and nobody wants those of a whole list.
   *
   * @throws {JobNotFoundError} when `after` is no job of these tenants, or not any more.
   */
  list(query: JobQuery): Promise<readonly JobRecord[]>

  /**
   * Jobs that were interrupted, or that are active under a lease that expired before `now`; oldest first, at most `limit`,
   * behind the job `after`.
   */
  listAbandoned(query: {
    readonly now: number
    readonly limit: number
    readonly after: string | null
  }): Promise<readonly AbandonedJob[]>

  /** Events after `seq`, ascending, at most `limit`. */
  events(jobId: string, page: { readonly after: number; readonly limit: number }): Promise<readonly JobEvent[]>

  /** Failures after `number`, ascending, at most `limit`. */
  failures(jobId: string, page: { readonly after: number; readonly limit: number }): Promise<readonly RecordedFailure[]>

  /** The failures of the given employees, ascending by number: at most one for each of their dates. */
  failuresOf(jobId: string, employeeIds: readonly string[]): Promise<readonly RecordedFailure[]>

  /** How far the job is, all of one moment; undefined when there is no such job. */
  checkpoint(jobId: string): Promise<Checkpoint | undefined>

  /**
   * Of the employees that the job names, the next at most `limit` after `after`, ascending as JavaScript compares strings
   * (by UTF-16 code units); none when it means whom the repository lists.
   */
  employeeIds(
    jobId: string,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly string[]>

  /** Calls `listener` after something was stored for the job; returns what ends that. */
  watch(jobId: string, listener: () => void): () => void

  /**
   * Writes down that the job is to end as `cancelled`. From then on it can end in no other way, whoever works on it. False when
   * it has ended already, other than `interrupted`; undefined when there is no such job.
   */
  requestCancel(jobId: string, reason: string | null): Promise<boolean | undefined>

  /**
   * Writes down that the job is to pause. False when it has ended already, other than `paused` or `interrupted`, and when it is
   * to be cancelled; undefined when there is no such job. What ends first ends it.
   */
  requestPause(jobId: string): Promise<boolean | undefined>

  /**
   * Lanes that are about to begin, and how far employees have been dispatched; undefined leaves that as it is. Where there
   * are lanes, no tenant stage is done any more.
   */
  openLanes(lease: Lease, lanes: readonly LaneCheckpoint[], dispatched: Dispatched | undefined): Promise<void>

  /** Replaces an open lane by others, whose ids follow from its own: the number of the next lane stays as it is. */
  splitLane(lease: Lease, laneId: number, into: readonly LaneCheckpoint[]): Promise<void>

  /**
   * Moves checkpoint, counters and failures in the given unit of work. A store that cannot take part in it returns what
   * makes the step take effect, to be called after the commit; that throws when the lease was lost meanwhile.
   *
   * @throws {StepSavedBefore} for a `repeated` step that is saved already; the unit of work is then rolled back.
   */
  saveStep(tx: Tx, lease: Lease, step: Step): Promise<AfterCommit | undefined>

  /**
   * Stores events together with what they mean for the record: both become visible at once. A status that ends the run
   * ends the lease. The record's counters are the store's own, moved by `saveStep`; only `totalDays` is taken over, as
   * long as it is no less than the days that are done. `cancel` and `pauseRequested` are left as they were
   * requested. Events that are stored
   * already are left as they are, so that the holder of the lease may repeat a write whose answer was lost, the last one
   * included.
   *
   * A record that ends in another way than `cancelled` while the job is to be cancelled is refused: nothing is stored, and
   * the request is returned. Otherwise it resolves with `null`.
   */
  append(lease: Lease, events: readonly JobEvent[], record: JobRecord): Promise<JobRecord['cancel']>
}
