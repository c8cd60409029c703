import type { ActivityWindow } from './activity-window.ts'
import { latestEnding } from './idle.ts'
import { DEFAULT_THRESHOLD, thresholdAfter } from './role.ts'
import { type DayFacts, scoreDay } from './score-day.ts'
import { mergeShifts, type Shift } from './shift.ts'
import { beginsIn, type Span, touches } from './span.ts'

/** What somebody is doing right now. */
export interface CurrentStatus {
  readonly status: 'working' | 'idle' | 'off'
  /** Since when, in milliseconds since 1970; null for somebody who is off and was not here today. */
  readonly since: number | null
  readonly lastActivityAt: number | null
  /** Of the last activity. */
  readonly roleId: number | null
  readonly itemsToday: number
  /** In hundredths. */
  readonly pointsToday: number
}

/** Rule 10, seen at `facts.now` of the day. `null`: neither a shift nor an activity begins today. */
export function currentStatus(facts: DayFacts): CurrentStatus | null {
  const { day, now } = facts
  const shifts = facts.shifts.filter((shift) => beginsIn(shift, day))
  const windows = facts.windows.filter((window) => beginsIn(window, day))
  if (shifts.length === 0 && windows.length === 0) return null

  const score = scoreDay(facts)?.score
  const last = latestEnding(windows.filter(({ start }) => start <= now).map((window) => upTo(now, window)))
  return {
    ...presence(shifts, facts),
    lastActivityAt: last?.end ?? null,
    roleId: last?.role.id ?? null,
    itemsToday: score?.items ?? 0,
    pointsToday: score?.points ?? 0,
  }
}

function presence(shifts: readonly Shift[], { now, windows }: DayFacts): Pick<CurrentStatus, 'status' | 'since'> {
  const begun = shifts.filter(({ start }) => start <= now)
  const open = begun.filter(({ isOpen }) => isOpen)
  if (open.length === 0) {
    // Not the end of one that is still to come: it is now at any moment, and every run would tell another.
    const ends = shifts.map(({ end }) => end).filter((end) => end <= now)
    return { status: 'off', since: ends.length === 0 ? null : Math.max(...ends) }
  }

  // Every open shift lasts until now, so one merged shift holds them all; one that begins this very moment may be alone.
  const holdsOpen = ({ start, end }: Span) => open.some((one) => start <= one.start && one.start < end)
  const shift = upTo(now, mergeShifts(begun).find(holdsOpen) ?? { start: now, end: now })
  const latest = latestEnding(windows.filter((window) => isSeen(window, shift)).map((window) => within(shift, window)))
  const idleSince = latest?.end ?? shift.start
  const threshold = latest ? thresholdAfter(latest) : DEFAULT_THRESHOLD
  return now - idleSince > threshold ? { status: 'idle', since: idleSince } : { status: 'working', since: shift.start }
}

/** Rule 4, for a shift that goes on: what begins this very moment belongs to it. */
function isSeen(window: ActivityWindow, shift: Span): boolean {
  return window.start <= shift.end && (touches(window, shift) || window.start === shift.end)
}

function within(shift: Span, window: ActivityWindow): ActivityWindow {
  return upTo(shift.end, { ...window, start: Math.max(window.start, shift.start) })
}

function upTo<S extends Span>(now: number, span: S): S {
  return { ...span, end: Math.min(span.end, now) }
}
