import type { Kysely, Transaction } from 'kysely'
import {
  addDays,
  type Block,
  type Clock,
  dateOf,
  datesBetween,
  dayBounds,
  dayKey,
  dayStage,
  parseIsoDate,
  RecalcService,
  type RecalcServiceOptions,
  systemClock,
} from '../../../src/index.ts'
import { sqlBackend } from '../../../src/sql/index.ts'

/** A host whose rows people edit all the time. */
export interface TimeTables {
  bookings: { id: number; tenant: string; employee: string; start: number; minutes: number }
  /** What an hour costs, from a day on. */
  rates: DayRow
  absences: DayRow
  /** Days that may not be written at present. */
  closings: { tenant: string; employee: string; first: string; last: string }
  worked: DayRow
  pay: DayRow
  balances: DayRow
  averages: DayRow
  totals: DayRow
}

interface DayRow {
  tenant: string
  employee: string
  day: string
  amount: number
}

export type TimeDb = Kysely<TimeTables>
type Tx = Transaction<TimeTables>
type DayTable = { [Name in keyof TimeTables]: TimeTables[Name] extends DayRow ? Name : never }[keyof TimeTables]

export const ZONE = 'Europe/Berlin'
/** The hosts' today; the clocks go forward within the days before it. */
export const TODAY = parseIsoDate('2025-04-15', 'today')
export const DAYS = 40
export const FROM = addDays(TODAY, 1 - DAYS)
export const TENANTS = ['acme', 'globex', 'initech']
export const EMPLOYEES = Array.from({ length: 12 }, (_, i) => `e${String(i).padStart(2, '0')}`)
const DERIVED = ['worked', 'pay', 'balances', 'averages', 'totals'] as const satisfies readonly DayTable[]

/** A release: the new one has a stage more, which reads a table that the old one does not know. */
export type Release = 'old' | 'new'

