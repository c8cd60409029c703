import {
  addDays,
  type Block,
  type DailyCalc,
  dayKey,
  dayStage,
  type EmployeeDay,
  type IsoDate,
  type RecalcServiceOptions,
  type Stage,
  tenantStage,
} from '../../src/index.ts'
import { type Database, rowKey, type Transaction } from '../support/database.ts'
import { TENANT } from '../support/service.ts'
import { balances, type DerivedTable, daysOf, ranks, scores, stageOf, trends } from '../support/stages.ts'
import type { Random } from './random.ts'

/** Built on a value that is kept nowhere. */
const copies: DerivedTable = {
  table: 'copies',
  reads: { hours: [0, 0] },
  formula: (look) => {
    const today = look('hours', 0)
    return today === undefined ? null : today * 2 + 1
  },
}

/** What one round calculates with. */
export interface RandomPipeline {
  readonly kind: 'stages' | 'daily' | 'daily with load'
  readonly tables: readonly DerivedTable[]
  /** The most that a stored row may be away from the calculated one: `isEqual` takes them for the same. */
  readonly tolerance: number
  /** Balances go on from the latest earlier row, instead of afresh. */
  readonly latest: boolean
  readonly stored: boolean
  readonly clearExisting: boolean
  /** Tables of which a tenant stage adds the rows up. */
  readonly summed: readonly string[]
}

export function randomPipeline(random: Random): RandomPipeline {
  const kind = random.pick(['stages', 'stages', 'stages', 'daily', 'daily with load'] as const)
  const wanted = new Set([scores, balances, ranks, trends, copies].filter(() => random.chance(0.4)))
  if (wanted.has(ranks) || wanted.has(trends) || wanted.size === 0) wanted.add(scores)
  const tables = kind === 'stages' ? [...wanted].slice(0, 4) : [scores, copies]
  if (tables.some(({ reads }) => 'scores' in reads) && !tables.includes(scores)) tables[0] = scores
  return {
    kind,
    tables,
    tolerance: kind === 'stages' && random.chance(0.2) ? 1 : 0,
    latest: random.chance(0.4),
    stored: random.chance(0.8),
    clearExisting: kind !== 'stages' || random.chance(0.8),
    summed: tables.map(({ table }) => table).filter(() => random.chance(0.3)),
  }
}

/** Days build on those before them. */
export function carries({ kind, tables }: RandomPipeline): boolean {
  return kind === 'stages' && (tables.includes(balances) || tables.includes(trends))
}

/** The host's calculators; `isEqual` is asked before two rows are compared, and may throw. */
export function calculatorOf(
  pipeline: RandomPipeline,
  hooks: { compare(): void; swallows(tx: Transaction): boolean },
): Pick<RecalcServiceOptions<Transaction>, 'dailyCalc' | 'stages'> {
  const sums = pipeline.summed.map(sumStage)
  if (pipeline.kind !== 'stages') return { dailyCalc: dailyCalc(pipeline), stages: sums } as never
  const stages = pipeline.tables.flatMap((table) =>
    table === copies ? copyStages() : [stageOf(table, { stored: pipeline.stored || table === balances })],
  )
  return { stages: [...stages.map((stage) => withHooks(stage, pipeline, hooks)), ...sums] }
}

function withHooks(
  stage: Stage<Transaction>,
  { tolerance, latest }: RandomPipeline,
  hooks: { compare(): void; swallows(tx: Transaction): boolean },
): Stage<Transaction> {
  const { save } = stage as { readonly save?: (changes: unknown, context: unknown) => Promise<void> }
  return {
    ...stage,
    isEqual(a: number, b: number) {
      hooks.compare()
      return Math.abs(a - b) <= tolerance
    },
    ...(save && {
      async save(changes: unknown, context: unknown) {
        try {
          await save(changes, context)
        } catch (error) {
          if (!hooks.swallows((context as { readonly tx: Transaction }).tx)) throw error
        }
      },
    }),
    ...(latest && stage.name === 'balances' && { previousMissing: 'latest', latest: latestBalances }),
  } as never
}

async function latestBalances(
  { employeeIds, before }: { readonly employeeIds: readonly string[]; readonly before: IsoDate },
  { tx }: { readonly tx: Transaction },
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (const employeeId of employeeIds) {
    const value = latestBefore((key) => tx.read<number>('balances', key), employeeId, before)
    if (value !== undefined) found.set(employeeId, value)
  }
  return found
}

/** No row of a round is older than this. */
const MOST_DAYS_BACK = 12

function latestBefore(
  read: (key: string) => number | undefined,
  employeeId: string,
  before: IsoDate,
): number | undefined {
  for (let back = 1; back <= MOST_DAYS_BACK; back++) {
    const value = read(rowKey({ tenantId: TENANT, employeeId, date: addDays(before, -back) }))
    if (value !== undefined) return value
  }
  return undefined
}

