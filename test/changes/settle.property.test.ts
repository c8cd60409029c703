import { expect, test } from 'vitest'
import { toEpochDay } from '../../src/calendar/epoch-day.ts'
import { addDays, type IsoDate, memoryBackend, parseIsoDate, RecalcService, systemClock } from '../../src/index.ts'
import { fc } from '../support/fc.ts'
import { runs } from '../support/runs.ts'
import { type ModelPeriod, periodStagesOf, periodsBehind, periodsReadBy } from './support/random-periods.ts'
import { pipelines as dayPipelines, type ModelStage, SOURCES, stagesOf } from './support/random-pipeline.ts'
import { Interruption, Tables, type TablesTx } from './support/tables.ts'

const TENANT = 'acme'

const EMPLOYEES = ['ann', 'bob'] as const

/** Days on which sources are edited, and as far around them as five stages of 30 days can reach. */
const FIRST = parseIsoDate('2025-06-01', 'date')
const EDITED_DAYS = 15
const MARGIN = 155
const FROM = addDays(FIRST, -MARGIN)
const TO = addDays(FIRST, EDITED_DAYS + MARGIN)

const day = fc.nat(EDITED_DAYS - 1)

type Action =
  | {
      readonly type: 'edit'
      readonly table: string
      readonly employee: number
      readonly day: number
      readonly value: number
    }
  | { readonly type: 'settle'; readonly employee: number | undefined }
  | {
      readonly type: 'trigger'
      readonly employee: number
      readonly day: number
      readonly days: number
      /** Only this stage, if there is one. */
      readonly stage: number | undefined
    }
  | { readonly type: 'close'; readonly employee: number; readonly from: number; readonly days: number }
  | { readonly type: 'break' | 'breakPeriods' | 'breakClosed'; readonly employee: number; readonly day: number }
  | { readonly type: 'open' | 'mend' }

const edit = fc.record({
  type: fc.constant('edit' as const),
  table: fc.constantFrom(...SOURCES),
  employee: fc.nat(1),
  day,
  value: fc.nat(3),
})

const actions: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: edit },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('settle' as const), employee: fc.option(fc.nat(1), { nil: undefined }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('trigger' as const),
      employee: fc.nat(1),
      day,
      days: fc.integer({ min: 1, max: 40 }),
      stage: fc.option(fc.nat(6), { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('close' as const),
      employee: fc.nat(1),
      from: fc.integer({ min: -5, max: EDITED_DAYS + 5 }),
      days: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constantFrom('break' as const, 'breakPeriods' as const, 'breakClosed' as const),
      employee: fc.nat(1),
      day,
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ type: 'open' as const }, { type: 'mend' as const }) },
)

/** Days that fail are tried again by every settle. */
const LAST: readonly Action[] = [{ type: 'mend' }, { type: 'settle', employee: undefined }]

interface Model {
  readonly days: readonly ModelStage[]
  readonly periods: readonly ModelPeriod[]
}

const pipelines: fc.Arbitrary<Model> = dayPipelines.chain((days) =>
  periodsBehind(days).map((periods) => ({ days, periods })),
)

interface Interval {
  readonly from: IsoDate
  readonly to: IsoDate
}

class Host {
  readonly tables: Tables
  readonly closed = new Map<string, Interval[]>()
  readonly calculated = new Map<string, number>()
  /** Days that fail. */
  readonly broken = new Set<string>()
  /** Days whose periods fail. */
  readonly brokenPeriods = new Set<string>()
  /** Days of which nobody can tell whether they are closed. */
  readonly brokenClosed = new Set<string>()
  readonly service: RecalcService<TablesTx>

  constructor(
    model: Model,
    tables: Tables,
    options: {
      readonly block: { readonly employees: number; readonly days: number }
      readonly faults: Set<number>
      readonly closed?: Host
    },
  ) {
    this.tables = tables
    let commits = 0
    const closed = options.closed?.closed ?? this.closed
    this.service = new RecalcService<TablesTx>({
      stages: [
        ...stagesOf(
          model.days,
          (stage, { employeeId, date }) => {
            const key = `${stage} ${employeeId} ${date}`
            this.calculated.set(key, (this.calculated.get(key) ?? 0) + 1)
            if (this.broken.has(`${employeeId} ${date}`)) throw new Error('broken')
          },
          periodsReadBy(model.periods),
        ),
        ...periodStagesOf(model.periods, ({ employeeId, from, to }) => {
          const isIn = (day: string) => day >= `${employeeId} ${from}` && day <= `${employeeId} ${to}`
          if ([...this.brokenPeriods].some(isIn)) throw new Error('broken')
        }),
      ],
      backend: memoryBackend({
        unitOfWork: tables.unitOfWork(() => {
          if (commits > 3_000) throw new Error('It does not end')
          if (options.faults.has(commits++)) throw new Interruption('deadlock')
        }),
      }),
      employees: {
        listEmployees: async ({ after }) => (after === undefined ? EMPLOYEES.map((id) => ({ id })) : []).slice(),
      },
      block: options.block,
      closedPeriods: {
        closed: async ({ employeeIds, from, to }) => {
          const isIn = (day: string) => employeeIds.some((id) => day >= `${id} ${from}` && day <= `${id} ${to}`)
          if ([...this.brokenClosed].some(isIn)) throw new Error('broken')
          return new Map(employeeIds.map((id) => [id, closed.get(id) ?? []]))
        },
      },
      // Always the same day; what is tried again waits for real.
      clock: { ...systemClock, now: () => Date.parse(`${TO}T12:00:00Z`) },
      horizon: { back: EDITED_DAYS + 2 * MARGIN, ahead: 0 },
      retry: { attempts: 50, minDelayMs: 0, maxDelayMs: 0 },
      maxDays: 10_000,
    })
  }

