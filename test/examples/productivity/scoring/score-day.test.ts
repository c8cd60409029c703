import { describe, expect, it } from 'vitest'
import type { ActivityWindow } from '../../../../examples/productivity/scoring/activity-window.ts'
import type { Role } from '../../../../examples/productivity/scoring/role.ts'
import { scoreDay } from '../../../../examples/productivity/scoring/score-day.ts'
import type { Shift } from '../../../../examples/productivity/scoring/shift.ts'
import { HOUR, MINUTE } from '../support/arbitraries.ts'
import { boundsOf } from '../support/facts.ts'

const zone = 'Europe/Berlin'
const continuous: Role = { id: 1, type: 'continuous', multiplier: 100, idleThresholdMinutes: 5 }
const patient: Role = { id: 2, type: 'continuous', multiplier: 100, idleThresholdMinutes: 30 }
const batch: Role = { id: 3, type: 'batch', multiplier: 125, expectedPerHour: 60 }

/** A day on which instants are told as hours and minutes of its clock, counted from its first instant. */
function dayOf(date: string) {
  const day = boundsOf(date, zone)
  const at = (hour: number, minute = 0) => day.start + hour * HOUR + minute * MINUTE
  let id = 0
  return {
    day,
    at,
    shift: (start: number, end: number, breakMinutes = 0): Shift => ({
      start,
      end,
      breakMinutes,
      isOpen: false,
      isImplausible: false,
    }),
    window: (start: number, end: number, rest: Partial<ActivityWindow> = {}): ActivityWindow => {
      id += 1
      return { id, start, end, items: 1, role: continuous, ...rest }
    },
  }
}

const { day, at, shift, window } = dayOf('2025-06-17')
const now = at(1_000)

function score(shifts: readonly Shift[], windows: readonly ActivityWindow[]) {
  return scoreDay({ day, now, shifts, windows: windows.toSorted((a, b) => a.start - b.start || a.id - b.id) })
}

/** The idle periods as [start, end, threshold], in minutes of the day. */
function idle(shifts: readonly Shift[], windows: readonly ActivityWindow[]) {
  const minutes = (instant: number) => (instant - day.start) / MINUTE
  return score(shifts, windows)?.idlePeriods.map(({ start, end, threshold }) => [
    minutes(start),
    minutes(end),
    threshold / MINUTE,
  ])
}

