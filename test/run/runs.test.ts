import { expect, test } from 'vitest'
import {
  type Block,
  ContractError,
  dayKey,
  dayStage,
  RecalcService,
  ServiceStoppedError,
  tenantStage,
} from '../../src/index.ts'
import type { Transaction } from '../support/database.ts'
import { gate } from '../support/gate.ts'
import { closedThrough, employeeList, fill, key, TENANT, world } from '../support/service.ts'
import { settled } from '../support/settled.ts'
import { balances, type StageCall, scores, stageOf, summary } from '../support/stages.ts'

const FROM = '2025-01-01'
const range = { tenantId: TENANT, employeeId: 'a', from: FROM, to: '2025-01-04' }
const oneDay = { tenantId: TENANT, employeeId: 'a', date: FROM }
const loads = (calls: readonly StageCall[]) =>
  calls.filter(({ step }) => step === 'load').map(({ block }) => block as Block)

test('closed days are skipped: they are neither loaded nor written, and the day after builds on what stands', async () => {
  const calls: StageCall[] = []
  const { service, database } = world(
    { stages: [stageOf(balances, { calls })] },
    { closedPeriods: closedThrough({ a: '2025-01-02' }) },
  )
  fill(database, 'hours', 'a', { [FROM]: 9, '2025-01-02': 9, '2025-01-03': 5, '2025-01-04': 5 })
  fill(database, 'balances', 'a', { [FROM]: -50, '2025-01-02': 100 })
  const result = await service.triggerRecalcRange(range)
  expect(result).toMatchObject({
    totalDays: 4,
    processedDays: 2,
    skippedDays: 2,
    unchangedDays: 0,
    status: 'completed',
  })
  expect(database.dump('balances')).toEqual({
    [key('a', FROM)]: -50,
    [key('a', '2025-01-02')]: 100,
    [key('a', '2025-01-03')]: 101,
    [key('a', '2025-01-04')]: 102,
  })
  expect(loads(calls)).toMatchObject([{ from: '2025-01-03', to: '2025-01-04', dates: ['2025-01-03', '2025-01-04'] }])
})

test('a block that is wholly closed is not loaded, and employees who are closed are left out of theirs', async () => {
  const calls: StageCall[] = []
  const { service } = world(
    { stages: [stageOf(scores, { calls })] },
    { closedPeriods: closedThrough({ a: '2025-01-04', b: '2025-01-02' }), block: { employees: 3, days: 2 } },
  )
  const request = { tenantId: TENANT, employeeIds: ['a', 'b'], from: FROM, to: '2025-01-04' }
  const result = await service.triggerRecalcBatch(request)
  expect(result).toMatchObject({ totalDays: 8, processedDays: 2, skippedDays: 6 })
  expect(loads(calls)).toMatchObject([{ employeeIds: ['b'], from: '2025-01-03', to: '2025-01-04' }])
})

test('a dailyCalc is not called for a closed day', async () => {
  const seen: string[] = []
  const { service } = world(
    { dailyCalc: { calculateDay: async ({ date }) => void seen.push(date) } },
    { closedPeriods: closedThrough({ a: '2025-01-03' }) },
  )
  await expect(service.triggerRecalcRange(range)).resolves.toMatchObject({ processedDays: 1, skippedDays: 3 })
  expect(seen).toEqual(['2025-01-04'])
})

test('a row that no source supports any more is removed in the unit of work that would have rewritten it', async () => {
  const { service, database } = world({ stages: [stageOf(scores)] })
  fill(database, 'hours', 'a', { '2025-01-02': 1 })
  fill(database, 'scores', 'a', { [FROM]: 7, '2025-01-02': 8 })
  await service.triggerRecalcRange(range, { clearExisting: false })
  expect(database.dump('scores')).toEqual({ [key('a', FROM)]: 7, [key('a', '2025-01-02')]: 10 })
  fill(database, 'scores', 'a', { '2025-01-02': 8 })
  const seen: unknown[] = []
  database.onCommit = () => seen.push(database.dump('scores'))
  const result = await service.triggerRecalcRange(range)
  expect(seen).toEqual([{ [key('a', '2025-01-02')]: 10 }])
  expect(result).toMatchObject({ processedDays: 4, unchangedDays: 2 })
})

