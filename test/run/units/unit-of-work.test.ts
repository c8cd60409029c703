import { describe, expect, test } from 'vitest'
import {
  type DailyCalc,
  type Logger,
  memoryBackend,
  RecalcService,
  type RecalcServiceOptions,
  type UnitOfWork,
} from '../../../src/index.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { type Transaction, TransientError } from '../../support/database.ts'
import { gate } from '../../support/gate.ts'
import { type OwnTransactions, ownTransactions } from '../../support/own-transactions.ts'
import { employeeList, TENANT } from '../../support/service.ts'
import { settled } from '../../support/settled.ts'

const FROM = '2025-01-01'
const day = { tenantId: TENANT, employeeId: 'a', date: FROM }
const range = { tenantId: TENANT, employeeId: 'a', from: FROM, to: '2025-01-04' }

function serviceOn(
  unitOfWork: UnitOfWork<Transaction>,
  dailyCalc: DailyCalc<Transaction>,
  options: Partial<Omit<RecalcServiceOptions<Transaction>, 'dailyCalc' | 'stages' | 'backend'>> = {},
): RecalcService<Transaction> {
  return new RecalcService<Transaction>({
    employees: employeeList(['a', 'b']),
    retry: { attempts: 3, minDelayMs: 0, maxDelayMs: 0 },
    ...options,
    dailyCalc,
    backend: memoryBackend({ unitOfWork }),
  } as RecalcServiceOptions<Transaction>)
}

describe('a transaction that the database has ended', () => {
  test('is tried again as a whole when a calculator swallowed the error: no half of it is committed', async () => {
    const units = ownTransactions()
    const attempts: number[] = []
    const service = serviceOn(units, {
      async calculateDay(_day, { tx, attempt }) {
        attempts.push(attempt)
        tx.write('first', 'a', attempt)
        try {
          if (attempt === 1) units.end(tx)
        } catch {
          // as a host does that takes a deadlock for a duplicate key
        }
        tx.write('second', 'a', attempt)
      },
    })
    await expect(service.triggerRecalc(day)).resolves.toMatchObject({ status: 'completed', processedDays: 1 })
    expect(attempts).toEqual([1, 2])
    expect([units.database.dump('first'), units.database.dump('second')]).toEqual([{ a: 2 }, { a: 2 }])
  })

  test('is tried again when a calculator turns the error into one of its own', async () => {
    const units = ownTransactions()
    let calls = 0
    const service = serviceOn(units, {
      async calculateDay(_day, { tx }) {
        if (++calls > 1) return
        try {
          units.end(tx)
        } catch {
          throw new RangeError('could not save the day')
        }
      },
    })
    await expect(service.triggerRecalc(day)).resolves.toMatchObject({ status: 'completed' })
    expect(calls).toBe(2)
  })

  test('is tried again as a whole in a block that was loaded, and fails no day', async () => {
    for (const tells of [true, false]) {
      const units = ownTransactions()
      let calls = 0
      const unitOfWork: UnitOfWork<Transaction> = { ...units, ...(!tells && { failureOf: undefined }) } as never
      const service = serviceOn(unitOfWork, {
        load: async () => undefined,
        async calculateDay({ date }, { tx }) {
          if (++calls === 2) units.end(tx)
          tx.write('rows', date, 1)
        },
      })
      await expect(service.triggerRecalcRange(range), `tells: ${tells}`).resolves.toMatchObject({ processedDays: 4 })
      expect(calls).toBe(6)
    }
  })

  test('ends the run as unavailable when it happens every time', async () => {
    const units = ownTransactions()
    const service = serviceOn(units, {
      async calculateDay(_day, { tx }) {
        units.end(tx)
      },
    })
    await expect(service.triggerRecalc(day)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', attempts: 3 })
  })
})

describe('what a host`s code throws while its transaction lives', () => {
  const other = serviceOn(ownTransactions(), { async calculateDay() {} })
  test.each<readonly [string, () => unknown]>([
    ['a lost connection to another system', () => Object.assign(new Error('reset'), { code: 'ECONNRESET' })],
    ['an error that the database would call transient', () => new TransientError('of another database')],
    ['nothing at all', () => undefined],
    ['an error of another recalculation', () => Object.assign(new Error('away'), { code: 'BACKEND_UNAVAILABLE' })],
  ])('fails its day and no other, tried once: %s', async (_what, error) => {
    const tries: string[] = []
    const service = serviceOn(ownTransactions(), {
      async calculateDay({ employeeId }) {
        tries.push(employeeId)
        if (employeeId === 'a') throw error()
      },
    })
    const job = await service.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: FROM })
    await expect(job.result).resolves.toMatchObject({
      status: 'completed_with_errors',
      processedDays: 1,
      errors: [{ employeeId: 'a', attempts: 1 }],
    })
    expect(tries).toEqual(['a', 'b'])
  })

  test('fails its day and no other, tried once: the library`s own errors, of another service', async () => {
    await other.stop()
    const service = serviceOn(ownTransactions(), {
      async calculateDay({ employeeId }) {
        if (employeeId === 'a') await other.triggerRecalc(day)
      },
    })
    const job = await service.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: FROM })
    await expect(job.result).resolves.toMatchObject({ processedDays: 1, errors: [{ code: 'SERVICE_STOPPED' }] })
  })
})

