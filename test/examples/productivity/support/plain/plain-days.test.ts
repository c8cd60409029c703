import { describe, expect, it } from 'vitest'
import { calendarOf } from './calendar.ts'
import { at, derived, packing, patient, picking, type Shift, type Tables, type Work } from './june.ts'

// All numbers below were worked out by hand from the rules.

const scoresOf = (tables: Tables) => derived(tables).dailyScores
const idleOf = (tables: Tables) =>
  derived(tables).idlePeriods.map(({ start, end, threshold }) => [start, end, threshold])

describe('days', () => {
  it.each([
    ['Europe/Berlin', '2025-03-30', '2025-03-29T23:00Z', 23],
    ['Europe/Berlin', '2025-10-26', '2025-10-25T22:00Z', 25],
    ['Australia/Lord_Howe', '2025-10-05', '2025-10-04T13:30Z', 23.5],
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00Z', 23], // the clock leaps from 0:00 to 1:00
    ['America/Sao_Paulo', '2018-02-17', '2018-02-17T02:00Z', 25], // and back from 24:00 to 23:00
    ['Africa/Cairo', '2024-04-26', '2024-04-25T22:00Z', 23],
    ['America/St_Johns', '2010-11-06', '2010-11-06T02:30Z', 24], // back from 0:01 on the 7th, which has begun
    ['America/St_Johns', '2010-11-07', '2010-11-07T02:30Z', 25],
    ['Pacific/Apia', '2011-12-30', '2011-12-30T10:00Z', 0],
  ])('in %s %s begins at %s and has %d hours', (place, date, start, hours) => {
    const calendar = calendarOf(place)
    expect(calendar.startOf(date)).toBe(Date.parse(start))
    expect(calendar.endOf(date) - calendar.startOf(date)).toBe(hours * 3_600_000)
  })

  it('own what lies between their edges', () => {
    const calendar = calendarOf('America/St_Johns')
    // The clock goes from 0:01 on the 7th to 23:01 on the 6th, an hour before its second 0:01.
    expect(calendar.dateOf(Date.parse('2010-11-07T02:29:59.999Z'))).toBe('2010-11-06')
    expect(calendar.dateOf(Date.parse('2010-11-07T02:30Z'))).toBe('2010-11-07')
    expect(calendar.dateOf(Date.parse('2010-11-07T03:00Z'))).toBe('2010-11-07')
  })
})

describe('rule 1, shifts', () => {
  it('belong with all of their time to the day that they begin in', () => {
    const shifts: Shift[] = [['17 22:00', '18 06:00']]
    expect(scoresOf({ shifts, to: '2025-06-18' })).toMatchObject([{ date: '2025-06-17', clockedMinutes: 480 }])
    expect(scoresOf({ shifts: [['17 00:00', '17 00:10']] })).toMatchObject([{ clockedMinutes: 10 }])
    expect(scoresOf({ shifts: [['18 00:00', '18 00:10']] })).toEqual([])
  })

  it('end now while they are open, and after 16 hours at the latest', () => {
    const shifts: Shift[] = [['17 20:00', null]]
    expect(scoresOf({ shifts, now: '17 19:00' })).toMatchObject([{ clockedMinutes: 0 }])
    expect(scoresOf({ shifts, now: '17 20:30' })).toMatchObject([{ clockedMinutes: 30 }])
    expect(scoresOf({ shifts, now: '18 09:00' })).toMatchObject([{ clockedMinutes: 780 }])
    expect(scoresOf({ shifts, now: '20 09:00' })).toMatchObject([{ clockedMinutes: 960 }])
  })

  it('count for 24 hours at most', () => {
    expect(scoresOf({ shifts: [['17 20:00', '27 20:00']] })).toMatchObject([{ clockedMinutes: 1_440 }])
  })

  it('lose the time that a shift of the day before covers too', () => {
    const shifts: Shift[] = [
      ['17 22:00', '18 10:00'],
      ['18 06:00', '18 12:00', 30],
      ['18 07:00', '18 09:00', 10],
    ]
    expect(scoresOf({ shifts, to: '2025-06-18' })).toMatchObject([
      { date: '2025-06-17', clockedMinutes: 720 },
      { date: '2025-06-18', clockedMinutes: 80, idleMinutes: 120 },
    ])
  })

  it('count an instant once, and those that end before they start not at all', () => {
    // 8–12 and 11–13 and 9–10 are 8–13; the one from 14 to 13:30 is nothing.
    const shifts: Shift[] = [
      ['17 11:00', '17 13:00'],
      ['17 08:00', '17 12:00'],
      ['17 09:00', '17 10:00'],
      ['17 14:00', '17 13:30'],
    ]
    expect(scoresOf({ shifts })).toMatchObject([{ clockedMinutes: 300, idleMinutes: 300 }])
    expect(idleOf({ shifts })).toEqual([[at('17 08:00'), at('17 13:00'), 1_500]])
  })

  it('stay apart when they only touch', () => {
    const shifts: Shift[] = [
      ['17 08:00', '17 09:00'],
      ['17 09:00', '17 10:00'],
    ]
    expect(idleOf({ shifts })).toEqual([
      [at('17 08:00'), at('17 09:00'), 1_500],
      [at('17 09:00'), at('17 10:00'), 1_500],
    ])
  })
})

