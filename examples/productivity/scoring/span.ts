/** A half-open stretch of time, in milliseconds since 1970-01-01T00:00:00Z. */
export interface Span {
  readonly start: number
  /** Never before `start`. */
  readonly end: number
}

export function lengthOf({ start, end }: Span): number {
  return end - start
}

export function beginsIn(span: Span, whole: Span): boolean {
  return whole.start <= span.start && span.start < whole.end
}

/** Rule 4: true when they share time, or when one of length zero lies in the other. */
export function touches(span: Span, whole: Span): boolean {
  return span.start < whole.end && (span.end > whole.start || span.start >= whole.start)
}
