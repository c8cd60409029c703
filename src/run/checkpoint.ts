import type { IsoDate } from '../calendar/iso-date.ts'
import type { RecalcFailure } from './failure.ts'
import type { PeriodCounters } from './result.ts'

/** A group of employees whose days are calculated in date order, and how far that is. */
export interface LaneCheckpoint {
  /** Unique within the job, never used twice. */
  readonly id: number
  /**
   * `initial`: these days are calculated for the first time in this job. `repair`: they failed, or were blocked, in an
   * earlier run of it, so they are counted as failed until they are repaired. `period`: the period that begins on `from`
   * failed, so it and those behind it are calculated again, and no day.
   */
  readonly kind: 'initial' | 'repair' | 'period'
  /** The first stage of a lane of kind `period`. */
  readonly stage?: string
  /** Whose days; never empty. */
  readonly employeeIds: readonly string[]
  /** The lane's first date. */
  readonly from: IsoDate
  /** The lane's last date, inclusive. */
  readonly to: IsoDate
  /** How many of its dates are done, counted from `from`. */
  readonly datesDone: number
}

/**
 * Where a run can go on. Its size is bounded by one page of employees, whatever the size of the run: everybody up to
 * `dispatchedThrough` is done, except for the lanes that are still open.
 */
export interface Checkpoint {
  /** The last employee who was dispatched to a lane, in the repository's order; `null` before the first. */
  readonly dispatchedThrough: string | null
  /** True once every employee was dispatched to a lane. */
  readonly allDispatched: boolean
  /** The id of the next lane that is made. */
  readonly nextLaneId: number
  /** Lanes that have begun, or are about to, and are not done. */
  readonly openLanes: readonly LaneCheckpoint[]
  /** The names of the tenant stages that are done. */
  readonly tenantStagesDone: readonly string[]
}

/** Where every run begins. */
export const startOfRun: Checkpoint = {
  dispatchedThrough: null,
  allDispatched: false,
  nextLaneId: 1,
  openLanes: [],
  tenantStagesDone: [],
}

/** How far employees have been dispatched to lanes. */
export type Dispatched = Pick<Checkpoint, 'dispatchedThrough' | 'allDispatched'>

/** What identifies a failure within one run: the employee-day, the period and its stage, or the name of the tenant stage. */
export type FailureKey = Pick<RecalcFailure, 'employeeId' | 'date' | 'stage' | 'period'>

/** A failure as it was recorded; `number` ascends within the job, in the order of the commits, and is never used twice. */
export interface RecordedFailure extends RecalcFailure {
  /** 1, 2, 3… within the job. */
  readonly number: number
  /** There, and true, when it was recorded before, for an earlier day that is repaired by now. */
  readonly moved?: true
}

/** How far one committed unit of work brought the run; moves in that very unit of work. No number in it is negative. */
export interface Step {
  /** The lane that moved. */
  readonly lane?: LaneStep
  /** The names of all tenant stages that are done after this step; another list than before it. Undefined: as before. */
  readonly tenantStagesDone?: readonly string[]
  /** Employee-days brought up to date by this step. */
  readonly processed: number
  /** The part of `processed` that needed no write. */
  readonly unchanged: number
  /** Employee-days that were left alone because they are closed. */
  readonly skipped: number
  /** Employee-days that failed or are blocked, and were not counted as failed before. */
  readonly failed: number
  /** The part of `processed` and `skipped` that was counted as failed before. */
  readonly repaired: number
  /** What it did to periods; absent when that is nothing. */
  readonly periods?: PeriodStep
  /** Failures to be recorded, after those in `resolved` are removed. */
  readonly failures: readonly RecalcFailure[]
  /** Failures of an earlier run that no longer stand: repaired, or failed anew. */
  readonly resolved: readonly FailureKey[]
  /** Failures of an earlier run that stand for a later day now, the first that is still to be repaired. */
  readonly moved: readonly {
    /** The failure, as it was recorded. */
    readonly failure: FailureKey
    /** The date that it stands for now. */
    readonly to: IsoDate
  }[]
  /** An earlier attempt got as far as its commit and then failed: it may be that only the answer was lost. */
  readonly repeated?: boolean
}

/** What a step adds to the counters of periods. */
export interface PeriodStep extends PeriodCounters {
  /** Failures of periods that no longer stand. */
  readonly repaired: number
}

/** How far a lane is after a step. */
export interface LaneStep {
  /** The lane's id. */
  readonly id: number
  /** How many of its dates are done now, counted from its first. */
  readonly datesDone: number
  /** Those were its last dates. */
  readonly finished: boolean
  /** Who is left in the lane, when a failed day has taken employees out of it. */
  readonly employeeIds?: readonly string[]
}

/** Thrown in place of saving a `repeated` step that is saved already, so that it is neither done nor counted twice. */
export class StepSavedBefore extends Error {}

/** A step that counts nothing. */
export const emptyStep: Step = {
  processed: 0,
  unchanged: 0,
  skipped: 0,
  failed: 0,
  repaired: 0,
  failures: [],
  resolved: [],
  moved: [],
}

/** A string that is the same for the same {@link FailureKey}. */
export function failureId({ employeeId, date, stage, period }: FailureKey): string {
  if (period) return `period ${date}/${stage}/${employeeId}`
  return employeeId === null ? `stage ${stage}` : `day ${date}/${employeeId}`
}
