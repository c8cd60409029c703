import { describe, expect, test } from 'vitest'
import { cellState, cellText, gridRow } from '../../src/console/grid/cell.ts'
import { GridRows } from '../../src/console/grid/grid-rows.ts'
import { formatDuration, formatPercent, formatRate } from '../../src/console/model/format.ts'
import { addSample, type RateSample, rateOf } from '../../src/console/model/rate.ts'
import { hashOf, routeOf } from '../../src/console/model/route.ts'
import { formField, startRequestOf } from '../../src/console/model/start-request.ts'
import { reduceWatched, unknownJob } from '../../src/console/model/watched-job.ts'
import type { EmployeeRow, Job, ProgressEvent } from '../../src/console/net/api-types.ts'
import { Backoff } from '../../src/console/net/backoff.ts'

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
  const row = (id: string): EmployeeRow => ({
    employee_id: id,
    name: null,
    dates_done: 2,
    failed: [],
    blocked_from: null,
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
    const failed = [{ date: '2025-01-03', stage: 's', code: 'C', message: 'No rate' }]
    const ada = gridRow({ ...row('ada'), name: 'Ada', dates_done: 10, failed, blocked_from: '2025-01-04' }, 1)
    expect(cellState(ada, 1, '2025-01-02')).toBe('done')
    expect(cellState(ada, 2, '2025-01-03')).toBe('failed')
    expect(cellState(ada, 20, '2025-01-21')).toBe('blocked')
    expect(cellState(gridRow(row('bob'), 1), 2, '2025-01-03')).toBe('waiting')
    expect(cellText(ada, 2, '2025-01-03')).toBe('Ada, 2025-01-03: failed: No rate')
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

  test('asks for everybody only when everybody was chosen', () => {
    expect(startRequestOf(input)).toEqual({
      tenant_id: 'acme',
      start_date: '2025-01-01',
      end_date: '2025-01-31',
      clear_existing: true,
    })
    expect(startRequestOf({ ...input, employees: ' \n ' })).toEqual(
      new Map([['employee_ids', 'Enter at least one employee, or choose everybody.']]),
    )
    expect(startRequestOf({ ...input, employees: 'a' })).toMatchObject({ employee_ids: ['a'] })
  })

  test('takes ids one per line, separated by commas, or both', () => {
    for (const employees of ['a,b,c d', 'a\nb\r\nc d', ' a , b,\n\n,c d ,\n']) {
      expect(startRequestOf({ ...input, employees })).toMatchObject({ employee_ids: ['a', 'b', 'c d'] })
    }
    expect([...(startRequestOf({ ...input, employees: ' ,\n, ' }) as Map<string, string>).keys()]).toEqual([
      'employee_ids',
    ])
  })

  test('asks for the chosen tables, and never for none', () => {
    expect(startRequestOf({ ...input, tables: ['a, b'] })).toMatchObject({ tables: ['a, b'] })
    expect(startRequestOf({ ...input, tables: [] })).toEqual(
      new Map([['tables', 'Choose at least one table, or all of them.']]),
    )
  })

  test('tells everything that is wrong at once', () => {
    const errors = startRequestOf({ ...input, tenantId: '', endDate: '2024-12-31', tables: [] })
    expect([...(errors as Map<string, string>).keys()]).toEqual(['tenant_id', 'end_date', 'tables'])
  })

  test('finds the field that an error is about', () => {
    for (const field of ['employee_ids', 'employee_ids.3', 'employee_ids[3]', '/employee_ids/3']) {
      expect(formField(field)).toBe('employee_ids')
    }
  })
})

test('an address leads to a job whatever its id holds', () => {
  for (const jobId of ['a', 'a/b', '%', '<b>', 'ä ö']) {
    expect(routeOf(hashOf({ name: 'job', jobId }))).toEqual({ name: 'job', jobId })
  }
  expect(routeOf('#/jobs/%')).toEqual({ name: 'jobs' })
  expect(routeOf('')).toEqual({ name: 'jobs' })
})

test('each wait is longer, up to the longest, and a success makes it short again', () => {
  const backoff = new Backoff(500, 30_000, () => 1)
  expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ])
  backoff.reset()
  expect(backoff.next()).toBe(500)
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
