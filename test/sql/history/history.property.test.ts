import type { Kysely } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { addDays, type ClosedInterval, type HistoryEntry, parseIsoDate } from '../../../src/index.ts'
import { fc } from '../../support/fc.ts'
import { runs } from '../../support/runs.ts'
import { engines } from '../support/engines.ts'
import { createShiftTables, derivedOf, EMPLOYEES, type ShiftTables, shiftHost, TENANT, work } from './shift-host.ts'

const FIRST = parseIsoDate('2025-03-10', 'date')
const LAST = parseIsoDate('2025-03-31', 'date')
const dateOf = (day: number) => addDays(FIRST, day)

/** Deadlocks as each engine tells them, and a busy file. */
const TRANSIENT = { code: '40P01', errno: 1213, errcode: 5 }

const employee = fc.constantFrom(...EMPLOYEES)
const day = fc.nat(15)
const days = fc.integer({ min: 1, max: 16 })
const minutes = fc.nat(3)

const steps = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('edit' as const), employee, day, minutes, isNoted: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('settle' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('range' as const), employee, day, days }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('within' as const), employee, day, commits: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('job' as const), day, days }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('close' as const), employee, day, days }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('break' as const), employee, day }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('open' as const, 'mend' as const) }) },
  // The so manyth statement from here is answered by an error: before it is run, or when it has been.
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('trouble' as const), statement: fc.nat(20), isRun: fc.boolean() }),
  },
)

type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never

describe.each(engines)('on $name', ({ name, open }) => {
  let db: Kysely<ShiftTables>
  let trouble: { statement: number; readonly isRun: boolean } | undefined

  beforeAll(async () => {
    const database = await open()
    db = database.connect<ShiftTables>(async (statement, run) => {
      // A transaction that has begun without its client knowing would belong to nobody.
      const isSpared = /^\s*(begin|start|rollback|set )/i.test(statement)
      if (!trouble || isSpared || trouble.statement-- > 0) return await run()
      const { isRun } = trouble
      trouble = undefined
      if (isRun) await run()
      throw Object.assign(new Error('in the way'), TRANSIENT)
    })
    await createShiftTables(db)
    await shiftHost(db).backend.migrate()
  })

  test('history replayed from the first row gives what stands in the tables', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { minLength: 1, maxLength: 20 }),
        fc.record({ employees: fc.integer({ min: 1, max: 2 }), days: fc.integer({ min: 1, max: 12 }) }),
        async (list, block) => {
          trouble = undefined
          for (const table of ['hours', 'shifts', 'balances', 'weeks', 'recalc_changes', 'recalc_history'] as const) {
            await db.deleteFrom(table as 'hours').execute()
          }
          const host = { closed: new Map<string, ClosedInterval[]>(), broken: new Set<string>() }
          const { recalc } = shiftHost(db, { block, trouble: host, weeks: true })
          for (const step of list) await act(recalc, host, step)
          trouble = undefined
          await recalc.stop()
          expect(await replayed(recalc)).toEqual(await derivedOf(db))
        },
      ),
      { numRuns: name === 'SQLite' ? runs(40, 300) : runs(8, 60) },
    )
  })

  type Recalc = ReturnType<typeof shiftHost>['recalc']

  async function act(
    recalc: Recalc,
    host: { readonly closed: Map<string, ClosedInterval[]>; readonly broken: Set<string> },
    step: Step,
  ): Promise<void> {
    switch (step.type) {
      case 'edit': {
        const spared = trouble
        trouble = undefined
        await db.transaction().execute(async (tx) => {
          const date = dateOf(step.day)
          await work(tx, step.employee, date, step.minutes)
          const change = {
            tenantId: TENANT,
            employeeId: step.employee,
            table: 'hours',
            dates: { from: date, to: date },
          }
          if (step.isNoted) await recalc.noteChange(tx, change)
        })
        trouble = spared
        return
      }
      case 'settle':
        await recalc.settle({ tenantId: TENANT }).catch(endured)
        return
      case 'range': {
        const from = dateOf(step.day)
        const request = { tenantId: TENANT, employeeId: step.employee, from, to: dateOf(step.day + step.days - 1) }
        await recalc.triggerRecalcRange(request).catch(endured)
        return
      }
      case 'within': {
        const request = { tenantId: TENANT, employeeId: step.employee, date: dateOf(step.day) }
        const begun = name === 'SQLite' ? db.transaction() : db.transaction().setIsolationLevel('read committed')
        await begun
          .execute(async (tx) => {
            await work(tx, step.employee, request.date, 2)
            await recalc.triggerRecalc(request, { tx })
            if (!step.commits) throw Object.assign(new Error('rolled back'), TRANSIENT)
          })
          .catch(endured)
        return
      }
      case 'job': {
        const request = { tenantId: TENANT, from: dateOf(step.day), to: dateOf(step.day + step.days - 1) }
        const job = await recalc.triggerRecalcAllAsync(request).catch(endured)
        await job?.result
        return
      }
      case 'close': {
        const interval = { from: dateOf(step.day), to: dateOf(step.day + step.days - 1) }
        host.closed.set(step.employee, [...(host.closed.get(step.employee) ?? []), interval])
        return
      }
      case 'break':
        host.broken.add(`${step.employee} ${dateOf(step.day)}`)
        return
      case 'open':
        return host.closed.clear()
      case 'mend':
        return host.broken.clear()
      case 'trouble':
        trouble = { statement: step.statement, isRun: step.isRun }
    }
  }

  /** Each value must have been what the history says it was. */
  async function replayed(recalc: Recalc): Promise<ReadonlyMap<string, unknown>> {
    const values = new Map<string, unknown>()
    for (const employeeId of EMPLOYEES) {
      const entries: HistoryEntry[] = []
      for (;;) {
        const after = entries.at(-1)?.id
        const to = addDays(LAST, 30)
        const query = { tenantId: TENANT, employeeId, from: FIRST, to, limit: 7 }
        const page = await recalc.history({ ...query, ...(after && { after }) })
        entries.push(...page)
        if (page.length < 7) break
      }
      for (const { stage, date, before, after } of entries.reverse()) {
        const key = `${stage} ${employeeId} ${date}`
        expect(values.get(key) ?? null, key).toEqual(before)
        if (after === null) values.delete(key)
        else values.set(key, after)
      }
    }
    return values
  }
})

/** What a step may end with: its day fails, or the database was in the way once too often. */
function endured(error: unknown): undefined {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown }
  // Of a host that rolls back what was committed when the answer was lost.
  if (/no transaction is active/.test(String(error))) return
  const known = ['RECALC_FAILED', 'BACKEND_UNAVAILABLE', 'JOB_CONFLICT', TRANSIENT.code]
  if (known.includes(String(code)) || known.includes(String((cause as { code?: unknown } | undefined)?.code))) return
  throw error
}
