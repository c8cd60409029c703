import type { Kysely, Transaction } from 'kysely'
import {
  type Block,
  type ClosedInterval,
  type DayChanges,
  datesBetween,
  dayKey,
  dayStage,
  type EmployeeDay,
  type EmployeePeriod,
  periodKey,
  periodStage,
  RecalcService,
  type StageContext,
  systemClock,
} from '../../../src/index.ts'
import { type SqlBackend, sqlBackend } from '../../../src/sql/index.ts'

interface MinutesTable {
  employee: string
  day: string
  minutes: number
}

/** Hours that people work, a shift per worked day, a balance that is carried from day to day, and the minutes of each week. */
export interface ShiftTables {
  hours: MinutesTable
  shifts: MinutesTable
  balances: MinutesTable
  weeks: MinutesTable
}

export type ShiftTx = Transaction<ShiftTables>

export const TENANT = 'acme'
export const EMPLOYEES = ['ann', 'bob'] as const
const TODAY = '2025-03-31'

export async function createShiftTables(db: Kysely<ShiftTables>): Promise<void> {
  for (const table of ['hours', 'shifts', 'balances', 'weeks']) {
    await db.schema
      .createTable(table)
      .addColumn('employee', 'varchar(40)', (column) => column.notNull())
      .addColumn('day', 'char(10)', (column) => column.notNull())
      .addColumn('minutes', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${table}_pk`, ['employee', 'day'])
      .execute()
  }
}

/** What a test lets happen. */
export interface ShiftTrouble {
  readonly closed: Map<string, ClosedInterval[]>
  readonly broken: Set<string>
}

/** A service over these tables whose backend keeps a history. */
export function shiftHost(
  db: Kysely<ShiftTables>,
  options: {
    readonly history?: boolean
    /** Whether weeks are calculated. Default false. */
    readonly weeks?: boolean
    readonly block?: { readonly employees: number; readonly days: number }
    readonly trouble?: ShiftTrouble
  } = {},
): { readonly recalc: RecalcService<ShiftTx>; readonly backend: SqlBackend<ShiftTx> } {
  const {
    history = true,
    block = { employees: 2, days: 10 },
    trouble = { closed: new Map(), broken: new Set() },
  } = options
  const clock = { ...systemClock, now: () => Date.parse(`${TODAY}T12:00:00Z`) }
  const backend = sqlBackend(db, { history, clock })
  const shifts = dayStage<{ minutes: number }, ReadonlyMap<string, number>, ShiftTx>({
    name: 'shifts',
    reads: { hours: [0, 0] },
    writes: ['shifts'],
    load: (own, { tx }) => rowsOf(tx, 'hours', own),
    calculate(day, hours) {
      const minutes = hours.get(dayKey(day))
      return minutes === undefined ? null : { minutes }
    },
    stored: async (own, { tx }) =>
      new Map([...(await rowsOf(tx, 'shifts', own))].map(([key, minutes]) => [key, { minutes }])),
    save: (changes, context) => save('shifts', changes, ({ minutes }) => minutes, context),
  })
  const balances = dayStage<number, ReadonlyMap<string, number>, ShiftTx>({
    name: 'balances',
    reads: { shifts: [0, 0], balances: [-1, 0] },
    writes: ['balances'],
    load: (own, { tx }) => rowsOf(tx, 'shifts', own),
    calculate(day, worked, previous) {
      if (trouble.broken.has(`${day.employeeId} ${day.date}`)) throw new Error('broken')
      return (previous ?? 0) + (worked.get(dayKey(day)) ?? 0)
    },
    stored: (own, { tx }) => rowsOf(tx, 'balances', own),
    save: (changes, context) => save('balances', changes, (minutes) => minutes, context),
  })
  const weeks = periodStage<number, ReadonlyMap<string, number>, ShiftTx>({
    name: 'weeks',
    period: 'week',
    reads: { shifts: 'period' },
    writes: ['weeks'],
    load: (own, { tx }) => rowsOf(tx, 'shifts', own),
    calculate({ employeeId, from, to }, worked) {
      const minutes = datesBetween(from, to).map((date) => worked.get(dayKey({ employeeId, date })) ?? 0)
      return minutes.reduce((sum, one) => sum + one, 0) || null
    },
    stored: async (own, { tx }) => {
      const rows = await rowsOf(tx, 'weeks', own)
      return new Map(
        [...rows].map(([key, minutes]) => [periodKey({ employeeId: key.slice(11), from: key.slice(0, 10) }), minutes]),
      )
    },
    save({ upserts, deletes }, context) {
      const dayOf = ({ tenantId, employeeId, from }: EmployeePeriod) => ({ tenantId, employeeId, date: from })
      const values = upserts.map(({ period, value, stored }) => ({ day: dayOf(period), value, stored }))
      return save('weeks', { upserts: values, deletes: deletes.map(dayOf) }, (minutes) => minutes, context)
    },
  })
  const recalc = new RecalcService<ShiftTx>({
    stages: options.weeks ? [shifts, balances, weeks] : [shifts, balances],
    employees: {
      listEmployees: async ({ after = '', limit }) =>
        EMPLOYEES.map((id) => ({ id }))
          .filter(({ id }) => id > after)
          .slice(0, limit),
    },
    closedPeriods: {
      closed: async ({ employeeIds }) => new Map(employeeIds.map((id) => [id, trouble.closed.get(id) ?? []])),
    },
    horizon: { back: 40, ahead: 0 },
    retry: { attempts: 5, minDelayMs: 0, maxDelayMs: 0 },
    block,
    clock,
    backend,
  })
  return { recalc, backend }
}

async function rowsOf(
  tx: ShiftTx,
  table: keyof ShiftTables,
  { employeeIds, from, to }: Pick<Block, 'employeeIds' | 'from' | 'to'>,
) {
  const rows = await tx
    .selectFrom(table)
    .selectAll()
    .where('employee', 'in', employeeIds)
    .where('day', '>=', from)
    .where('day', '<=', to)
    .execute()
  return new Map(rows.map(({ employee, day, minutes }) => [dayKey({ employeeId: employee, date: day }), minutes]))
}

async function save<Value>(
  table: Exclude<keyof ShiftTables, 'hours'>,
  { upserts, deletes }: DayChanges<Value>,
  minutesOf: (value: Value) => number,
  { tx }: StageContext<ShiftTx>,
): Promise<void> {
  const days: readonly EmployeeDay[] = [...deletes, ...upserts.map(({ day }) => day)]
  for (const { employeeId, date } of days) {
    await tx.deleteFrom(table).where('employee', '=', employeeId).where('day', '=', date).execute()
  }
  const rows = upserts.map(({ day, value }) => ({
    employee: day.employeeId,
    day: day.date,
    minutes: minutesOf(value),
  }))
  if (rows.length > 0) await tx.insertInto(table).values(rows).execute()
}

/** Puts the minutes of a day where they belong; 0 takes them away. */
export async function work(db: Kysely<ShiftTables>, employee: string, day: string, minutes: number): Promise<void> {
  await db.deleteFrom('hours').where('employee', '=', employee).where('day', '=', day).execute()
  if (minutes > 0) await db.insertInto('hours').values({ employee, day, minutes }).execute()
}

/** What stands in the derived tables, as the stages' values. */
export async function derivedOf(db: Kysely<ShiftTables>): Promise<ReadonlyMap<string, unknown>> {
  const found = new Map<string, unknown>()
  for (const row of await db.selectFrom('shifts').selectAll().execute()) {
    found.set(`shifts ${row.employee} ${row.day}`, { minutes: row.minutes })
  }
  for (const table of ['balances', 'weeks'] as const) {
    for (const row of await db.selectFrom(table).selectAll().execute()) {
      found.set(`${table} ${row.employee} ${row.day}`, row.minutes)
    }
  }
  return found
}