  recalculateAll() {
    return this.service.triggerRecalcBatch({ tenantId: TENANT, employeeIds: EMPLOYEES, from: FROM, to: TO })
  }
}

/** All rows, but for those of periods that no requested day is in. */
function rowsOf({ tables }: Host): readonly string[] {
  const [first, last] = [toEpochDay(FROM) - 31, toEpochDay(TO)]
  return tables.dump().filter((row) => {
    const day = Number(row.split(/[ :]/)[2])
    return !row.startsWith('p') || (day >= first && day <= last)
  })
}

/** What a full recalculation would make of the tables as they are now. */
async function recalculated(model: Model, host: Host) {
  const other = new Host(model, host.tables.copy(), {
    block: { employees: 2, days: 400 },
    faults: new Set(),
    closed: host,
  })
  await other.recalculateAll()
  return rowsOf(other)
}

test('whatever is edited, noted, closed, opened, broken, mended, triggered and settled, the rows are those of a full recalculation', async () => {
  await fc.assert(
    fc.asyncProperty(
      pipelines,
      fc.array(edit, { maxLength: 8 }),
      fc.array(actions, { minLength: 1, maxLength: 14 }),
      fc.record({ employees: fc.integer({ min: 1, max: 2 }), days: fc.integer({ min: 1, max: 40 }) }),
      fc.uniqueArray(fc.nat(30), { maxLength: 3 }),
      async (model, before, steps, block, faults) => {
        const tables = new Tables()
        for (const { table, employee, day: at, value } of before) {
          tables.edit(table, EMPLOYEES[employee] as string, toEpochDay(FIRST) + at, value)
        }
        const first = new Host(model, tables, { block: { employees: 2, days: 400 }, faults: new Set() })
        await first.recalculateAll()
        const host = new Host(model, tables, { block, faults: new Set(faults) })
        for (const step of [...steps, ...LAST]) await act(model, host, step)
        expect(rowsOf(host)).toEqual(await recalculated(model, host))

        host.closed.clear()
        await host.service.releaseHeld({ tenantId: TENANT })
        await host.service.settle({ tenantId: TENANT })
        expect(rowsOf(host)).toEqual(await recalculated(model, host))
        expect(await host.service.freshness()).toMatchObject({ changes: 0, dirtyEmployees: 0, held: 0, failing: 0 })
      },
    ),
    { numRuns: runs(20, 300) },
  )
})

async function act(model: Model, host: Host, step: Action): Promise<void> {
  const { service, tables, closed } = host
  switch (step.type) {
    case 'edit': {
      const employeeId = EMPLOYEES[step.employee] as string
      const date = addDays(FIRST, step.day)
      const isRead = [...model.days, ...model.periods].some(({ sources }) => sources[step.table])
      tables.edit(step.table, employeeId, toEpochDay(date), step.value === 0 ? undefined : step.value)
      if (!isRead) return
      const at = [new Date(`${date}T08:00:00Z`)]
      const tx = undefined as unknown as TablesTx // the memory ledger needs none
      await service.noteChange(tx, { tenantId: TENANT, employeeId, table: step.table, at })
      return
    }
    case 'settle': {
      host.calculated.clear()
      const employeeId = step.employee === undefined ? {} : { employeeId: EMPLOYEES[step.employee] as string }
      await service.settle({ tenantId: TENANT, ...employeeId })
      return
    }
    case 'trigger': {
      const from = addDays(FIRST, step.day)
      const employeeId = EMPLOYEES[step.employee] as string
      const request = { tenantId: TENANT, employeeId, from, to: addDays(from, step.days - 1) }
      const only = step.stage === undefined ? undefined : [...model.days, ...model.periods][step.stage]
      const options = only ? { tables: [only.name] } : {}
      await service.triggerRecalcRange(request, options).catch((error: { readonly code?: string }) => {
        if (error.code !== 'RECALC_FAILED') throw error
      })
      return
    }
    case 'close': {
      const id = EMPLOYEES[step.employee] as string
      const from = addDays(FIRST, step.from)
      closed.set(id, [...(closed.get(id) ?? []), { from, to: addDays(from, step.days - 1) }])
      return
    }
    case 'break':
      host.broken.add(`${EMPLOYEES[step.employee]} ${addDays(FIRST, step.day)}`)
      return
    case 'breakPeriods':
      host.brokenPeriods.add(`${EMPLOYEES[step.employee]} ${addDays(FIRST, step.day)}`)
      return
    case 'breakClosed':
      host.brokenClosed.add(`${EMPLOYEES[step.employee]} ${addDays(FIRST, step.day)}`)
      return
    case 'mend':
      host.brokenClosed.clear()
      host.broken.clear()
      host.brokenPeriods.clear()
      return
    case 'open': {
      if (closed.size === 0) return
      closed.clear()
      await service.releaseHeld({ tenantId: TENANT })
    }
  }
}

test('a wave calculates no day of a stage twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      pipelines,
      fc.array(edit, { minLength: 1, maxLength: 8 }),
      fc.record({ employees: fc.integer({ min: 1, max: 2 }), days: fc.integer({ min: 1, max: 40 }) }),
      async (model, edits, block) => {
        const host = new Host(model, new Tables(), { block, faults: new Set() })
        for (const step of edits) await act(model, host, step)
        await act(model, host, { type: 'settle', employee: undefined })
        expect([...host.calculated].filter(([, times]) => times > 1)).toEqual([])
      },
    ),
    { numRuns: runs(20, 300) },
  )
})