function copyStages(): readonly Stage<Transaction>[] {
  const doubled = dayStage<number, ReadonlyMap<string, number>, Transaction>({
    name: 'doubled',
    reads: { hours: [0, 0] },
    writes: [],
    async load(block, { tx }) {
      await tx.point({ name: 'load', stage: 'doubled', block })
      return hoursOf(block, tx)
    },
    calculate: (day, hours) => twice(hours.get(dayKey(day))),
  })
  const copy = stageOf(copies)
  return [
    doubled,
    {
      ...copy,
      kind: 'day',
      reads: { doubled: [0, 0] },
      load: async (block, { valuesOf, tx }) => {
        await tx.point({ name: 'load', stage: 'copies', block })
        return valuesOf<number>({ name: 'doubled' })
      },
      calculate(day, values) {
        const value = (values as ReadonlyMap<string, number | null>).get(dayKey(day))
        return value === undefined || value === null ? null : value + 1
      },
    },
  ]
}

function twice(hours: number | undefined): number | null {
  return hours === undefined ? null : hours * 2
}

function hoursOf(block: Block, tx: Transaction): ReadonlyMap<string, number> {
  const rows = daysOf(block).map((day) => [dayKey(day), tx.read<number>('hours', rowKey(day))] as const)
  return new Map(rows.filter((row): row is [(typeof row)[0], number] => row[1] !== undefined))
}

/** Formulas of today and yesterday, either read day by day or for the whole block at once. */
function dailyCalc({ kind, tables }: RandomPipeline): DailyCalc<Transaction, ReadonlyMap<string, number> | undefined> {
  const calculateDay = async (
    day: EmployeeDay,
    { tx, afterCommit }: { readonly tx: Transaction; afterCommit(call: () => unknown): void },
    inputs: ReadonlyMap<string, number> | undefined,
  ) => {
    await tx.point({ name: 'calculate', stage: 'dailyCalc', days: [day] })
    afterCommit(() => {
      if (!tx.ended) throw new Error('called before the commit')
    })
    let changed = false
    for (const { table, formula } of tables) {
      const at = (offset: number) => ({ ...day, date: addDays(day.date, offset) })
      const value = formula(
        (name, offset) => (inputs ? inputs.get(rowKey(at(offset))) : tx.read(name, rowKey(at(offset)))),
        null,
      )
      if ((tx.read(table, rowKey(day)) ?? null) === value) continue
      changed = true
      if (value === null) tx.delete(table, rowKey(day))
      else tx.write(table, rowKey(day), value)
    }
    return changed ? 'changed' : 'unchanged'
  }
  if (kind === 'daily') return { calculateDay }
  return {
    calculateDay,
    async load({ tenantId, employeeIds, from, dates }, { tx }) {
      await tx.point({ name: 'load', stage: 'dailyCalc' })
      const keys = employeeIds.flatMap((employeeId) =>
        [addDays(from, -1), ...dates].map((date) => rowKey({ tenantId, employeeId, date })),
      )
      return new Map(
        keys.flatMap((key) => {
          const hours = tx.read<number>('hours', key)
          return hours === undefined ? [] : [[key, hours] as const]
        }),
      )
    },
  }
}

function sumStage(table: string): Stage<Transaction> {
  return tenantStage<Transaction>({
    name: `sum of ${table}`,
    reads: [table],
    writes: [`sum of ${table}`],
    async run({ tx, tenantId }) {
      await tx.point({ name: 'run', stage: table })
      tx.write(`sum of ${table}`, tenantId, tx.sum(table, `${tenantId}/`))
    },
  })
}

/**
 * Where the rows differ from those of a plain loop, which leaves skipped days as they are and goes through all others in date
 * order; empty when they are the same.
 */
export function differences(
  { tables, tolerance, latest, clearExisting, summed, kind }: RandomPipeline,
  database: Database,
  days: {
    readonly employees: readonly string[]
    readonly dates: readonly IsoDate[]
    readonly before: ReadonlyMap<string, ReadonlyMap<string, number>>
    isSkipped(key: string): boolean
  },
): readonly string[] {
  const wrong: string[] = []
  for (const employeeId of days.employees) {
    for (const date of days.dates) {
      const key = rowKey({ tenantId: TENANT, employeeId, date })
      if (days.isSkipped(key)) continue
      for (const { table, formula } of tables) {
        const look = (name: string, offset: number) =>
          database.rows<number>(name).get(rowKey({ tenantId: TENANT, employeeId, date: addDays(date, offset) }))
        const rows = database.rows<number>(table)
        const previous =
          table === 'balances' && latest ? latestBefore((one) => rows.get(one), employeeId, date) : look(table, -1)
        const value = formula(look, previous ?? null) ?? (clearExisting ? undefined : days.before.get(table)?.get(key))
        const found = look(table, 0)
        const isSame =
          value === found || (value !== undefined && found !== undefined && Math.abs(value - found) <= tolerance)
        if (!isSame) wrong.push(`${table} ${key}: ${found} in place of ${value} (${kind})`)
      }
    }
  }
  for (const table of summed) {
    const sum = [...database.rows<number>(table)]
      .filter(([key]) => key.startsWith(`${TENANT}/`))
      .reduce((total, [, value]) => total + value, 0)
    const found = database.rows<number>(`sum of ${table}`).get(TENANT)
    if (found !== sum) wrong.push(`sum of ${table}: ${found} in place of ${sum}`)
  }
  return wrong
}
