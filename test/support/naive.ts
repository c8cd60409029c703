import { addDays, type IsoDate } from '../../src/index.ts'
import { rowKey } from './database.ts'
import { TENANT } from './service.ts'
import type { DerivedTable } from './stages.ts'

/** Tables as plain maps. */
export type Rows = ReadonlyMap<string, Map<string, number>>

/** Where something goes wrong with one employee-day. */
export interface Fault {
  readonly employeeId: string
  readonly date: IsoDate
  readonly step: 'load' | 'stored' | 'calculate' | 'save' | 'commit'
  /** Its stage, of no meaning for a commit. */
  readonly table: string
}

/** What a run is to come to, worked out without any of the engine's cleverness. */
export interface Expectation {
  readonly rows: Rows
  readonly failed: readonly Fault[]
  readonly processedDays: number
  readonly unchangedDays: number
  readonly skippedDays: number
  readonly failedDays: number
}

/** Employee by employee, day by day, table by table. */
export function naiveRun(
  before: Rows,
  run: {
    readonly tables: readonly DerivedTable[]
    readonly employees: readonly string[]
    readonly dates: readonly IsoDate[]
    readonly closed: Readonly<Record<string, string>>
    readonly faults: readonly Fault[]
    readonly clearExisting: boolean
    /** Rows are compared with what is stored; otherwise every row is written. */
    readonly stored: (table: string) => boolean
  },
): Expectation {
  const rows = new Map([...before].map(([table, values]) => [table, new Map(values)]))
  const buildsOnEarlier = run.tables.some(({ reads }) => run.tables.some(({ table }) => (reads[table]?.[0] ?? 0) < 0))
  const count = { processedDays: 0, unchangedDays: 0, skippedDays: 0, failedDays: 0 }
  const failed: Fault[] = []
  for (const employeeId of run.employees) {
    let blocked = false
    for (const date of run.dates) {
      const key = rowKey({ tenantId: TENANT, employeeId, date })
      if (date <= (run.closed[employeeId] ?? '')) {
        count.skippedDays += 1
        continue
      }
      if (blocked) {
        count.failedDays += 1
        continue
      }
      const at = (table: string, offset: number) =>
        rows.get(table)?.get(rowKey({ tenantId: TENANT, employeeId, date: addDays(date, offset) }))
      const undo: [string, number | undefined][] = []
      const written: string[] = []
      for (const { table, formula } of run.tables) {
        const old = at(table, 0)
        const value = formula(at, at(table, -1) ?? null) ?? undefined
        if (value === undefined && !run.clearExisting) continue
        undo.push([table, old])
        if (value !== old || !run.stored(table)) written.push(table)
        put(rows, table, key, value)
      }
      const fault = run.faults.find((one) => one.employeeId === employeeId && one.date === date)
      if (fault && strikes(fault, written, run.stored)) {
        for (const [table, old] of undo) put(rows, table, key, old)
        failed.push(fault)
        count.failedDays += 1
        blocked = buildsOnEarlier
      } else {
        count.processedDays += 1
        if (written.length === 0) count.unchangedDays += 1
      }
    }
  }
  return { rows, failed, ...count }
}

function strikes({ step, table }: Fault, written: readonly string[], stored: (table: string) => boolean): boolean {
  if (step === 'save') return written.includes(table)
  if (step === 'commit') return written.length > 0
  return step !== 'stored' || stored(table)
}

function put(rows: Rows, table: string, key: string, value: number | undefined): void {
  if (value === undefined) rows.get(table)?.delete(key)
  else rows.get(table)?.set(key, value)
}