test('without `stored` every day is written and counts as changed', async () => {
  const calls: StageCall[] = []
  const { service, database } = world({ stages: [stageOf(scores, { stored: false, calls })] })
  fill(database, 'hours', 'a', { [FROM]: 1 })
  for (let run = 0; run < 2; run++) {
    await expect(service.triggerRecalc(oneDay)).resolves.toMatchObject({ processedDays: 1, unchangedDays: 0 })
  }
  expect(database.writes).toHaveLength(2)
})

test('a stage`s own isEqual decides what is unchanged, and save is not called without changes', async () => {
  let saves = 0
  const service = new RecalcService({
    stages: [
      dayStage<{ readonly minutes: number }, void>({
        name: 'rounded',
        writes: ['rounded'],
        load: async () => {},
        calculate: () => ({ minutes: 61 }),
        stored: async (block) => new Map([[dayKey({ employeeId: 'a', date: block.from }), { minutes: 60 }]]),
        isEqual: (a, b) => Math.abs(a.minutes - b.minutes) <= 1,
        async save() {
          saves += 1
        },
      }),
    ],
    employees: employeeList([]),
  })
  await expect(service.triggerRecalc(oneDay)).resolves.toMatchObject({ processedDays: 1, unchangedDays: 1 })
  expect(saves).toBe(0)
})

test('an empty selection is nothing to do, not everybody', async () => {
  const calls: StageCall[] = []
  const { service, connection } = world({ stages: [stageOf(scores, { calls })] }, { employees: ['a', 'b'] })
  const request = { tenantId: TENANT, employeeIds: [], from: FROM, to: FROM }
  await expect(service.triggerRecalcBatch(request)).resolves.toMatchObject({ status: 'completed', totalDays: 0 })
  const job = await service.triggerRecalcBatchAsync(request)
  await expect(job.result).resolves.toMatchObject({ status: 'completed', totalDays: 0, processedDays: 0 })
  await expect(service.estimate(request)).resolves.toMatchObject({ employees: 0, totalDays: 0 })
  expect(connection.begun).toBe(0)
})

test('an employee who is named twice counts once', async () => {
  const { service } = world({ stages: [stageOf(scores)] })
  const request = { tenantId: TENANT, employeeIds: ['b', 'a', 'b', 'a'], from: FROM, to: FROM }
  await expect(service.triggerRecalcBatch(request)).resolves.toMatchObject({ totalDays: 2, processedDays: 2 })
})

test('employees are listed page by page, only when a lane is free, and asked for with nothing but the contract`s words', async () => {
  const queries: { readonly after?: string; readonly limit: number }[] = []
  const ids = Array.from({ length: 200 }, (_, i) => `e${String(i).padStart(3, '0')}`)
  const list = employeeList(ids)
  const stuck = gate()
  const { service } = world(
    { stages: [stageOf(scores)] },
    {
      concurrency: 2,
      block: { employees: 2, days: 31 },
      probe: ({ name }) => (name === 'load' ? stuck.pass() : undefined),
      employees: {
        listEmployees: (query) => {
          queries.push(query)
          return list.listEmployees(query)
        },
        countEmployees: async (query) => {
          expect(query).toEqual({ tenantId: TENANT, from: FROM, to: '2025-01-02' })
          return 200
        },
      },
    },
  )
  const running = service.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: '2025-01-02' })
  await stuck.arrived
  await settled()
  const limit = queries[0]?.limit ?? 0
  expect(limit).toBeLessThan(20)
  const asked = { tenantId: TENANT, from: FROM, to: '2025-01-02', limit }
  // The second employee is asked for once more: he must be the one who comes after the first.
  expect(queries).toEqual([asked, { ...asked, after: 'e000', limit: 1 }])
  stuck.open()
  await expect(running).resolves.toMatchObject({ totalDays: 400, processedDays: 400 })
  const ends = ids.filter((_, i) => (i + 1) % limit === 0 || i === ids.length - 1)
  expect(queries.slice(2)).toEqual(ends.map((after) => ({ ...asked, after })))
})

