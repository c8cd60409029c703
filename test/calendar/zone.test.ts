import { readdirSync, readFileSync } from 'node:fs'
import { IANAZone } from 'luxon'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { datesBetween } from '../../src/calendar/date-range.ts'
import { dateOf, dayBounds, isZone } from '../../src/calendar/zone.ts'
import { InvalidOptionsError, InvalidRequestError } from '../../src/errors.ts'
import { date } from './arbitraries.ts'

describe('a zone', () => {
  it.each([
    'Europe/Berlin',
    'UTC',
    'GMT',
    'EST',
    'CET',
    'Etc/UTC',
    'Etc/GMT+12',
    'America/Argentina/Buenos_Aires',
    'America/Port-au-Prince',
    'EST5EDT',
    'GB',
    'W-SU',
    'NZ-CHAT',
    'Asia/Calcutta',
    'Asia/Kolkata',
    'europe/berlin',
  ])('is %s', (zone) => {
    expect(isZone(zone)).toBe(true)
  })

  it('is every one that the runtime lists', () => {
    const zones = Intl.supportedValuesOf('timeZone')
    expect(zones.length).toBeGreaterThan(400)
    expect(zones.filter((zone) => !isZone(zone))).toEqual([])
  })

  const others: [what: string, value: unknown][] = [
    ['a place without one', 'Mars/Olympus'],
    ['an area', 'Europe'],
    ['the empty string', ''],
    ['a space', ' '],
    ['a name with a space', 'Europe/Berlin '],
    ['a name with a newline', 'Europe/Berlin\n'],
    ['luxon’s word for the machine’s zone', 'local'],
    ['luxon’s other word for it', 'system'],
    ['luxon’s word for the default', 'default'],
    ['MySQL’s word for it', 'SYSTEM'],
    ['an offset', '+01:00'],
    ['an offset without minutes', '+01'],
    ['a negative offset', '-0530'],
    ['an offset with a typographic minus', '−05:00'],
    ['an offset from UTC', 'UTC+1'],
    ['military Z', 'Z'],
    ['British summer time, which ICU takes for Bangladesh', 'BST'],
    ['Atlantic time, which ICU takes for Alaska', 'AST'],
    ['Israel, Ireland or India', 'IST'],
    ['a small abbreviation', 'pst'],
    ['a System V zone, which only ICU knows', 'SystemV/AST4'],
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['an array', ['UTC']],
    ['an object that reads as one', { toString: () => 'UTC' }],
  ]

  it.each(others)('is not %s', (_, zone) => {
    expect(isZone(zone)).toBe(false)
    const refusal = /^Expected `zone` to be an IANA time zone such as "Europe\/Berlin", got /
    for (const use of [() => dayBounds('2025-01-01', zone as string), () => dateOf(new Date(0), zone as string)]) {
      expect(use).toThrow(InvalidOptionsError)
      expect(use).toThrow(refusal)
    }
  })
})

