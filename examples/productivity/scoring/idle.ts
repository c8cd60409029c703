import type { ActivityWindow } from './activity-window.ts'
import { DEFAULT_THRESHOLD, thresholdAfter } from './role.ts'
import { type Span, touches } from './span.ts'

/** A gap in a shift that is longer than its threshold. */
export interface IdlePeriod extends Span {
  /** In milliseconds. */
  readonly threshold: number
}

/** Rule 4, for one merged shift. `windows`: at least all that touch it, by start. */
export function idlePeriods(shift: Span, windows: readonly ActivityWindow[]): readonly IdlePeriod[] {
  const idle: IdlePeriod[] = []
  const addGap = (start: number, end: number, threshold: number) => {
    if (end - start > threshold) idle.push({ start, end, threshold })
  }

  let latest: ActivityWindow | undefined
  for (const whole of windows) {
    if (!touches(whole, shift)) continue
    const window = clip(whole, shift)
    if (!latest) addGap(shift.start, window.start, DEFAULT_THRESHOLD)
    else addGap(latest.end, window.start, thresholdAfter(latest))
    if (!latest || endsLater(window, latest)) latest = window
  }
  addGap(latest ? latest.end : shift.start, shift.end, DEFAULT_THRESHOLD)
  return idle
}

function clip(window: ActivityWindow, { start, end }: Span): ActivityWindow {
  if (window.start >= start && window.end <= end) return window
  return { ...window, start: Math.max(window.start, start), end: Math.min(window.end, end) }
}

/** The window that explains the gap behind all of them. */
export function latestEnding(windows: readonly ActivityWindow[]): ActivityWindow | undefined {
  return windows.reduce<ActivityWindow | undefined>((latest, window) => {
    return !latest || endsLater(window, latest) ? window : latest
  }, undefined)
}

/** Which of two windows explains the gap behind them: the later end, then the later start, then the higher id. */
function endsLater(a: ActivityWindow, b: ActivityWindow): boolean {
  return (a.end - b.end || a.start - b.start || a.id - b.id) > 0
}
