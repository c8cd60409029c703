import { expect, test } from 'vitest'
import { RollingAverage } from '../../../../examples/timesheet/rules/average.ts'
import type { Booking, BookingKind } from '../../../../examples/timesheet/rules/bookings.ts'
import { calculateDay } from '../../../../examples/timesheet/rules/calculate-day.ts'
import type { Absence } from '../../../../examples/timesheet/rules/credit.ts'
import type { DailyValue } from '../../../../examples/timesheet/rules/daily-value.ts'
import { EmployeeFacts } from '../../../../examples/timesheet/rules/employee-facts.ts'
import { calculateMonth } from '../../../../examples/timesheet/rules/month.ts'
import type { DayPlan } from '../../../../examples/timesheet/rules/plan.ts'
import { addDays, type IsoDate, parseIsoDate } from '../../../../src/index.ts'

// Each rule by examples that were worked out by hand. The clock of Berlin is one hour ahead of UTC in winter, two in summer.

const date = (text: string) => parseIsoDate(text, 'date')
const WEDNESDAY = date('2025-01-15')

const office: DayPlan = {
  id: 1,
  targetMinutes: 480,
  frameFrom: '06:00',
  frameTo: '20:00',
  coreFrom: '09:00',
  coreTo: '15:00',
  toleranceMinutes: 10,
  roundCome: 1,
  roundGo: 1,
  maxNetMinutes: 600,
  isOvernight: false,
  noBooking: 'error',
  breakRules: [
    { afterMinutes: 360, breakMinutes: 30 },
    { afterMinutes: 540, breakMinutes: 45 },
  ],
}

const night: DayPlan = { ...office, frameFrom: '21:00', coreFrom: null, coreTo: null, isOvernight: true }

interface Given {
  /** `come 2025-01-15T08:00Z`, in the order of their ids. */
  readonly bookings?: readonly string[]
  /** From an entry on: the plan of every day. */
  readonly plan?: DayPlan | null
  readonly zone?: string
  readonly now?: string
  readonly entry?: string
  readonly exit?: string
  readonly absences?: readonly Absence[]
  readonly holidays?: Readonly<Record<string, number>>
}

function dayOf(day: IsoDate, given: Given, yesterday: Pick<DailyValue, 'consecutiveDays'> | null = null) {
  const { plan = office, zone = 'Europe/Berlin', now = '2025-12-31T12:00Z', absences = [], holidays = {} } = given
  const bookings = (given.bookings ?? []).map((text, index): Booking => {
    const [kind, at = ''] = text.split(' ')
    return { id: index + 1, kind: kind as BookingKind, at: Date.parse(at) }
  })
  const facts = new EmployeeFacts(
    {
      entryDate: date(given.entry ?? '2010-01-01'),
      exitDate: given.exit === undefined ? null : date(given.exit),
      assignments: plan ? [{ validFrom: '2010-01-01', week: Array<number>(7).fill(plan.id) }] : [],
      absences,
      bookings,
    },
    { plans: new Map(plan ? [[plan.id, plan]] : []), holidays: new Map(Object.entries(holidays)) },
    { zone, now: Date.parse(now) },
  )
  return calculateDay(day, facts, yesterday)
}

const at = (text: string) => Date.parse(text)
const away = (values: Partial<Absence> = {}): Absence => ({
  id: 1,
  from: WEDNESDAY,
  to: WEDNESDAY,
  creditPercent: 100,
  isVacation: true,
  isHalfDay: false,
  ...values,
})

test('rule 1: rows begin with the entry, and end with the exit or today', () => {
  const given = { entry: '2025-01-14', exit: '2025-01-16', now: '2025-01-15T23:30Z' }
  const rows = ['13', '14', '15', '16', '17'].map((day) => dayOf(date(`2025-01-${day}`), given) !== null)
  // It is 00:30 of the 16th in Berlin.
  expect(rows).toEqual([false, true, true, true, false])
})

