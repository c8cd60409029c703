import { expect, test } from 'vitest'
import {
  dayStage,
  InvalidOptionsError,
  memoryBackend,
  RecalcService,
  type RecalcServiceOptions,
  tenantStage,
} from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'

const employees = { listEmployees: async () => [] }
const dailyCalc = { async calculateDay() {} }
const stage = dayStage({
  name: 'scores',
  writes: ['scores'],
  load: async () => undefined,
  calculate: () => null,
  save: async () => {},
})

function refusal(options: unknown): string {
  try {
    new RecalcService(options as RecalcServiceOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionsError)
    expect(error).toMatchObject({ name: 'InvalidOptionsError', code: 'INVALID_OPTIONS' })
    return (error as Error).message
  }
  return expect.fail('the options were taken')
}

test('every default is filled in', () => {
  const resolved = resolveOptions({ dailyCalc, employees })
  expect(resolved).toMatchObject({
    concurrency: 4,
    block: { employees: 25, days: 31 },
    retry: { attempts: 3, minDelayMs: 100, maxDelayMs: 5_000 },
    stageTimeoutMs: undefined,
    progressIntervalMs: 250,
    maxDays: 3_660,
    exclusive: 'tenant',
    whenBusy: 'reject',
    worker: true,
    maxJobs: 4,
    queuePollMs: 500,
    throttle: undefined,
    cooldownMs: 0,
    leaseMs: 30_000,
    maxRecoveries: 5,
    maxErrorsKept: 100,
    dayStartsAt: '00:00',
    closedPeriods: undefined,
  })
})

test('a part of `block` or `retry` leaves the other defaults alone', () => {
  const resolved = resolveOptions({ dailyCalc, employees, block: { days: 7 }, retry: { minDelayMs: 9_000 } })
  expect(resolved.block).toEqual({ employees: 25, days: 7 })
  expect(resolved.retry).toEqual({ attempts: 3, minDelayMs: 9_000, maxDelayMs: 9_000 })
})

test('dailyCalc or stages must be given; beside a dailyCalc there may be tenant stages, but no day stage', () => {
  expect(refusal({ employees })).toBe('Expected `dailyCalc` or `stages`, got neither')
  expect(() => new RecalcService({ employees, dailyCalc, stages: [stage] } as never)).toThrow(
    '`dailyCalc` calculates the days, and so do the day stages "scores"; use one of the two',
  )
  const ranking = tenantStage({ name: 'ranking', writes: ['ranking'], run: async () => {} })
  expect(new RecalcService({ employees, dailyCalc, stages: [ranking] }).tables).toEqual(['ranking'])
  expect(new RecalcService({ employees, dailyCalc, stages: [] }).tables).toEqual([])
})

test('options must be an object with known properties only', () => {
  for (const options of [undefined, null, 'x', 7, [], () => {}, new Map()]) {
    expect(refusal(options)).toContain('Expected `options` to be an object, got ')
  }
  expect(refusal({ dailyCalc, employees, concurency: 4 })).toContain('got `concurency`')
  expect(refusal({ dailyCalc, employees, block: { employee: 4 } })).toContain('got `employee`')
  expect(refusal({ dailyCalc, employees, retry: { retries: 4 } })).toContain('got `retries`')
})

const notWhole = [Number.NaN, Number.POSITIVE_INFINITY, 1.5, -1, '4', 4n, null, true, [4], {}, 2 ** 53]
const numbers: readonly (readonly [name: string, least: number, options: (value: unknown) => object])[] = [
  ['concurrency', 1, (concurrency) => ({ concurrency })],
  ['block.employees', 1, (value) => ({ block: { employees: value } })],
  ['block.days', 1, (value) => ({ block: { days: value } })],
  ['retry.attempts', 1, (value) => ({ retry: { attempts: value } })],
  ['retry.minDelayMs', 0, (value) => ({ retry: { minDelayMs: value } })],
  ['retry.maxDelayMs', 100, (value) => ({ retry: { maxDelayMs: value } })],
  ['unitOfWorkTimeoutMs', 1, (value) => ({ unitOfWorkTimeoutMs: value })],
  ['maxRecoveries', 0, (value) => ({ maxRecoveries: value })],
  ['stageTimeoutMs', 1, (value) => ({ stageTimeoutMs: value })],
  ['progressIntervalMs', 0, (value) => ({ progressIntervalMs: value })],
  ['maxDays', 1, (value) => ({ maxDays: value })],
  ['cooldownMs', 0, (value) => ({ cooldownMs: value })],
  ['maxJobs', 1, (value) => ({ maxJobs: value })],
  ['queuePollMs', 1, (value) => ({ queuePollMs: value })],
  ['leaseMs', 1_000, (value) => ({ leaseMs: value })],
  ['maxErrorsKept', 0, (value) => ({ maxErrorsKept: value })],
]

for (const [name, least, options] of numbers) {
  test(`${name} must be a whole number from ${least}`, () => {
    for (const value of [...notWhole, least - 1]) {
      expect(refusal({ dailyCalc, employees, ...options(value) })).toContain(
        `Expected \`${name}\` to be a whole number from ${least}`,
      )
    }
    expect(() => new RecalcService({ dailyCalc, employees, ...options(least) })).not.toThrow()
  })
}

test('whether it is a worker, and what becomes of colliding jobs, must be said in known words', () => {
  for (const worker of [null, 'false', 0]) {
    expect(refusal({ dailyCalc, employees, worker })).toContain('Expected `worker` to be true or false')
  }
  for (const whenBusy of [null, 'wait', true]) {
    expect(refusal({ dailyCalc, employees, whenBusy })).toContain("Expected `whenBusy` to be 'reject' or 'queue'")
  }
})

