import {
  addDays,
  type Block,
  type DailyCalc,
  type DayKey,
  type DayOffsets,
  type DayStage,
  dayKey,
  dayStage,
  type EmployeeDay,
  type TenantStage,
  tenantStage,
} from '../../src/index.ts'
import { rowKey, type Transaction } from './database.ts'

/** Reads a row of a table, `offset` days from the day that is calculated. */
type Look = (table: string, offset: number) => number | undefined

/** The row of a day, `null` for none; `previous` is the row of the day before of the same table. */
type Formula = (look: Look, previous: number | null) => number | null

/** A derived table of one number per employee and day, and how it follows from other tables. */
export interface DerivedTable {
  readonly table: string
  readonly reads: Readonly<Record<string, DayOffsets>>
  readonly formula: Formula
}

/** Ten for an hour of today, one for an hour of yesterday; no row without hours. */
export const scores: DerivedTable = {
  table: 'scores',
  reads: { hours: [-1, 0] },
  formula: (look) => {
    const today = look('hours', 0)
    return today === undefined ? null : today * 10 + (look('hours', -1) ?? 0)
  },
}

/** Grows from day to day with the hours, and starts anew after a day without. */
export const balances: DerivedTable = {
  table: 'balances',
  reads: { hours: [0, 0], balances: [-1, 0] },
  formula: (look, previous) => {
    const today = look('hours', 0)
    return today === undefined ? null : (previous ?? 0) + today - 4
  },
}

/** Built on the scores of today, which an earlier stage of the same pass writes. */
export const ranks: DerivedTable = {
  table: 'ranks',
  reads: { scores: [0, 0] },
  formula: (look) => {
    const today = look('scores', 0)
    return today === undefined ? null : today % 7
  },
}

/** Built on the scores of yesterday and today. */
export const trends: DerivedTable = {
  table: 'trends',
  reads: { scores: [-1, 0] },
  formula: (look) => {
    const today = look('scores', 0)
    return today === undefined ? null : today - (look('scores', -1) ?? 0)
  },
}

/** Runs of `load`, `stored` and `save`, as a spy sees them. */
export interface StageCall {
  readonly stage: string
  readonly step: 'load' | 'stored' | 'save' | 'run'
  readonly block?: Block
  readonly upserts?: readonly EmployeeDay[]
  readonly deletes?: readonly EmployeeDay[]
}

interface Inputs {
  readonly tx: Transaction
  readonly look: (day: EmployeeDay) => Look
}

/** The day stage that keeps a derived table right; its name is the table's. */
export function stageOf(
  { table, reads, formula }: DerivedTable,
  options: { readonly stored?: boolean; readonly calls?: StageCall[] } = {},
): DayStage<Transaction> {
  const { stored = true, calls = [] } = options
  return dayStage<number, Inputs, Transaction>({
    name: table,
    title: `Recalculating ${table}`,
    reads,
    writes: [table],
    async load(block, { tx }) {
      calls.push({ stage: table, step: 'load', block })
      await tx.point({ name: 'load', stage: table, block })
      return { tx, look: lookups(tx, block, reads, table) }
    },
    calculate(day, { tx, look }, previous) {
      tx.pointNow({ name: 'calculate', stage: table, days: [day] })
      return formula(look(day), previous)
    },
    ...(stored && {
      async stored(block: Block, { tx }: { readonly tx: Transaction }) {
        calls.push({ stage: table, step: 'stored', block })
        // A stage that reads its own yesterday is asked for one more day; what is there is nobody's fault.
        const days = daysOf(block).filter(({ date }) => !reads[table] || date !== block.from)
        await tx.point({ name: 'stored', stage: table, days })
        return storedRows(tx, table, block)
      },
    }),
    async save({ upserts, deletes }, { tx }) {
      const upserted = upserts.map(({ day }) => day)
      calls.push({ stage: table, step: 'save', upserts: upserted, deletes })
      await tx.point({ name: 'save', stage: table, days: [...upserted, ...deletes] })
      for (const { day, value } of upserts) tx.write(table, rowKey(day), value)
      for (const day of deletes) tx.delete(table, rowKey(day))
    },
  })
}

/** A calculator of one day that does its own reading and writing, for tables that do not build on each other. */
export function dailyCalcOf(tables: readonly DerivedTable[]): DailyCalc<Transaction> {
  return {
    async calculateDay(day, { tx }) {
      await tx.point({ name: 'calculate', stage: 'dailyCalc', days: [day] })
      let changed = false
      for (const { table, formula } of tables) {
        const value = formula((name, offset) => tx.read(name, keyAt(day, offset)), null)
        if ((tx.read(table, rowKey(day)) ?? null) === value) continue
        changed = true
        if (value === null) tx.delete(table, rowKey(day))
        else tx.write(table, rowKey(day), value)
      }
      return changed ? 'changed' : 'unchanged'
    },
  }
}

/** A tenant stage that adds up all scores of the tenant. */
export function summary(calls: StageCall[] = []): TenantStage<Transaction> {
  return tenantStage<Transaction>({
    name: 'summary',
    title: 'Adding up',
    reads: ['scores'],
    writes: ['summary'],
    async run({ tx, tenantId }) {
      calls.push({ stage: 'summary', step: 'run' })
      await tx.point({ name: 'run', stage: 'summary' })
      tx.write('summary', tenantId, tx.sum('scores', `${tenantId}/`))
    },
  })
}

function lookups(
  tx: Transaction,
  block: Block,
  reads: Readonly<Record<string, DayOffsets>>,
  own: string,
): (day: EmployeeDay) => Look {
  const rows = new Map<string, number>()
  for (const [table, [first, last]] of Object.entries(reads)) {
    if (table === own) continue // comes as `previous`
    for (const day of daysOf(block)) {
      for (let offset = first; offset <= last; offset++) {
        const key = keyAt(day, offset)
        const value = tx.read<number>(table, key)
        if (value !== undefined) rows.set(`${table}/${key}`, value)
      }
    }
  }
  return (day) => (table, offset) => rows.get(`${table}/${keyAt(day, offset)}`)
}

function storedRows(tx: Transaction, table: string, block: Block): ReadonlyMap<DayKey, number> {
  const rows = new Map<DayKey, number>()
  for (const day of daysOf(block)) {
    const value = tx.read<number>(table, rowKey(day))
    if (value !== undefined) rows.set(dayKey(day), value)
  }
  return rows
}

/** Every employee-day of a block. */
export function daysOf({ tenantId, employeeIds, dates }: Block): readonly EmployeeDay[] {
  return employeeIds.flatMap((employeeId) => dates.map((date) => ({ tenantId, employeeId, date })))
}

function keyAt(day: EmployeeDay, offset: number): string {
  return offset === 0 ? rowKey(day) : rowKey({ ...day, date: addDays(day.date, offset) })
}