test('rule 2: who has no contract has days off, with no rules for what is booked', () => {
  const bookings = ['come 2025-01-15T02:00Z', 'go 2025-01-15T14:00Z']
  expect(dayOf(WEDNESDAY, { plan: null, bookings })).toMatchObject({
    planId: null,
    gross: 720,
    breaks: 0,
    target: 0,
    overtime: 720,
    errors: ['OVER_TEN_HOURS'],
  })
})

test('rule 3: of a doubled come the first has no go, and of a doubled go the second no come', () => {
  const bookings = ['come 2025-01-15T08:00Z', 'come 2025-01-15T08:00Z', 'go 2025-01-15T16:00Z', 'go 2025-01-15T16:00Z']
  expect(dayOf(WEDNESDAY, { bookings })).toMatchObject({ gross: 480, errors: ['MISSING_COME', 'MISSING_GO'] })
})

test.each([
  ['24 hours', '2025-01-16T08:00:00.000Z', []],
  ['a millisecond more', '2025-01-16T08:00:00.001Z', ['MISSING_GO', 'NO_BOOKING']],
])('rule 3: a go after %s', (_, go, errors) => {
  const given = { plan: { ...office, coreTo: null }, bookings: ['come 2025-01-15T08:00Z', `go ${go}`] }
  expect(dayOf(WEDNESDAY, given)?.errors).toEqual(errors.length > 0 ? errors : ['OVER_TEN_HOURS'])
})

test('rule 3: a come of today is open until now, one of yesterday has no go', () => {
  const bookings = ['come 2025-01-15T08:00Z']
  const open = dayOf(WEDNESDAY, { bookings, now: '2025-01-15T10:00Z' })
  expect(open).toMatchObject({ gross: 120, firstCome: at('2025-01-15T08:00Z'), lastGo: null, errors: [] })
  expect(dayOf(WEDNESDAY, { bookings, now: '2025-01-15T23:00Z' })?.errors).toEqual(['MISSING_GO', 'NO_BOOKING'])
})

test('rule 4: a night is cut at midnight, unless the plan of its come is one of nights', () => {
  const bookings = ['come 2025-01-15T21:00Z', 'go 2025-01-16T05:00Z']
  const thursday = addDays(WEDNESDAY, 1)
  const free = { plan: null, bookings }
  expect([dayOf(WEDNESDAY, free)?.gross, dayOf(thursday, free)?.gross]).toEqual([120, 360])
  const nights = { plan: night, bookings }
  expect([dayOf(WEDNESDAY, nights)?.gross, dayOf(thursday, nights)?.gross]).toEqual([480, 0])
})

test('rule 4: a go at midnight leaves nothing on the day that begins there, a come belongs to it', () => {
  const thursday = addDays(WEDNESDAY, 1)
  const until = { plan: null, bookings: ['come 2025-01-15T21:00Z', 'go 2025-01-15T23:00Z'] }
  expect(dayOf(WEDNESDAY, until)).toMatchObject({ gross: 120, lastGo: at('2025-01-15T23:00Z') })
  expect(dayOf(thursday, until)).toMatchObject({ gross: 0, firstCome: null })
  const since = { plan: null, bookings: ['come 2025-01-15T23:00Z', 'go 2025-01-16T01:00Z'] }
  expect(dayOf(WEDNESDAY, since)).toMatchObject({ gross: 0, firstCome: null })
  expect(dayOf(thursday, since)).toMatchObject({ gross: 120, firstCome: at('2025-01-15T23:00Z') })
})

test.each([
  [
    'Europe/Berlin',
    '2025-03-29',
    '2025-03-29T21:00Z',
    '2025-03-30T04:00Z',
    420,
    'an hour shorter than its clock times',
  ],
  ['Europe/Berlin', '2025-10-25', '2025-10-25T20:00Z', '2025-10-26T05:00Z', 540, 'an hour longer'],
  ['Australia/Lord_Howe', '2025-04-05', '2025-04-05T11:00Z', '2025-04-05T19:30Z', 510, 'half an hour longer'],
])('rule 4: in %s the night of %s is %s to %s', (zone, day, come, go, minutes) => {
  const plan = { ...night, breakRules: [], maxNetMinutes: null }
  const value = dayOf(date(day), { plan, zone, bookings: [`come ${come}`, `go ${go}`] })
  expect(value?.gross).toBe(minutes)
})

