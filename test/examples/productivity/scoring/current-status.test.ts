import { describe, expect, it } from 'vitest'
import { type ActivityWindow, windowEnd } from '../../../../examples/productivity/scoring/activity-window.ts'
import { currentStatus, statusSince } from '../../../../examples/productivity/scoring/current-status.ts'
import { EmployeeFacts } from '../../../../examples/productivity/scoring/employee-facts.ts'
import type { Role } from '../../../../examples/productivity/scoring/role.ts'
import { type Shift, shiftFrom } from '../../../../examples/productivity/scoring/shift.ts'
import { at, day, zone } from '../stages/june-17.ts'
import { boundsOf } from '../support/facts.ts'

const today = boundsOf(day, zone)
const quick: Role = { id: 1, type: 'continuous', multiplier: 100, idleThresholdMinutes: 5 }
const patient: Role = { id: 2, type: 'continuous', multiplier: 100, idleThresholdMinutes: 30 }
const batch: Role = { id: 3, type: 'batch', multiplier: 125, expectedPerHour: 60 }
const noon = at(12)

const closed = (start: number, end: number): Shift => ({
  start,
  end,
  breakMinutes: 0,
  isOpen: false,
  isImplausible: false,
})
const open = (start: number, now = noon): Shift =>
  shiftFrom({ clock_in: start, clock_out: null, break_minutes: 0 }, now)
const window = (
  start: number,
  end: number,
  role: Role = quick,
  rest: Partial<ActivityWindow> = {},
): ActivityWindow => ({
  id: start,
  start,
  end,
  items: 1,
  role,
  ...rest,
})

function statusOf(shifts: readonly Shift[], windows: readonly ActivityWindow[] = [], now = noon) {
  const untilNow = windows.map((one) => ({ ...one, end: windowEnd(one.start, one.end, now) }))
  return currentStatus(new EmployeeFacts(shifts, untilNow, now).on(today, statusSince(now)))
}

/** Only what is told of the presence. */
function presence(shifts: readonly Shift[], windows: readonly ActivityWindow[] = [], now = noon) {
  const found = statusOf(shifts, windows, now)
  return found && [found.status, found.since]
}

describe('who has a current status', () => {
  it('is whoever has a shift or an activity that begins today', () => {
    expect(statusOf([])).toBeNull()
    expect(statusOf([closed(today.start - 1, at(8)), closed(today.end, at(30))])).toBeNull()
    expect(statusOf([], [window(today.start - 1, at(8)), window(today.end, at(30))])).toBeNull()
    expect(statusOf([closed(today.start, at(8))])).not.toBeNull()
    expect(statusOf([], [window(today.end - 1, at(30))])).not.toBeNull()
  })
})

describe('somebody without an open shift', () => {
  it('is off since the latest end of today', () => {
    expect(presence([closed(at(6), at(9)), closed(at(7), at(8))])).toEqual(['off', at(9)])
    expect(presence([closed(at(6), noon)])).toEqual(['off', noon])
  })

  it('is off since nobody knows when nothing has ended yet', () => {
    expect(presence([], [window(at(11), at(11, 30))])).toEqual(['off', null])
    expect(presence([closed(at(13), at(14))])).toEqual(['off', null])
    expect(presence([closed(at(11), at(14))])).toEqual(['off', null])
    expect(presence([closed(at(6), at(8)), closed(at(11), at(14))])).toEqual(['off', at(8)])
  })

  it('is so with a shift that was left open more than 16 hours ago, or opens later', () => {
    expect(presence([open(at(-4) - 1), closed(at(6), at(8))])).toEqual(['off', at(8)])
    expect(presence([open(at(-4) - 1)])).toBeNull()
    expect(presence([open(at(1), at(18))], [], at(18))).toEqual(['off', at(17)])
    expect(presence([open(at(13))])).toEqual(['off', null])
  })
})

describe('somebody with an open shift and no activity in it', () => {
  it('works for 15 minutes, then idles since clocking in', () => {
    expect(presence([open(at(11, 45))])).toEqual(['working', at(11, 45)])
    expect(presence([open(at(11, 45) - 1)])).toEqual(['idle', at(11, 45) - 1])
    expect(presence([open(noon)])).toEqual(['working', noon])
  })

  it('may have begun yesterday, 16 hours ago at most', () => {
    expect(presence([open(at(-4))])).toEqual(['idle', at(-4)])
    expect(presence([open(at(-1), at(0, 5))], [], at(0, 5))).toEqual(['idle', at(-1)])
    expect(statusOf([open(at(-1), at(0, 5))], [window(at(-2), at(0, 3)), window(at(-2), at(-1))], at(0, 5))).toEqual({
      status: 'working',
      since: at(-1),
      lastActivityAt: at(0, 3),
      roleId: 1,
      itemsToday: 0,
      pointsToday: 0,
    })
  })

  it('counts from the beginning of the stretch that overlapping shifts make', () => {
    expect(presence([closed(at(11), at(11, 50)), open(at(11, 46))])).toEqual(['idle', at(11)])
    expect(presence([closed(at(11), at(11, 46)), open(at(11, 46))])).toEqual(['working', at(11, 46)])
    expect(presence([open(at(11, 50)), open(at(11, 40))])).toEqual(['idle', at(11, 40)])
  })

  it('does not look at activities outside of it', () => {
    expect(presence([open(at(11, 30))], [window(at(11), at(11, 30), patient)])).toEqual(['idle', at(11, 30)])
    expect(presence([open(at(11, 50))], [window(at(12, 0, 1), at(12, 5))])).toEqual(['working', at(11, 50)])
  })
})