// Starts and ends were found outside this project, second by second, with Python's zoneinfo and tzdata 2025b.
const days: [what: string, zone: string, date: string, start: string, end: string][] = [
  ['a winter day', 'Europe/Berlin', '2025-01-15', '2025-01-14T23:00:00Z', '2025-01-15T23:00:00Z'],
  ['a day in UTC', 'UTC', '2025-06-01', '2025-06-01T00:00:00Z', '2025-06-02T00:00:00Z'],
  ['23 hours', 'Europe/Berlin', '2025-03-30', '2025-03-29T23:00:00Z', '2025-03-30T22:00:00Z'],
  ['25 hours', 'Europe/Berlin', '2025-10-26', '2025-10-25T22:00:00Z', '2025-10-26T23:00:00Z'],
  ['23 hours west of Greenwich', 'America/New_York', '2025-03-09', '2025-03-09T05:00:00Z', '2025-03-10T04:00:00Z'],
  ['25 hours west of Greenwich', 'America/New_York', '2025-11-02', '2025-11-02T04:00:00Z', '2025-11-03T05:00:00Z'],
  ['24 and a half hours', 'Australia/Lord_Howe', '2025-04-06', '2025-04-05T13:00:00Z', '2025-04-06T13:30:00Z'],
  ['23 and a half hours', 'Australia/Lord_Howe', '2025-10-05', '2025-10-04T13:30:00Z', '2025-10-05T13:00:00Z'],
  ['half an hour off', 'Asia/Kolkata', '2025-01-01', '2024-12-31T18:30:00Z', '2025-01-01T18:30:00Z'],

  [
    'the day before a missing midnight',
    'America/Sao_Paulo',
    '2018-11-03',
    '2018-11-03T03:00:00Z',
    '2018-11-04T03:00:00Z',
  ],
  ['a missing midnight', 'America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00Z', '2018-11-05T02:00:00Z'],
  ['midnight becoming 23:00', 'America/Sao_Paulo', '2018-02-17', '2018-02-17T02:00:00Z', '2018-02-18T03:00:00Z'],
  ['the day before a missing midnight', 'Africa/Cairo', '2024-04-25', '2024-04-24T22:00:00Z', '2024-04-25T22:00:00Z'],
  ['a missing midnight', 'Africa/Cairo', '2024-04-26', '2024-04-25T22:00:00Z', '2024-04-26T21:00:00Z'],
  ['a missing midnight', 'Asia/Beirut', '2024-03-31', '2024-03-30T22:00:00Z', '2024-03-31T21:00:00Z'],
  ['01:00 becoming midnight', 'America/Havana', '2025-11-02', '2025-11-02T04:00:00Z', '2025-11-03T05:00:00Z'],

  ['back from 00:01, the day before', 'America/St_Johns', '2010-11-06', '2010-11-06T02:30:00Z', '2010-11-07T02:30:00Z'],
  ['back from 00:01', 'America/St_Johns', '2010-11-07', '2010-11-07T02:30:00Z', '2010-11-08T03:30:00Z'],
  ['forward at 00:01', 'America/St_Johns', '2010-03-14', '2010-03-14T03:30:00Z', '2010-03-15T02:30:00Z'],
  ['back from 00:01', 'America/Moncton', '2005-10-30', '2005-10-30T03:00:00Z', '2005-10-31T04:00:00Z'],
  ['midnight becoming 21:00', 'Antarctica/Casey', '2021-03-13', '2021-03-12T13:00:00Z', '2021-03-13T16:00:00Z'],
  ['after midnight became 21:00', 'Antarctica/Casey', '2021-03-14', '2021-03-13T16:00:00Z', '2021-03-14T16:00:00Z'],

  ['before a skipped day', 'Pacific/Apia', '2011-12-29', '2011-12-29T10:00:00Z', '2011-12-30T10:00:00Z'],
  ['a skipped day', 'Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00Z', '2011-12-30T10:00:00Z'],
  ['after a skipped day', 'Pacific/Apia', '2011-12-31', '2011-12-30T10:00:00Z', '2011-12-31T10:00:00Z'],
  ['47 hours', 'Pacific/Kwajalein', '1969-09-30', '1969-09-29T13:00:00Z', '1969-10-01T12:00:00Z'],
  ['before a skipped day', 'Pacific/Kwajalein', '1993-08-20', '1993-08-20T12:00:00Z', '1993-08-21T12:00:00Z'],
  ['a skipped day', 'Pacific/Kwajalein', '1993-08-21', '1993-08-21T12:00:00Z', '1993-08-21T12:00:00Z'],
  ['after a skipped day', 'Pacific/Kwajalein', '1993-08-22', '1993-08-21T12:00:00Z', '1993-08-22T12:00:00Z'],

  ['14 hours ahead', 'Pacific/Kiritimati', '2025-06-01', '2025-05-31T10:00:00Z', '2025-06-01T10:00:00Z'],
  ['14 hours ahead', 'Etc/GMT-14', '2025-06-01', '2025-05-31T10:00:00Z', '2025-06-01T10:00:00Z'],
  ['13:45 ahead', 'Pacific/Chatham', '2025-01-01', '2024-12-31T10:15:00Z', '2025-01-01T10:15:00Z'],
  ['11 hours behind', 'Pacific/Pago_Pago', '2025-06-01', '2025-06-01T11:00:00Z', '2025-06-02T11:00:00Z'],
  ['12 hours behind', 'Etc/GMT+12', '2025-06-01', '2025-06-01T12:00:00Z', '2025-06-02T12:00:00Z'],

  ['local mean time, 9:21 ahead', 'Europe/Paris', '1905-06-15', '1905-06-14T23:50:39Z', '1905-06-15T23:50:39Z'],
  ['the end of local mean time', 'Europe/Paris', '1911-03-10', '1911-03-09T23:50:39Z', '1911-03-11T00:00:00Z'],
  ['local mean time, 44:30 behind', 'Africa/Monrovia', '1972-01-06', '1972-01-06T00:44:30Z', '1972-01-07T00:44:30Z'],
  ['from 00:00:00 to 00:44:30', 'Africa/Monrovia', '1972-01-07', '1972-01-07T00:44:30Z', '1972-01-08T00:00:00Z'],
  ['local mean time, 5:41:16 ahead', 'Asia/Kathmandu', '1910-01-01', '1909-12-31T18:18:44Z', '1910-01-01T18:18:44Z'],

  ['the first day', 'Europe/Berlin', '1900-01-01', '1899-12-31T23:00:00Z', '1900-01-01T23:00:00Z'],
  ['the last day', 'UTC', '9999-12-31', '9999-12-31T00:00:00Z', '+010000-01-01T00:00:00Z'],
  ['the last day in winter', 'Europe/Berlin', '9999-12-31', '9999-12-30T23:00:00Z', '9999-12-31T23:00:00Z'],
  ['the last day in summer', 'Pacific/Auckland', '9999-12-31', '9999-12-30T11:00:00Z', '9999-12-31T11:00:00Z'],
  ['the last day in the west', 'America/New_York', '9999-12-31', '9999-12-31T05:00:00Z', '+010000-01-01T05:00:00Z'],
]

