import { describe, expect, it } from 'vitest'
import { at, derived, packing, patient, picking, type Shift, type Tables, type Work } from './june.ts'
import type { PlainRole } from './sources.ts'

// All numbers below were worked out by hand from the rules.

describe('rule 7, alerts', () => {
  it('tell of idle time, critically beyond half as much again', () => {
    const works: Work[] = [
      ['17 08:00', '17 09:00'],
      ['17 09:07:30', '17 10:00'], // 7.5 min of idle time, 5 allowed
      ['17 10:07:31', '17 12:00'],
    ]
    expect(derived({ shifts: [['17 08:00', '17 12:00']], works }).alerts).toEqual([
      { employeeId: 'a', date: '2025-06-17', type: 'idle_detected', eventAt: at('17 09:00'), severity: 'warning' },
      { employeeId: 'a', date: '2025-06-17', type: 'idle_detected', eventAt: at('17 10:00'), severity: 'critical' },
    ])
  })

  it('tell once of shifts at one instant that are open for more than 16 hours', () => {
    const shifts: Shift[] = [
      ['17 23:50', null],
      ['17 23:50', null],
      ['17 23:55', null],
      ['17 23:40', '17 23:45'],
      ['16 23:00', null],
    ]
    const missing = (now: string) => {
      const { alerts } = derived({ shifts, now })
      return alerts
        .filter(({ type }) => type === 'missing_clock_out')
        .map(({ eventAt, severity }) => [eventAt, severity])
    }
    expect(missing('18 15:50')).toEqual([])
    expect(missing('18 15:50:01')).toEqual([[at('17 23:50'), 'warning']])
    expect(missing('18 15:55:01')).toEqual([
      [at('17 23:50'), 'warning'],
      [at('17 23:55'), 'warning'],
    ])
  })

  it('tell once of shifts at one instant that are implausible', () => {
    const shifts: Shift[] = [
      ['17 08:00', '17 07:59'],
      ['17 08:00', '18 08:01'],
      ['17 07:00', '18 07:00:01'],
      ['17 06:00', '18 06:00'],
    ]
    const { alerts } = derived({ shifts })
    expect(alerts.filter(({ type }) => type === 'implausible_shift')).toMatchObject([
      { eventAt: at('17 07:00'), severity: 'critical' },
      { eventAt: at('17 08:00'), severity: 'critical' },
    ])
  })
})

describe('rule 8, costs', () => {
  const payRates = [
    { effective_from: '2025-01-01', hourly_rate: 1_000 },
    { effective_from: '2025-06-18', hourly_rate: 9_999 },
    { effective_from: '2025-06-17', hourly_rate: 1_555 },
  ]

  it('follow the rate of the day, in hundredths and ten-thousandths, half up', () => {
    // 15.55 × 50 min / 60 = 12.958… → 12.96; of 7 items 1.851428… → 1.8514.
    const tables: Tables = { shifts: [['17 08:00', '17 08:50']], works: [['17 08:00', '17 08:50', picking, 7]] }
    expect(derived({ ...tables, payRates }).hourlyCosts).toEqual([
      { employeeId: 'a', date: '2025-06-17', rate: 1_555, laborCost: 1_296, costPerItem: 18_514 },
    ])
    // 15.55 × 6 / 60 = 1.555 → 1.56, and 1.56 / 32 = 0.04875 → 0.0488.
    const short: Tables = { shifts: [['17 08:00', '17 08:06']], works: [['17 08:00', '17 08:06', picking, 32]] }
    expect(derived({ ...short, payRates }).hourlyCosts).toMatchObject([{ laborCost: 156, costPerItem: 488 }])
  })

  it('say nothing of items that are not there, and nothing at all without a rate', () => {
    const shifts: Shift[] = [['16 08:00', '16 09:00']]
    expect(derived({ shifts, payRates, from: '2025-06-16' }).hourlyCosts).toEqual([
      { employeeId: 'a', date: '2025-06-16', rate: 1_000, laborCost: 1_000, costPerItem: null },
    ])
    expect(derived({ shifts, payRates: payRates.slice(1), from: '2025-06-16' }).hourlyCosts).toEqual([])
  })
})

