import type { IsoDate } from '../../calendar/iso-date.ts'

/** What a run does after a failed day: stop, or go on with the other days. */
export type OnError = 'fail-fast' | 'continue'

/** A request as it was understood, frozen when the run is made; a job repeats it when it is resumed. */
export interface RunPlan {
  readonly kind: 'day' | 'range' | 'batch' | 'all'
  readonly tenantId: string
  /** Sorted, without duplicates; `null`: whom the employee repository lists. */
  readonly employeeIds: readonly string[] | null
  readonly from: IsoDate
  /** Inclusive. */
  readonly to: IsoDate
  readonly zone: string
  /** Names of the stages to run and save; empty with a `dailyCalc`. */
  readonly stages: readonly string[]
  /** Whether rows that no source supports any more are removed. */
  readonly clearExisting: boolean
  readonly onError: OnError
}
