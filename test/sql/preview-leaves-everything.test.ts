import type { Kysely } from 'kysely'
import { createRecalcApi } from 'recalc-service/http'
import { beforeAll, describe, expect, test } from 'vitest'
import { addDays, type ClosedInterval, type DayDifference, type Preview, parseIsoDate } from '../../src/index.ts'
import { randomOf } from '../support/crash-host.ts'
import { runs } from '../support/runs.ts'
import { seed } from '../support/seed.ts'
import { createShiftTables, EMPLOYEES, type ShiftTables, shiftHost, TENANT, work } from './history/shift-host.ts'
import { engines } from './support/engines.ts'
import { wholeDump } from './support/whole-dump.ts'

const FROM = parseIsoDate('2025-03-01', 'date')
const TO = parseIsoDate('2025-03-31', 'date')
const request = { tenantId: TENANT, from: FROM, to: TO }
const held = { held: true, tenantId: TENANT } as const

describe.each(engines)('on $name, with periods, a history, and changes that wait, fail and are held,', ({ open }) => {
  const random = randomOf(seed)
  const trouble = { closed: new Map<string, ClosedInterval[]>(), broken: new Set<string>() }
  let db: Kysely<ShiftTables>
  let host: ReturnType<typeof shiftHost>
  let onStatement: () => void = () => {}
  const dump = () => wholeDump(db as unknown as Kysely<never>)

  beforeAll(async () => {
    const database = await open()
    db = database.connect<ShiftTables>()
    const watched = database.connect<ShiftTables>((_, run) => {
      onStatement()
      return run()
    })
    await createShiftTables(db)
    host = shiftHost(watched, { weeks: true, trouble, block: { employees: 1, days: 7 } })
    await host.backend.migrate()
    for (const id of EMPLOYEES) for (let day = 0; day < 10; day++) await work(db, id, addDays(FROM, day * 3), 60)
    await host.recalc.triggerRecalcAll(request)
    for (const id of EMPLOYEES) trouble.closed.set(id, [{ from: FROM, to: addDays(FROM, 9) }])
    trouble.broken.add(`bob ${addDays(FROM, 20)}`)
    for (const id of EMPLOYEES) for (const day of [1, 5, 20]) await edit(id, day)
    await host.recalc.settle({ tenantId: TENANT })
    for (const id of EMPLOYEES) for (const day of [2, 25]) await edit(id, day)
    const { changes, held, failing } = await host.recalc.freshness({ tenantId: TENANT })
    expect(Math.min(changes - held - failing, held, failing)).toBeGreaterThan(0)
  })

  async function edit(employeeId: string, day: number): Promise<void> {
    const date = addDays(FROM, day)
    await db.transaction().execute(async (tx) => {
      await work(tx, employeeId, date, 100 + day)
      const dates = { from: date, to: date }
      await host.recalc.noteChange(tx, { tenantId: TENANT, employeeId, table: 'hours', dates })
    })
  }

  const previews: Readonly<Record<string, (signal?: AbortSignal) => Preview>> = {
    'of some days': (signal) => host.recalc.preview(request, signal && { signal }),
    'of closed days': (signal) => host.recalc.preview(request, { closed: 'only', ...(signal && { signal }) }),
    'of held changes': (signal) => host.recalc.preview(held, signal && { signal }),
  }

  describe.each(Object.entries(previews))('a preview %s', (_, preview) => {
    test('leaves every row of every table, and every sequence, as it was', async () => {
      const before = await dump()
      const found: DayDifference[] = []
      for await (const difference of preview()) found.push(difference)
      expect(found.length).toBeGreaterThan(3)
      expect(found.some(({ period }) => period !== undefined)).toBe(true)
      expect(await dump()).toEqual(before)
    })

    test('does so as well when somebody leaves it in the middle', async () => {
      const before = await dump()
      for await (const _difference of preview()) break
      expect(await dump()).toEqual(before)
    })

    test('does so as well when it is aborted before any statement', async () => {
      const before = await dump()
      let statements = 0
      onStatement = () => {
        statements += 1
      }
      await preview().summary
      const all = statements
      for (let i = 0; i < runs(5, 60); i++) {
        const abort = new AbortController()
        const abortAt = 1 + Math.floor(random() * all * 0.8)
        statements = 0
        onStatement = () => {
          statements += 1
          if (statements === abortAt) abort.abort(new Error('the client has gone'))
        }
        await expect(preview(abort.signal).summary, `before statement ${abortAt}`).rejects.toThrow(
          'the client has gone',
        )
        onStatement = () => {}
        expect(await dump(), `before statement ${abortAt}`).toEqual(before)
      }
    })
  })

  test.each<[string, object]>([
    ['some days', { tenant_id: TENANT, start_date: FROM, end_date: TO }],
    ['held changes', { held: true, tenant_id: TENANT }],
  ])('a client that goes in the middle of a preview of %s over HTTP leaves everything as it was', async (_, body) => {
    const before = await dump()
    const api = createRecalcApi(host.recalc, { authorize: () => ({ tenants: '*', actions: '*' }) })
    const post = (signal: AbortSignal) =>
      api.fetch(
        new Request('http://localhost/api/system/recalculate/preview', {
          ...{ method: 'POST', headers: { 'Content-Type': 'application/json' } },
          ...{ body: JSON.stringify(body), signal },
        }),
      )
    const gone = new AbortController()
    const response = await post(gone.signal)
    const reader = response.body?.getReader()
    expect((await reader?.read())?.done).toBe(false)
    await reader?.cancel()
    gone.abort()
    // Whoever comes behind it waits for nothing that it has left.
    expect(await host.recalc.preview(request).summary).toMatchObject({ status: 'completed' })
    expect(await dump()).toEqual(before)
  })
})