describe('rule 9, the primary role', () => {
  const primaryRoles = (works: readonly Work[], now = '30 12:00') => derived({ works, now }).primaryRoles

  it('has most items of the thirty days ending today', () => {
    // The thirty days that end on the 30th begin on the 1st.
    const works: Work[] = [
      ['01 00:00', '01 00:00', picking, 4],
      ['30 23:59', '30 23:59', picking, 4],
      ['17 12:00', '17 12:00', patient, 7],
    ]
    expect(primaryRoles(works)).toEqual([{ employeeId: 'a', roleId: 1, items: 8, asOf: '2025-06-30' }])
    // A day later, what was done on the 1st is gone; on the day before, what is done on the 30th is yet to come.
    const tomorrow = deriveDayAfterJune(works)
    expect(tomorrow).toEqual([{ employeeId: 'a', roleId: 2, items: 7, asOf: '2025-07-01' }])
    expect(primaryRoles(works, '29 12:00')).toMatchObject([{ roleId: 2 }])
  })

  it('is the lowest of equals, also when nobody has an item', () => {
    expect(
      primaryRoles([
        ['17 12:00', '17 12:00', packing, 5],
        ['17 12:00', '17 12:00', patient, 5],
      ]),
    ).toMatchObject([{ roleId: 2, items: 5 }])
    expect(
      primaryRoles([
        ['17 12:00', '17 12:00', packing, 0],
        ['17 12:00', '17 12:00', patient, 0],
      ]),
    ).toMatchObject([{ roleId: 2, items: 0 }])
  })

  function deriveDayAfterJune(works: readonly Work[]) {
    return derived({ works, now: '30 24:00' }).primaryRoles
  }
})