test('as many lanes as `concurrency` run side by side, and the days of one employee never do', async () => {
  let active = 0
  let most = 0
  const working = new Set<string>()
  const { service } = world(
    {
      dailyCalc: {
        async calculateDay({ employeeId }) {
          expect(working.has(employeeId)).toBe(false)
          working.add(employeeId)
          most = Math.max(most, ++active)
          await settled()
          active -= 1
          working.delete(employeeId)
        },
      },
    },
    { concurrency: 3, employees: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] },
  )
  await service.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: '2025-01-03' })
  expect(most).toBe(3)
})

const wrongPages: readonly (readonly [string, (after: string | undefined) => unknown])[] = [
  ['no array', () => ({ rows: [] })],
  ['numbers for ids', () => [{ id: 7 }]],
  ['an empty id', () => [{ id: '' }]],
  ['nothing for an employee', () => [undefined]],
  ['one employee twice', () => [{ id: 'a' }, { id: 'a' }]],
  ['the same page again and again', () => [{ id: 'a' }, { id: 'b' }]],
]

for (const [name, page] of wrongPages) {
  test(`an employee repository that gives ${name} breaks its contract`, async () => {
    let asked = 0
    const employees = {
      async listEmployees({ after }: { readonly after?: string }) {
        if (++asked > 10) throw new Error('asked for ever')
        return page(after) as []
      },
    }
    const { service } = world({ stages: [stageOf(scores)] }, { employees })
    const running = service.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: FROM })
    await expect(running).rejects.toThrow(ContractError)
    await expect(running).rejects.toThrow('Expected `listEmployees(…)')
  })
}

test('a count that is none breaks the contract', async () => {
  for (const counted of [-1, 1.5, Number.NaN, '3', null, undefined]) {
    const employees = { listEmployees: async () => [], countEmployees: async () => counted as number }
    const { service } = world({ stages: [stageOf(scores)] }, { employees })
    const running = service.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: FROM })
    await expect(running).rejects.toThrow('Expected `countEmployees(…)` to be a whole number from 0')
  }
})

test('a count that was too low never makes more days done than there are, one that was too high is put right', async () => {
  for (const counted of [1, 3, 9]) {
    const employees = { ...employeeList(['a', 'b', 'c']), countEmployees: async () => counted }
    const { service } = world({ stages: [stageOf(scores)] }, { employees, block: { employees: 1, days: 1 } })
    const job = await service.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: FROM })
    for await (const event of job.events()) {
      if (event.type === 'progress') expect(event.current).toBeLessThanOrEqual(event.total)
    }
    await expect(job.result).resolves.toMatchObject({ totalDays: 3, processedDays: 3 })
  }
})

test('an abort in the middle lets the block in flight commit, starts no other and passes the reason on as it is', async () => {
  const abort = new AbortController()
  const { service, database } = world(
    { stages: [stageOf(scores), summary()] },
    {
      block: { employees: 1, days: 1 },
      probe: ({ name, tx }) => {
        if (name === 'commit' && tx.pending.some((write) => write.key.endsWith('02'))) abort.abort(reason)
      },
    },
  )
  const reason = { because: 'enough' }
  fill(database, 'hours', 'a', { [FROM]: 1, '2025-01-02': 1, '2025-01-03': 1 })
  await expect(service.triggerRecalcRange(range, { signal: abort.signal })).rejects.toBe(reason)
  expect(Object.keys(database.dump('scores'))).toEqual([key('a', FROM), key('a', '2025-01-02')])
  expect(database.dump('summary')).toEqual({})
})

test('a stage that heeds the signal rolls its block back', async () => {
  const abort = new AbortController()
  const { service, database } = world({
    stages: [
      {
        ...stageOf(scores),
        kind: 'day',
        save: async (_, { tx, signal }) => {
          tx.write('scores', key('a', FROM), 1)
          abort.abort('enough')
          signal.throwIfAborted()
        },
      },
    ],
  })
  fill(database, 'hours', 'a', { [FROM]: 1 })
  await expect(service.triggerRecalcRange(range, { signal: abort.signal })).rejects.toBe('enough')
  expect(database.writes).toEqual([])
})

