import type { Kysely } from 'kysely'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dayStage, type HistoryEntry, RecalcService } from '../../../src/index.ts'
import { sqlBackend } from '../../../src/sql/index.ts'
import { engines } from '../support/engines.ts'
import { createShiftTables, type ShiftTables, type ShiftTx, shiftHost, TENANT, work } from './shift-host.ts'

const march = { tenantId: TENANT, employeeId: 'ann', from: '2025-03-01', to: '2025-03-31' }

describe.each(engines)('history on $name', ({ name, open }) => {
  let db: Kysely<ShiftTables>
  let statements: string[] = []

  beforeAll(async () => {
    const database = await open()
    db = database.connect<ShiftTables>((statement, run) => {
      statements.push(statement)
      return run()
    })
    await createShiftTables(db)
    await shiftHost(db).backend.migrate()
  })

  beforeEach(async () => {
    for (const table of ['hours', 'shifts', 'balances', 'recalc_changes', 'recalc_history'] as const) {
      await db.deleteFrom(table as 'hours').execute()
    }
    statements = []
  })

  const briefly = ({ stage, date, before, after }: HistoryEntry) => [stage, date, before, after]

  /** A stage that saves nowhere, of the given value. */
  function serviceOf(value: unknown, { hasStored = true } = {}) {
    const backend = sqlBackend(db, { history: true })
    const odd = dayStage<unknown, null, ShiftTx>({
      name: 'odd',
      reads: {},
      writes: ['odd'],
      load: async () => null,
      calculate: () => value,
      save: async () => {},
      ...(hasStored && { stored: async () => new Map() }),
    })
    return new RecalcService<ShiftTx>({ stages: [odd], employees: { listEmployees: async () => [] }, backend })
  }

  const first = { tenantId: TENANT, employeeId: 'ann', date: '2025-03-01' }

  test('tells of every value what it was and what it is, newest first, and who asked for it and why', async () => {
    const { recalc } = shiftHost(db)
    await work(db, 'ann', '2025-03-01', 60)
    const request = { tenantId: TENANT, employeeId: 'ann', from: '2025-03-01', to: '2025-03-02' }
    await recalc.triggerRecalcRange(request, { reason: 'new rules', actor: 'boss@acme' })
    await work(db, 'ann', '2025-03-01', 0)
    const job = await recalc.triggerRecalcRangeAsync(request, { actor: 'clerk' })
    await job.result
    const found = await recalc.history(march)
    expect(found.map(briefly)).toEqual([
      ['shifts', '2025-03-01', { minutes: 60 }, null],
      ['balances', '2025-03-01', 60, 0],
      ['balances', '2025-03-02', 60, 0],
      ['shifts', '2025-03-01', null, { minutes: 60 }],
      ['balances', '2025-03-01', null, 60],
      ['balances', '2025-03-02', null, 60],
    ])
    expect(found[0]).toMatchObject({
      tenantId: TENANT,
      employeeId: 'ann',
      through: '2025-03-01',
      isBeforeKnown: true,
      notKept: null,
      at: new Date('2025-03-31T12:00:00Z'),
      run: { id: job.id, jobId: job.id, kind: 'range', reason: null, actor: 'clerk' },
      tables: [],
    })
    expect(found[5]!.run).toMatchObject({ jobId: null, kind: 'range', reason: 'new rules', actor: 'boss@acme' })
    expect((await recalc.getJob(job.id)).actor).toBe('clerk')
  })

  test('keeps nothing of days that did not change, and costs no statement for them', async () => {
    const { recalc } = shiftHost(db)
    const { recalc: off } = shiftHost(db, { history: false })
    const run = async (service: typeof recalc) => {
      statements = []
      await service.triggerRecalcBatch({ ...range, employeeIds: ['ann', 'bob'] })
      return [...statements]
    }
    const range = { tenantId: TENANT, from: '2025-03-01', to: '2025-03-10' }
    await run(recalc)
    await run(off) // whoever uses a server first asks whether it belongs to a cluster
    const kept = await recalc.history(march)
    expect(kept).toHaveLength(10)
    const [on, without] = [await run(recalc), await run(off)]
    expect(on).toEqual(without)
    expect(await recalc.history(march)).toEqual(kept)
  })

  test('is off by default, and then no statement knows of it; on, it is one statement a block', async () => {
    const run = async (service: ReturnType<typeof shiftHost>['recalc']) => {
      await db.deleteFrom('balances').execute()
      statements = []
      await service.triggerRecalcBatch({ ...batch, from: '2025-03-01', to: '2025-03-30' })
      return [...statements]
    }
    const batch = { tenantId: TENANT, employeeIds: ['ann', 'bob'] }
    const block = { employees: 2, days: 10 }
    await run(shiftHost(db, { block, history: false }).recalc)
    const off = await run(shiftHost(db, { block, history: false }).recalc)
    const on = await run(shiftHost(db, { block }).recalc)
    expect(off.filter((statement) => statement.includes('recalc_history'))).toEqual([])
    const own = on.filter((statement) => statement.includes('recalc_history'))
    expect(own).toHaveLength(3)
    expect(on.length).toBe(off.length + 3)
  })

  test('is paged without a gap or a repetition, whatever is kept meanwhile', async () => {
    const { recalc } = shiftHost(db)
    for (const minutes of [10, 20, 30]) {
      await work(db, 'ann', '2025-03-05', minutes)
      await recalc.triggerRecalcRange(march)
    }
    const all = await recalc.history({ ...march, limit: 1_000 })
    const paged: HistoryEntry[] = []
    for (let minutes = 40; ; minutes++) {
      const after = paged.at(-1)?.id
      const page = await recalc.history({ ...march, limit: 4, ...(after && { after }) })
      paged.push(...page)
      if (page.length < 4) break
      await work(db, 'ann', '2025-03-05', minutes)
      await recalc.triggerRecalcRange(march)
    }
    expect(paged).toEqual(all)
    expect(all.length).toBe(1 + 31 + 2 * (1 + 27))
  })

  test('shows the days that are asked for, of the employee and tenant that is asked for, and the others by their run', async () => {
    const { recalc } = shiftHost(db)
    await work(db, 'ann', '2025-03-05', 60)
    await work(db, 'bob', '2025-03-05', 30)
    const job = await recalc.triggerRecalcBatchAsync({
      ...{ tenantId: TENANT, from: '2025-03-04', to: '2025-03-06' },
      employeeIds: ['ann', 'bob'],
    })
    await job.result
    await recalc.triggerRecalc({ tenantId: TENANT, employeeId: 'ann', date: '2025-03-07' })
    const day = { from: '2025-03-05', to: '2025-03-05' }
    expect((await recalc.history({ ...march, ...day })).map(briefly)).toEqual([
      ['shifts', '2025-03-05', null, { minutes: 60 }],
      ['balances', '2025-03-05', null, 60],
    ])
    expect(await recalc.history({ ...march, from: '2025-03-08' })).toEqual([])
    expect(await recalc.history({ ...march, ...day, tenantId: 'other' })).toEqual([])
    const ofRun: HistoryEntry[] = []
    for (;;) {
      const after = ofRun.at(-1)?.id
      const page = await recalc.history({ tenantId: TENANT, runId: job.id, limit: 3, ...(after && { after }) })
      ofRun.push(...page)
      if (page.length < 3) break
    }
    expect(ofRun.filter(({ employeeId }) => employeeId === 'ann')).toHaveLength(4)
    expect(ofRun.filter(({ employeeId }) => employeeId === 'bob')).toHaveLength(4)
    expect(await recalc.history({ tenantId: 'other', runId: job.id })).toEqual([])
  })

  test('of a settle tells which tables had changed', async () => {
    const { recalc } = shiftHost(db)
    await db.transaction().execute(async (tx) => {
      await work(tx as never, 'ann', '2025-03-30', 60)
      await recalc.noteChange(tx, {
        tenantId: TENANT,
        employeeId: 'ann',
        table: 'hours',
        at: [new Date('2025-03-30T08:00Z')],
      })
    })
    await recalc.settle({ tenantId: TENANT })
    const [entry] = await recalc.history(march)
    expect(entry).toMatchObject({ tables: ['hours'], run: { kind: 'settle', jobId: null, actor: null } })
  })

  test('of a run in the host’s transaction stands or falls with it', async () => {
    const { recalc } = shiftHost(db)
    const within = async (fails: boolean) => {
      const begun = name === 'SQLite' ? db.transaction() : db.transaction().setIsolationLevel('read committed')
      await begun.execute(async (tx) => {
        await recalc.triggerRecalc(first, { tx, actor: 'clerk' })
        if (fails) throw new Error('no')
      })
    }
    await expect(within(true)).rejects.toThrow('no')
    expect(await recalc.history(march)).toEqual([])
    await within(false)
    expect((await recalc.history(march)).map(({ run }) => run.actor)).toEqual(['clerk'])
  })

  test('says so where nobody knows what was there before', async () => {
    const recalc = serviceOf({ minutes: 5 }, { hasStored: false })
    await recalc.triggerRecalc(first)
    expect(await recalc.history(march)).toMatchObject([{ before: null, isBeforeKnown: false, after: { minutes: 5 } }])
  })

  test.each([
    ['a Date', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['a bigint', { cents: 12n }, { cents: '12' }],
    ['text of any script', 'Łu😀\0\ud800', 'Łu😀\0\ud800'],
    ['a number that JSON does not know', [Number.NaN, 1], [null, 1]],
  ])('keeps %s in its JSON form', async (_, value, expected) => {
    const recalc = serviceOf(value)
    await recalc.triggerRecalc(first)
    expect(await recalc.history(march)).toMatchObject([{ after: expected, notKept: null }])
  })

  test('a value that cannot be kept fails no day: the entry says why it is without', async () => {
    const ring: { self?: unknown } = {}
    ring.self = ring
    for (const [value, why] of [
      [ring, /circular/i],
      [() => 1, /function has no JSON form/],
      ['x'.repeat(200_000), /larger than 128 KiB/],
    ] as const) {
      const recalc = serviceOf(value)
      expect(await recalc.triggerRecalc(first)).toMatchObject({ status: 'completed' })
      const [entry] = await recalc.history(march)
      expect(entry).toMatchObject({ before: null, after: null, notKept: expect.stringMatching(why) })
    }
  })

  test('large values make more rows, and statements of bounded size', async () => {
    const recalc = serviceOf('"'.repeat(20_000))
    await recalc.triggerRecalcRange(march)
    const found = await recalc.history(march)
    expect(found.map(({ date }) => date).sort()).toEqual(
      Array.from({ length: 31 }, (_, i) => `2025-03-${String(i + 1).padStart(2, '0')}`),
    )
    expect(found.every(({ after }) => after === '"'.repeat(20_000))).toBe(true)
    expect(statements.filter((statement) => /insert into .recalc_history/.test(statement)).length).toBeGreaterThan(5)
  })

  test('a reason is cut where it would be repeated for every employee', async () => {
    const recalc = serviceOf(1)
    await recalc.triggerRecalc(first, { reason: 'r'.repeat(5_000), actor: 'a'.repeat(5_000) })
    const [entry] = await recalc.history(march)
    expect(entry!.run.reason).toBe(`${'r'.repeat(1_000)}…`)
    expect(entry!.run.actor).toBe(`${'a'.repeat(1_000)}…`)
  })

  test('purgeHistory removes what is older, of one employee or of all, in batches', async () => {
    const { backend, recalc } = shiftHost(db)
    await recalc.triggerRecalcBatch({
      tenantId: TENANT,
      employeeIds: ['ann', 'bob'],
      from: '2025-03-01',
      to: '2025-03-02',
    })
    const { history } = backend
    const run = { id: 'r', kind: 'day', jobId: null, reason: null, actor: null } as const
    for (let at = 1; at <= 450; at++) {
      const change = { stage: 's', employeeId: `${at % 2}`, date: '2025-03-01', through: '2025-03-01' } as const
      const values = { before: null, isBeforeKnown: true, after: at }
      const changes = [{ ...change, ...values } as never]
      await backend.unitOfWork.run((tx) => history!.append(tx, { tenantId: TENANT, at, run, changes }))
    }
    const before = new Date(401)
    expect(await backend.purgeHistory({ before, employee: { tenantId: TENANT, employeeId: '1' } })).toBe(200)
    statements = []
    expect(await backend.purgeHistory({ before })).toBe(200)
    expect(statements.filter((statement) => statement.startsWith('delete')).length).toBe(1)
    expect(await recalc.history({ ...march, employeeId: '1' })).toHaveLength(25)
    expect(await recalc.history(march)).toHaveLength(2)
  })

  test.each<[object | undefined, string]>([
    [{ before: new Date(Number.NaN) }, '`before` to be a valid Date'],
    [{ before: 8e15 }, '`before` to be a valid Date'],
    [undefined, '`options` to be an object { before, employee }'],
    [{ before: new Date(), employe: { tenantId: TENANT, employeeId: 'ann' } }, '`employe` is not known'],
    [{ before: new Date(), employee: null }, '`employee` to be an object { tenantId, employeeId }'],
    [{ before: new Date(), employee: {} }, '`tenantId` to be a non-empty string'],
    [{ before: new Date(), employee: { tenantId: TENANT, employeeId: 7 } }, '`employeeId` to be a non-empty string'],
  ])('a purge of %j removes nothing', async (options, message) => {
    const { recalc, backend } = shiftHost(db)
    await work(db, 'ann', '2025-03-01', 60)
    await recalc.triggerRecalc(first)
    const purged = backend.purgeHistory(options as never)
    await expect(purged).rejects.toThrow(message)
    await expect(purged).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
    expect(await recalc.history(march)).not.toEqual([])
  })

  test.each([
    [{ tenantId: TENANT }, '`employeeId` to be a non-empty string, got undefined'],
    [{ ...march, tenantId: '' }, '`tenantId` to be a non-empty string'],
    [{ ...march, to: '2025-02-01' }, '`to` to be `from` (2025-03-01) or later'],
    [{ ...march, from: 'yesterday' }, '`from`'],
    [{ ...march, limit: 0 }, '`limit` to be a whole number from 1 to 1000'],
    [{ ...march, after: '7' }, '`after` to be the `id` of an entry'],
    [{ ...march, after: 7 }, '`after` to be the `id` of an entry'],
    [{ tenantId: TENANT, runId: '' }, '`runId` to be a non-empty string'],
    [{ ...march, runId: 'r' }, '`employeeId` does not belong there'],
    [null, '`request` to be an object'],
  ])('%j is refused', async (request, message) => {
    const { recalc } = shiftHost(db)
    const asked = recalc.history(request as never)
    await expect(asked).rejects.toThrow(message)
    await expect(asked).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
  })

  test('a backend that keeps none says so', async () => {
    const { recalc } = shiftHost(db, { history: false })
    await expect(recalc.history(march)).rejects.toThrow('sqlBackend(kysely, { history: true })')
  })

  test('an id with a NUL is nobody’s', async () => {
    const { recalc } = shiftHost(db)
    expect(await recalc.history({ tenantId: TENANT, runId: 'a\0b' })).toEqual([])
    expect(await recalc.history({ ...march, employeeId: 'a\0b' })).toEqual([])
  })
})