describe('rule 10, the current status', () => {
  const now = '17 12:00'
  const statusOf = (tables: Tables) => derived({ now, ...tables }).currentStatus
  const status = (tables: Tables) => statusOf(tables).map((row) => [row.status, row.since])

  it('is there for those of whom something begins today', () => {
    expect(statusOf({ shifts: [['16 22:00', '17 06:00']] })).toEqual([])
    expect(statusOf({ works: [['16 23:59', '17 12:00']] })).toEqual([])
    expect(statusOf({ works: [['17 20:00', '17 20:10', packing, 2]] })).toEqual([
      // It counts for today, but has not been done yet.
      {
        employeeId: 'a',
        status: 'off',
        since: null,
        lastActivityAt: null,
        roleId: null,
        itemsToday: 2,
        pointsToday: 250,
      },
    ])
    expect(status({ shifts: [['17 13:00', null]] })).toEqual([['off', null]])
  })

  it('is of whoever has a shift that is open, of yesterday too, if it began at most 16 hours ago', () => {
    const shifts: Shift[] = [['16 20:00', null]]
    expect(status({ shifts })).toEqual([['idle', at('16 20:00')]])
    expect(status({ shifts, now: '17 12:00:01' })).toEqual([])
    expect(statusOf({ shifts, works: [['16 23:00', '17 11:59', packing, 3]] })).toEqual([
      {
        employeeId: 'a',
        status: 'working',
        since: at('16 20:00'),
        lastActivityAt: at('17 11:59'),
        roleId: 3,
        itemsToday: 0,
        pointsToday: 0,
      },
    ])
  })

  it('is off since the last shift that has ended', () => {
    const shifts: Shift[] = [
      ['17 06:00', '17 08:00'],
      ['17 09:00', '17 11:00'],
      ['17 11:30', '17 12:30'],
    ]
    expect(status({ shifts })).toEqual([['off', at('17 11:00')]])
    expect(status({ shifts, now: '17 12:30' })).toEqual([['off', at('17 12:30')]])
    expect(status({ shifts: shifts.slice(2) })).toEqual([['off', null]])
    // One that ends before it starts has no time, so it ended where it started.
    expect(status({ shifts: [['17 09:00', '17 08:00']] })).toEqual([['off', at('17 09:00')]])
  })

  it('is idle 15 minutes after the clock-in without any activity', () => {
    const shifts: Shift[] = [['17 11:45', null]]
    expect(status({ shifts })).toEqual([['working', at('17 11:45')]])
    expect(status({ shifts, now: '17 12:00:01' })).toEqual([['idle', at('17 11:45')]])
  })

  it('is idle when the latest window ended longer ago than it allows, by its own threshold', () => {
    const tables = (role: PlainRole): Tables => ({
      shifts: [['17 08:00', null]],
      works: [['17 08:00', '17 11:54', role]],
    })
    expect(status(tables(picking))).toEqual([['idle', at('17 11:54')]])
    expect(status({ ...tables(picking), now: '17 11:59' })).toEqual([['working', at('17 08:00')]])
    expect(status(tables(patient))).toEqual([['working', at('17 08:00')]])
    // Zero time at this very moment ends a pause; what will come does not.
    const later = (start: string): Tables => ({
      shifts: [['17 08:00', null]],
      works: [
        ['17 08:00', '17 11:54'],
        [start, '17 12:30'],
      ],
    })
    expect(status(later('17 12:00'))).toEqual([['working', at('17 08:00')]])
    expect(status(later('17 12:01'))).toEqual([['idle', at('17 11:54')]])
  })

  it('looks at the merged shift that the open ones are in', () => {
    const shifts: Shift[] = [
      ['17 06:00', '17 09:00'],
      ['17 08:00', '17 13:00'],
      ['17 11:00', null],
      ['17 12:00', null],
    ]
    expect(status({ shifts })).toEqual([['idle', at('17 06:00')]])
    // What will come in it does not count yet.
    expect(status({ shifts, works: [['17 12:30', '17 12:40']] })).toEqual([['idle', at('17 06:00')]])
    // One that only touches it is none of it, and its work does not count.
    const touching: Shift[] = [
      ['17 06:00', '17 11:50'],
      ['17 11:50', null],
    ]
    expect(status({ shifts: touching, works: [['17 06:00', '17 11:50', picking]] })).toEqual([
      ['working', at('17 11:50')],
    ])
  })

  it('finds an open shift of this very instant in another that is going on, or by itself', () => {
    const clockedIn = (other: Shift) => status({ shifts: [other, ['17 12:00', null]] })
    expect(clockedIn(['17 08:00', '17 12:30'])).toEqual([['idle', at('17 08:00')]])
    expect(clockedIn(['17 08:00', '17 12:00'])).toEqual([['working', at('17 12:00')]])
    expect(clockedIn(['17 12:00', '17 12:30'])).toEqual([['working', at('17 12:00')]])
    expect(clockedIn(['17 11:00', null])).toEqual([['idle', at('17 11:00')]])
  })

  it('tells of the activity that was going on last, and of what today counts', () => {
    const works: Work[] = [
      ['17 10:00', '17 13:00', packing, 4, 5], // still going on: last seen now
      ['17 11:00', '17 12:30', patient, 1, 3], // began later
      ['17 11:00', '17 12:10', picking, 1, 2],
      ['17 12:01', '17 12:02', picking, 10, 9],
    ]
    expect(statusOf({ shifts: [['17 08:00', null]], works })).toEqual([
      // 4 × 1.25 + 1 + 1 + 10
      {
        employeeId: 'a',
        status: 'working',
        since: at('17 08:00'),
        lastActivityAt: at(now),
        roleId: 2,
        itemsToday: 16,
        pointsToday: 1_700,
      },
    ])
  })

  it('counts for yesterday what belongs to yesterday’s night shift, though it is the last that was seen', () => {
    const tables: Tables = { shifts: [['16 22:00', '17 06:00']], works: [['17 05:00', '17 05:30', picking, 3]] }
    expect(statusOf(tables)).toMatchObject([
      { status: 'off', since: null, lastActivityAt: at('17 05:30'), roleId: 1, itemsToday: 0, pointsToday: 0 },
    ])
  })
})