test('rule 4: a day that the zone skips has a row, and nothing in it', () => {
  const given = { zone: 'Pacific/Apia', plan: null, bookings: ['come 2011-12-30T08:00Z', 'go 2011-12-30T12:00Z'] }
  const days = ['2011-12-29', '2011-12-30', '2011-12-31'].map((day) => dayOf(date(day), given))
  expect(days.map((day) => day?.gross)).toEqual([120, 0, 120])
  expect(days[1]).toMatchObject({ firstCome: null, lastGo: null, status: 'off' })
})

test('rule 5: first the frame, then the core, then rounding', () => {
  const plan = { ...office, roundCome: 15, roundGo: 15, breakRules: [] }
  const early = dayOf(WEDNESDAY, { plan, bookings: ['come 2025-01-15T04:30Z', 'go 2025-01-15T14:20Z'] })
  // From the frame at 06:00 to 15:15; the come itself stays 05:30.
  expect(early).toMatchObject({ gross: 555, firstCome: at('2025-01-15T04:30Z') })
  const forgiven = dayOf(WEDNESDAY, { plan, bookings: ['come 2025-01-15T08:10Z', 'go 2025-01-15T13:50Z'] })
  expect(forgiven).toMatchObject({ gross: 360, errors: [] })
  const late = dayOf(WEDNESDAY, { plan, bookings: ['come 2025-01-15T08:11Z', 'go 2025-01-15T14:00Z'] })
  expect(late).toMatchObject({ gross: 345, errors: ['CORE_TIME'] })
})

test('rule 6: a required break takes nobody below the limit, and booked ones count towards it', () => {
  const grossOf = (minutes: number) => `go ${new Date(at('2025-01-15T06:00Z') + minutes * 60_000).toISOString()}`
  const breaksOf = (minutes: number, ...pause: readonly string[]) =>
    dayOf(WEDNESDAY, { bookings: ['come 2025-01-15T06:00Z', ...pause, grossOf(minutes)] })?.breaks
  expect([360, 361, 389, 390, 571, 600].map((minutes) => breaksOf(minutes))).toEqual([0, 1, 29, 30, 31, 45])
  expect(breaksOf(480, 'break_start 2025-01-15T10:00Z', 'break_end 2025-01-15T10:20:59Z')).toBe(30)
  expect(breaksOf(480, 'break_start 2025-01-15T10:00Z', 'break_end 2025-01-15T10:50:59Z')).toBe(50)
})

test('rules 7 and 9: half a day of an absence gives half, rounded half up, also on a night; a holiday wins', () => {
  const half = away({ isHalfDay: true, creditPercent: 33 })
  // 480 × 33 % / 2 = 79.2, and 465 × 100 % / 2 = 232.5
  expect(dayOf(WEDNESDAY, { plan: night, absences: [half] })).toMatchObject({ credited: 79, status: 'absent' })
  const plan = { ...night, targetMinutes: 465 }
  const bookings = ['come 2025-01-15T20:00Z', 'go 2025-01-16T00:00Z']
  const value = dayOf(WEDNESDAY, { plan, bookings, absences: [away({ isHalfDay: true })] })
  expect(value).toMatchObject({ credited: 233, net: 240, overtime: 8 })
  const absences = [away({ id: 2, creditPercent: 100 }), away({ id: 1, creditPercent: 0 })]
  expect(dayOf(WEDNESDAY, { absences })?.credited).toBe(0)
  expect(dayOf(WEDNESDAY, { absences, holidays: { [WEDNESDAY]: 120 } })).toMatchObject({
    credited: 480,
    status: 'holiday',
  })
})

