import { expect, test, vi } from 'vitest'
import {
  dayStage,
  InvalidOptionsError,
  InvalidRequestError,
  memoryBackend,
  type RecalcBackend,
  RecalcService,
  tenantStage,
} from '../src/index.ts'

/** Every way to ask, with a good request of its kind. */
const day = { tenantId: 't', employeeId: 'e', date: '2025-03-30' }
const range = { tenantId: 't', employeeId: 'e', from: '2025-03-01', to: '2025-03-31' }
const batch = { tenantId: 't', employeeIds: ['e'], from: '2025-03-01', to: '2025-03-31' }
const all = { tenantId: 't', from: '2025-03-01', to: '2025-03-31' }
const triggers = [
  ['triggerRecalc', day],
  ['triggerRecalcAsync', day],
  ['triggerRecalcRange', range],
  ['triggerRecalcRangeAsync', range],
  ['triggerRecalcBatch', batch],
  ['triggerRecalcBatchAsync', batch],
  ['triggerRecalcAll', all],
  ['triggerRecalcAllAsync', all],
] as const
const estimates = [day, range, batch, all].map((request) => ['estimate', request] as const)
const ways = [...triggers, ...estimates]

type Way = (typeof ways)[number][0]

/** A service that must not be touched: every call that it makes to its host is seen. */
function guarded(zone?: (tenantId: string) => string) {
  const touched = vi.fn()
  const spy = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, name) => {
        const value: unknown = Reflect.get(object, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          touched(String(name), ...args)
          return value.apply(object, args)
        }
      },
    })
  const { unitOfWork, jobs } = memoryBackend()
  const backend: RecalcBackend<undefined> = { unitOfWork: spy(unitOfWork), jobs: spy(jobs) }
  const host = {
    listEmployees: async () => [],
    closedThrough: async () => new Map<string, string>(),
    load: async () => undefined,
    calculate: () => 1,
    save: async () => {},
    run: async () => {},
  }
  const { listEmployees, closedThrough, load, calculate, save, run } = spy(host)
  const service = new RecalcService({
    stages: [
      dayStage({ name: 'scores', writes: ['daily_scores'], load, calculate, save }),
      tenantStage({ name: 'ranking', writes: ['ranking'], run }),
    ],
    employees: { listEmployees },
    closedPeriods: { closedThrough },
    backend,
    maxDays: 31,
    ...(zone && { zone }),
  })
  touched.mockClear()
  const call = (way: Way, request: unknown, ...rest: unknown[]): Promise<unknown> => {
    const method = service[way] as (...args: unknown[]) => Promise<unknown>
    return method.call(service, request, ...rest)
  }
  return { call, touched, service }
}

