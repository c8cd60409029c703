import { expect, test } from 'vitest'
import { type CalcContext, dateOf, dayBounds, RecalcFailedError, StageTimeoutError } from '../../../src/index.ts'
import { callStage } from '../../../src/run/blocks/stage-call.ts'
import { StageFailure } from '../../../src/run/blocks/stage-failure.ts'
import { UnitMonitor } from '../../../src/run/units/unit-watchdog.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { date } from '../../calendar/arbitraries.ts'
import { gate } from '../../support/gate.ts'
import { fill, TENANT, world } from '../../support/service.ts'
import { scores, stageOf } from '../../support/stages.ts'

const context: CalcContext = {
  tx: undefined,
  zone: 'UTC',
  zoneOf: async () => 'UTC',
  dayBounds: (date) => dayBounds(date, 'UTC'),
  dateOf: (instant) => dateOf(instant, 'UTC'),
  signal: new AbortController().signal,
  attempt: 1,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  run: { id: 'r', kind: 'day', from: date('2025-01-01'), to: date('2025-01-01') },
  now: () => new Date(0),
  afterCommit() {},
}

const unit = { monitor: new UnitMonitor() }

test('a step that takes too long fails, and its signal aborts', async () => {
  const clock = manualClock()
  const { promise: never } = Promise.withResolvers<void>()
  let signal: AbortSignal | undefined
  const call = callStage('slow', 'load', unit, context, { clock, stageTimeoutMs: 50, telemetry: undefined }, (own) => {
    signal = own.signal
    return never
  })
  const failure = expect(call).rejects.toMatchObject({ stage: 'slow', cause: expect.any(StageTimeoutError) })
  await clock.advance(49)
  expect(signal?.aborted).toBe(false)
  await clock.advance(1)
  await failure
  expect(signal?.reason).toBeInstanceOf(StageTimeoutError)
  expect(signal?.reason).toMatchObject({
    code: 'STAGE_TIMEOUT',
    message: 'Stage "slow" took longer than stageTimeoutMs (50 ms)',
  })
})

test('a step in time leaves no timer behind, however it ends', async () => {
  const clock = manualClock()
  const limits = { clock, stageTimeoutMs: 50, telemetry: undefined }
  await expect(callStage('s', 'load', unit, context, limits, async () => 7)).resolves.toBe(7)
  await expect(callStage('s', 'load', unit, context, limits, () => Promise.reject(new Error('no')))).rejects.toThrow(
    StageFailure,
  )
  const throwsAtOnce = (): Promise<never> => {
    throw new Error('no')
  }
  await expect(callStage('s', 'load', unit, context, limits, throwsAtOnce)).rejects.toMatchObject({
    cause: new Error('no'),
  })
  expect(clock.pending).toBe(0)
})

test('a step that is not even asynchronous works with a limit as it does without', async () => {
  const save = (() => undefined) as unknown as () => Promise<void>
  const clock = manualClock()
  await expect(
    callStage('s', 'load', unit, context, { clock, stageTimeoutMs: undefined, telemetry: undefined }, save),
  ).resolves.toBeUndefined()
  await expect(
    callStage('s', 'load', unit, context, { clock, stageTimeoutMs: 50, telemetry: undefined }, save),
  ).resolves.toBeUndefined()
  expect(clock.pending).toBe(0)
})

test('the signal of a step aborts with the run, too', async () => {
  const abort = new AbortController()
  const waiting = callStage(
    's',
    'load',
    unit,
    { ...context, signal: abort.signal },
    { clock: manualClock(), stageTimeoutMs: 50, telemetry: undefined },
    ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  )
  abort.abort('enough')
  await expect(waiting).rejects.toMatchObject({ cause: 'enough' })
})

test('a stage that hangs fails its day, writes nothing, and the others go on', async () => {
  const clock = manualClock()
  const stuck = gate()
  const { service, database } = world(
    { stages: [stageOf(scores)] },
    {
      clock,
      stageTimeoutMs: 1_000,
      block: { employees: 2, days: 1 },
      probe: ({ name, block }) => (name === 'load' && block?.employeeIds.includes('b') ? stuck.pass() : undefined),
    },
  )
  for (const id of ['a', 'b', 'c']) fill(database, 'hours', id, { '2025-01-01': 1 })
  const request = { tenantId: TENANT, employeeIds: ['a', 'b', 'c'], from: '2025-01-01', to: '2025-01-01' }
  const running = service.triggerRecalcBatch(request, { onError: 'continue' })
  for (let i = 0; i < 3; i++) await clock.advance(1_000)
  const result = await running
  expect(result).toMatchObject({ processedDays: 2, failedDays: 1 })
  expect(result.errors).toMatchObject([{ employeeId: 'b', code: 'STAGE_TIMEOUT', stage: 'scores' }])
  expect(database.dump('scores')).toEqual({ 'acme/a/2025-01-01': 10, 'acme/c/2025-01-01': 10 })

  const failing = service.triggerRecalc({ tenantId: TENANT, employeeId: 'b', date: '2025-01-01' })
  const failure = expect(failing).rejects.toThrow(RecalcFailedError)
  await clock.advance(1_000)
  await failure
  await clock.advance(1_000) // the watchdog sees that there is no unit of work, and sleeps
  expect(clock.pending).toBe(0)
})