describe('the shifts of a day (rule 1)', () => {
  it('are those that begin in it, its first instant included and the next day’s excluded', () => {
    expect(score([shift(day.start, day.start + MINUTE)], [])?.score.clockedMinutes).toBe(1)
    expect(score([shift(day.end - 1, day.end - 1 + MINUTE)], [])?.score.clockedMinutes).toBe(1)
    expect(score([shift(day.start - 1, day.start + MINUTE)], [])).toBeNull()
    expect(score([shift(day.end, day.end + MINUTE)], [])).toBeNull()
  })

  it('count every instant once where they overlap', () => {
    const shifts = [shift(at(8), at(12)), shift(at(11), at(13)), shift(at(9), at(10))]
    expect(score(shifts, [])?.score.clockedMinutes).toBe(5 * 60)
  })

  it('are one stretch where they overlap: what lies at the seam is no first or last gap', () => {
    const windows = [window(at(8), at(9), { role: patient }), window(at(9, 25), at(11))]
    expect(idle([shift(at(8), at(9, 10)), shift(at(9, 5), at(11))], windows)).toEqual([])
  })

  it('stay two stretches where they only touch', () => {
    const windows = [window(at(8), at(9), { role: patient }), window(at(9, 26), at(11))]
    expect(idle([shift(at(8), at(9, 10)), shift(at(9, 10), at(11))], windows)).toEqual([[9 * 60 + 10, 9 * 60 + 26, 15]])
  })

  it('may be empty: the day then has a row without any time', () => {
    expect(score([shift(at(8), at(8), 30)], [])).toEqual({
      score: { items: 0, points: 0, clockedMinutes: 0, idleMinutes: 0, activeMinutes: 0, efficiency: 0 },
      idlePeriods: [],
      leftOpen: [],
      implausible: [],
    })
  })

  it('are told once by their start when they are open for more than 16 hours', () => {
    const leftOpen = (now: number) => {
      const open = [at(23), at(22), at(22)].map((start) => ({ ...shift(start, at(38)), isOpen: true }))
      return scoreDay({ day, now, shifts: [...open, shift(at(8), at(9))], windows: [] })?.leftOpen
    }
    expect(leftOpen(at(38))).toEqual([])
    expect(leftOpen(at(38) + 1)).toEqual([at(22)])
    expect(leftOpen(at(39) + 1)).toEqual([at(22), at(23)])
  })

  it('are told once by their start when they are implausible', () => {
    const odd = (start: number) => ({ ...shift(start, start), isImplausible: true })
    expect(score([odd(at(9)), shift(at(7), at(8)), odd(at(6)), odd(at(9)), odd(at(-1))], [])?.implausible).toEqual([
      at(6),
      at(9),
    ])
  })

  it('lose what a shift of an earlier day covers too, and keep their breaks', () => {
    const night = shift(at(-3), at(6))
    expect(score([night, shift(at(4), at(8), 15)], [])?.score.clockedMinutes).toBe(2 * 60 - 15)
    expect(score([night, shift(at(1), at(6))], [])?.score.clockedMinutes).toBe(0)
    expect(score([night, shift(at(6), at(7))], [])?.score.clockedMinutes).toBe(60)
    // The stretch begins where the night ends: 20 minutes until the first window.
    expect(idle([night, shift(at(4), at(8))], [window(at(6, 20), at(8))])).toEqual([[360, 380, 15]])
  })

  it.each([
    ['2025-03-30', 23],
    ['2025-10-26', 25],
    ['2025-06-17', 24],
  ])('last as long as they last: all of %s is %i hours', (date, hours) => {
    const it = dayOf(date)
    const scored = scoreDay({ day: it.day, now, shifts: [it.shift(it.day.start, it.day.end)], windows: [] })
    expect(scored?.score.clockedMinutes).toBe(hours * 60)
    expect(scored?.idlePeriods).toEqual([{ start: it.day.start, end: it.day.end, threshold: 15 * MINUTE }])
  })
})

describe('the work date of an activity (rule 2)', () => {
  it('is that of the night shift that it began in, though it began after midnight', () => {
    const night = shift(at(22), at(30))
    const afterMidnight = window(at(26), at(26, 5), { items: 7 })
    expect(score([night], [afterMidnight])?.score.items).toBe(7)
    expect(scoreDay({ day: boundsOf('2025-06-18', zone), now, shifts: [night], windows: [afterMidnight] })).toBeNull()
  })

  it('is the calendar day outside any shift', () => {
    expect(score([], [window(day.start, at(1))])?.score.items).toBe(1)
    expect(score([], [window(day.end - 1, day.end + HOUR)])?.score.items).toBe(1)
    expect(score([], [window(day.start - 1, at(1))])).toBeNull()
    expect(score([], [window(day.end, day.end + 1)])).toBeNull()
  })

  it('takes a shift’s start as inside and its end as outside', () => {
    const yesterdays = shift(at(-2), at(6))
    expect(score([yesterdays], [window(at(-2), at(7))])).toBeNull()
    expect(score([yesterdays], [window(at(6) - 1, at(7))])).toBeNull()
    expect(score([yesterdays], [window(at(6), at(7))])?.score.items).toBe(1)
  })

  it('is that of the shift that began last when several contain it', () => {
    const todays = shift(at(20), at(32))
    const tomorrows = shift(at(30), at(38))
    const windows = [window(at(29), at(29, 5)), window(at(31), at(31, 5), { items: 10 })]
    expect(score([tomorrows, todays], windows)?.score.items).toBe(1)
    const tomorrow = scoreDay({ day: boundsOf('2025-06-18', zone), now, shifts: [tomorrows, todays], windows })
    expect(tomorrow?.score.items).toBe(10)
  })
})

