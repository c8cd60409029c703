import { Kysely, MysqlDialect, type Transaction } from 'kysely'
import { createPool } from 'mysql2'
import {
  addDays,
  type DayStage,
  dayKey,
  dayStage,
  type IsoDate,
  parseIsoDate,
  RecalcService,
  type RecalcServiceOptions,
} from '../../../src/index.ts'
import { type SqlBackend, sqlBackend, upsert } from '../../../src/sql/index.ts'

/** Minutes that are booked, and the running balance of them, which is derived. */
interface BalanceTables {
  bookings: { tenant_id: string; employee_id: string; work_date: string; minutes: number }
  balances: { tenant_id: string; employee_id: string; work_date: string; balance: number }
}

export type BalanceDb = Kysely<BalanceTables>
type Tx = Transaction<BalanceTables>

export const TENANT = 'acme'
export const FROM = parseIsoDate('2025-03-01', 'from')
export const DAYS = 8
export const TO = addDays(FROM, DAYS - 1)
export const DATES = Array.from({ length: DAYS }, (_, i) => addDays(FROM, i))
export const EMPLOYEES = ['ada', 'bob', 'cleo', 'dora', 'emil', 'fay']

export type Options = Partial<Pick<RecalcServiceOptions<Tx>, 'block' | 'whenBusy' | 'worker' | 'concurrency'>> & {
  readonly exclusive?: RecalcServiceOptions<Tx>['exclusive']
  /** Called once the bookings of a block are loaded. */
  readonly loaded?: (employeeIds: readonly string[]) => Promise<void>
}

/** A process of the host, whose database is one node of a cluster. */
export interface Host {
  readonly db: BalanceDb
  readonly backend: SqlBackend<Tx>
  readonly service: RecalcService<Tx>
  /** Books minutes on a day, in a transaction that is tried again when another node's came first; notes it where that is said. */
  book(employeeId: string, date: IsoDate, minutes: number, options?: { readonly isNoted: boolean }): Promise<void>
  close(): Promise<void>
}

/** Makes the host's tables and some bookings. */
export async function createBalanceTables(db: BalanceDb): Promise<void> {
  for (const [name, value] of [
    ['bookings', 'minutes'],
    ['balances', 'balance'],
  ] as const) {
    await db.schema
      .createTable(name)
      .addColumn('tenant_id', 'varchar(64)', (column) => column.notNull())
      .addColumn('employee_id', 'varchar(64)', (column) => column.notNull())
      .addColumn('work_date', 'char(10)', (column) => column.notNull())
      .addColumn(value, 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${name}_pk`, ['tenant_id', 'employee_id', 'work_date'] as never)
      .execute()
  }
  const rows = EMPLOYEES.flatMap((employee_id, e) =>
    DATES.map((work_date, d) => ({ tenant_id: TENANT, employee_id, work_date, minutes: 10 * e + d + 1 })),
  )
  await db.insertInto('bookings').values(rows).execute()
}

/** A process on the node with the given URL. */
export function hostOn(url: string, { loaded, ...options }: Options = {}): Host {
  const db: BalanceDb = new Kysely({
    dialect: new MysqlDialect({ pool: createPool({ uri: url, connectionLimit: 8 }) }),
  })
  const backend = sqlBackend(db, { pollMs: 50 })
  const service = new RecalcService<Tx>({
    leaseMs: 2_000,
    maxRecoveries: 1_000,
    concurrency: 4,
    block: { employees: 2, days: 4 },
    progressIntervalMs: 50,
    settle: { intervalMs: 200 },
    ...options,
    stages: [balances(loaded)],
    backend,
    employees: {
      listEmployees: async ({ after = '', limit }) =>
        EMPLOYEES.filter((id) => id > after)
          .slice(0, limit)
          .map((id) => ({ id })),
    },
  } as RecalcServiceOptions<Tx>)
  return {
    db,
    backend,
    service,
    async book(employee_id, work_date, minutes, { isNoted } = { isNoted: false }) {
      const about = { tenantId: TENANT, employeeId: employee_id }
      await again(backend, () =>
        db.transaction().execute(async (tx) => {
          await tx
            .updateTable('bookings')
            .set({ minutes })
            .where('tenant_id', '=', TENANT)
            .where('employee_id', '=', employee_id)
            .where('work_date', '=', work_date)
            .execute()
          if (!isNoted) return
          const dates = { from: work_date, to: work_date }
          await service.noteChange(tx, { ...about, table: 'bookings', dates })
        }),
      )
    },
    async close() {
      await service.stop({ timeoutMs: 5_000 })
      await db.destroy()
    },
  }
}

/** What a host does on a cluster: a transaction that lost to another node's is done again. */
async function again({ unitOfWork }: SqlBackend<Tx>, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!unitOfWork.isTransient(error)) throw error
    }
  }
}

function balances(loaded: Options['loaded']): DayStage<Tx> {
  return dayStage<number, ReadonlyMap<string, number>, Tx>({
    name: 'balances',
    reads: { bookings: [0, 0], balances: [-1, -1] },
    writes: ['balances'],
    async load({ tenantId, employeeIds, from, to }, { tx }) {
      const rows = await tx
        .selectFrom('bookings')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('employee_id', 'in', employeeIds)
        .where('work_date', '>=', from)
        .where('work_date', '<=', to)
        .execute()
      await loaded?.(employeeIds)
      return new Map(rows.map((row) => [keyOf(row), row.minutes]))
    },
    calculate(day, bookings, previous) {
      const minutes = bookings.get(dayKey(day))
      return minutes === undefined ? null : (previous ?? 0) + minutes
    },
    async stored({ tenantId, employeeIds, from, to }, { tx }) {
      const rows = await tx
        .selectFrom('balances')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('employee_id', 'in', employeeIds)
        .where('work_date', '>=', from)
        .where('work_date', '<=', to)
        .execute()
      return new Map(rows.map((row) => [keyOf(row), row.balance]))
    },
    async save({ upserts, deletes }, { tx }) {
      const rows = upserts.map(({ day, value }) => ({ ...columnsOf(day), balance: value }))
      await upsert(tx, 'balances', ['tenant_id', 'employee_id', 'work_date'], rows)
      if (deletes.length > 0) throw new Error('Every day has a booking')
    },
  })
}

function keyOf(row: { readonly employee_id: string; readonly work_date: string }) {
  return dayKey({ employeeId: row.employee_id, date: parseIsoDate(row.work_date, 'work_date') })
}

function columnsOf(day: { readonly tenantId: string; readonly employeeId: string; readonly date: IsoDate }) {
  return { tenant_id: day.tenantId, employee_id: day.employeeId, work_date: day.date }
}
