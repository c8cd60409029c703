import { greatest } from './arithmetic.ts'
import { dayOf, type PlainPerson } from './days.ts'
import { THRESHOLD_AT_THE_EDGES } from './idle.ts'
import { HOURS_16, mergedShifts, type PlainShift, type PlainSpan } from './shifts.ts'
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

/** Rule 10; undefined for somebody who is not at work and of whom nothing begins today. */
export function statusOf(person: PlainPerson, today: string, now: number): PlainStatus | undefined {
  const shifts = person.shifts.filter(({ date }) => date === today)
  const open = openShift(person.shifts, now)
  const isToday = ({ startDate }: PlainWindow) => startDate === today
  if (open === undefined && shifts.length === 0 && !person.windows.some(isToday)) return undefined

  const seen = open ? seenSoFar(open, person.windows, now) : []
  const isSeen = ({ id }: PlainWindow) => seen.some((window) => window.id === id)
  const last = latestOf(person.windows.filter((window) => window.start <= now && (isToday(window) || isSeen(window))))
  const score = dayOf(person, today)?.score
  return {
    ...(open ? presenceIn(open, seen, now) : absenceSince(shifts, now)),
    lastActivityAt: last?.end ?? null,
    roleId: last?.role.id ?? null,
    itemsToday: score?.items ?? 0,
    pointsToday: score?.points ?? 0,
  }
}

function absenceSince(shifts: readonly PlainShift[], now: number): Pick<PlainStatus, 'status' | 'since'> {
  const ended = shifts.filter(({ end }) => end <= now)
  return { status: 'off', since: greatest(ended, ({ end }) => end)?.end ?? null }
}

function presenceIn(
  shift: PlainSpan,
  seen: readonly PlainWindow[],
  now: number,
): Pick<PlainStatus, 'status' | 'since'> {
  const latest = latestOf(seen)
  const [quietSince, allowed] = latest ? [latest.end, thresholdAfter(latest)] : [shift.start, THRESHOLD_AT_THE_EDGES]
  return now - quietSince > allowed ? { status: 'idle', since: quietSince } : { status: 'working', since: shift.start }
}

/** Of the shifts that began at most 16 hours ago, merged, the one that is open; undefined for somebody who is off. */
function openShift(shifts: readonly PlainShift[], now: number): PlainSpan | undefined {
  const recent = shifts.filter(({ start }) => start <= now && now <= start + HOURS_16)
  return shiftAround(
    recent.filter(({ isOpen }) => isOpen),
    recent,
    now,
  )
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
