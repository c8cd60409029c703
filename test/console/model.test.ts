import { describe, expect, test } from 'vitest'
import { cellState, cellText, gridRow } from '../../src/console/grid/cell.ts'
import { GridRows } from '../../src/console/grid/grid-rows.ts'
import { formatDuration, formatPercent, formatRate } from '../../src/console/model/format.ts'
import { addSample, type RateSample, rateOf } from '../../src/console/model/rate.ts'
import { hashOf, routeOf } from '../../src/console/model/route.ts'
import { formField, inputLike, type StartInput, startRequestOf } from '../../src/console/model/start-request.ts'
import { reduceWatched, unknownJob } from '../../src/console/model/watched-job.ts'
import type { EmployeeRow, Job, ProgressEvent } from '../../src/console/net/api-types.ts'

describe('a job that is watched', () => {
  const job = {
    job_id: 'j',
    status: 'running',
    processed_days: 50,
    skipped_days: 0,
    failed_days: 0,
    total_days: 100,
    progress: 0.5,
    last_seq: 10,
    runs: 1,
  } as Job
  const known = reduceWatched(unknownJob('j'), { type: 'job-read', job, nowMs: 0 })
  const progress = (seq: number, processed: number) =>
    ({
      type: 'progress',
      seq,
      at: '2025-01-01T00:00:00Z',
      ...{ processed_days: processed, total_days: 100, unchanged_days: 0, skipped_days: 0, failed_days: 0 },
      ...{ error_count: 0, progress: processed / 100, stage: 1, elapsed_ms: 5_000, remaining_ms: null },
    }) as ProgressEvent

  test('is not moved backwards by an event that is older than what is known', () => {
    expect(reduceWatched(known, { type: 'job-happened', event: progress(9, 40), nowMs: 1 })).toBe(known)
    const on = reduceWatched(known, { type: 'job-happened', event: progress(11, 60), nowMs: 1 })
    expect(on.job).toMatchObject({ processed_days: 60, progress: 0.6, last_seq: 11, elapsed_seconds: 5 })
  })

  test('is not moved backwards by an answer that was overtaken', () => {
    const on = reduceWatched(known, { type: 'job-happened', event: progress(11, 60), nowMs: 1 })
    expect(reduceWatched(on, { type: 'job-read', job, nowMs: 2 })).toBe(on)
  })

  test('knows its employees by the names that were read, and the same names change nothing', () => {
    const employees = [
      { employee_id: 'a', name: 'Ada' } as EmployeeRow,
      { employee_id: 'b', name: null } as EmployeeRow,
    ]
    const on = reduceWatched(known, { type: 'employees-read', employees })
    expect([...on.names]).toEqual([['a', 'Ada']])
    expect(reduceWatched(on, { type: 'employees-read', employees })).toBe(on)
  })

  test('has its days read anew when something happened, and only then', () => {
    expect(reduceWatched(known, { type: 'job-read', job, nowMs: 2 }).version).toBe(known.version)
    expect(reduceWatched(known, { type: 'job-happened', event: progress(11, 60), nowMs: 1 }).version).toBeGreaterThan(
      known.version,
    )
  })
})

describe('the rate', () => {
  const fed = (samples: readonly RateSample[]) => samples.reduce<readonly RateSample[]>(addSample, [])

  test('is that of the last ten seconds', () => {
    const slowThenFast = [
      { atMs: 0, days: 0 },
      { atMs: 100_000, days: 100 },
      { atMs: 105_000, days: 600 },
      { atMs: 110_000, days: 1_100 },
    ]
    expect(rateOf(fed(slowThenFast))).toBe(100)
  })

  test('is unknown before there is enough to tell it from', () => {
    expect(rateOf([])).toBeNull()
    expect(rateOf([{ atMs: 0, days: 5 }])).toBeNull()
  })

  test('begins anew when days were taken back', () => {
    const samples = fed([
      { atMs: 0, days: 100 },
      { atMs: 1_000, days: 50 },
    ])
    expect(samples).toEqual([{ atMs: 1_000, days: 50 }])
  })
})