test('who waits for another run`s employee leaves at once when the signal aborts, and leaves no lock behind', async () => {
  const stuck = gate()
  let first = true
  const { service, connection } = world(
    { stages: [stageOf(scores)] },
    {
      probe: ({ name }) => {
        if (name !== 'load' || !first) return
        first = false
        return stuck.pass()
      },
    },
  )
  const abort = new AbortController()
  const holder = service.triggerRecalc(oneDay)
  await stuck.arrived
  const waiter = service.triggerRecalc(oneDay, { signal: abort.signal })
  await settled()
  expect(connection.begun).toBe(1)
  abort.abort('enough')
  await expect(waiter).rejects.toBe('enough')
  stuck.open()
  await expect(holder).resolves.toMatchObject({ status: 'completed' })
  await expect(service.triggerRecalc(oneDay)).resolves.toMatchObject({ status: 'completed' })
})

test('a run that waits for a lock when another lane fails fast harms nobody and ends with it', async () => {
  const stuck = gate()
  const { service, connection } = world(
    { stages: [stageOf(scores)] },
    {
      block: { employees: 1, days: 31 },
      probe: ({ name, block }) => {
        if (name !== 'load') return
        if (block?.employeeIds.includes('b')) throw new Error('no')
        return stuck.pass()
      },
    },
  )
  const holder = service.triggerRecalc(oneDay)
  await stuck.arrived
  const request = { tenantId: TENANT, employeeIds: ['a', 'b'], from: FROM, to: FROM }
  await expect(service.triggerRecalcBatch(request)).rejects.toMatchObject({
    code: 'RECALC_FAILED',
    result: { failedDays: 1, processedDays: 0, totalDays: 2 },
  })
  expect(connection.begun).toBe(3)
  stuck.open()
  await holder
})

test('a single day waits for one block of a job at most', async () => {
  const order: string[] = []
  const second = gate()
  const { service } = world(
    { stages: [stageOf(scores)] },
    {
      block: { employees: 1, days: 1 },
      probe: ({ name, block }) => {
        if (name !== 'load') return
        order.push(block?.from ?? '')
        if (order.length === 2) second.open()
      },
    },
  )
  const day = second.pass().then(() => service.triggerRecalc({ ...oneDay, date: '2025-12-31' }))
  const job = await service.triggerRecalcRangeAsync({ ...range, to: '2025-01-06' })
  await job.result
  await day
  expect(order.indexOf('2025-12-31')).toBeLessThanOrEqual(3)
})

test('stop lets the block in flight commit and rejects synchronous runs with ServiceStoppedError', async () => {
  const stuck = gate()
  const { service, database } = world(
    { stages: [stageOf(scores)] },
    { block: { employees: 1, days: 1 }, probe: ({ name }) => (name === 'save' ? stuck.pass() : undefined) },
  )
  fill(database, 'hours', 'a', { [FROM]: 1, '2025-01-02': 1 })
  const running = service.triggerRecalcRange(range)
  await stuck.arrived
  let stopped = false
  const stopping = service.stop().then(() => {
    stopped = true
  })
  await settled()
  expect(stopped).toBe(false)
  stuck.open()
  await expect(running).rejects.toThrow(ServiceStoppedError)
  await stopping
  expect(Object.keys(database.dump('scores'))).toEqual([key('a', FROM)])
  for (const call of [
    () => service.triggerRecalc(oneDay),
    () => service.triggerRecalcAsync(oneDay),
    () => service.estimate(oneDay),
    () => service.resumeJob('x'),
    () => service.start(),
  ]) {
    await expect(call()).rejects.toThrow(ServiceStoppedError)
  }
  await expect(service.stop()).resolves.toBeUndefined()
})

test('tenant stages run once, in order, after the pass, each in a unit of work of its own', async () => {
  const order: string[] = []
  const stage = (name: string, reads: readonly string[]) =>
    tenantStage<Transaction>({
      name,
      reads,
      writes: [name],
      async run({ tenantId, from, to, tx, attempt }) {
        order.push(`${name} ${tenantId} ${from} ${to} ${attempt}`)
        tx.write(name, 'x', 1)
      },
    })
  const { service, connection, database } = world(
    { stages: [stage('second', ['first']), stage('first', ['scores']), stageOf(scores)] },
    {
      employees: ['a', 'b', 'c'],
      block: { employees: 1, days: 1 },
      probe: ({ name }) => void (name === 'load' && order.push(name)),
    },
  )
  await service.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: '2025-01-02' })
  expect(order).toEqual([
    ...Array.from({ length: 6 }, () => 'load'),
    'first acme 2025-01-01 2025-01-02 1',
    'second acme 2025-01-01 2025-01-02 1',
  ])
  expect(connection.begun).toBe(8)
  expect(database.writes.map(({ table }) => table)).toEqual(['first', 'second'])
})