test('a time that no timer can wait for is refused: it would be over at once', () => {
  const tooLong = 2 ** 31
  for (const options of [
    { stageTimeoutMs: tooLong },
    { leaseMs: tooLong },
    { unitOfWorkTimeoutMs: tooLong },
    { retry: { maxDelayMs: tooLong } },
    { retry: { minDelayMs: tooLong } },
  ]) {
    expect(refusal({ dailyCalc, employees, ...options })).toContain('to 2147483647, got 2147483648')
  }
  expect(() => new RecalcService({ dailyCalc, employees, stageTimeoutMs: tooLong - 1 })).not.toThrow()
})

test('a zone must be one of the IANA database', () => {
  for (const zone of ['Europe/Atlantis', '', 'local', '+01:00', null, 7, {}]) {
    expect(refusal({ dailyCalc, employees, zone })).toContain('Expected `zone` to be an IANA time zone')
  }
})

test('null is no default: it is refused wherever an option may be left out', () => {
  for (const name of ['zone', 'block', 'retry', 'exclusive', 'clock', 'logger', 'closedPeriods']) {
    expect(refusal({ dailyCalc, employees, [name]: null })).toMatch(new RegExp(`\`${name}.*got null`))
  }
})

test('repositories, backends, clocks and loggers must have their methods', () => {
  expect(refusal({ dailyCalc })).toBe('Expected `employees` to be an object with listEmployees(), got undefined')
  expect(refusal({ dailyCalc, employees: [] })).toContain('Expected `employees`')
  expect(refusal({ dailyCalc: async () => {}, employees })).toContain('Expected `dailyCalc`')
  expect(refusal({ dailyCalc, employees, closedPeriods: {} })).toContain('closedThrough()')
  expect(refusal({ dailyCalc, employees, logger: { info() {} } })).toContain('Expected `logger`')
  expect(refusal({ dailyCalc, employees, clock: Date })).toContain('Expected `clock`')
  expect(refusal({ dailyCalc, employees, backend: {} })).toContain('Expected `backend.unitOfWork`')
  expect(refusal({ dailyCalc, employees, backend: { ...memoryBackend(), jobs: {} } })).toContain(
    'Expected `backend.jobs`',
  )
  for (const backend of [null, 'mysql']) {
    expect(refusal({ dailyCalc, employees, backend })).toContain('Expected `backend')
  }
})

test('exclusive is one of three words', () => {
  expect(refusal({ dailyCalc, employees, exclusive: true })).toBe(
    "Expected `exclusive` to be 'tenant' or 'none' or 'global', got true",
  )
})

test('stages must be a non-empty array of stages', () => {
  for (const stages of [[], {}, 'scores', null, stage]) {
    expect(refusal({ employees, stages })).toContain('Expected `stages` to be a non-empty array')
  }
  for (const wrong of [null, {}, 'scores', { ...stage, kind: 'week' }]) {
    expect(refusal({ employees, stages: [stage, wrong] })).toContain('Expected `stages[1]` to be made by dayStage')
  }
})

test('a stage must have a name, tables, functions and whole day offsets', () => {
  const spoilt = (change: object) => refusal({ employees, stages: [{ ...stage, ...change }] })
  expect(spoilt({ name: '' })).toContain('Expected `stages[0].name` to be a non-empty string, got ""')
  expect(spoilt({ writes: 'scores' })).toContain('Expected `stages[0].writes`')
  expect(spoilt({ writes: [''] })).toContain('Expected `stages[0].writes`')
  expect(spoilt({ load: undefined })).toContain('Expected `stages[0]` to be an object with load(), calculate(), save()')
  for (const offsets of [0, [0], [1, 0], [0, Number.NaN], [-0.5, 0], ['-1', '0'], [-1, 0, 1], null]) {
    expect(spoilt({ reads: { hours: offsets } })).toContain('Expected `stages[0].reads.hours` to be [first, last]')
  }
  const tenant = tenantStage({ name: 'ranking', writes: ['ranking'], run: async () => {} })
  expect(refusal({ employees, stages: [{ ...tenant, run: undefined }] })).toContain('run()')
  expect(refusal({ employees, stages: [{ ...tenant, reads: { scores: [0, 0] } }] })).toContain('`stages[0].reads`')
})

test('a stage without its functions is refused by the name of what is missing', () => {
  const make = dayStage as (definition: object) => unknown
  expect(() => make({ name: 'scores', writes: ['scores'] })).toThrow(InvalidOptionsError)
  expect(() => make({ name: 'scores', writes: ['scores'] })).toThrow('load(), calculate(), save()')
  const makeTenant = tenantStage as (definition: object) => unknown
  expect(() => makeTenant({ name: 'ranking', writes: ['ranking'] })).toThrow(InvalidOptionsError)
})

test('a logger that throws harms nobody', async () => {
  const broken = () => {
    throw new Error('disk full')
  }
  const logger = { debug: broken, info: broken, warn: broken, error: broken }
  const service = new RecalcService({
    dailyCalc: {
      async calculateDay(_, { logger }) {
        logger.info({}, 'calculating')
      },
    },
    employees,
    logger,
  })
  const request = { tenantId: 't', employeeId: 'e', date: '2025-01-01' }
  await expect(service.triggerRecalc(request)).resolves.toMatchObject({ status: 'completed' })
})
