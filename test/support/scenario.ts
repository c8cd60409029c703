import fc from 'fast-check'
import { addDays, dayKey, type IsoDate, type RecalcServiceOptions } from '../../src/index.ts'
import { date } from '../calendar/arbitraries.ts'
import { Database, type Point, rowKey, type Transaction } from './database.ts'
import { type Expectation, type Fault, naiveRun, type Rows } from './naive.ts'
import { closedThrough, TENANT } from './service.ts'
import { balances, type DerivedTable, dailyCalcOf, daysOf, ranks, scores, stageOf, trends } from './stages.ts'

/** Combinations of derived tables, with and without days that build on earlier ones. */
export const pipelines: Readonly<Record<string, readonly DerivedTable[]>> = {
  daily: [scores, ranks],
  scores: [scores],
  ranks: [scores, ranks],
  balances: [balances],
  trends: [scores, trends],
  everything: [balances, scores, ranks, trends],
}

/** A database, a pipeline and a request, with everything that goes wrong for good or for a while. */
export interface Scenario {
  readonly pipeline: string
  readonly employees: readonly string[]
  readonly dates: readonly IsoDate[]
  readonly hours: readonly (number | null)[]
  /** What is in the derived tables before: right, wrong or missing, in the days of the request and around it. */
  readonly leftovers: readonly (number | null)[]
  readonly closed: Readonly<Record<string, string>>
  /** Faults that never go away. */
  readonly faults: readonly Fault[]
  /** Whether the stages that may do without it have `stored`. */
  readonly stored: boolean
  readonly clearExisting: boolean
  readonly block: { readonly employees: number; readonly days: number }
  readonly concurrency: number
}

const FROM = date('2024-02-27')
const cell = fc.option(fc.integer({ min: 0, max: 9 }), { freq: 4 })

export function scenarios(options: { readonly faults: boolean; readonly stored?: boolean }): fc.Arbitrary<Scenario> {
  return fc
    .record({
      pipeline: fc.constantFrom(...Object.keys(pipelines)),
      size: fc.record({ employees: fc.integer({ min: 1, max: 5 }), days: fc.integer({ min: 1, max: 7 }) }),
      stored: options.stored === undefined ? fc.boolean() : fc.constant(options.stored),
      clearExisting: fc.boolean(),
      block: fc.record({ employees: fc.integer({ min: 1, max: 5 }), days: fc.integer({ min: 1, max: 8 }) }),
      concurrency: fc.integer({ min: 1, max: 4 }),
    })
    .chain(({ size, ...rest }) => {
      const employees = Array.from({ length: size.employees }, (_, i) => `e${i}`)
      const dates = Array.from({ length: size.days }, (_, i) => addDays(FROM, i))
      const cells = size.employees * (size.days + 2)
      return fc.record({
        ...constants({ ...rest, employees, dates }),
        hours: fc.array(cell, { minLength: cells, maxLength: cells }),
        leftovers: fc.array(cell, { minLength: cells, maxLength: cells }),
        closed: closedDates(employees, dates),
        faults: options.faults ? faultsOf({ employees, dates, pipeline: rest.pipeline }) : fc.constant([]),
      })
    })
}

function constants<T extends object>(values: T): { [K in keyof T]: fc.Arbitrary<T[K]> } {
  const entries = Object.entries(values).map(([key, value]) => [key, fc.constant(value)])
  return Object.fromEntries(entries) as { [K in keyof T]: fc.Arbitrary<T[K]> } // the same keys
}

function closedDates(employees: readonly string[], dates: readonly IsoDate[]): fc.Arbitrary<Record<string, string>> {
  return fc.dictionary(fc.constantFrom(...employees), fc.constantFrom(addDays(FROM, -1), ...dates), { maxKeys: 3 })
}