describe('the sums (rule 3)', () => {
  it('multiply items by their role’s points, in hundredths', () => {
    const windows = [window(at(8), at(9), { items: 3, role: batch }), window(at(9), at(10), { items: 2 })]
    expect(score([], windows)?.score).toMatchObject({ items: 5, points: 3 * 125 + 2 * 100 })
  })

  it('take all breaks off the clocked time, down to nothing', () => {
    expect(score([shift(at(8), at(12), 20), shift(at(13), at(14), 10)], [])?.score.clockedMinutes).toBe(270)
    expect(score([shift(at(8), at(8, 20), 30)], [])?.score).toMatchObject({ clockedMinutes: 0, efficiency: 0 })
  })

  it('floor minutes once, at the very end', () => {
    const halfMinute = MINUTE / 2
    const shifts = [shift(at(8), at(9) + halfMinute), shift(at(10), at(11) + halfMinute)]
    expect(score(shifts, [])?.score).toMatchObject({ clockedMinutes: 121, idleMinutes: 121 })
    expect(score([shift(at(8), at(9) + MINUTE - 1)], [])?.score).toMatchObject({ clockedMinutes: 60, idleMinutes: 60 })
  })
})

describe('idle time (rule 4)', () => {
  const shifts = [shift(at(8), at(12))]
  const [eight, noon] = [8 * 60, 12 * 60]

  it('is a whole shift without any window', () => {
    expect(idle(shifts, [])).toEqual([[eight, noon, 15]])
    expect(idle([shift(at(8), at(8, 15))], [])).toEqual([])
    expect(idle([shift(at(8), at(8, 15) + 1)], [])).toHaveLength(1)
  })

  it('is a gap that is longer than its threshold, not one that is as long', () => {
    const gapped = (gap: number) => [window(at(8), at(9)), window(at(9) + gap, at(12))]
    expect(idle(shifts, gapped(5 * MINUTE))).toEqual([])
    expect(idle(shifts, gapped(5 * MINUTE + 1))).toHaveLength(1)
  })

  it('has 15 minutes before the first window and behind the last, whatever the role', () => {
    expect(idle(shifts, [window(at(8, 15), at(11, 45), { role: patient })])).toEqual([])
    expect(idle(shifts, [window(at(8, 16), at(11, 44), { role: patient })])).toEqual([
      [eight, eight + 16, 15],
      [noon - 16, noon, 15],
    ])
  })

  it('has the threshold of the window before the gap in between', () => {
    const windows = [window(at(8), at(9), { role: patient }), window(at(9, 30), at(10)), window(at(10, 10), at(12))]
    expect(idle(shifts, windows)).toEqual([[600, 610, 5]])
  })

  it('looks at the latest end so far, not at the window that began last', () => {
    const windows = [window(at(8), at(10), { role: patient }), window(at(8, 30), at(9)), window(at(10, 20), at(12))]
    expect(idle(shifts, windows)).toEqual([])
  })

  it('breaks ties of the end by the later start, then by the higher id', () => {
    const next = window(at(9, 20), at(12))
    expect(idle(shifts, [window(at(8), at(9)), window(at(8, 1), at(9), { role: patient }), next])).toEqual([])
    expect(idle(shifts, [window(at(8), at(9), { role: patient }), window(at(8, 1), at(9)), next])).toHaveLength(1)
    expect(
      idle(shifts, [window(at(8), at(9), { id: 8 }), window(at(8), at(9), { id: 9, role: patient }), next]),
    ).toEqual([])
    expect(
      idle(shifts, [window(at(8), at(9), { id: 8, role: patient }), window(at(8), at(9), { id: 9 }), next]),
    ).toHaveLength(1)
  })

  it('takes starts as they are clipped to the shift when it breaks ties', () => {
    const earlier = window(at(6), at(9), { id: 9, role: patient })
    const later = window(at(7), at(9), { id: 8 })
    expect(idle(shifts, [earlier, later, window(at(9, 20), at(12))])).toEqual([])
  })

  it('is split, but not covered, by a window of length zero', () => {
    const windows = [window(at(8), at(9)), window(at(9, 4), at(9, 4)), window(at(9, 9), at(12))]
    expect(idle(shifts, windows)).toEqual([])
    expect(idle(shifts, [window(at(10), at(10), { role: patient })])).toEqual([
      [eight, 600, 15],
      [600, noon, 15],
    ])
  })

  it('counts a window of length zero at a shift’s start, not one at its end', () => {
    expect(idle(shifts, [window(at(8), at(8), { role: patient }), window(at(8, 20), at(12))])).toEqual([])
    expect(idle(shifts, [window(at(12), at(12))])).toEqual([[eight, noon, 15]])
  })

  it('does not see windows that only touch the shift from outside', () => {
    expect(
      idle(shifts, [window(at(7), at(8), { role: patient }), window(at(8, 20), at(12)), window(at(12), at(13))]),
    ).toEqual([[eight, eight + 20, 15]])
  })

  it('sees windows of other days, even of days before, as far as they reach into the shift', () => {
    const began = day.start - 70 * HOUR
    expect(idle(shifts, [window(began, at(11, 50))])).toEqual([])
    expect(idle(shifts, [window(began, at(10))])).toEqual([[600, noon, 15]])
    expect(score(shifts, [window(began, at(10))])?.score.items).toBe(0)
  })

  it('belongs to each shift of the day on its own', () => {
    const two = [shift(at(8), at(9)), shift(at(10), at(11))]
    expect(idle(two, [window(at(8, 30), at(10, 30))])).toEqual([
      [480, 510, 15],
      [630, 660, 15],
    ])
  })

  it('is found behind midnight in a night shift', () => {
    const night = [shift(at(22), at(30))]
    expect(idle(night, [window(at(22), at(25)), window(at(26), at(30))])).toEqual([[25 * 60, 26 * 60, 5]])
  })

  it('gives a batch the time that its items take at the expected rate plus 5 %, and 3 minutes at least', () => {
    const gapped = (items: number, gap: number) => [
      window(at(8), at(9), { role: batch, items }),
      window(at(9) + gap, at(12)),
    ]
    expect(idle(shifts, gapped(20, 21 * MINUTE))).toEqual([])
    expect(idle(shifts, gapped(20, 21 * MINUTE + 1))).toEqual([[540, 561 + 1 / MINUTE, 21]])
    expect(idle(shifts, gapped(0, 3 * MINUTE))).toEqual([])
    expect(idle(shifts, gapped(2, 3 * MINUTE + 1))).toHaveLength(1)
    expect(idle(shifts, gapped(3, 3.15 * MINUTE))).toEqual([])
    expect(idle(shifts, gapped(3, 3.15 * MINUTE + 1))).toHaveLength(1)
  })
})

