import type { Checkpoint, Dispatched, LaneCheckpoint, RecordedFailure, Step } from './checkpoint.ts'
import type { Employee } from './plan/host-contracts.ts'
import type { Counters } from './result.ts'

/** Completes something once the unit of work has committed. */
export type AfterCommit = () => void

/** A unit of work that is tried again. */
export interface RetryNotice {
  /** The name of the stage. */
  readonly stage: string
  /** The try that failed, from 1. */
  readonly attempt: number
  /** Milliseconds until the next one. */
  readonly delayMs: number
  /** Of the error: the database's own, or the name of the error. */
  readonly code: string
  /** Of the error. */
  readonly message: string
}

/** One of the things that a run does, one after the other: the pass, then each tenant stage. */
export interface RunPhase {
  /** From 1. */
  readonly number: number
  /** Its name, for programs. */
  readonly name: string
  /** Its title, for people. */
  readonly title: string
}

/** Where whoever calculates lanes writes down how far they are. */
export interface LaneJournal<Tx> {
  /** Inside the unit of work; takes effect when it commits. What is returned is called after the commit. */
  save(tx: Tx, step: Step): Promise<AfterCommit | undefined>
  /** A unit of work has committed. */
  committed(step: Step, last: Employee | undefined): void
  /** One lane goes on as two, each at its own pace. */
  splitLane(laneId: number, halves: readonly LaneCheckpoint[]): Promise<void>
  /** What stands recorded of some employees by now, in no order. */
  failuresOf(employeeIds: readonly string[]): Promise<readonly RecordedFailure[]>
  retrying(notice: RetryNotice, err: unknown): void
  /** Why the run holds still; `null` when it goes on. */
  waiting(reason: string | null): void
}

/**
 * Where a run writes down how far it is. A synchronous run keeps mere counters; a job keeps all of it in its store, so that
 * it can be resumed.
 */
export interface RunJournal<Tx> extends LaneJournal<Tx> {
  /** Where to begin. */
  readonly checkpoint: Checkpoint
  /** What is counted so far. */
  readonly counters: Counters
  /** The number of the last failure of earlier runs of the same job; 0 if there is none. */
  readonly lastFailure: number
  /** Recorded failures, ascending by number. */
  failures(page: { readonly after: number; readonly limit: number }): Promise<readonly RecordedFailure[]>
  /**
   * Before their first block: these lanes exist. `dispatched`: how far employees have been dispatched, if that changed.
   * Where there are lanes, the tenant stages are due again.
   */
  openLanes(lanes: readonly LaneCheckpoint[], dispatched: Dispatched | undefined): Promise<void>
  /** The number of employee-days is known, or turned out to be another. */
  counted(totalDays: number): void
  phase(phase: RunPhase): void
}