test('tenant stages of one tenant never run side by side', async () => {
  let active = 0
  const { service } = world({
    stages: [
      tenantStage<Transaction>({
        name: 'ranking',
        writes: ['ranking'],
        async run() {
          active += 1
          expect(active).toBe(1)
          await settled()
          active -= 1
        },
      }),
    ],
  })
  await Promise.all([1, 2, 3].map(() => service.triggerRecalc(oneDay)))
})

test('a dailyCalc says what became of its day', async () => {
  const answers = ['changed', 'unchanged', undefined, 'unchanged'] as const
  let day = 0
  const { service } = world({ dailyCalc: { calculateDay: async () => answers[day++] } })
  await expect(service.triggerRecalcRange(range)).resolves.toMatchObject({ processedDays: 4, unchangedDays: 2 })
})

test('a calculator is handed the zone of the tenant, the service`s clock, a signal and the open unit of work', async () => {
  const { service } = world(
    {
      dailyCalc: {
        async calculateDay(day, { tx, zone, signal, attempt, now }) {
          expect(day).toEqual({ tenantId: TENANT, employeeId: 'a', date: FROM })
          expect(tx.ended).toBe(false)
          expect(zone).toBe('Europe/Berlin')
          expect(signal).toBeInstanceOf(AbortSignal)
          expect(attempt).toBe(1)
          expect(now()).toEqual(new Date(7))
        },
      },
    },
    {
      zone: (tenantId) => (tenantId === TENANT ? 'Europe/Berlin' : 'UTC'),
      clock: { now: () => 7, setTimeout: () => ({ cancel() {}, unref() {} }) },
    },
  )
  const result = await service.triggerRecalc(oneDay)
  expect(result).toMatchObject({ status: 'completed', startedAt: new Date(7), finishedAt: new Date(7) })
})

test('the ends of the calendar are days like any other', async () => {
  const { service, database } = world({
    stages: [stageOf({ ...balances, reads: { hours: [0, 0], balances: [-1, 0] } })],
  })
  fill(database, 'hours', 'a', { '1900-01-01': 5, '1900-01-02': 5, '9999-12-31': 5 })
  await service.triggerRecalcRange({ tenantId: TENANT, employeeId: 'a', from: '1900-01-01', to: '1900-01-02' })
  await service.triggerRecalcRange({ tenantId: TENANT, employeeId: 'a', from: '9999-12-30', to: '9999-12-31' })
  expect(database.dump('balances')).toEqual({
    [key('a', '1900-01-01')]: 1,
    [key('a', '1900-01-02')]: 2,
    [key('a', '9999-12-31')]: 1,
  })
})

test('locks are asked for in sorted order, whatever the order of the repository', async () => {
  const numeric = ['2', '10', '9', '100']
  const listed = world(
    { stages: [stageOf(scores)] },
    {
      employees: {
        listEmployees: async ({ after, limit }) => {
          const start = after === undefined ? 0 : numeric.indexOf(after) + 1
          return numeric.slice(start, start + limit).map((id) => ({ id }))
        },
      },
    },
  )
  await listed.service.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: FROM })
  expect(listed.database.misuse).toEqual([])
})

test('lanes keep pace: none waits while another works off lane after lane', async () => {
  const begun = new Map<string, number>()
  let most = 0
  const employees = Array.from({ length: 3_000 }, (_, i) => `e${i}`)
  const { service } = world(
    {
      dailyCalc: {
        async calculateDay({ employeeId, date }) {
          if (date === FROM) begun.set(employeeId, begun.size)
          else most = Math.max(most, begun.size - (begun.get(employeeId) ?? 0))
        },
      },
    },
    { concurrency: 2, employees },
  )
  await service.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: '2025-01-02' })
  expect(begun.size).toBe(3_000)
  expect(most).toBeLessThanOrEqual(4)
})
