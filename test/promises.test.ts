import { expect, test, vi } from 'vitest'
import { InvalidRequestError, type JobEvent, type RecalcResult } from '../src/index.ts'
import { type Point, TransientError } from './support/database.ts'
import { gate } from './support/gate.ts'
import { clockAhead, startProcess } from './support/processes.ts'
import { closedThrough, employeeList, fill, key, TENANT, world } from './support/service.ts'
import { settled } from './support/settled.ts'
import { balances, dailyCalcOf, ranks, scores, stageOf, summary } from './support/stages.ts'

/* The promises of the design, by number. Those about many processes and servers are in the tests of their backends. */

const FROM = '2025-01-01'
const TO = '2025-01-06'
const dates = [1, 2, 3, 4, 5, 6].map((day) => `2025-01-0${day}`)
const ids = ['a', 'b', 'c', 'd', 'e']
const everybody = { tenantId: TENANT, from: FROM, to: TO }

function hours(database: ReturnType<typeof world>['database'], ...employees: readonly string[]): void {
  for (const id of employees) fill(database, 'hours', id, Object.fromEntries(dates.map((date, i) => [date, i + 1])))
}

test('1. an employee-day is wholly old or wholly new, for every reader, at every moment, after any crash', async () => {
  // One run, killed at its first moment, its second, its third…
  for (let moment = 0, reached = true; reached; moment++) {
    const { database, backend } = world({ stages: [stageOf(scores)] })
    hours(database, ...ids)
    for (const id of ids) {
      fill(database, 'scores', id, { [FROM]: -1 })
      fill(database, 'ranks', id, { [FROM]: -1 })
    }
    database.onCommit = (writes) => {
      for (const { key: row } of writes) {
        const score = database.rows<number>('scores').get(row)
        const rank = database.rows<number>('ranks').get(row)
        expect(rank).toBe(score === undefined ? undefined : score === -1 ? -1 : score % 7)
      }
    }
    reached = false
    let passed = 0
    const died = Promise.withResolvers<void>()
    const process = startProcess(
      database,
      backend.jobs,
      {
        stages: [stageOf(scores), stageOf(ranks)],
        employees: employeeList(ids),
        block: { employees: 2, days: 2 },
        concurrency: 2,
      },
      ({ name }): void | Promise<void> => {
        if (name === 'calculate' || passed++ !== moment) return
        reached = true
        process.kill()
        died.resolve()
        return new Promise(() => {})
      },
    )
    await Promise.race([process.service.triggerRecalcAll(everybody), died.promise])
    await settled()
    expect(database.misuse).toEqual([])
    expect(database.rows('ranks').size >= ids.length).toBe(true)
  }
})

test('2. two runs never calculate the same employee at the same time', async () => {
  const working = new Map<string, number>()
  let most = 0
  const { service } = world(
    {
      dailyCalc: {
        async calculateDay({ employeeId }) {
          working.set(employeeId, (working.get(employeeId) ?? 0) + 1)
          most = Math.max(most, ...working.values())
          await settled()
          working.set(employeeId, (working.get(employeeId) ?? 0) - 1)
        },
      },
    },
    { employees: ids, exclusive: 'none' },
  )
  const to = '2025-01-02'
  const jobs = await Promise.all([
    service.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to }),
    service.triggerRecalcBatchAsync({ tenantId: TENANT, employeeIds: ['c', 'a', 'b'], from: FROM, to }),
  ])
  await Promise.all([
    ...jobs.map(({ result }) => result),
    service.triggerRecalcRange({ tenantId: TENANT, employeeId: 'b', from: FROM, to }),
    service.triggerRecalc({ tenantId: TENANT, employeeId: 'a', date: FROM }),
  ])
  expect(most).toBe(1)
})

test('3. a run that starts after an edit was committed sees the edit, and no older result overwrites it', async () => {
  const stuck = gate()
  let first = true
  const { service, database } = world(
    { stages: [stageOf(scores)] },
    {
      probe: ({ name }) => {
        if (name !== 'save' || !first) return
        first = false
        return stuck.pass() // the older run has calculated and is slow to save
      },
    },
  )
  hours(database, 'a')
  const older = service.triggerRecalcRange({ tenantId: TENANT, employeeId: 'a', from: FROM, to: TO })
  await stuck.arrived
  database.edit('hours', key('a', FROM), 9)
  const newer = service.triggerRecalc({ tenantId: TENANT, employeeId: 'a', date: FROM })
  await settled()
  stuck.open()
  await Promise.all([older, newer])
  expect(database.rows('scores').get(key('a', FROM))).toBe(90)
})