describe('rule 2, the work date', () => {
  it('is that of the shift around the start, otherwise the calendar day', () => {
    const items = (works: readonly Work[]) =>
      scoresOf({ shifts: [['16 22:00', '17 06:00']], works, from: '2025-06-16', to: '2025-06-17' }).map((row) => [
        row.date,
        row.items,
      ])
    expect(items([['17 05:59', '17 07:00']])).toEqual([['2025-06-16', 1]])
    expect(items([['16 22:00', '16 22:00']])).toEqual([['2025-06-16', 1]])
    expect(items([['17 06:00', '17 07:00']])).toEqual([
      ['2025-06-16', 0],
      ['2025-06-17', 1],
    ])
    expect(items([['16 21:59', '17 07:00']])).toEqual([['2025-06-16', 1]])
  })

  it('is that of the shift that began last when there are several', () => {
    const shifts: Shift[] = [
      ['17 02:00', '17 10:00'],
      ['16 20:00', '17 09:00'],
    ]
    const works: Work[] = [
      ['17 01:00', '17 01:30', picking, 1],
      ['17 02:00', '17 02:30', picking, 100],
      ['17 03:00', '17 03:30', picking, 10],
    ]
    expect(scoresOf({ shifts, works, from: '2025-06-16', to: '2025-06-17' })).toMatchObject([
      { date: '2025-06-16', items: 1 },
      { date: '2025-06-17', items: 110 },
    ])
  })
})

describe('rules 3 and 5, scores', () => {
  it('are sums, minutes floored at the end, and a share of four places', () => {
    expect(
      derived({
        // 4 h and 30 s, less 30 min of break: 210.5 min.
        shifts: [['17 08:00', '17 12:00:30', 30]],
        works: [
          ['17 08:00', '17 10:00', picking, 3], // then 20 min until the next, 5 of them allowed
          ['17 10:20', '17 11:00', packing, 2], // then 60.5 min until the end, 15 of them allowed
        ],
      }),
    ).toMatchObject({
      // 3 × 1.00 + 2 × 1.25; idle 80.5 min; excess 15 + 45.5 = 60.5 min, so 150 of 210 min are active: 0.714285…
      dailyScores: [
        { items: 5, points: 550, clockedMinutes: 210, idleMinutes: 80, activeMinutes: 150, efficiency: 7_143 },
      ],
      idlePeriods: [
        { durationMinutes: 20, threshold: 500 },
        { durationMinutes: 60, threshold: 1_500 },
      ],
    })
  })

  it('are never below nothing', () => {
    expect(scoresOf({ shifts: [['17 08:00', '17 08:20', 30]], works: [['17 12:00', '17 12:10']] })).toEqual([
      {
        employeeId: 'a',
        date: '2025-06-17',
        items: 1,
        points: 100,
        clockedMinutes: 0,
        idleMinutes: 20,
        activeMinutes: 0,
        efficiency: 0,
      },
    ])
    // 60 min less 50 of break are 10; the excess of 45 leaves nothing of them.
    expect(scoresOf({ shifts: [['17 08:00', '17 09:00', 50]] })).toMatchObject([
      { clockedMinutes: 10, activeMinutes: 0, efficiency: 0 },
    ])
  })
})