async function refusal(way: Way, request: unknown, ...rest: unknown[]): Promise<string> {
  const { call, touched } = guarded()
  const error: unknown = await call(way, request, ...rest).then(
    () => expect.fail(`${way} took it`),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(InvalidRequestError)
  expect(error).toMatchObject({ name: 'InvalidRequestError', code: 'INVALID_REQUEST' })
  expect(touched).not.toHaveBeenCalled()
  return (error as Error).message
}

const badDates: readonly (readonly [unknown, string])[] = [
  ['2025-02-30', '"2025-02-30"'],
  ['2025-02-29', '"2025-02-29"'],
  ['2025-2-3', '"2025-2-3"'],
  ['2025-13-01', '"2025-13-01"'],
  ['20250301', '"20250301"'],
  ['2025-03-01T00:00:00Z', '"2025-03-01T00:00:00Z"'],
  ['2025-03-01\n', '"2025-03-01\\n"'],
  [' 2025-03-01', '" 2025-03-01"'],
  ['２０２５-03-01', '"２０２５-03-01"'],
  ['today', '"today"'],
  ['', '""'],
  [new Date('2025-03-01'), 'Date(2025-03-01T00:00:00.000Z)'],
  [new Date(Number.NaN), 'Date(invalid)'],
  [20250301, '20250301'],
  [Number.NaN, 'NaN'],
  [null, 'null'],
  [undefined, 'undefined'],
  [{ toString: () => '2025-03-01' }, '{}'],
  [['2025-03-01'], 'an array of 1'],
]

for (const [value, shown] of badDates) {
  test(`no trigger takes ${shown} for a date`, async () => {
    for (const [way, good] of ways) {
      for (const property of 'date' in good ? ['date'] : ['from', 'to']) {
        const message = await refusal(way, { ...good, [property]: value })
        expect(message).toMatch(`Expected \`${property}\` to be a calendar date as YYYY-MM-DD`)
        expect(message).toContain(shown)
      }
    }
  })
}

const badIds: readonly (readonly [unknown, string])[] = [
  ['', '""'],
  [7, '7'],
  [7n, '7n'],
  [Number.NaN, 'NaN'],
  [null, 'null'],
  [undefined, 'undefined'],
  [{}, '{}'],
  [['e'], 'an array of 1'],
  [Symbol('e'), 'Symbol(e)'],
  [new String('e'), '"e"'],
]

for (const [value, shown] of badIds) {
  test(`no trigger takes ${shown} for an id`, async () => {
    for (const [way, good] of ways) {
      expect(await refusal(way, { ...good, tenantId: value })).toBe(
        `Expected \`tenantId\` to be a non-empty string, got ${shown}`,
      )
      if ('employeeId' in good) {
        expect(await refusal(way, { ...good, employeeId: value })).toBe(
          `Expected \`employeeId\` to be a non-empty string, got ${shown}`,
        )
      }
      if ('employeeIds' in good) {
        expect(await refusal(way, { ...good, employeeIds: ['a', value] })).toBe(
          `Expected \`employeeIds[1]\` to be a non-empty string, got ${shown}`,
        )
      }
    }
  })
}

test('a list of employees must be an array, without holes', async () => {
  const batches = ways.filter(([, good]) => 'employeeIds' in good)
  for (const [way, good] of batches) {
    for (const value of ['e', { 0: 'e', length: 1 }, new Set(['e']), null, 7]) {
      expect(await refusal(way, { ...good, employeeIds: value })).toContain(
        'Expected `employeeIds` to be an array of non-empty strings, got ',
      )
    }
    expect(await refusal(way, { ...good, employeeIds: Object.assign(['a'], { 2: 'c' }) })).toContain('`employeeIds[1]`')
  }
})

test('a range must not end before it begins', async () => {
  for (const [way, good] of ways) {
    if (!('from' in good)) continue
    expect(await refusal(way, { ...good, from: '2025-03-02', to: '2025-03-01' })).toBe(
      'Expected `to` to be `from` (2025-03-02) or later, got "2025-03-01"',
    )
  }
})

test('a range must not be longer than maxDays', async () => {
  for (const [way, good] of ways) {
    if (!('from' in good)) continue
    const message = await refusal(way, { ...good, from: '2025-03-01', to: '2025-04-01' })
    expect(message).toContain('maxDays')
    expect(message).toContain('"2025-04-01", which makes 32 days')
  }
  const { service } = guarded()
  await expect(service.triggerRecalcAll({ ...all, to: '2025-03-31' })).resolves.toMatchObject({ status: 'completed' })
})

test('a property that nobody knows is refused, not ignored', async () => {
  for (const [way, good] of ways) {
    expect(await refusal(way, { ...good, employeeIDs: ['e'] })).toContain('`employeeIDs` is not known')
    expect(await refusal(way, { ...good, tables: ['daily_scores'] })).toContain('`tables` is not known')
  }
  for (const [way, good] of triggers) {
    const other = 'date' in good ? { from: '2025-03-01' } : { date: '2025-03-01' }
    expect(await refusal(way, { ...good, ...other })).toContain(`\`${Object.keys(other)[0]}\` is not known`)
  }
})

test('a request must be a plain object, never positional strings', async () => {
  class Request {
    tenantId = 't'
  }
  for (const [way] of ways) {
    expect(await refusal(way, 't', 'e', '2025-03-01')).toContain('Expected `request` to be an object { tenantId')
    for (const value of [undefined, null, 7, [], [day], () => {}, new Date(), new Request(), new Map()]) {
      expect(await refusal(way, value)).toContain('Expected `request` to be an object { tenantId')
    }
  }
})

const badOptions: readonly (readonly [unknown, string])[] = [
  ['daily_scores', 'Expected `options` to be an object'],
  [null, 'Expected `options` to be an object'],
  [[], 'Expected `options` to be an object'],
  [{ table: ['daily_scores'] }, '`table` is not known'],
  [{ clearexisting: true }, '`clearexisting` is not known'],
  [{ tables: 'daily_scores' }, 'Expected `tables` to be a non-empty array of table names, got "daily_scores"'],
  [{ tables: [] }, 'Expected `tables` to be a non-empty array of table names, got an array of 0'],
  [{ tables: null }, 'Expected `tables` to be a non-empty array of table names, got null'],
  [{ tables: ['scores'] }, 'Expected `tables` to be made of "daily_scores", "ranking", got "scores"'],
  [{ tables: ['daily_scores', 'toString'] }, 'got "toString"'],
  [{ tables: ['__proto__'] }, 'got "__proto__"'],
  [{ tables: [7] }, 'Expected `tables[0]` to be a non-empty string, got 7'],
  [{ clearExisting: 'false' }, 'Expected `clearExisting` to be true or false, got "false"'],
  [{ clearExisting: null }, 'Expected `clearExisting` to be true or false, got null'],
  [{ onError: 'stop' }, "Expected `onError` to be 'fail-fast' or 'continue', got \"stop\""],
  [{ signal: new AbortController() }, 'Expected `signal` to be an AbortSignal'],
  [{ reason: 7 }, 'Expected `reason` to be a string, got 7'],
]

for (const [options, words] of badOptions) {
  test(`options like ${JSON.stringify(options)} are refused`, async () => {
    for (const [way, good] of ways) expect(await refusal(way, good, options)).toContain(words)
  })
}

const makers = triggers.filter(([way]) => way.endsWith('Async'))
const badJobOptions: readonly (readonly [unknown, string])[] = [
  [{ idempotencyKey: '' }, 'Expected `idempotencyKey` to be a non-empty string, got ""'],
  [{ idempotencyKey: 7 }, 'Expected `idempotencyKey` to be a non-empty string, got 7'],
  [{ idempotencyKey: null }, 'Expected `idempotencyKey` to be a non-empty string, got null'],
  [{ cooldownMs: -1 }, 'Expected `cooldownMs` to be a whole number from 0, got -1'],
  [{ cooldownMs: 1.5 }, 'Expected `cooldownMs` to be a whole number from 0, got 1.5'],
  [{ cooldownMs: '1000' }, 'Expected `cooldownMs` to be a whole number from 0, got "1000"'],
  [{ cooldownMs: null }, 'Expected `cooldownMs` to be a whole number from 0, got null'],
  [{ cooldownMs: Number.POSITIVE_INFINITY }, 'Expected `cooldownMs` to be a whole number from 0, got Infinity'],
]

for (const [options, words] of badJobOptions) {
  test(`options of a job like ${JSON.stringify(options)} are refused`, async () => {
    for (const [way, good] of makers) expect(await refusal(way, good, options)).toBe(words)
  })
}

test('a call that makes no job takes neither a key nor a cooldown', async () => {
  const others = ways.filter(([way]) => !way.endsWith('Async'))
  expect(others).toHaveLength(8)
  for (const [way, good] of others) {
    for (const options of [{ idempotencyKey: 'k' }, { cooldownMs: 0 }, { idempotencyKey: undefined }]) {
      const [name] = Object.keys(options)
      expect(await refusal(way, good, options)).toContain(`Expected \`${name}\` to be left out where no job is made`)
    }
  }
})

test('a calculator without tables takes no `tables`', async () => {
  const service = new RecalcService({
    dailyCalc: { async calculateDay() {} },
    employees: { listEmployees: async () => [] },
  })
  await expect(service.triggerRecalc(day, { tables: ['x'] })).rejects.toThrow(
    'Expected `tables` to be left out: dailyCalc names no tables, got "x"',
  )
})

test('a zone that does not exist is refused before anything is touched', async () => {
  for (const [way, good] of ways) {
    const { call, touched } = guarded(() => 'Europe/Atlantis')
    await expect(call(way, good)).rejects.toThrow(InvalidOptionsError)
    await expect(call(way, good)).rejects.toThrow('Expected `zone("t")` to be an IANA time zone')
    expect(touched).not.toHaveBeenCalled()
  }
})

test('a signal that has aborted already ends every trigger with its reason, before anything is touched', async () => {
  const reason = { because: 'the user left' }
  for (const [way, good] of triggers) {
    const { call, touched } = guarded()
    await expect(call(way, good, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(touched).not.toHaveBeenCalled()
  }
})

test('hostile ids are ids like any other', async () => {
  const hostile = [
    '__proto__',
    'constructor',
    "'; DROP TABLE x; --",
    '\u0000',
    '💣',
    '../../etc',
    ' ',
    '%',
    'a/b',
    '1:',
  ]
  const seen: string[] = []
  const service = new RecalcService({
    dailyCalc: {
      async calculateDay({ tenantId, employeeId }) {
        seen.push(`${tenantId}|${employeeId}`)
      },
    },
    employees: { listEmployees: async () => [] },
    concurrency: 1,
  })
  for (const tenantId of hostile) {
    const result = await service.triggerRecalcBatch({ ...batch, tenantId, employeeIds: hostile, to: batch.from })
    expect(result.processedDays).toBe(hostile.length)
  }
  expect(new Set(seen).size).toBe(hostile.length ** 2)
})

test('a request is taken as it was when it was made', async () => {
  const seen: string[] = []
  const service = new RecalcService({
    dailyCalc: {
      async calculateDay({ employeeId }) {
        seen.push(employeeId)
      },
    },
    employees: { listEmployees: async () => [] },
  })
  const employeeIds = ['a', 'b']
  const running = service.triggerRecalcBatch({ ...batch, employeeIds, to: batch.from })
  employeeIds.push('c')
  employeeIds[0] = 'z'
  await running
  expect(seen.sort()).toEqual(['a', 'b'])
})

test('a query for jobs is checked like a request', async () => {
  const { service, touched } = guarded()
  const list = service.listJobs.bind(service) as (query: unknown) => Promise<unknown>
  for (const [query, words] of [
    [null, 'Expected `query` to be an object'],
    ['t', 'Expected `query` to be an object'],
    [{ tenant: 't' }, '`tenant` is not known'],
    [{ tenantId: 7 }, 'Expected `tenantId` to be a non-empty string, or an array of them, got 7'],
    [{ status: 'complete' }, 'got "complete"'],
    [{ tenantId: '' }, 'Expected `tenantId` to be a non-empty string, or an array of them, got ""'],
    [{ tenantId: ['t', ''] }, 'Expected `tenantId[1]` to be a non-empty string, got ""'],
    [{ tenantId: Object.assign(['t'], { 2: 't' }) }, 'Expected `tenantId[1]` to be a non-empty string, got undefined'],
    [{ tenantId: new Set(['t']) }, 'Expected `tenantId` to be a non-empty string, or an array of them'],
    [{ after: '' }, 'Expected `after` to be a non-empty string, got ""'],
    [{ after: 7 }, 'Expected `after` to be a non-empty string, got 7'],
    [{ limit: 0 }, 'Expected `limit` to be a whole number from 1, got 0'],
    [{ limit: Number.NaN }, 'Expected `limit` to be a whole number from 1, got NaN'],
  ] as const) {
    await expect(list(query)).rejects.toThrow(InvalidRequestError)
    await expect(list(query)).rejects.toThrow(words)
  }
  for (const id of ['', 7, null, undefined]) {
    for (const method of [
      'getJob',
      'openJob',
      'cancelJob',
      'resumeJob',
      'listJobFailures',
      'listJobEmployees',
    ] as const) {
      const call = service[method].bind(service) as (jobId: unknown) => Promise<unknown>
      await expect(call(id)).rejects.toThrow('Expected `jobId` to be a non-empty string')
    }
  }
  await expect(service.cancelJob('7', 7 as unknown as string)).rejects.toThrow(
    'Expected `reason` to be a string, got 7',
  )
  expect(touched).not.toHaveBeenCalled()
})

test('a page of failures or employees is checked like a request', async () => {
  const { service, touched } = guarded()
  const limit = 'Expected `limit` to be a whole number from 1 to 1000, got '
  const shape = 'Expected `page` to be an object { after?, limit?'
  const both = [
    [null, /^Expected `page` to be an object \{ after\?, limit\?.* \}, got null$/],
    [7, shape],
    [{ from: 1 }, '`from` is not known'],
    [{ limit: 0 }, `${limit}0`],
    [{ limit: 1_001 }, `${limit}1001`],
    [{ limit: '5' }, `${limit}"5"`],
    [{ limit: null }, `${limit}null`],
  ] as const
  const pages = {
    listJobFailures: [
      ...both,
      [{ after: -1 }, 'Expected `after` to be a whole number from 0, got -1'],
      [{ after: '1' }, 'Expected `after` to be a whole number from 0, got "1"'],
      [{ employeeId: '' }, 'Expected `employeeId` to be a non-empty string, got ""'],
      [{ employeeId: 7 }, 'Expected `employeeId` to be a non-empty string, got 7'],
    ],
    listJobEmployees: [
      ...both,
      [{ after: '' }, 'Expected `after` to be a non-empty string, got ""'],
      [{ after: 1 }, 'Expected `after` to be a non-empty string, got 1'],
    ],
  } as const
  for (const method of ['listJobFailures', 'listJobEmployees'] as const) {
    const list = service[method].bind(service) as (jobId: string, page: unknown) => Promise<unknown>
    for (const [page, words] of pages[method]) {
      const refused = list('7', page)
      await expect(refused).rejects.toThrow(InvalidRequestError)
      await expect(refused).rejects.toThrow(words)
    }
  }
  expect(touched).not.toHaveBeenCalled()
})