test('4. after crashes, cancels and resumes the tables equal those of one undisturbed run', async () => {
  const undisturbed = world({ stages: [stageOf(balances)] }, { employees: ids })
  hours(undisturbed.database, ...ids)
  await undisturbed.service.triggerRecalcAll(everybody)

  const { database, backend } = world({ stages: [stageOf(balances)] })
  hours(database, ...ids)
  const options = { stages: [stageOf(balances)], employees: employeeList(ids), block: { employees: 2, days: 2 } }
  const start = (crashes: number, probe: (point: Point) => void | Promise<void>) =>
    startProcess(database, backend.jobs, { ...options, leaseMs: 60_000, clock: clockAhead(crashes * 60_001) }, probe)
  const nth = (name: Point['name'], n: number, then: () => void | Promise<void>) => {
    let passed = 0
    return (point: Point) => (point.name === name && ++passed === n ? then() : undefined)
  }

  const died = Promise.withResolvers<void>()
  const first = start(
    0,
    nth('commit', 2, () => {
      first.kill()
      died.resolve()
      return new Promise(() => {})
    }),
  )
  const { id } = await first.service.triggerRecalcAllAsync(everybody)
  await died.promise

  const second = start(
    1,
    nth('load', 2, () => void second.service.cancelJob(id)),
  )
  await second.service.start()
  await settled() // it has begun to look; now it has taken the job up
  const cancelled = await (await second.service.openJob(id)).result
  expect(cancelled.status).toBe('cancelled')
  const third = start(
    1,
    nth('load', 3, () => void third.service.stop()),
  )
  await expect((await third.service.resumeJob(id)).result).resolves.toMatchObject({ status: 'interrupted' })
  const last = start(1, () => {})
  await last.service.start()
  await settled()
  const result = await (await last.service.openJob(id)).result

  expect(result).toMatchObject({ status: 'completed', totalDays: 30, processedDays: 30, failedDays: 0 })
  expect(database.dump('balances')).toEqual(undisturbed.database.dump('balances'))
  await Promise.all([second, last].map(({ service }) => service.stop()))
})

test('5. day, range, batch, all, at once or as jobs, in any blocks and lanes, give the same rows', async () => {
  type Service = ReturnType<typeof world>['service']
  const tenantId = TENANT
  const each = async (call: (employeeId: string) => Promise<unknown>) => void (await Promise.all(ids.map(call)))
  const ways: Readonly<Record<string, (service: Service) => Promise<unknown>>> = {
    days: (service) =>
      each(async (employeeId) => {
        for (const date of dates) await service.triggerRecalc({ tenantId, employeeId, date })
      }),
    ranges: (service) => each((employeeId) => service.triggerRecalcRange({ ...everybody, employeeId })),
    batch: (service) => service.triggerRecalcBatch({ ...everybody, employeeIds: ids.toReversed() }),
    all: (service) => service.triggerRecalcAll(everybody),
    job: async (service) => (await service.triggerRecalcAllAsync(everybody)).result,
  }
  const dumps: unknown[] = []
  for (const way of Object.values(ways)) {
    for (const [employees, days, concurrency] of [
      [1, 1, 1],
      [2, 4, 3],
      [100, 100, 4],
    ] as const) {
      const { service, database } = world(
        { stages: [stageOf(scores), stageOf(balances), stageOf(ranks)] },
        { employees: ids, block: { employees, days }, concurrency },
      )
      hours(database, ...ids)
      await way(service)
      dumps.push(['scores', 'balances', 'ranks'].map((table) => database.dump(table)))
    }
  }
  expect(dumps).toHaveLength(15)
  for (const dump of dumps) expect(dump).toEqual(dumps[0])
})

test('6. running again with nothing changed writes nothing and says `unchanged`', async () => {
  for (const calculator of [{ stages: [stageOf(scores), stageOf(balances)] }, { dailyCalc: dailyCalcOf([scores]) }]) {
    const { service, database } = world(calculator, { employees: ids })
    hours(database, ...ids)
    await expect(service.triggerRecalcAll(everybody)).resolves.toMatchObject({ processedDays: 30, unchangedDays: 0 })
    database.writes.length = 0
    await expect(service.triggerRecalcAll(everybody)).resolves.toMatchObject({ processedDays: 30, unchangedDays: 30 })
    expect(database.writes).toEqual([])
  }
})

