import type { IsoDate } from '../calendar/iso-date.ts'
import type { RecalcFailure } from './result.ts'

/** A group of employees whose days are worked off in date order. */
export interface LaneCheckpoint {
  /** Unique within the job, never used twice. */
  readonly id: number
  readonly employeeIds: readonly string[]
  /** How many of the plan's dates are done, counted from the first. */
  readonly datesDone: number
}

/**
 * Where a run can go on. Its size is bounded by one page of employees, whatever the size of the run: everybody up to
 * `after` is done, except for the lanes that are still open.
 */
export interface Checkpoint {
  /** The last employee who was handed to a lane, in the repository's order; `null` before the first. */
  readonly after: string | null
  /** True once every employee was handed to a lane. */
  readonly allHandedOut: boolean
  readonly nextLaneId: number
  readonly openLanes: readonly LaneCheckpoint[]
  /** Tenant stages that are done, counted from the first. */
  readonly tenantStagesDone: number
}

/** Where every run begins. */
export const startOfRun: Checkpoint = {
  after: null,
  allHandedOut: false,
  nextLaneId: 1,
  openLanes: [],
  tenantStagesDone: 0,
}

/** What tells failures of one run apart: the employee-day, or the name of the tenant stage. */
export type FailureKey = Pick<RecalcFailure, 'employeeId' | 'date' | 'stage'>

/** A failure as it was recorded; `number` ascends within the job and is never used twice. */
export interface RecordedFailure extends RecalcFailure {
  readonly number: number
}

/** How far one committed unit of work brought the run; moves in that very unit of work. */
export interface Step {
  /** The lane that moved, and how many of its dates are done now; `finished` when those were the last. */
  readonly lane?: { readonly id: number; readonly datesDone: number; readonly finished: boolean }
  readonly tenantStagesDone?: number
  /** Employee-days brought up to date by this step. */
  readonly processed: number
  /** The part of `processed` that needed no write. */
  readonly unchanged: number
  readonly skipped: number
  /** Newly failed or blocked; negative when days are repaired that had failed before. */
  readonly failed: number
  /** Failures to be recorded, after `settled` was removed. */
  readonly failures: readonly RecalcFailure[]
  /** Failures of an earlier run that no longer stand: repaired, or failed anew. */
  readonly settled: readonly FailureKey[]
  /** Failures of an earlier run that stand for a later day now, the first that is still to be repaired. */
  readonly moved: readonly { readonly failure: FailureKey; readonly to: IsoDate }[]
  /** An earlier attempt got as far as its commit and then failed: it may be that only the answer was lost. */
  readonly repeated?: boolean
}

/** Thrown in place of saving a `repeated` step that is saved already, so that it is neither done nor counted twice. */
export class StepSavedBefore extends Error {}

/** A step that counts nothing. */
export const emptyStep: Step = {
  processed: 0,
  unchanged: 0,
  skipped: 0,
  failed: 0,
  failures: [],
  settled: [],
  moved: [],
}

/** A string that is the same for the same {@link FailureKey}. */
export function failureId({ employeeId, date, stage }: FailureKey): string {
  return employeeId === null ? `stage ${stage}` : `day ${date}/${employeeId}`
}