describe('the bounds of a day', () => {
  it.each(days)('%s: %s %s', (_, zone, date, start, end) => {
    expect(dayBounds(date, zone)).toEqual({ start: new Date(start), end: new Date(end) })
  })

  it.each(days)('hold the instants whose date it is: %s: %s %s', (_, zone, day, start, end) => {
    const first = Date.parse(start)
    const after = Date.parse(end)
    if (day !== '1900-01-01') expect(dateOf(new Date(first - 1), zone) < day).toBe(true)
    for (let instant = first; instant < after; instant += 600_000) expect(dateOf(new Date(instant), zone)).toBe(day)
    if (first < after) expect(dateOf(new Date(after - 1), zone)).toBe(day)
    if (day !== '9999-12-31') expect(dateOf(new Date(after), zone) > day).toBe(true)
  })

  it('are one instant for a day that the zone skipped, and no instant has its date', () => {
    const { start, end } = dayBounds('2011-12-30', 'Pacific/Apia')
    expect(start).toEqual(end)
    expect(dateOf(start, 'Pacific/Apia')).toBe('2011-12-31')
    expect(dateOf(new Date(start.getTime() - 1), 'Pacific/Apia')).toBe('2011-12-29')
  })

  it('give the hour that is shown again after midnight to the day that had begun', () => {
    // 00:00:30, then 23:01:30 of the day before by the clock on the wall.
    expect(dateOf(new Date('2010-11-07T02:30:30Z'), 'America/St_Johns')).toBe('2010-11-07')
    expect(dateOf(new Date('2010-11-07T02:31:30Z'), 'America/St_Johns')).toBe('2010-11-07')
  })

  it('are the caller’s own: changing them changes no later answer', () => {
    const { start, end } = dayBounds('2025-05-05', 'Europe/Berlin')
    start.setTime(0)
    end.setTime(0)
    expect(dayBounds('2025-05-05', 'Europe/Berlin').start).toEqual(new Date('2025-05-04T22:00:00Z'))
    expect(dayBounds('2025-05-05', 'Europe/Berlin').end).toEqual(new Date('2025-05-05T22:00:00Z'))
  })

  it('do not depend on how the zone is spelled', () => {
    expect(dayBounds('2025-05-05', 'EUROPE/berlin')).toEqual(dayBounds('2025-05-05', 'Europe/Berlin'))
  })

  it.each(['2025-02-30', '2025-2-3', '', '1899-12-31', '10000-01-01', '2025-02-03\n'])(
    'do not exist for %j',
    (text) => {
      expect(() => dayBounds(text, 'UTC')).toThrow(InvalidRequestError)
      expect(() => dayBounds(text, 'UTC')).toThrow(/^Expected `date` to be a calendar date as YYYY-MM-DD/)
    },
  )
})

