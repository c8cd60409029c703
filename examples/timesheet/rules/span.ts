/** From an instant to another, half-open, in milliseconds since 1970. */
export interface Span {
  readonly from: number
  readonly to: number
}

export function isEmpty({ from, to }: Span): boolean {
  return to <= from
}

export function lengthOf({ from, to }: Span): number {
  return to - from
}

/** How long two spans last together. */
export function overlap(a: Span, b: Span): number {
  return Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from))
}

/** True when the spans, ascending and apart, cover the whole one without a gap. */
export function covers(spans: readonly Span[], whole: Span): boolean {
  let covered = whole.from
  for (const { from, to } of spans) {
    if (covered >= whole.to || from > covered) break
    covered = Math.max(covered, to)
  }
  return covered >= whole.to
}
