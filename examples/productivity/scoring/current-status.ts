import type { ActivityWindow } from './activity-window.ts'
import { latestEnding } from './idle.ts'
import { DEFAULT_THRESHOLD, thresholdAfter } from './role.ts'
import { type DayFacts, scoreDay } from './score-day.ts'
import { LONGEST_OPEN, mergeShifts, type Shift } from './shift.ts'
import { beginsIn, type Span, touches } from './span.ts'

/** What somebody is doing right now. */
export interface CurrentStatus {
  readonly status: 'working' | 'idle' | 'off'
  /** Since when, in milliseconds since 1970; null for somebody who is off and was not here today. */
  readonly since: number | null
  /** Of what began today, or was seen in the shift that is open. */
  readonly lastActivityAt: number | null
  /** Of the last activity. */
  readonly roleId: number | null
  readonly itemsToday: number
  /** In hundredths. */
  readonly pointsToday: number
}

/** From when on the status at `now` needs shifts and windows, besides those that the day needs. */
export function statusSince(now: number): number {
  return now - LONGEST_OPEN
}

/**
 * Rule 10, seen at `facts.now` of the day. `null`: nobody is at work, and neither a shift nor an activity begins today.
 *
 * @param facts Of the day, and from `statusSince` on.
 */
export function currentStatus(facts: DayFacts): CurrentStatus | null {
  const { day, now } = facts
  const open = openStretch(facts)
  const shifts = facts.shifts.filter((shift) => beginsIn(shift, day))
  const isToday = (window: ActivityWindow) => beginsIn(window, day)
  if (!open && shifts.length === 0 && !facts.windows.some(isToday)) return null

  const score = scoreDay(facts)?.score
  const seen = open ? facts.windows.filter((window) => isSeen(window, open)) : []
  const begun = facts.windows.filter((window) => window.start <= now && (isToday(window) || seen.includes(window)))
  const last = latestEnding(begun)
  return {
    ...(open ? presence(open, seen, now) : absence(shifts, now)),
    lastActivityAt: last?.end ?? null,
    roleId: last?.role.id ?? null,
    itemsToday: score?.items ?? 0,
    pointsToday: score?.points ?? 0,
  }
}

/** The merged shift that is open now, of those that began at most `LONGEST_OPEN` ago, yesterday perhaps. */
function openStretch({ now, shifts }: DayFacts): Span | undefined {
  const begun = shifts.filter(({ start }) => statusSince(now) <= start && start <= now)
  const open = begun.filter(({ isOpen }) => isOpen)
  if (open.length === 0) return undefined
  // Every open shift lasts until now, so one merged shift holds them all; one that begins this very moment may be alone.
  const holdsOpen = ({ start, end }: Span) => open.some((one) => start <= one.start && one.start < end)
  const { start } = mergeShifts(begun).find(holdsOpen) ?? { start: now }
  return { start, end: now }
}

function presence(open: Span, seen: readonly ActivityWindow[], now: number): Pick<CurrentStatus, 'status' | 'since'> {
  const latest = latestEnding(seen.map((window) => ({ ...window, start: Math.max(window.start, open.start) })))
  const idleSince = latest?.end ?? open.start
  const threshold = latest ? thresholdAfter(latest) : DEFAULT_THRESHOLD
  return now - idleSince > threshold ? { status: 'idle', since: idleSince } : { status: 'working', since: open.start }
}

function absence(shifts: readonly Shift[], now: number): Pick<CurrentStatus, 'status' | 'since'> {
  // Not the end of one that is still to come: every run would tell another.
  const ends = shifts.map(({ end }) => end).filter((end) => end <= now)
  return { status: 'off', since: ends.length === 0 ? null : Math.max(...ends) }
}

/** Rule 4, for a shift that goes on: what begins this very moment belongs to it. */
function isSeen(window: ActivityWindow, open: Span): boolean {
  return touches(window, open) || window.start === open.end
}