describe('a unit of work without an end', () => {
  const stuckIn = (stuck: Promise<void>, options: object = {}, units: OwnTransactions = ownTransactions()) => {
    const clock = manualClock()
    const logged: string[] = []
    const note = (_fields: object, message: string) => void logged.push(message)
    const logger: Logger = { debug: note, info: note, warn: note, error: note }
    const service = serviceOn(
      units,
      {
        async calculateDay({ employeeId, date }, { tx }) {
          if (employeeId === 'a') await stuck
          tx.write('rows', `${employeeId} ${date}`, 1)
        },
      },
      { clock, unitOfWorkTimeoutMs: 60_000, leaseMs: 20_000, logger, ...options },
    )
    return { clock, service, units, logged }
  }

  test('is given up when its stage does not return: its connection is closed, the day fails, the error says what was awaited', async () => {
    const stuck = gate()
    const { clock, service, units } = stuckIn(stuck.pass())
    const job = await service.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: FROM })
    await clock.advance(59_000)
    expect(units.abandoned).toHaveLength(0)
    await clock.advance(3_000)
    const result = await job.result
    expect(result).toMatchObject({
      status: 'completed_with_errors',
      processedDays: 1,
      failedDays: 1,
      errors: [{ employeeId: 'a', stage: 'dailyCalc', code: 'UNIT_OF_WORK_TIMEOUT' }],
    })
    expect(result.errors[0]?.message).toContain('waited 60000 ms for stage "dailyCalc"')
    expect(result.errors[0]?.message).toContain('a calculator must use `context.tx`')
    expect(units.abandoned).toHaveLength(1)
    // The calculator comes back at last: what it wrote is never committed.
    stuck.open()
    await settled()
    expect(units.database.dump('rows')).toEqual({ [`b ${FROM}`]: 1 })
    expect(units.database.misuse).toEqual([])
  })

  test('never commits when its stage comes back at last, also where its connection cannot be closed', async () => {
    const stuck = gate()
    const units = ownTransactions()
    const kept: OwnTransactions = { ...units, run: (work) => units.run(work) }
    const { clock, service } = stuckIn(stuck.pass(), { leaseMs: 1_000 }, kept)
    const failure = expect(service.triggerRecalc(day)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    // The given up one holds its employee in the database, so nobody can record that the day failed.
    await clock.advance(70_000)
    await failure
    stuck.open()
    await clock.advance(0)
    expect(units.database.dump('rows')).toEqual({})
    expect(units.database.lockedKeys).toEqual([])
  })

  test('is given up sooner when it is the library that waits for the database, and tried again', async () => {
    const never = new Promise<never>(() => {})
    let begun = 0
    const units = ownTransactions()
    const silent: UnitOfWork<Transaction> = {
      ...units,
      run: (work) => (++begun === 1 ? never : units.run(work)),
    }
    const { clock, service } = stuckIn(Promise.resolve(), {}, silent as OwnTransactions)
    const running = service.triggerRecalc(day)
    await clock.advance(19_000)
    expect(begun).toBe(1)
    await clock.advance(3_000)
    await expect(running).resolves.toMatchObject({ status: 'completed', processedDays: 1 })
    expect(begun).toBe(2)
  })

  test('of which the commit comes late is done again, and counted once', async () => {
    const stuck = gate()
    let commits = 0
    const units = ownTransactions({ beforeCommit: () => (++commits === 1 ? stuck.pass() : undefined) })
    const { clock, service } = stuckIn(Promise.resolve(), {}, units)
    const job = await service.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: FROM })
    await stuck.arrived
    await clock.advance(22_000)
    stuck.open()
    await clock.advance(0)
    await expect(job.result).resolves.toMatchObject({ status: 'completed', totalDays: 2, processedDays: 2 })
    const progress = []
    for await (const event of job.events()) if (event.type === 'progress') progress.push(event.current)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(Math.max(...progress)).toBe(2)
  })

  test('holds no slot and no employee any more once it is given up', async () => {
    const stuck = gate()
    const { clock, service } = stuckIn(stuck.pass(), { concurrency: 1 })
    const first = service.triggerRecalc(day)
    const failure = expect(first).rejects.toMatchObject({ code: 'RECALC_FAILED' })
    await clock.advance(62_000)
    await failure
    await expect(service.triggerRecalc({ ...day, employeeId: 'b' })).resolves.toMatchObject({ status: 'completed' })
  })

  test('tells its calculator by the signal that it is given up', async () => {
    const clock = manualClock()
    let reason: unknown
    const service = serviceOn(
      ownTransactions(),
      {
        calculateDay: (_day, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              reason = signal.reason
              reject(signal.reason)
            })
          }),
      },
      { clock, unitOfWorkTimeoutMs: 60_000 },
    )
    const failure = expect(service.triggerRecalc(day)).rejects.toMatchObject({
      cause: { code: 'UNIT_OF_WORK_TIMEOUT' },
    })
    await clock.advance(62_000)
    await failure
    expect(reason).toMatchObject({ code: 'UNIT_OF_WORK_TIMEOUT', stage: 'dailyCalc' })
  })

  test('ends no other: each has its own time, counted in looks, so that a clock that jumps ends none', async () => {
    const stuck = gate()
    const { clock, service, units } = stuckIn(stuck.pass())
    const running = service.triggerRecalc(day)
    await stuck.arrived
    const jumping = clock as { now(): number }
    const now = jumping.now.bind(clock)
    jumping.now = () => now() + 3_600_000
    await clock.advance(5_000)
    expect(units.abandoned).toHaveLength(0)
    stuck.open()
    await expect(running).resolves.toMatchObject({ status: 'completed' })
  })
})

