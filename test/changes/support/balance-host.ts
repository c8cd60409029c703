import type { Kysely, Transaction } from 'kysely'
import {
  dayKey,
  dayStage,
  type EmployeeDay,
  type RecalcBackend,
  RecalcService,
  type RecalcServiceOptions,
  tenantStage,
} from '../../../src/index.ts'

/** A host with hours that people work, a balance that is carried from day to day, and a sum of each tenant. */
export interface BalanceTables {
  hours: { tenant: string; employee: string; day: string; minutes: number }
  balances: { tenant: string; employee: string; day: string; minutes: number }
  sums: { tenant: string; minutes: number }
}

type Tx = Transaction<BalanceTables>

export async function createBalanceTables(db: Kysely<BalanceTables>): Promise<void> {
  for (const table of ['hours', 'balances']) {
    await db.schema
      .createTable(table)
      .addColumn('tenant', 'varchar(40)', (column) => column.notNull())
      .addColumn('employee', 'varchar(40)', (column) => column.notNull())
      .addColumn('day', 'char(10)', (column) => column.notNull())
      .addColumn('minutes', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${table}_pk`, ['tenant', 'employee', 'day'])
      .execute()
  }
  await db.schema
    .createTable('sums')
    .addColumn('tenant', 'varchar(40)', (column) => column.notNull().primaryKey())
    .addColumn('minutes', 'integer', (column) => column.notNull())
    .execute()
}

/** What a test wants to know, or to be different. */
export interface BalanceOptions {
  readonly tenantStage?: boolean
  /** Called for each day that is calculated; may throw. */
  readonly onCalculate?: (day: EmployeeDay) => void
}

type ServiceOptions = Partial<Omit<RecalcServiceOptions<Tx>, 'stages' | 'dailyCalc' | 'backend'>>

export function balanceService(
  backend: RecalcBackend<Tx>,
  { tenantStage: hasTenantStage = false, onCalculate }: BalanceOptions = {},
  options: ServiceOptions = {},
): RecalcService<Tx> {
  const balances = dayStage<number, ReadonlyMap<string, number>, Tx>({
    name: 'balances',
    reads: { hours: [0, 0], balances: [-1, 0] },
    writes: ['balances'],
    async load({ tenantId, employeeIds, from, to }, { tx }) {
      return rowsOf(tx, 'hours', tenantId, employeeIds, from, to)
    },
    calculate(day, hours, previous) {
      onCalculate?.(day)
      return (previous ?? 0) + (hours.get(dayKey(day)) ?? 0)
    },
    stored: ({ tenantId, employeeIds, from, to }, { tx }) => rowsOf(tx, 'balances', tenantId, employeeIds, from, to),
    async save({ upserts, deletes }, { tx }) {
      for (const { tenantId, employeeId, date } of [...deletes, ...upserts.map(({ day }) => day)]) {
        await tx
          .deleteFrom('balances')
          .where('tenant', '=', tenantId)
          .where('employee', '=', employeeId)
          .where('day', '=', date)
          .execute()
      }
      const rows = upserts.map(({ day, value }) => ({
        tenant: day.tenantId,
        employee: day.employeeId,
        day: day.date,
        minutes: value,
      }))
      if (rows.length > 0) await tx.insertInto('balances').values(rows).execute()
    },
  })
  const sums = tenantStage<Tx>({
    name: 'sums',
    reads: ['balances'],
    writes: ['sums'],
    async run({ tx, tenantId }) {
      const { sum } = await tx
        .selectFrom('balances')
        .select((eb) => eb.fn.sum<number | string | null>('minutes').as('sum'))
        .where('tenant', '=', tenantId)
        .executeTakeFirstOrThrow()
      await tx.deleteFrom('sums').where('tenant', '=', tenantId).execute()
      await tx
        .insertInto('sums')
        .values({ tenant: tenantId, minutes: Number(sum ?? 0) })
        .execute()
    },
  })
  return new RecalcService<Tx>({
    stages: hasTenantStage ? [balances, sums] : [balances],
    employees: {
      listEmployees: async ({ after = '', limit }) =>
        [{ id: 'ann' }, { id: 'bob' }].filter(({ id }) => id > after).slice(0, limit),
    },
    horizon: { back: 400, ahead: 0 },
    ...options,
    backend,
  })
}

async function rowsOf(
  tx: Tx,
  table: 'hours' | 'balances',
  tenant: string,
  employeeIds: readonly string[],
  from: string,
  to: string,
) {
  const rows = await tx
    .selectFrom(table)
    .select(['employee', 'day', 'minutes'])
    .where('tenant', '=', tenant)
    .where('employee', 'in', employeeIds)
    .where('day', '>=', from)
    .where('day', '<=', to)
    .execute()
  return new Map(rows.map(({ employee, day, minutes }) => [dayKey({ employeeId: employee, date: day }), minutes]))
}

/** Puts the minutes of a day where they belong; `null` takes them away. */
export async function work(
  db: Kysely<BalanceTables>,
  employee: string,
  day: string,
  minutes: number | null,
  tenant = 'acme',
): Promise<void> {
  await db
    .deleteFrom('hours')
    .where('tenant', '=', tenant)
    .where('employee', '=', employee)
    .where('day', '=', day)
    .execute()
  if (minutes !== null) await db.insertInto('hours').values({ tenant, employee, day, minutes }).execute()
}

/** The balances of an employee, by day. */
export async function balancesOf(db: Kysely<BalanceTables>, employee: string): Promise<Record<string, number>> {
  const rows = await db
    .selectFrom('balances')
    .select(['day', 'minutes'])
    .where('employee', '=', employee)
    .orderBy('day')
    .execute()
  return Object.fromEntries(rows.map(({ day, minutes }) => [day, Number(minutes)]))
}
