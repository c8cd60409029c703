import type { IsoDate } from '../../calendar/iso-date.ts'
import type { StageShape } from '../../pipeline/stage-shape.ts'

/** What a run does after a failed day: stop, or go on with the other days. */
export type OnError = 'fail-fast' | 'continue'

/** A request as it was understood, frozen when the run is made; a job repeats it when it is resumed. */
export interface RunPlan {
  /** Which trigger it is of. */
  readonly kind: 'day' | 'range' | 'batch' | 'all'
  /** Whose days. */
  readonly tenantId: string
  /** Sorted, without duplicates; `null`: whom the employee repository lists. */
  readonly employeeIds: readonly string[] | null
  /** The first date. */
  readonly from: IsoDate
  /** Inclusive. */
  readonly to: IsoDate
  /** The tenant's. */
  readonly zone: string
  /** The time of day at which days begin. Left out: midnight. */
  readonly dayStartsAt?: string
  /** The tables that were asked for, sorted, without duplicates. Left out: all. */
  readonly tables?: readonly string[]
  /** What it runs, in order, as it was when the run was made. */
  readonly stages: readonly StageShape[]
  /** Whether rows that no source supports any more are removed. */
  readonly clearExisting: boolean
  /** Whether a failed day ends the run. */
  readonly onError: OnError
  /** Who asked for it, as they named themselves. */
  readonly actor?: string
}