export async function createTimeTables(db: TimeDb): Promise<void> {
  const { schema } = db
  await schema
    .createTable('bookings')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('tenant', 'varchar(20)', (column) => column.notNull())
    .addColumn('employee', 'varchar(20)', (column) => column.notNull())
    .addColumn('start', 'bigint', (column) => column.notNull())
    .addColumn('minutes', 'integer', (column) => column.notNull())
    .execute()
  await schema.createIndex('bookings_start').on('bookings').columns(['tenant', 'employee', 'start']).execute()
  for (const table of ['rates', 'absences', ...DERIVED] as const) {
    await schema
      .createTable(table)
      .addColumn('tenant', 'varchar(20)', (column) => column.notNull())
      .addColumn('employee', 'varchar(20)', (column) => column.notNull())
      .addColumn('day', 'varchar(10)', (column) => column.notNull())
      .addColumn('amount', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${table}_pk`, ['tenant', 'employee', 'day'])
      .execute()
  }
  await schema
    .createTable('closings')
    .addColumn('tenant', 'varchar(20)', (column) => column.notNull())
    .addColumn('employee', 'varchar(20)', (column) => column.notNull())
    .addColumn('first', 'varchar(10)', (column) => column.notNull())
    .addColumn('last', 'varchar(10)', (column) => column.notNull())
    .addPrimaryKeyConstraint('closings_pk', ['tenant', 'employee'])
    .execute()
}

/** The machine's clock, moved so that it was noon of the tests' today at `begun`: the horizon stays where it is. */
export function clockSince(begun: number): Clock {
  const noon = dayBounds(TODAY, ZONE).start.getTime() + 12 * 3_600_000
  return { ...systemClock, now: () => noon + systemClock.now() - begun }
}

type Options = Partial<Omit<RecalcServiceOptions<Tx>, 'dailyCalc' | 'stages' | 'backend'>>

/** The host's service of a release. @param onDay Called for each day that is calculated; may throw. */
export function timeService(
  db: TimeDb,
  release: Release,
  { onDay = () => {}, ...options }: Options & { readonly clock: Clock; readonly onDay?: () => void },
): RecalcService<Tx> {
  return new RecalcService<Tx>({
    stages: release === 'old' ? stagesOf(onDay) : [...stagesOf(onDay), totals],
    backend: sqlBackend(db, { clock: options.clock }),
    employees: {
      listEmployees: async ({ after = '', limit }) =>
        EMPLOYEES.filter((id) => id > after)
          .slice(0, limit)
          .map((id) => ({ id })),
    },
    closedPeriods: {
      async closed({ tenantId, employeeIds }, tx) {
        const rows = await tx
          .selectFrom('closings')
          .selectAll()
          .where('tenant', '=', tenantId)
          .where('employee', 'in', employeeIds)
          .execute()
        return new Map(
          rows.map(({ employee, first, last }) => [
            employee,
            [{ from: parseIsoDate(first, 'first'), to: parseIsoDate(last, 'last') }],
          ]),
        )
      },
    },
    zone: ZONE,
    horizon: { back: DAYS - 1, ahead: 0 },
    ...options,
  })
}

function stagesOf(onDay: () => void) {
  const worked = dayStage<number, ReadonlyMap<string, number>, Tx>({
    ...keptIn('worked'),
    reads: { bookings: [0, 0] },
    async load({ tenantId, employeeIds, from, to }, { tx }) {
      const rows = await tx
        .selectFrom('bookings')
        .selectAll()
        .where('tenant', '=', tenantId)
        .where('employee', 'in', employeeIds)
        .where('start', '>=', dayBounds(from, ZONE).start.getTime())
        .where('start', '<', dayBounds(to, ZONE).end.getTime())
        .execute()
      const minutes = new Map<string, number>()
      for (const row of rows) {
        const key = dayKey({ employeeId: row.employee, date: dateOf(new Date(Number(row.start)), ZONE) })
        minutes.set(key, (minutes.get(key) ?? 0) + row.minutes)
      }
      return minutes
    },
    calculate(day, minutes) {
      onDay()
      return minutes.get(dayKey(day)) ?? null
    },
  })
  const pay = dayStage<number, { readonly worked: DayAmounts; readonly rates: readonly DayRow[] }, Tx>({
    ...keptIn('pay'),
    reads: { worked: [0, 0], rates: [0, 0] },
    load: async (block, { tx }) => ({
      worked: await amountsOf(tx, 'worked', block),
      rates: await tx
        .selectFrom('rates')
        .selectAll()
        .where('tenant', '=', block.tenantId)
        .where('employee', 'in', block.employeeIds)
        .orderBy('day', 'desc')
        .execute(),
    }),
    calculate(day, { worked, rates }) {
      const rate = rates.find(({ employee, day: since }) => employee === day.employeeId && since <= day.date)
      return (worked.get(dayKey(day)) ?? 0) * (rate?.amount ?? 1)
    },
  })
  const balances = dayStage<number, DayAmounts, Tx>({
    ...keptIn('balances'),
    reads: { worked: [0, 0], balances: [-1, 0] },
    load: (block, { tx }) => amountsOf(tx, 'worked', block),
    calculate: (day, worked, yesterday) => (yesterday ?? 0) + (worked.get(dayKey(day)) ?? 0) - 30,
  })
  const averages = dayStage<number, DayAmounts, Tx>({
    ...keptIn('averages'),
    reads: { worked: [-6, 0] },
    load: ({ tenantId, employeeIds, from, to }, { tx }) =>
      amountsOf(tx, 'worked', { tenantId, employeeIds, from: addDays(from, -6), to }),
    calculate({ employeeId, date }, worked) {
      const week = datesBetween(addDays(date, -6), date).map(
        (day) => worked.get(dayKey({ employeeId, date: day })) ?? 0,
      )
      const sum = week.reduce((total, minutes) => total + minutes, 0)
      return sum === 0 ? null : Math.round(sum / 7)
    },
  })
  return [worked, pay, balances, averages]
}

/** The stage that only the new release has. */
const totals = dayStage<number, { readonly balances: DayAmounts; readonly absences: DayAmounts }, Tx>({
  ...keptIn('totals'),
  reads: { balances: [0, 0], absences: [-2, 0] },
  load: async (block, { tx }) => ({
    balances: await amountsOf(tx, 'balances', block),
    absences: await amountsOf(tx, 'absences', { ...block, from: addDays(block.from, -2) }),
  }),
  calculate({ employeeId, date }, { balances, absences }) {
    const days = datesBetween(addDays(date, -2), date)
    const absent = days.reduce((sum, day) => sum + (absences.get(dayKey({ employeeId, date: day })) ?? 0), 0)
    return (balances.get(dayKey({ employeeId, date })) ?? 0) + absent
  },
})

type DayAmounts = ReadonlyMap<string, number>

async function amountsOf(
  tx: Tx,
  table: DayTable,
  { tenantId, employeeIds, from, to }: Pick<Block, 'tenantId' | 'employeeIds' | 'from' | 'to'>,
) {
  const rows = await tx
    .selectFrom(table)
    .select(['employee', 'day', 'amount'])
    .where('tenant', '=', tenantId)
    .where('employee', 'in', employeeIds)
    .where('day', '>=', from)
    .where('day', '<=', to)
    .execute()
  return new Map(rows.map(({ employee, day, amount }) => [dayKey({ employeeId: employee, date: day }), amount]))
}

/** How a stage's rows are compared and written. */
function keptIn(table: (typeof DERIVED)[number]) {
  return {
    name: table,
    writes: [table],
    stored: (block: Block, { tx }: { readonly tx: Tx }) => amountsOf(tx, table, block),
    async save(
      changes: {
        readonly upserts: readonly { readonly day: Day; readonly value: number }[]
        readonly deletes: readonly Day[]
      },
      { tx }: { readonly tx: Tx },
    ) {
      const rows = changes.upserts.map(({ day, value }) => ({
        tenant: day.tenantId,
        employee: day.employeeId,
        day: day.date,
        amount: value,
      }))
      const stale = [...changes.deletes, ...changes.upserts.map(({ day }) => day)]
      for (const [employee, days] of Map.groupBy(stale, ({ employeeId }) => employeeId)) {
        await tx
          .deleteFrom(table)
          .where('tenant', '=', days[0]?.tenantId ?? '')
          .where('employee', '=', employee)
          .where(
            'day',
            'in',
            days.map(({ date }) => date),
          )
          .execute()
      }
      if (rows.length > 0) await tx.insertInto(table).values(rows).execute()
    },
  }
}

interface Day {
  readonly tenantId: string
  readonly employeeId: string
  readonly date: string
}

/** Every derived row, in a fixed order. */
export async function derivedRows(db: TimeDb): Promise<readonly string[]> {
  const rows: string[] = []
  for (const table of DERIVED) {
    for (const row of await db.selectFrom(table).selectAll().execute()) {
      rows.push(`${table} ${row.tenant} ${row.employee} ${row.day}: ${row.amount}`)
    }
  }
  return rows.sort()
}
