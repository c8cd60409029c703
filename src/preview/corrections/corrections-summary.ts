import type { RecalcFailure } from '../../run/failure.ts'
import { SummaryCounts } from '../preview-summary.ts'
import type { PreviewedLane } from '../previewed-lane.ts'
import type { Correction } from './correction.ts'
import { plus } from './decimal.ts'

/** What a list of corrections came to. */
export interface CorrectionsSummary {
  /** `cancelled`: it was broken off, so the numbers are those of a part. */
  readonly status: 'completed' | 'cancelled'
  /** How many there are. */
  readonly corrections: number
  /** Stage → numeric field → the sum of what is left to take over. */
  readonly totals: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Employee-days that could not be calculated: nobody knows what they owe. */
  readonly failedDays: number
  /** The same of periods. */
  readonly failedPeriods: number
  /** The first failures. */
  readonly errors: readonly RecalcFailure[]
}

/** Adds up what corrections come to. */
export class CorrectionCounts {
  readonly #looks = new SummaryCounts([])
  readonly #totals = new Map<string, Map<string, number>>()
  #corrections = 0

  add({ outcomes }: Pick<PreviewedLane, 'outcomes'>, corrections: readonly Correction[]): void {
    for (const { outcome, failedBehind } of outcomes) this.#looks.add(outcome, failedBehind)
    this.#corrections += corrections.length
    for (const { stage, difference } of corrections) {
      const fields = this.#totals.get(stage) ?? new Map<string, number>()
      this.#totals.set(stage, fields)
      for (const [field, left] of Object.entries(difference)) fields.set(field, plus(fields.get(field) ?? 0, left))
    }
  }

  summary(isComplete: boolean): CorrectionsSummary {
    const { status, failedDays, periods, errors } = this.#looks.summary(isComplete ? 'completed' : 'cancelled')
    const totals = [...this.#totals].map(([stage, fields]) => [stage, Object.fromEntries(fields)] as const)
    return {
      status,
      corrections: this.#corrections,
      totals: Object.fromEntries(totals),
      failedDays,
      failedPeriods: periods?.failed ?? 0,
      errors,
    }
  }
}