/** At most one fault per employee-day, so that its place is certain. */
export function faultsOf({
  employees,
  dates,
  pipeline,
}: Pick<Scenario, 'employees' | 'dates' | 'pipeline'>): fc.Arbitrary<readonly Fault[]> {
  const daily = pipeline === 'daily'
  const fault = fc.record({
    employeeId: fc.constantFrom(...employees),
    date: fc.constantFrom(...dates),
    step: fc.constantFrom<Fault['step'][]>(
      ...(daily ? (['calculate', 'commit'] as const) : (['load', 'stored', 'calculate', 'save', 'commit'] as const)),
    ),
    table: daily
      ? fc.constant('dailyCalc')
      : fc.constantFrom(...(pipelines[pipeline] as readonly DerivedTable[]).map(({ table }) => table)),
  })
  return fc.uniqueArray(fault, { maxLength: 5, selector: dayKey })
}

/** The tables as they are before anything is calculated. */
export function rowsBefore({ pipeline, employees, dates, hours, leftovers }: Scenario): Rows {
  const days = [addDays(FROM, -1), ...dates, addDays(FROM, dates.length)]
  const derived = (pipelines[pipeline] as readonly DerivedTable[]).map(({ table }) => table)
  const rows = new Map(['hours', ...derived].map((table) => [table, new Map<string, number>()]))
  for (const [e, employeeId] of employees.entries()) {
    for (const [d, day] of days.entries()) {
      const cellOf = (cells: readonly (number | null)[], shift: number) =>
        cells[(e * days.length + d + shift) % cells.length] ?? null
      const key = rowKey({ tenantId: TENANT, employeeId, date: day })
      const worked = cellOf(hours, 0)
      if (worked !== null) rows.get('hours')?.set(key, worked)
      for (const [t, table] of derived.entries()) {
        const left = cellOf(leftovers, t)
        if (left !== null) rows.get(table)?.set(key, left)
      }
    }
  }
  for (const table of derived) rows.get(table)?.set(`other-tenant/e0/${FROM}`, 1)
  return rows
}

export function databaseOf(rows: Rows): Database {
  const database = new Database()
  for (const [table, values] of rows) for (const [key, value] of values) database.edit(table, key, value)
  return database
}

/** The tables of a database as they are now, as far as they are in `like`. */
export function rowsOf(database: Database, like: Rows): Rows {
  return new Map([...like.keys()].map((table) => [table, new Map(database.rows<number>(table))]))
}

/** What the scenario must come to. */
export function expectationOf(scenario: Scenario, faultsThatStay = scenario.faults): Expectation {
  const daily = scenario.pipeline === 'daily'
  return naiveRun(rowsBefore(scenario), {
    ...scenario,
    tables: pipelines[scenario.pipeline] as readonly DerivedTable[],
    faults: faultsThatStay,
    clearExisting: scenario.clearExisting || daily,
    stored: (table) => daily || hasStored(scenario, table),
  })
}

/** The calculator and the options of a service for the scenario. */
export function optionsOf(
  scenario: Scenario,
): Pick<
  RecalcServiceOptions<Transaction>,
  'dailyCalc' | 'stages' | 'closedPeriods' | 'block' | 'concurrency' | 'maxErrorsKept'
> {
  const tables = pipelines[scenario.pipeline] as readonly DerivedTable[]
  const { block, concurrency } = scenario
  return {
    ...(scenario.pipeline === 'daily'
      ? { dailyCalc: dailyCalcOf(tables) }
      : { stages: tables.map((one) => stageOf(one, { stored: hasStored(scenario, one.table) })) }),
    closedPeriods: closedThrough(scenario.closed),
    block,
    concurrency,
    maxErrorsKept: 1_000,
  } as ReturnType<typeof optionsOf>
}

/** Throws where the scenario says that something is wrong with an employee-day. */
export function strike(faults: readonly Fault[], point: Point): void {
  for (const fault of faults) {
    if (fault.step !== point.name || (fault.step !== 'commit' && fault.table !== point.stage)) continue
    if (touches(point, fault)) throw new Error(`${fault.step} of ${fault.table} fails on ${dayKey(fault)}`)
  }
}

function touches({ name, block, days, tx }: Point, fault: Fault): boolean {
  const key = rowKey({ tenantId: TENANT, ...fault })
  if (name === 'commit') return tx.pending.some((write) => write.key === key)
  return (block ? daysOf(block) : (days ?? [])).some((day) => rowKey(day) === key)
}

function hasStored({ stored }: Scenario, table: string): boolean {
  return stored || table === 'balances'
}
