import type { ChangeContent, StoredChange } from './change-ledger.ts'
import { DaySet, type DaySpan } from './day-set.ts'

/** Days by the first stage that is to calculate them; the empty name: by all. */
export type DaysByStage = Map<string, DaySet>

export const ALL_STAGES = ''

/** The days of one employee, and since when they are dirty. */
export class DirtyEmployee {
  /** To be calculated now. */
  readonly byStage: DaysByStage = new Map()
  /** Failing or held, and not due: left as they are unless their days are calculated all the same. */
  readonly parked: StoredChange[] = []
  /** Failing or held, and due: they tell how often that happened before. */
  readonly due: StoredChange[] = []
  /** Tables that were changed. */
  readonly tables = new Set<string>()
  notedAt = Number.POSITIVE_INFINITY

  get isEmpty(): boolean {
    return this.byStage.values().every((days) => days.isEmpty)
  }

  get first(): number | undefined {
    return this.byStage
      .values()
      .map(({ first }) => first)
      .reduce(
        (least, first) => (first === undefined || (least !== undefined && least < first) ? least : first),
        undefined,
      )
  }

  get last(): number {
    return Math.max(...this.byStage.values().map(({ spans }) => spans.at(-1)?.last ?? Number.NEGATIVE_INFINITY))
  }
}

export function addTo(sets: DaysByStage, stage: string, spans: Iterable<DaySpan>): void {
  const days = sets.get(stage) ?? new DaySet()
  sets.set(stage, days)
  days.addAll(spans)
}

/** The first stage that is to calculate the days of a change. */
export function stageOf(content: ChangeContent): string {
  return 'from' in content && 'days' in content ? (content.from ?? ALL_STAGES) : ALL_STAGES
}
