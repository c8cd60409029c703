/** Consecutive days, both ends inclusive, as numbers since 1970-01-01. */
export interface DaySpan {
  readonly first: number
  readonly last: number
}

/** Any days, kept as spans: a decade is as small as a day. */
export class DaySet {
  #spans: DaySpan[] = []
  #isSorted = true

  add(first: number, last: number): void {
    if (last < first) return
    const before = this.#spans.at(-1)
    if (before && first >= before.first && first <= before.last + 1) {
      if (last > before.last) this.#spans[this.#spans.length - 1] = { first: before.first, last }
      return
    }
    if (before && first < before.first) this.#isSorted = false
    this.#spans.push({ first, last })
  }

  addAll(spans: Iterable<DaySpan>): void {
    for (const { first, last } of spans) this.add(first, last)
  }

  /** Ascending; none meets the next. */
  get spans(): readonly DaySpan[] {
    if (!this.#isSorted) {
      const sorted = this.#spans.sort((a, b) => a.first - b.first)
      this.#spans = []
      this.#isSorted = true
      this.addAll(sorted)
    }
    return this.#spans
  }

  /** How many days. */
  get size(): number {
    return this.spans.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  }

  get isEmpty(): boolean {
    return this.#spans.length === 0
  }

  /** The first day; undefined when there is none. */
  get first(): number | undefined {
    return this.spans[0]?.first
  }

  has(day: number): boolean {
    return this.spans.some(({ first, last }) => first <= day && day <= last)
  }

  /** The days from `first` to `last`, ascending. */
  *between(first: number, last: number): Generator<number> {
    for (const span of this.spans) {
      const end = Math.min(last, span.last)
      for (let day = Math.max(first, span.first); day <= end; day++) yield day
    }
  }

  /** The spans without the days from `first` to `last`. */
  without(first: number, last: number): readonly DaySpan[] {
    return this.spans.flatMap((span) => withoutSpan(span, { first, last }))
  }
}

/** What is left of a span without another one. */
export function withoutSpan(span: DaySpan, { first, last }: DaySpan): readonly DaySpan[] {
  return [
    ...(span.first < first ? [{ first: span.first, last: Math.min(span.last, first - 1) }] : []),
    ...(span.last > last ? [{ first: Math.max(span.first, last + 1), last: span.last }] : []),
  ]
}