describe('active time and efficiency (rule 5)', () => {
  it('takes off only what exceeds the threshold', () => {
    const scored = score([shift(at(8), at(12), 30)], [window(at(8), at(10)), window(at(10, 20), at(12))])
    expect(scored?.score).toEqual({
      items: 2,
      points: 200,
      clockedMinutes: 210,
      idleMinutes: 20,
      activeMinutes: 195,
      efficiency: 9286,
    })
  })

  it('never goes below nothing', () => {
    expect(score([shift(at(8), at(12), 230)], [])?.score).toMatchObject({
      clockedMinutes: 10,
      activeMinutes: 0,
      efficiency: 0,
    })
  })

  it('rounds half up to four places', () => {
    // 15 / 480 = 0.03125
    const scored = score([shift(at(8), at(16))], [])
    expect(scored?.score).toMatchObject({ clockedMinutes: 480, activeMinutes: 15, efficiency: 313 })
  })
})

describe('a day with neither shift nor activity (rule 6)', () => {
  it('has no row', () => {
    expect(score([], [])).toBeNull()
  })

  it('has none either when only a window of another day’s activity lasts through it', () => {
    expect(score([], [window(at(-30), at(50))])).toBeNull()
  })
})

describe('the shifts that were left open (rule 7)', () => {
  const open = (start: number): Shift => ({ ...shift(start, day.end), isOpen: true })
  const leftOpen = (moment: number, shifts: readonly Shift[]) =>
    scoreDay({ day, now: moment, shifts, windows: [] })?.leftOpen

  it('are told once for each beginning, by time, without the closed ones', () => {
    expect(leftOpen(now, [open(at(14)), open(at(8)), shift(at(10), at(12)), open(at(14))])).toEqual([at(8), at(14)])
  })

  it('are those that begin in the day', () => {
    expect(leftOpen(now, [open(at(8)), open(day.start - 1), open(day.end)])).toEqual([at(8)])
  })
})
