import type { BlockOutcome } from '../run/blocks/block-runner.ts'
import { noPeriods } from '../run/counters.ts'
import type { RecalcFailure } from '../run/failure.ts'
import type { PeriodCounters } from '../run/result.ts'
import { type DayDifference, isMixed, numbersOf } from './difference.ts'

/** A numeric field of a stage, summed over all differences. */
export interface FieldTotal {
  /** The sum of what is stored. */
  readonly before: number
  /** The sum of what was calculated. */
  readonly after: number
}

/** What a preview came to. */
export interface PreviewSummary {
  /** `cancelled`: it was broken off, so the numbers are those of a part. */
  readonly status: 'completed' | 'cancelled'
  /** Employee-days that were looked at; `failed` and `closed` are not among them. */
  readonly days: number
  /** Employee-days that differ. */
  readonly changedDays: number
  /** Employee-days left alone because their period is closed. */
  readonly closedDays: number
  /** Employee-days that would fail, or wait behind one that would. */
  readonly failedDays: number
  /** Numbers of periods; absent where no period stage takes part. */
  readonly periods?: PeriodCounters
  /** Rows that the run would add, counted by stage and day or period. */
  readonly inserts: number
  /** Rows that it would change. */
  readonly updates: number
  /** Rows that it would remove. */
  readonly deletes: number
  /** The first failures. */
  readonly errors: readonly RecalcFailure[]
  /** Stage → numeric field → sums over all differences. A value that is a number itself has the empty name. */
  readonly totals: Readonly<Record<string, Readonly<Record<string, FieldTotal>>>>
  /** Tenant stages that the run would run, and that a preview leaves out. */
  readonly leftOut: readonly string[]
}

/** The most failures that a summary lists. */
const ERRORS = 100

/** Adds up what a preview comes to. */
export class SummaryCounts {
  readonly #errors: RecalcFailure[] = []
  readonly #totals = new Map<string, Map<string, { before: number; after: number }>>()
  readonly #kinds = { insert: 0, update: 0, delete: 0 }
  readonly #leftOut: Set<string>
  #periods: PeriodCounters | undefined
  #days = 0
  #changed = 0
  #closed = 0
  #failed = 0

  constructor(leftOut: readonly string[]) {
    this.#leftOut = new Set(leftOut)
  }

  add(outcome: BlockOutcome, failedBehind: number): void {
    this.#days += outcome.processed
    this.#closed += outcome.skipped
    this.#failed += outcome.failed + failedBehind
    this.#errors.push(...outcome.failures.slice(0, ERRORS - this.#errors.length))
    const { periods } = outcome
    if (!periods) return
    const sum = this.#periods ?? noPeriods
    this.#periods = {
      processed: sum.processed + periods.processed,
      unchanged: sum.unchanged + periods.unchanged,
      skipped: sum.skipped + periods.skipped,
      failed: sum.failed + periods.failed,
    }
  }

  addDifferences(differences: readonly DayDifference[]): void {
    const days = new Set<string>()
    for (const { stage, kind, before, after, employeeId, date } of differences) {
      this.#kinds[kind] += 1
      if (date !== undefined) days.add(`${date} ${employeeId}`)
      const [old, now] = [numbersOf(before), numbersOf(after)]
      for (const field of new Set([...old.keys(), ...now.keys()])) {
        if (isMixed(field, before, after)) continue
        const total = this.#total(stage, field)
        total.before += old.get(field) ?? 0
        total.after += now.get(field) ?? 0
      }
    }
    this.#changed += days.size
  }

  addLeftOut(stages: readonly string[]): void {
    for (const stage of stages) this.#leftOut.add(stage)
  }

  summary(status: PreviewSummary['status']): PreviewSummary {
    const totals = [...this.#totals].map(([stage, fields]) => [stage, Object.fromEntries(fields)] as const)
    return {
      status,
      days: this.#days,
      changedDays: this.#changed,
      closedDays: this.#closed,
      failedDays: this.#failed,
      ...(this.#periods && { periods: this.#periods }),
      inserts: this.#kinds.insert,
      updates: this.#kinds.update,
      deletes: this.#kinds.delete,
      errors: this.#errors,
      totals: Object.fromEntries(totals),
      leftOut: [...this.#leftOut],
    }
  }

  #total(stage: string, field: string) {
    const fields = this.#totals.get(stage) ?? new Map<string, { before: number; after: number }>()
    this.#totals.set(stage, fields)
    const total = fields.get(field) ?? { before: 0, after: 0 }
    fields.set(field, total)
    return total
  }
}