describe('the rows of the grid', () => {
  const unknown = () => undefined
  const row = (id: string): EmployeeRow => ({
    employee_id: id,
    name: null,
    dates_done: 2,
    failed_dates: [],
    blocked_from: null,
    closed: [],
  })
  const page = (ids: readonly string[], next: string | null) => ({
    start_date: '2025-01-01',
    end_date: '2025-01-31',
    employees: ids.map(row),
    next,
  })

  test('are read in order, from the last that is known', () => {
    const rows = new GridRows()
    const first = rows.wanted({ from: 0, to: 3 }, 1)
    expect(first).toEqual({ at: 0, after: null, limit: 200 })
    rows.add(first!, page(['a', 'b'], 'b'), 1)
    expect(rows.wanted({ from: 0, to: 2 }, 1)).toBeNull()
    expect(rows.wanted({ from: 1, to: 3 }, 1)).toEqual({ at: 2, after: 'b', limit: 200 })
    rows.add({ at: 2, after: 'b', limit: 200 }, page(['c'], null), 1)
    expect(rows.complete).toBe(true)
    expect(rows.wanted({ from: 1, to: 9 }, 1)).toBeNull()
  })

  test('are read anew only where they are seen and old', () => {
    const rows = new GridRows()
    rows.add({ at: 0, after: null, limit: 200 }, page(['a', 'b', 'c', 'd', 'e'], null), 1)
    rows.add({ at: 2, after: 'b', limit: 1 }, page(['c'], 'c'), 2)
    expect(rows.wanted({ from: 1, to: 4 }, 2)).toEqual({ at: 1, after: 'a', limit: 3 })
    expect(rows.wanted({ from: 2, to: 3 }, 2)).toBeNull()
    expect(rows.wanted({ from: 3, to: 5 }, 2)).toEqual({ at: 3, after: 'c', limit: 2 })
    expect(rows.known).toBe(5)
  })

  test('tell done, failed, blocked and waiting days apart', () => {
    const failed_dates = ['2025-01-03']
    const ada = gridRow({ ...row('ada'), name: 'Ada', dates_done: 10, failed_dates, blocked_from: '2025-01-04' }, 1)
    expect(cellState(ada, 1, '2025-01-02')).toBe('done')
    expect(cellState(ada, 2, '2025-01-03')).toBe('failed')
    expect(cellState(ada, 20, '2025-01-21')).toBe('blocked')
    expect(cellState(gridRow(row('bob'), 1), 2, '2025-01-03')).toBe('waiting')
    expect(cellText(ada, 2, '2025-01-03', unknown)).toBe('Ada (ada), 2025-01-03: failed')
  })

  test('tell closed days apart where the server does, and say where it does not', () => {
    const ada = gridRow({ ...row('ada'), dates_done: 3, closed: [{ from: '2025-01-01', to: '2025-01-02' }] }, 1)
    expect(
      ['2025-01-01', '2025-01-02', '2025-01-03', '2025-01-04'].map((date, at) => cellState(ada, at, date)),
    ).toEqual([...['closed', 'closed', 'done', 'waiting']])
    const bob = gridRow({ ...row('bob'), closed: null }, 1)
    expect(cellText(bob, 0, '2025-01-01', unknown)).toBe('bob, 2025-01-01: done or closed')
  })

  test('say of failed days what is learned of them elsewhere', () => {
    const bob = gridRow({ ...row('bob'), failed_dates: ['2025-01-02'] }, 1)
    expect(cellText(bob, 1, '2025-01-02', unknown)).toBe('bob, 2025-01-02: failed')
    const learned = (id: string, date: string) => `${id} on ${date}`
    expect(cellText(bob, 1, '2025-01-02', learned)).toBe('bob, 2025-01-02: failed: bob on 2025-01-02')
  })

  test('end with a page of nobody, whatever it says of a next one', () => {
    const rows = new GridRows()
    rows.add({ at: 0, after: null, limit: 200 }, page([], 'x'), 1)
    expect(rows.complete).toBe(true)
    expect(rows.wanted({ from: 0, to: 4 }, 2)).toBeNull()
  })

  test('are found by a part of the id or the name, whatever its case', () => {
    const rows = new GridRows()
    const employees = [row('17'), { ...row('a-18'), name: 'Ada Lovelace' }, { ...row('b'), name: 'Grace' }]
    rows.add({ at: 0, after: null, limit: 200 }, { ...page([], null), employees }, 1)
    expect([
      rows.find('love', 0),
      rows.find('1', 0),
      rows.find('1', 1),
      rows.find('1', 2),
      rows.find('grace', 0, 2),
    ]).toEqual([...[1, 0, 1, -1, -1]])
  })

  test('lead from a failed day to the next and to the one before, as one reads', () => {
    const dates = ['2025-01-01', '2025-01-02', '2025-01-03']
    const failing = (id: string, ...failed: string[]) => ({
      ...row(id),
      failed_dates: failed,
    })
    const rows = new GridRows()
    const employees = [failing('a', '2025-01-03', '2025-01-01'), row('b'), failing('c', '2025-01-02')]
    rows.add({ at: 0, after: null, limit: 200 }, { ...page([], null), employees }, 1)
    const [first, second, third] = [
      { row: 0, column: 0 },
      { row: 0, column: 2 },
      { row: 2, column: 1 },
    ] as const
    expect(rows.failureBeside({ row: 0, column: -1 }, 1, dates)).toEqual(first)
    expect(rows.failureBeside(first, 1, dates)).toEqual(second)
    expect(rows.failureBeside(second, 1, dates)).toEqual(third)
    expect(rows.failureBeside(third, 1, dates)).toBeNull()
    expect(rows.failureBeside(third, -1, dates)).toEqual(second)
    expect(rows.failureBeside(second, -1, dates)).toEqual(first)
    expect(rows.failureBeside(first, -1, dates)).toBeNull()
  })
})