describe('the date of an instant', () => {
  it.each([
    ['an invalid Date', new Date(Number.NaN)],
    ['a number', 0],
    ['a string', '2025-01-01T00:00:00Z'],
    ['null', null],
    ['undefined', undefined],
    ['the millisecond before 1900', new Date(Date.UTC(1900, 0, 1) - 1)],
    ['the first instant of 10000', new Date(Date.UTC(10_000, 0, 1))],
    ['the earliest Date', new Date(-8.64e15)],
    ['the latest Date', new Date(8.64e15)],
  ])('does not exist for %s', (_, instant) => {
    expect(() => dateOf(instant as Date, 'UTC')).toThrow(InvalidRequestError)
    expect(() => dateOf(instant as Date, 'UTC')).toThrow(
      /^Expected `instant` to be a valid Date from 1900-01-01 to 9999-12-31 in UTC, got /,
    )
  })

  it('reaches to the ends of the calendar in the zone, not in UTC', () => {
    expect(dateOf(new Date('1899-12-31T10:00:00Z'), 'Etc/GMT-14')).toBe('1900-01-01')
    expect(() => dateOf(new Date('1899-12-31T09:59:59.999Z'), 'Etc/GMT-14')).toThrow(InvalidRequestError)
    expect(dateOf(new Date('+010000-01-01T11:59:59.999Z'), 'Etc/GMT+12')).toBe('9999-12-31')
    expect(() => dateOf(new Date('+010000-01-01T12:00:00Z'), 'Etc/GMT+12')).toThrow(InvalidRequestError)
  })

  it('is not confused by zones asked in turn', () => {
    const instant = new Date('2025-06-01T12:00:00Z')
    for (let round = 0; round < 2; round++) {
      expect(dateOf(instant, 'Pacific/Kiritimati')).toBe('2025-06-02')
      expect(dateOf(instant, 'UTC')).toBe('2025-06-01')
      expect(dateOf(new Date('2025-06-01T06:00:00Z'), 'America/Los_Angeles')).toBe('2025-05-31')
    }
  })
})

describe('the memory of zones', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('makes asking again free of luxon', () => {
    const year = datesBetween(date('2025-01-01'), date('2025-12-31'))
    const askAll = () => {
      for (const day of year) {
        const { start, end } = dayBounds(day, 'Europe/Vienna')
        for (let t = start.getTime(); t < end.getTime(); t += 3_600_000) dateOf(new Date(t), 'Europe/Vienna')
      }
    }
    const offsets = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts')
    askAll()
    const asked = offsets.mock.calls.length
    expect(asked).toBeGreaterThan(365)
    expect(asked).toBeLessThan(365 * 4)
    askAll()
    expect(offsets.mock.calls.length).toBe(asked)
  })

  it('does not make luxon keep a formatter for every spelling of a zone', () => {
    const create = vi.spyOn(IANAZone, 'create')
    for (const zone of ['Europe/Oslo', 'EUROPE/OSLO', 'europe/Oslo']) dayBounds('2025-01-01', zone)
    expect(new Set(create.mock.calls.map(([name]) => name)).size).toBe(1)
  })

  it('is given up after some thousands of days, without harm', () => {
    const zone = 'Europe/Madrid'
    const forty = datesBetween(date('1985-01-01'), date('2024-12-31'))
    const ends = forty.map((day) => dayBounds(day, zone).end.getTime())
    const starts = forty.map((day) => dayBounds(day, zone).start.getTime())
    expect(starts.slice(1)).toEqual(ends.slice(0, -1))

    const offsets = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts')
    expect(dayBounds('1985-01-01', zone).start).toEqual(new Date('1984-12-31T23:00:00Z'))
    expect(offsets).toHaveBeenCalled()
  })

  it('is given up after some dozens of zones, without harm', () => {
    const instant = new Date('2025-06-01T12:00:00Z')
    const first = dateOf(instant, 'Europe/Rome')
    for (const zone of Intl.supportedValuesOf('timeZone')) dateOf(instant, zone)
    const offsets = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts')
    expect(dateOf(instant, 'Europe/Rome')).toBe(first)
    expect(offsets).toHaveBeenCalled()
  })
})

describe('the machine’s own zone', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it.each(['Pacific/Apia', 'America/St_Johns', 'Asia/Kathmandu'])('has no say, be it %s', (zone) => {
    vi.stubEnv('TZ', zone)
    expect(new Date(2025, 0, 1).getTime()).not.toBe(Date.UTC(2025, 0, 1))
    // Days that nothing else asks for, so that they are not remembered from before.
    const day = { 'Pacific/Apia': '2061', 'America/St_Johns': '2062', 'Asia/Kathmandu': '2063' }[zone]
    expect(dayBounds(`${day}-01-15`, 'Europe/Berlin').start).toEqual(new Date(Date.UTC(Number(day), 0, 14, 23)))
    expect(dateOf(new Date(Date.UTC(Number(day), 0, 15, 23, 30)), 'Europe/Berlin')).toBe(`${day}-01-16`)
    expect(datesBetween(date('2061-03-01'), date('2061-03-02'))).toEqual(['2061-03-01', '2061-03-02'])
  })
})

describe('luxon', () => {
  it('is imported by the zone file alone', () => {
    const src = new URL('../../src/', import.meta.url)
    const importers = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .filter((path) => /['"]luxon['"]/.test(readFileSync(new URL(path, src), 'utf8')))
    expect(importers).toEqual(['calendar/zone.ts'])
  })
})
