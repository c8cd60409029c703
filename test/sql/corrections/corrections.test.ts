import { type Kysely, sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Correction, type RecalcService, StaleCorrectionError } from '../../../src/index.ts'
import {
  createShiftTables,
  derivedOf,
  type ShiftTables,
  type ShiftTrouble,
  type ShiftTx,
  shiftHost,
  TENANT,
  work,
} from '../history/shift-host.ts'
import { type EmptyDatabase, engines } from '../support/engines.ts'

const JANUARY = { tenantId: TENANT, from: '2025-01-01', to: '2025-01-31' }
const CLOSED = [{ from: '2025-01-01', to: '2025-01-31' }]

describe.each(engines)('corrections on $name', ({ open }) => {
  let database: EmptyDatabase
  let db: Kysely<ShiftTables>
  let recalc: RecalcService<ShiftTx>
  let trouble: ShiftTrouble

  beforeEach(async () => {
    database = await open()
    db = database.connect<ShiftTables>()
    await createShiftTables(db)
    trouble = { closed: new Map(), broken: new Set() }
    const host = shiftHost(db, { history: false, trouble })
    await host.backend.migrate()
    recalc = host.recalc
    await work(db, 'ann', '2025-01-10', 480)
    await work(db, 'bob', '2025-01-30', 60)
    await recalc.triggerRecalcAll(JANUARY)
    trouble.closed.set('ann', CLOSED).set('bob', CLOSED)
  })

  test('tell what a closed month owes, once, and then what has come since', async () => {
    await work(db, 'ann', '2025-01-30', 120)
    const stored = await derivedOf(db)
    const first = await listOf(recalc)
    expect(first.map(textOf)).toEqual([
      'ann 2025-01-30 shifts {"minutes":120}',
      'ann 2025-01-30 balances {"":120}',
      'ann 2025-01-31 balances {"":120}',
    ])
    const ids = first.map(({ id }) => id)
    expect(await recalc.settleCorrections({ tenantId: TENANT, ids, actor: 'ada' })).toEqual({
      settled: 3,
      settledBefore: 0,
    })
    expect(await recalc.settleCorrections({ tenantId: TENANT, ids })).toEqual({ settled: 0, settledBefore: 3 })
    expect(await listOf(recalc)).toEqual([])

    await work(db, 'ann', '2025-01-30', 90)
    const second = await listOf(recalc)
    expect(second.map(textOf)).toEqual([
      'ann 2025-01-30 shifts {"minutes":-30}',
      'ann 2025-01-30 balances {"":-30}',
      'ann 2025-01-31 balances {"":-30}',
    ])
    expect(second[0]).toMatchObject({ stored: null, right: { minutes: 90 }, taken: { minutes: 120 } })
    await recalc.settleCorrections({ tenantId: TENANT, ids: second.map(({ id }) => id) })
    // Back to what is stored: what was taken over is to be taken back.
    await work(db, 'ann', '2025-01-30', 0)
    const third = await listOf(recalc)
    expect(third.map(textOf)).toEqual([
      'ann 2025-01-30 shifts {"minutes":-90}',
      'ann 2025-01-30 balances {"":-90}',
      'ann 2025-01-31 balances {"":-90}',
    ])
    await recalc.settleCorrections({ tenantId: TENANT, ids: third.map(({ id }) => id) })
    expect(await listOf(recalc)).toEqual([])
    // The same as at the very first, and yet another correction.
    await work(db, 'ann', '2025-01-30', 120)
    const fourth = await listOf(recalc)
    expect(fourth.map(textOf)).toEqual(first.map(textOf))
    expect(fourth.map(({ id }) => id)).not.toEqual(ids)
    expect(await derivedOf(db)).toEqual(stored)
  })

  test('take back what was taken over of a month that was opened and recalculated', async () => {
    await work(db, 'ann', '2025-01-31', 120)
    await settleAll(recalc)
    trouble.closed.clear()
    expect(await listOf(recalc)).toEqual([])
    await recalc.triggerRecalcAll(JANUARY)
    trouble.closed.set('ann', CLOSED)
    const open = await listOf(recalc)
    expect(open.map(textOf)).toEqual(['ann 2025-01-31 shifts {"minutes":-120}', 'ann 2025-01-31 balances {"":-120}'])
    expect(open[0]).toMatchObject({ stored: { minutes: 120 }, right: { minutes: 120 } })
    await settleAll(recalc)
    expect(await listOf(recalc)).toEqual([])
  })

  test('are not taken back while a day cannot be calculated', async () => {
    await work(db, 'ann', '2025-01-31', 120)
    await settleAll(recalc)
    await work(db, 'ann', '2025-01-31', 0)
    trouble.broken.add('ann 2025-01-31')
    const corrections = recalc.corrections(JANUARY)
    expect(await corrections.summary).toMatchObject({
      corrections: 0,
      failedDays: 1,
      errors: [{ employeeId: 'ann', date: '2025-01-31', stage: 'balances' }],
    })
  })

  test('are refused, all of them, when one is none any more or never was', async () => {
    await work(db, 'ann', '2025-01-31', 120)
    await work(db, 'bob', '2025-01-31', 30)
    const listed = await listOf(recalc)
    await work(db, 'bob', '2025-01-31', 31)
    const stale = recalc.settleCorrections({ tenantId: TENANT, ids: listed.map(({ id }) => id) })
    const error = await stale.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StaleCorrectionError)
    const bobs = listed.filter(({ employeeId }) => employeeId === 'bob').map(({ id }) => id)
    expect((error as StaleCorrectionError).ids).toEqual(bobs)
    expect((await listOf(recalc)).filter(({ employeeId }) => employeeId === 'ann')).toHaveLength(2)
    const unknown = `c${'0'.repeat(32)}.${listed[0]!.id.split('.')[1]}`
    await expect(recalc.settleCorrections({ tenantId: TENANT, ids: [unknown] })).rejects.toThrow(StaleCorrectionError)
    const forged = listed.slice(0, 1).map(({ id }) => withPlace(id, ([, ...place]) => ['balances', ...place]))
    await expect(recalc.settleCorrections({ tenantId: TENANT, ids: forged })).rejects.toThrow(StaleCorrectionError)
    const another = recalc.settleCorrections({ tenantId: 'another', ids: listed.slice(0, 1).map(({ id }) => id) })
    await expect(another).rejects.toThrow(StaleCorrectionError)
    expect(await sql`select correction from recalc_corrections`.execute(db)).toMatchObject({ rows: [] })
  })

  test('of another tenant are none, also once they are taken over', async () => {
    await work(db, 'ann', '2025-01-31', 120)
    const ids = (await listOf(recalc)).map(({ id }) => id)
    await recalc.settleCorrections({ tenantId: TENANT, ids })
    await expect(recalc.settleCorrections({ tenantId: 'another', ids })).rejects.toThrow(StaleCorrectionError)
  })

  test('are taken over once when two processes settle them at the same time', async () => {
    await work(db, 'ann', '2025-01-20', 120)
    const ids = (await listOf(recalc)).map(({ id }) => id)
    const other = shiftHost(database.connect<ShiftTables>(), { history: false, trouble }).recalc
    const both = await Promise.all([recalc, other].map((one) => one.settleCorrections({ tenantId: TENANT, ids })))
    expect(both.map(({ settled }) => settled).toSorted()).toEqual([0, ids.length])
    expect(await listOf(other)).toEqual([])
  })

  test('are remembered exactly if the transaction of the host commits', async () => {
    await work(db, 'ann', '2025-01-31', 120)
    const ids = (await listOf(recalc)).map(({ id }) => id)
    const stored = await derivedOf(db)
    const settleIn = (isRolledBack: boolean) =>
      db
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async (tx) => {
          const settled = await recalc.settleCorrections({ tenantId: TENANT, ids }, { tx })
          expect(settled).toEqual({ settled: 2, settledBefore: 0 })
          await tx.insertInto('hours').values({ employee: 'paid', day: '2025-02-28', minutes: 120 }).execute()
          if (isRolledBack) throw new Error('not paid')
        })
    await expect(settleIn(true)).rejects.toThrow('not paid')
    expect(await listOf(recalc)).toHaveLength(2)
    await settleIn(false)
    expect(await listOf(recalc)).toEqual([])
    expect(await derivedOf(db)).toEqual(stored)
    expect(await db.selectFrom('hours').selectAll().where('employee', '=', 'paid').execute()).toHaveLength(1)
  })
})

async function listOf(recalc: RecalcService<ShiftTx>): Promise<readonly Correction[]> {
  const corrections: Correction[] = []
  for await (const correction of recalc.corrections(JANUARY)) corrections.push(correction)
  return corrections
}

/** The same id, of another place. */
function withPlace(id: string, other: (place: readonly unknown[]) => readonly unknown[]): string {
  const [digest, place = ''] = id.split('.')
  const text = JSON.stringify(other(JSON.parse(Buffer.from(place, 'base64url').toString())))
  return `${digest}.${Buffer.from(text).toString('base64url')}`
}

async function settleAll(recalc: RecalcService<ShiftTx>): Promise<void> {
  const ids = (await listOf(recalc)).map(({ id }) => id)
  await recalc.settleCorrections({ tenantId: TENANT, ids })
}

function textOf({ employeeId, date, stage, difference }: Correction): string {
  return `${employeeId} ${date} ${stage} ${JSON.stringify(difference)}`
}