describe('a unit of work that was given up', () => {
  test('does not stop the clock of the one that follows when its own stage comes back', async () => {
    const clock = manualClock()
    const first = gate()
    const second = gate()
    let calls = 0
    const service = serviceOn(
      ownTransactions(),
      {
        calculateDay: ({ employeeId }) => {
          calls += 1
          return employeeId === 'a' ? first.pass() : second.pass()
        },
      },
      // The library itself waits for no more than a second, a stage may take a minute.
      { clock, concurrency: 1, leaseMs: 1_000, unitOfWorkTimeoutMs: 60_000, employees: employeeList(['a']) },
    )
    const failing = service.triggerRecalc(day)
    const failure = expect(failing).rejects.toMatchObject({ code: 'RECALC_FAILED' })
    await clock.advance(61_000)
    await failure
    const next = service.triggerRecalc({ ...day, employeeId: 'b' })
    await second.arrived
    first.open()
    await settled()
    await clock.advance(30_000)
    second.open()
    await expect(next).resolves.toMatchObject({ status: 'completed' })
    expect(calls).toBe(2)
  })

  test('lets a day of the same lane take its time when its own stage comes back', async () => {
    const clock = manualClock()
    const first = gate()
    const second = gate()
    const service = serviceOn(
      ownTransactions(),
      { calculateDay: ({ date }) => (date === FROM ? first.pass() : second.pass()) },
      { clock, leaseMs: 1_000, unitOfWorkTimeoutMs: 60_000 },
    )
    const { result: running } = await service.triggerRecalcBatchAsync({
      tenantId: TENANT,
      employeeIds: ['a'],
      from: FROM,
      to: '2025-01-02',
    })
    await first.arrived
    await clock.advance(61_000)
    await second.arrived
    first.open()
    await settled()
    await clock.advance(30_000)
    second.open()
    await expect(running).resolves.toMatchObject({ processedDays: 1, failedDays: 1, errors: [{ date: FROM }] })
  })

  test('hands no signal that is still to abort to a stage that asks for it too late', async () => {
    const clock = manualClock()
    const stuck = gate()
    const late: boolean[] = []
    const service = serviceOn(
      ownTransactions(),
      {
        async calculateDay({ date }, context) {
          if (date !== FROM) return
          await stuck.pass()
          late.push(context.signal.aborted)
        },
      },
      { clock, unitOfWorkTimeoutMs: 60_000 },
    )
    const { result: running } = await service.triggerRecalcBatchAsync({
      tenantId: TENANT,
      employeeIds: ['a'],
      from: FROM,
      to: '2025-01-02',
    })
    await stuck.arrived
    await clock.advance(62_000)
    await running
    stuck.open()
    await settled()
    expect(late).toEqual([true])
  })
})

test('a unit of work that throws instead of rejecting keeps no slot and no employee', async () => {
  const units = ownTransactions()
  let begun = 0
  const throwing: UnitOfWork<Transaction> = {
    ...units,
    run(work, unit) {
      if (++begun <= 2) throw new RangeError('the pool is closed')
      return units.run(work, unit)
    },
  }
  const service = serviceOn(throwing, { calculateDay: async () => undefined }, { concurrency: 1 })
  await expect(service.triggerRecalc(day)).rejects.toThrow('the pool is closed')
  await expect(service.triggerRecalc(day)).resolves.toMatchObject({ status: 'completed' })
})