describe('rule 4, idle time', () => {
  const shifts: Shift[] = [['17 08:00', '17 12:00']]

  it('begins when a gap is longer than its threshold, at the edges 15 minutes', () => {
    expect(idleOf({ shifts, works: [['17 08:15', '17 11:45', patient]] })).toEqual([])
    expect(idleOf({ shifts, works: [['17 08:16', '17 11:44', patient]] })).toEqual([
      [at('17 08:00'), at('17 08:16'), 1_500],
      [at('17 11:44'), at('17 12:00'), 1_500],
    ])
  })

  it('depends on the window that ended last, then began last, then has the highest id', () => {
    const idleAfter = (...works: readonly Work[]) => idleOf({ shifts, works: [...works, ['17 09:20', '17 12:00']] })
    const found = [[at('17 09:00'), at('17 09:20'), 500]]
    expect(idleAfter(['17 08:00', '17 09:00'])).toEqual(found)
    expect(idleAfter(['17 08:00', '17 09:00', patient], ['17 08:10', '17 08:50'])).toEqual([])
    expect(idleAfter(['17 08:00', '17 09:00', patient], ['17 08:10', '17 09:00'])).toEqual(found)
    expect(idleAfter(['17 08:00', '17 09:00', patient, 1, 8], ['17 08:00', '17 09:00', picking, 1, 9])).toEqual(found)
    expect(idleAfter(['17 08:00', '17 09:00', patient, 1, 9], ['17 08:00', '17 09:00', picking, 1, 8])).toEqual([])
  })

  it('sees windows as they are clipped to the shift', () => {
    // Both are clipped to 8–9, so the higher id decides, though the other one began later.
    const works: Work[] = [
      ['17 06:00', '17 09:00', patient, 1, 9],
      ['17 07:00', '17 09:00', picking, 1, 8],
      ['17 09:20', '18 12:00'],
    ]
    expect(idleOf({ shifts, works })).toEqual([])
  })

  it('sees a window that only touches the shift from outside as little as an end before the start', () => {
    const works: Work[] = [
      ['17 07:00', '17 08:00', patient],
      ['17 12:00', '17 13:00'],
      ['17 10:00', '17 09:00'], // of length zero at 10:00
    ]
    expect(idleOf({ shifts, works })).toEqual([
      [at('17 08:00'), at('17 10:00'), 1_500],
      [at('17 10:00'), at('17 12:00'), 1_500],
    ])
  })

  it('is split by a window of length zero, at the very start too', () => {
    expect(
      idleOf({
        shifts,
        works: [
          ['17 08:00', '17 08:00', patient],
          ['17 08:30', '17 12:00'],
        ],
      }),
    ).toEqual([])
    expect(
      idleOf({
        shifts,
        works: [
          ['17 08:00', '17 08:00'],
          ['17 08:06', '17 12:00'],
        ],
      }),
    ).toEqual([[at('17 08:00'), at('17 08:06'), 500]])
    // Two of them at one instant: the higher id decides.
    const [early, late]: Work[] = [
      ['17 08:00', '17 08:00', picking, 1, 2],
      ['17 08:00', '17 08:00', patient, 1, 1],
    ]
    expect(idleOf({ shifts, works: [late!, early!, ['17 08:06', '17 12:00', picking, 1, 3]] })).toHaveLength(1)
  })

  it('allows a batch what its items take and 5 % more, at least 3 minutes', () => {
    const idleAfter = (items: number, next: string) =>
      idleOf({
        shifts,
        works: [
          ['17 08:00', '17 09:00', packing, items],
          [next, '17 12:00'],
        ],
      })
    // 2 × 3:09 = 6:18 = 6.3 min
    expect(idleAfter(2, '17 09:06:18')).toEqual([])
    expect(idleAfter(2, '17 09:06:19')).toEqual([[at('17 09:00'), at('17 09:06:19'), 630]])
    expect(idleAfter(0, '17 09:03:00')).toEqual([])
    expect(idleAfter(0, '17 09:03:01')).toEqual([[at('17 09:00'), at('17 09:03:01'), 300]])
  })

  it('belongs to the shift that it lies in, also behind midnight and under another day’s work', () => {
    const tables = {
      shifts: [
        ['17 22:00', '18 10:00'],
        ['18 06:00', '18 12:00'],
      ] as Shift[],
      works: [
        ['17 22:00', '18 09:00'],
        ['18 11:50', '18 12:00'],
      ] as Work[],
    }
    // Yesterday’s shift is idle from 9 to 10; today’s begins where that ends, and is idle until 11:50.
    expect(derived({ ...tables, to: '2025-06-18' }).idlePeriods).toEqual([
      {
        employeeId: 'a',
        date: '2025-06-17',
        start: at('18 09:00'),
        end: at('18 10:00'),
        durationMinutes: 60,
        threshold: 1_500,
      },
      {
        employeeId: 'a',
        date: '2025-06-18',
        start: at('18 10:00'),
        end: at('18 11:50'),
        durationMinutes: 110,
        threshold: 1_500,
      },
    ])
  })
})

describe('rule 6, empty days', () => {
  it('have no row in any table', () => {
    expect(derived({ payRates: [{ effective_from: '2025-01-01', hourly_rate: 1_500 }] })).toEqual({
      dailyScores: [],
      idlePeriods: [],
      alerts: [],
      hourlyCosts: [],
      primaryRoles: [],
      currentStatus: [],
    })
  })

  it('are not those with an empty shift', () => {
    expect(scoresOf({ shifts: [['17 08:00', '17 07:00']] })).toMatchObject([{ clockedMinutes: 0, items: 0 }])
  })
})