test('7. counters never decrease, progress never runs backwards, totals add up, every event arrives once and in order', async () => {
  let deadlocks = 2
  const { service, database } = world(
    { stages: [stageOf(scores), summary()] },
    {
      employees: ids,
      block: { employees: 2, days: 2 },
      closedPeriods: closedThrough({ b: '2025-01-03' }),
      probe: ({ name, days }) => {
        if (name === 'commit' && deadlocks-- > 0) throw new TransientError('deadlock')
        if (name === 'calculate' && days?.[0]?.employeeId === 'c') throw new Error('no')
      },
    },
  )
  hours(database, ...ids)
  const job = await service.triggerRecalcAllAsync(everybody)
  const heard: JobEvent[] = []
  for (const type of ['queued', 'started', 'stage', 'progress', 'failure', 'retry', 'completed'] as const) {
    job.on(type, (event) => {
      heard.push(event)
      throw new Error('a listener that throws harms nobody')
    })
  }
  const events: JobEvent[] = []
  for await (const event of job.events()) events.push(event)
  const result = await job.result
  await settled()

  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  expect(heard).toEqual(events)
  expect(events.at(-1)).toMatchObject({ type: 'completed', result })
  expect(events.filter(({ type }) => type === 'retry')).toHaveLength(2)
  expect(events.filter(({ type }) => type === 'failure')).toHaveLength(6)
  expect(result).toMatchObject({ totalDays: 30, processedDays: 21, skippedDays: 3, failedDays: 6, errorCount: 6 })
  const progress = events.filter((event) => event.type === 'progress')
  for (const [i, event] of progress.entries()) {
    const last = progress[i - 1] ?? event
    for (const name of ['progress', 'current', 'processedDays', 'skippedDays', 'failedDays'] as const) {
      expect(event[name]).toBeGreaterThanOrEqual(last[name])
    }
  }
  expect(progress.at(-1)).toMatchObject({ progress: 1, current: 30, total: 30 })
  expect(await job.snapshot()).toMatchObject({ status: 'completed_with_errors', progress: 1, result })
})

test('8. memory depends on concurrency and block size: only so many employees are in hand at once', async () => {
  let listed = 0
  let finished = 0
  let most = 0
  const many = Array.from({ length: 2_000 }, (_, i) => `e${String(i).padStart(4, '0')}`)
  const list = employeeList(many)
  const { service } = world(
    {
      dailyCalc: {
        async calculateDay({ date }) {
          if (date === TO) finished += 1
        },
      },
    },
    {
      concurrency: 2,
      employees: {
        ...list,
        async listEmployees(query) {
          const page = await list.listEmployees(query)
          if (query.limit > 1) listed += page.length // else it is asked who comes after the first
          most = Math.max(most, listed - finished)
          return page
        },
      },
    },
  )
  await service.triggerRecalcAll({ tenantId: TENANT, from: '2025-01-05', to: TO })
  expect([listed, finished]).toEqual([2_000, 2_000])
  expect(most).toBeLessThan(20)
})

test('9. rows of closed days and rows outside the request are never touched; what nothing supports is removed', async () => {
  const { service, database } = world(
    { stages: [stageOf(scores)] },
    { employees: ['a', 'b'], closedPeriods: closedThrough({ a: '2025-01-02' }) },
  )
  for (const id of ['a', 'b', 'c']) {
    fill(database, 'scores', id, Object.fromEntries(['2024-12-31', ...dates, '2025-01-07'].map((date) => [date, -1])))
  }
  database.edit('scores', `other/a/${FROM}`, -1)
  await service.triggerRecalcAll(everybody)
  const gone = new Set(database.writes.map((write) => write.key))
  expect(database.writes.every(({ value }) => value === undefined)).toBe(true)
  expect(gone).toEqual(
    new Set([...dates.slice(2).map((date) => key('a', date)), ...dates.map((date) => key('b', date))]),
  )
  expect(database.rows('scores').size).toBe(8 - 4 + (8 - 6) + 8 + 1)
})

test('10. bad input is refused before anything is read or written, with what was wrong and what was expected', async () => {
  const touched = vi.fn()
  const { service, connection } = world(
    { stages: [stageOf(scores)] },
    { employees: { listEmployees: touched, countEmployees: touched }, probe: touched },
  )
  const calls: readonly (() => Promise<RecalcResult | object>)[] = [
    () => service.triggerRecalc({ tenantId: TENANT, employeeId: 'a', date: '2025-02-30' }),
    () => service.triggerRecalcRangeAsync({ tenantId: TENANT, employeeId: 'a', from: TO, to: FROM }),
    () => service.triggerRecalcBatch({ ...everybody, employeeIds: ['a', ''] }),
    () => service.triggerRecalcAll(everybody, { tables: ['nothing'] }),
    () => service.estimate({ ...everybody, from: '2025-2-3' }),
  ]
  for (const call of calls) {
    await expect(call()).rejects.toThrow(InvalidRequestError)
    await expect(call()).rejects.toThrow(/^Expected `[\w[\]]+` to be .+, got /)
  }
  expect(touched).not.toHaveBeenCalled()
  expect(connection.begun).toBe(0)
})
