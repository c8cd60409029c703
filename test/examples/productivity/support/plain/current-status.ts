import { greatest } from './arithmetic.ts'
import { dayOf, type PlainPerson } from './days.ts'
import { THRESHOLD_AT_THE_EDGES } from './idle.ts'
import { mergedShifts, type PlainShift, type PlainSpan } from './shifts.ts'
import { clippedTo, latestOf, type PlainWindow, thresholdAfter, windowsWithin } from './windows.ts'

export interface PlainStatus {
  readonly status: 'working' | 'idle' | 'off'
  readonly since: number | null
  readonly lastActivityAt: number | null
  readonly roleId: number | null
  readonly itemsToday: number
  /** In hundredths. */
  readonly pointsToday: number
}

/** Rule 10; undefined for somebody of whom nothing begins today. */
export function statusOf(person: PlainPerson, today: string, now: number): PlainStatus | undefined {
  const shifts = person.shifts.filter(({ date }) => date === today)
  const windows = person.windows.filter(({ startDate }) => startDate === today)
  if (shifts.length === 0 && windows.length === 0) return undefined

  const begun = windows
    .filter(({ start }) => start <= now)
    .map((window) => ({ ...window, end: Math.min(window.end, now) }))
  const last = latestOf(begun)
  const score = dayOf(person, today)?.score
  return {
    ...presenceOf(shifts, person.windows, now),
    lastActivityAt: last?.end ?? null,
    roleId: last?.role.id ?? null,
    itemsToday: score?.items ?? 0,
    pointsToday: score?.points ?? 0,
  }
}

function presenceOf(
  shifts: readonly PlainShift[],
  windows: readonly PlainWindow[],
  now: number,
): Pick<PlainStatus, 'status' | 'since'> {
  const begun = shifts.filter(({ start }) => start <= now)
  const open = begun.filter(({ isOpen }) => isOpen)
  const shift = shiftAround(open, begun, now)
  if (!shift) {
    const ended = begun.filter(({ end }) => end <= now)
    return { status: 'off', since: greatest(ended, ({ end }) => end)?.end ?? null }
  }

  const latest = latestOf(seenSoFar(shift, windows, now))
  const [quietSince, allowed] = latest ? [latest.end, thresholdAfter(latest)] : [shift.start, THRESHOLD_AT_THE_EDGES]
  return now - quietSince > allowed ? { status: 'idle', since: quietSince } : { status: 'working', since: shift.start }
}

/** The merged shift around an open one, the earliest such; one that is open from this very instant on may lie in none. */
function shiftAround(open: readonly PlainShift[], begun: readonly PlainShift[], now: number): PlainSpan | undefined {
  const merged = mergedShifts(begun)
  const around = open.map((one) => {
    return merged.find(({ start, end }) => start <= one.start && one.start < end) ?? { start: now, end: now }
  })
  return greatest(around, ({ start }) => -start)
}

/** The windows that have begun; one that begins now has no time in a shift that is open. */
function seenSoFar(shift: PlainSpan, windows: readonly PlainWindow[], now: number): readonly PlainWindow[] {
  const earlier = windows.filter(({ start }) => start < now)
  const justBegun = windows.filter(({ start }) => start === now)
  return [...windowsWithin(shift, earlier), ...justBegun.map((window) => clippedTo(shift, window))]
}