describe('the form', () => {
  const input = {
    tenantId: 'acme',
    startDate: '2025-01-01',
    endDate: '2025-01-31',
    employees: null,
    tables: null,
    clearExisting: true,
    reason: '',
  }

  const wrongFields = (typed: StartInput) => {
    const checked = startRequestOf(typed)
    return 'errors' in checked ? [...checked.errors.keys()] : []
  }

  test('asks for everybody only when everybody was chosen', () => {
    expect(startRequestOf(input)).toEqual({
      request: { tenant_id: 'acme', start_date: '2025-01-01', end_date: '2025-01-31', clear_existing: true },
    })
    expect(startRequestOf({ ...input, employees: ' \n ' })).toEqual({
      errors: new Map([['employee_ids', 'Enter at least one employee, or choose everybody.']]),
    })
    expect(startRequestOf({ ...input, employees: 'a' })).toMatchObject({ request: { employee_ids: ['a'] } })
  })

  test('takes ids one per line, separated by commas, or both', () => {
    for (const employees of ['a,b,c d', 'a\nb\r\nc d', ' a , b,\n\n,c d ,\n']) {
      expect(startRequestOf({ ...input, employees })).toMatchObject({ request: { employee_ids: ['a', 'b', 'c d'] } })
    }
    expect(wrongFields({ ...input, employees: ' ,\n, ' })).toEqual(['employee_ids'])
  })

  test('asks for the chosen tables, and never for none', () => {
    expect(startRequestOf({ ...input, tables: ['a, b'] })).toMatchObject({ request: { tables: ['a, b'] } })
    expect(startRequestOf({ ...input, tables: [] })).toEqual({
      errors: new Map([['tables', 'Choose at least one table, or all of them.']]),
    })
  })

  test('tells everything that is wrong at once', () => {
    expect(wrongFields({ ...input, tenantId: ' ', endDate: '2024-12-31', tables: [] })).toEqual([
      ...['tenant_id', 'end_date', 'tables'],
    ])
    expect(wrongFields({ ...input, startDate: '2025-02-30', endDate: '' })).toEqual(['start_date', 'end_date'])
  })

  test('begins with the settings of an earlier job', () => {
    const asked = { tenant_id: 'acme', start_date: '2025-01-01', end_date: '2025-01-31', reason: null }
    const job = { ...asked, tables: null, clear_existing: true } as Job
    expect(inputLike(job, null)).toEqual(input)
    expect(inputLike({ ...job, reason: 'Rates', tables: ['days'], clear_existing: false }, ['a', 'b'])).toEqual({
      ...input,
      ...{ employees: 'a\nb', tables: ['days'], clearExisting: false, reason: 'Rates' },
    })
  })

  test('finds the field that an error is about', () => {
    for (const field of ['employee_ids', 'employee_ids.3', 'employee_ids[3]', '/employee_ids/3']) {
      expect(formField(field)).toBe('employee_ids')
    }
  })
})

test('an address leads to a job whatever its id holds', () => {
  for (const id of ['a', 'a/b', '%', '<b>', 'ä ö', 'a?b#c']) {
    expect(routeOf(hashOf({ screen: 'jobs', id }))).toEqual({ screen: 'jobs', id, like: null, month: null })
    expect(routeOf(hashOf({ screen: 'start', like: id }))).toEqual({ screen: 'start', id: null, like: id, month: null })
  }
  for (const hash of ['#/jobs/%', '', '#main', '#/']) {
    expect(routeOf(hash)).toEqual({ screen: 'jobs', id: null, like: null, month: null })
  }
})

test('numbers read well', () => {
  expect([0, 0.04, 12.4, 65, 3_599.6, 7_500].map(formatDuration)).toEqual([
    '0 s',
    '0.1 s',
    '12 s',
    '1 min 05 s',
    '1 h 00 min',
    '2 h 05 min',
  ])
  expect([0, 0.999, 0.29, 1].map(formatPercent)).toEqual(['0 %', '99 %', '29 %', '100 %'])
  expect([0.123, 45.6, 999, 12_345].map(formatRate)).toEqual(['0.12', '46', '1000', '12K'])
})