test.each([
  ['error', { net: 0, overtime: -480, status: 'error', errors: ['NO_BOOKING'] }],
  ['target', { net: 480, overtime: 0, status: 'present', errors: [] }],
  ['zero', { net: 0, overtime: -480, status: 'empty', errors: [] }],
] as const)('rule 8: a day without bookings, where the plan says %s', (noBooking, expected) => {
  expect(dayOf(WEDNESDAY, { plan: { ...office, noBooking } })).toMatchObject(expected)
})

test('rule 10: eleven hours of rest are enough, a minute less is not', () => {
  const restUntil = (come: string) => {
    const bookings = ['come 2025-01-14T15:00Z', 'go 2025-01-14T22:00Z', `come ${come}`, 'go 2025-01-15T14:00Z']
    return dayOf(WEDNESDAY, { plan: { ...office, coreFrom: null }, bookings })?.errors
  }
  expect(restUntil('2025-01-15T09:00Z')).toEqual([])
  expect(restUntil('2025-01-15T08:59Z')).toEqual(['REST_PERIOD'])
})

test('rules 10 and 11: the seventh day in a row with work is an error, a day without work begins anew', () => {
  const bookings = ['come 2025-01-15T08:00Z', 'go 2025-01-15T14:00Z']
  expect(dayOf(WEDNESDAY, { bookings }, { consecutiveDays: 5 })).toMatchObject({ consecutiveDays: 6, errors: [] })
  const seventh = dayOf(WEDNESDAY, { bookings }, { consecutiveDays: 6 })
  expect(seventh).toMatchObject({ consecutiveDays: 7, errors: ['SEVENTH_DAY'], status: 'error' })
  expect(dayOf(WEDNESDAY, { plan: null }, { consecutiveDays: 6 })).toMatchObject({ consecutiveDays: 0, status: 'off' })
})

test('rule 12: 168 days with their own count, to two places', () => {
  const row = (net: number, target = 480) => ({ net, credited: 0, target })
  const rows = [row(100_000), ...Array.from({ length: 166 }, () => row(480)), row(481), row(100, 0)]
  const averages = new RollingAverage(rows)
  // Without the first row: (166 × 480 + 481 + 100) / 167 = 480.6048
  expect(averages.endingWith(168)).toEqual({ days: 167, average: 48_060, isOverLimit: true })
  expect(new RollingAverage([row(480)]).endingWith(0)).toEqual({ days: 1, average: 48_000, isOverLimit: false })
  expect(new RollingAverage([row(60, 0)]).endingWith(0)).toBeNull()
})

test('rule 13: a month that ends with an exit hands on what it carried, within its limits', () => {
  const day = (text: string, overtime: number) =>
    ({ date: text, net: 480 + overtime, target: 480, credited: 0, overtime, status: 'present' }) as const
  const facts = {
    days: [day('2024-02-28', 50), day('2024-02-29', 70)],
    absences: [away({ from: '2024-02-29', to: '2024-03-09', isHalfDay: true })],
    holidays: new Map<string, number>(),
    rules: { maxCreditPerMonth: 100, cap: 250, floor: -60 },
    firstFlextime: 10,
  }
  const first = calculateMonth(facts, null)
  expect(first).toMatchObject({ overtime: 120, flextimeStart: 10, flextimeChange: 100, flextimeEnd: 110 })
  expect(first?.halfVacationDays).toBe(1)
  expect(calculateMonth(facts, { flextimeEnd: 200 })).toMatchObject({ flextimeStart: 200, flextimeEnd: 250 })
  const owing = { ...facts, days: [day('2024-03-01', -480)] }
  expect(calculateMonth(owing, { flextimeEnd: 250 })).toMatchObject({ flextimeChange: -480, flextimeEnd: -60 })
  expect(calculateMonth({ ...facts, days: [] }, { flextimeEnd: 250 })).toBeNull()
})
