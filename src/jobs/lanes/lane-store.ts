import type { LaneCheckpoint, Step } from '../../run/checkpoint.ts'
import type { AfterCommit, RetryNotice } from '../../run/journal.ts'
import type { Counters, RunFault } from '../../run/result.ts'
import type { Lease, Renewal } from '../lease.ts'

/** Where a lane is found. Whoever gets one twice, late or not at all does no harm: the store decides. */
export interface LanePointer {
  /** The job. */
  readonly jobId: string
  /** The lane within the job. */
  readonly laneId: number
  /** The fencing token of the job's worker who sent it. */
  readonly token: number
}

/**
 * The right to calculate a lane, and the lanes that it is split into. Whoever claims the lane next, or the job, ends it: writes
 * under the old claim are refused from then on.
 */
export interface LaneClaim {
  /** The job that the lane is of. */
  readonly jobId: string
  /** The job's fencing token. */
  readonly token: number
  /** Random, a new one for each claim. */
  readonly claimId: string
}

/** For how long a lane is claimed. */
export interface LaneClaimRequest {
  /** Milliseconds since 1970. */
  readonly now: number
  /** In milliseconds. */
  readonly claimMs: number
}

/** What the process that calculates a lane reports to the worker of the job. */
export type LaneNotice =
  /** It waits, and tries a unit of work again. */
  | {
      /** What failed, and when it is tried again. */
      readonly retry: RetryNotice
      /** Ascends within a claim. */
      readonly number: number
    }
  | {
      /** What has to end the whole run. */
      readonly fault: RunFault
    }

/** An open lane, as the worker of its job sees it. */
export interface LaneView {
  /** Within the job. */
  readonly id: number
  /** Until when somebody calculates it, unless that is renewed; 0: nobody does. */
  readonly claimedUntil: number
  /** How often in a row it was claimed by somebody who died, or is cut off, before a single block of it. */
  readonly claims: number
  /** What was reported last; `null`: nothing. */
  readonly notice: LaneNotice | null
}

/** How far the lanes of a job are, all at one moment. */
export interface LanesProgress {
  /** What was committed so far. */
  readonly counted: Omit<Counters, 'totalDays'>
  /** The number of the last failure. */
  readonly lastFailure: number
  /** Whether somebody asked to cancel or to pause the job. */
  readonly requested: Renewal
  /** Those that are not finished; ascending by id. */
  readonly lanes: readonly LaneView[]
}

/** What became of a step that was saved. */
export interface SavedStep {
  /** Completes the step once its unit of work has committed. */
  readonly afterCommit: AfterCommit | undefined
  /** This was the last block for now: the job is to end, or to pause. */
  readonly isStopping: boolean
}

/** A claim that still stands. */
export interface StandingClaim {
  /** Of the claim. */
  readonly claimId: string
  /** The job is to end, or to pause: no other block is to begin. */
  readonly isStopping: boolean
}

/**
 * Lanes that any number of processes calculate. The worker of a job opens them, as in a `JobStore`; whoever gets a pointer to one
 * claims it and saves its steps.
 */
export interface LaneStore<Tx = unknown> {
  /**
   * How far the lanes of a job are. It is one statement, whatever their number.
   *
   * @throws {LeaseLostError} once the job has been claimed by another.
   */
  progress(lease: Lease): Promise<LanesProgress>

  /**
   * Has nobody begin another block of the lanes that are open now, or claim one of them, under this lease. `requestCancel` and
   * `requestPause` do the same.
   */
  stop(lease: Lease): Promise<void>

  /**
   * Takes a lane that is open and that nobody holds, under the token that the pointer names. Undefined when there is none, or
   * none any more. A claim that is repeated under the same id, because its answer was lost, gets the same answer.
   */
  claim(
    pointer: LanePointer,
    request: LaneClaimRequest & { readonly claimId: string },
  ): Promise<LaneCheckpoint | undefined>

  /** Keeps lanes until `now + claimMs`, and tells which of the claims still stand. */
  renew(claims: readonly LaneClaim[], request: LaneClaimRequest): Promise<readonly StandingClaim[]>

  /** Gives lanes back that are not finished: whoever gets a pointer to them may claim them at once. */
  release(claim: LaneClaim): Promise<void>

  /**
   * As `JobStore.saveStep`, for a step of a lane that is claimed.
   *
   * @throws {LeaseLostError} when the lane, or its job, has been claimed by another.
   * @throws {StepSavedBefore} for a `repeated` step that is saved already.
   */
  save(tx: Tx, claim: LaneClaim, step: Step): Promise<SavedStep>

  /** As `JobStore.splitLane`; whoever holds the lane holds those that replace it. */
  split(claim: LaneClaim, laneId: number, into: readonly LaneCheckpoint[]): Promise<void>

  /** Stores a notice for the worker of the job, in place of the last one. Does nothing when the claim is lost. */
  report(claim: LaneClaim, laneId: number, notice: LaneNotice): Promise<void>
}
