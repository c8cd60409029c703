import { ascending, MINUTE } from './arithmetic.ts'
import type { PlainSpan } from './shifts.ts'
import { latestOf, type PlainWindow, thresholdAfter, windowsWithin } from './windows.ts'

export const THRESHOLD_AT_THE_EDGES = 15 * MINUTE

export interface PlainGap extends PlainSpan {
  /** In milliseconds. */
  readonly threshold: number
}

/** The gaps of rule 4 in a merged shift that are longer than their thresholds. */
export function idleIn(shift: PlainSpan, windows: readonly PlainWindow[]): readonly PlainGap[] {
  return gapsIn(shift, windows).filter(({ start, end, threshold }) => end - start > threshold)
}

/**
 * The shift is cut into slices wherever a window starts or ends. A slice that no window covers is a gap, and a whole one:
 * only a window of length zero can have cut it off from an uncovered neighbour, and such a window splits.
 */
function gapsIn(shift: PlainSpan, windows: readonly PlainWindow[]): readonly PlainGap[] {
  const within = windowsWithin(shift, windows)
  const cuts = ascending([shift, ...within].flatMap(({ start, end }) => [start, end]))
  return cuts
    .slice(1)
    .map((end, index) => ({ start: cuts[index]!, end }))
    .filter((slice) => !within.some(({ start, end }) => start <= slice.start && slice.end <= end))
    .map((gap) => ({ ...gap, threshold: thresholdOf(gap, shift, within) }))
}

function thresholdOf(gap: PlainSpan, shift: PlainSpan, within: readonly PlainWindow[]): number {
  const before = latestOf(within.filter(({ start }) => start <= gap.start))
  const isLast = gap.end === shift.end
  return before && !isLast ? thresholdAfter(before) : THRESHOLD_AT_THE_EDGES
}