describe('somebody with an open shift and activities', () => {
  const shifts = [open(at(8))]

  it('works as long as the latest one ended no longer ago than its threshold', () => {
    expect(presence(shifts, [window(at(9), at(11, 55))])).toEqual(['working', at(8)])
    expect(presence(shifts, [window(at(9), at(11, 55) - 1)])).toEqual(['idle', at(11, 55) - 1])
    expect(presence(shifts, [window(at(9), at(11, 30), patient)])).toEqual(['working', at(8)])
    expect(presence(shifts, [window(at(9), at(11, 40), batch, { items: 20 })])).toEqual(['working', at(8)])
    expect(presence(shifts, [window(at(9), at(11, 38), batch, { items: 20 })])).toEqual(['idle', at(11, 38)])
  })

  it('works while one goes on, whatever began after it', () => {
    expect(presence(shifts, [window(at(9), at(13)), window(at(10), at(10, 5))])).toEqual(['working', at(8)])
  })

  it('works at one that lasts since before the shift, or begins this very moment', () => {
    expect(presence(shifts, [window(at(-30), at(11, 56))])).toEqual(['working', at(8)])
    expect(presence(shifts, [window(at(9), at(9, 5)), window(noon, at(13))])).toEqual(['working', at(8)])
    expect(presence(shifts, [window(at(9), at(9, 5)), window(noon, noon)])).toEqual(['working', at(8)])
  })

  it('idles when the only one is still to come', () => {
    expect(presence(shifts, [window(at(9), at(9, 5)), window(noon + 1, at(13))])).toEqual(['idle', at(9, 5)])
  })

  it('has the threshold of the later start, then of the higher id, when several ended at once', () => {
    const end = at(11, 50)
    expect(presence(shifts, [window(at(9), end), window(at(10), end, patient)])).toEqual(['working', at(8)])
    expect(presence(shifts, [window(at(9), end, patient), window(at(10), end)])).toEqual(['idle', end])
    const same = (id: number, role: Role) => window(at(9), end, role, { id })
    expect(presence(shifts, [same(1, quick), same(2, patient)])).toEqual(['working', at(8)])
    expect(presence(shifts, [same(1, patient), same(2, quick)])).toEqual(['idle', end])
  })

  it('is judged by windows as they are clipped to the shift and to now', () => {
    // Both last until now; of the two that began before the shift, the higher id counts.
    const until = at(13)
    expect(
      presence(shifts, [window(at(6), until, quick, { id: 9 }), window(at(7), until, patient, { id: 8 })]),
    ).toEqual(['working', at(8)])
    const ended = at(11, 50)
    expect(
      presence(shifts, [window(at(6), ended, patient, { id: 9 }), window(at(7), ended, quick, { id: 8 })]),
    ).toEqual(['working', at(8)])
  })

  it('is judged by the stretch that the open shift is in, not by an earlier one', () => {
    const split = [closed(at(6), at(7)), open(at(11, 50))]
    expect(presence(split, [window(at(6), at(7), quick)])).toEqual(['working', at(11, 50)])
  })
})

describe('what somebody did last', () => {
  it('is the latest end of what began today, up to now, and its role', () => {
    const windows = [window(at(8), at(9)), window(at(8, 30), at(10), patient), window(at(9), at(9, 30))]
    expect(statusOf([], windows)).toMatchObject({ lastActivityAt: at(10), roleId: 2 })
    expect(statusOf([], [...windows, window(at(11), at(15), batch)])).toMatchObject({ lastActivityAt: noon, roleId: 3 })
  })

  it('is nothing when everything is still to come, or began yesterday', () => {
    const nothing = { lastActivityAt: null, roleId: null }
    expect(statusOf([], [window(at(13), at(14))])).toMatchObject(nothing)
    expect(statusOf([closed(at(6), at(8))], [window(at(-1), at(7))])).toMatchObject(nothing)
  })

  it('is of the later start, then of the higher id, when several ended at once', () => {
    expect(statusOf([], [window(at(8), at(10)), window(at(9), at(10), patient)])?.roleId).toBe(2)
    expect(statusOf([], [window(at(8), at(10), patient), window(at(9), at(10))])?.roleId).toBe(1)
    // As of noon both end then.
    expect(statusOf([], [window(at(8), at(14), patient), window(at(9), at(13))])?.roleId).toBe(1)
    const same = (id: number, role: Role) => window(at(9), at(10), role, { id })
    expect(statusOf([], [same(5, patient), same(6, quick)])?.roleId).toBe(1)
  })
})

describe('what somebody did today', () => {
  it('is the score of the day', () => {
    const windows = [window(at(8), at(9), batch, { items: 4 }), window(at(10), at(11), quick, { items: 3 })]
    expect(statusOf([], windows)).toMatchObject({ itemsToday: 7, pointsToday: 4 * 125 + 3 * 100 })
  })

  it('leaves out what belongs to yesterday’s night shift, and is nothing when that is all', () => {
    const night = closed(at(-2), at(6))
    const behindMidnight = window(at(2), at(3), quick, { items: 9 })
    expect(statusOf([night], [behindMidnight])).toEqual({
      status: 'off',
      since: null,
      lastActivityAt: at(3),
      roleId: 1,
      itemsToday: 0,
      pointsToday: 0,
    })
    expect(statusOf([night], [behindMidnight, window(at(8), at(9))])).toMatchObject({ itemsToday: 1, pointsToday: 100 })
  })
})
