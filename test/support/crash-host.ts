import { type Insertable, type Kysely, PostgresAdapter, sql, type Transaction } from 'kysely'
import {
  addDays,
  type Clock,
  type DayStage,
  dayKey,
  dayStage,
  type EmployeeDay,
  type EmployeeRepository,
  type IsoDate,
  parseIsoDate,
  type RecalcBackend,
  RecalcService,
  type RecalcServiceOptions,
  systemClock,
} from '../../src/index.ts'
import { type SqlBackend, sqlBackend } from '../../src/sql/index.ts'

/** The tables of a host that gets killed. */
export interface HostTables {
  crash_employees: { tenant_id: string; employee_id: string }
  /** The source. Every edit raises `version`, and both derived rows of a day say from which version they come. */
  crash_bookings: { tenant_id: string; employee_id: string; work_date: string; minutes: number; version: number }
  crash_hours: { tenant_id: string; employee_id: string; work_date: string; minutes: number; version: number }
  /** A running balance: builds on its own yesterday. */
  crash_balances: { tenant_id: string; employee_id: string; work_date: string; balance: number; version: number }
  /** Only ever added to, in the transaction that writes the derived rows: what was committed, and how often. */
  crash_saves: { tenant_id: string; employee_id: string; work_date: string; stage: string; version: number }
  /** Employee-days that have derived rows before the job and after it, so at no moment none. */
  crash_steady: { tenant_id: string; employee_id: string; work_date: string }
}

/** Minutes with which the first stage cannot calculate. */
const REFUSED_BY_HOURS = -1
/** Minutes with which the second stage cannot calculate, after the first one has saved. */
const REFUSED_BY_BALANCES = 777
/** Minutes from which on the table of the first stage refuses its row: no stage is to blame, the block is halved. */
const REFUSED_BY_TABLE = 5_000

export type HostDb = Kysely<HostTables>
export type HostTx = Transaction<HostTables>

/** Makes the tables of the host and of the library; on every engine alike. */
export async function createTables(db: HostDb): Promise<void> {
  await sqlBackend(db).migrate()
  const dayTable = (name: keyof HostTables, value: string) =>
    db.schema
      .createTable(name)
      .addColumn('tenant_id', 'varchar(64)', (column) => column.notNull())
      .addColumn('employee_id', 'varchar(64)', (column) => column.notNull())
      .addColumn('work_date', 'char(10)', (column) => column.notNull())
      .addColumn(value, 'integer', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${name}_pk`, ['tenant_id', 'employee_id', 'work_date'] as never)
  await db.schema
    .createTable('crash_employees')
    .addColumn('tenant_id', 'varchar(64)', (column) => column.notNull())
    .addColumn('employee_id', 'varchar(64)', (column) => column.notNull())
    .addPrimaryKeyConstraint('crash_employees_pk', ['tenant_id', 'employee_id'])
    .execute()
  await dayTable('crash_bookings', 'minutes').execute()
  await dayTable('crash_hours', 'minutes')
    .addCheckConstraint('crash_hours_fit', sql`minutes < ${sql.lit(REFUSED_BY_TABLE)}`)
    .execute()
  await dayTable('crash_balances', 'balance').execute()
  await db.schema
    .createTable('crash_saves')
    .addColumn('tenant_id', 'varchar(64)', (column) => column.notNull())
    .addColumn('employee_id', 'varchar(64)', (column) => column.notNull())
    .addColumn('work_date', 'char(10)', (column) => column.notNull())
    .addColumn('stage', 'varchar(16)', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('crash_steady')
    .addColumn('tenant_id', 'varchar(64)', (column) => column.notNull())
    .addColumn('employee_id', 'varchar(64)', (column) => column.notNull())
    .addColumn('work_date', 'char(10)', (column) => column.notNull())
    .addPrimaryKeyConstraint('crash_steady_pk', ['tenant_id', 'employee_id', 'work_date'])
    .execute()
}

type Options = Omit<RecalcServiceOptions<HostTx>, 'dailyCalc' | 'stages' | 'backend' | 'employees'>

/** The host's service. */
export interface Host {
  readonly db: HostDb
  readonly backend: SqlBackend<HostTx>
  readonly service: RecalcService<HostTx>
}

/** A host on the given database, as each of its processes makes it. */
export function hostOn(
  db: HostDb,
  options: Partial<Options> & {
    readonly hooks?: StageHooks
    /** What the service is handed in place of the backend. */
    readonly observed?: (backend: RecalcBackend<HostTx>) => RecalcBackend<HostTx>
  } = {},
): Host {
  const { hooks = {}, observed = (backend) => backend, ...rest } = options
  const backend = sqlBackend(db, { pollMs: 20, ...(rest.clock && { clock: rest.clock }) })
  const service = new RecalcService<HostTx>({
    leaseMs: LEASE_MS,
    // It is the test that kills workers, not the job: they may die before they come to a step, again and again.
    maxRecoveries: 1_000,
    concurrency: 4,
    block: { employees: 2, days: 4 },
    retry: { attempts: 5, minDelayMs: 2, maxDelayMs: 50 },
    progressIntervalMs: 10,
    ...rest,
    stages: [hours(hooks), balances()],
    backend: observed(backend),
    employees: employeesOf(db),
  } as RecalcServiceOptions<HostTx>)
  return { db, backend, service }
}

/** The shortest lease that there is. */
export const LEASE_MS = 1_000

/** The machine's clock, ahead by `ms`: leases of processes whose clock is behind have run out. */
export function clockAhead(ms: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + ms }
}

/** Called from within stages. */
export interface StageHooks {
  calculating?(day: EmployeeDay): void
  /** Before a block is read. */
  loading?(): Promise<void>
}

function hours(hooks: StageHooks): DayStage<HostTx> {
  type Value = { readonly minutes: number; readonly version: number }
  return dayStage<Value, ReadonlyMap<string, Value>, HostTx>({
    name: 'hours',
    reads: { crash_bookings: [0, 0] },
    writes: ['crash_hours'],
    async load(block, { tx }) {
      await hooks.loading?.()
      return await valuesIn(tx, 'crash_bookings', block)
    },
    calculate(day, bookings) {
      hooks.calculating?.(day)
      const booking = bookings.get(dayKey(day))
      if (booking && booking.minutes === REFUSED_BY_HOURS) throw new Error(`Bad booking on ${dayKey(day)}`)
      return booking ?? null
    },
    stored: (block, { tx }) => valuesIn(tx, 'crash_hours', block),
    async save({ upserts, deletes }, { tx }) {
      const rows = upserts.map(({ day, value }) => ({ ...columnsOf(day), ...value }))
      if (rows.length > 0) await replaceRows(tx, 'crash_hours', 'minutes', rows)
      await deleteDays(tx, 'crash_hours', deletes)
      await noteSaves(tx, 'hours', rows, deletes)
    },
  })
}

function balances(): DayStage<HostTx> {
  type Hours = { readonly minutes: number; readonly version: number }
  type Value = { readonly balance: number; readonly version: number }
  return dayStage<Value, ReadonlyMap<string, Hours | null>, HostTx>({
    name: 'balances',
    reads: { crash_hours: [0, 0], crash_balances: [-1, 0] },
    writes: ['crash_balances'],
    load: async (_, context) => context.valuesOf<Hours>({ name: 'hours' }),
    calculate(day, hoursOf, previous) {
      const today = hoursOf.get(dayKey(day))
      if (!today) return null
      if (today.minutes === REFUSED_BY_BALANCES) throw new Error(`Unlucky on ${dayKey(day)}`)
      return { balance: (previous?.balance ?? 0) + today.minutes - 480, version: today.version }
    },
    stored: (block, { tx }) => valuesIn(tx, 'crash_balances', block),
    async save({ upserts, deletes }, { tx }) {
      const rows = upserts.map(({ day, value }) => ({ ...columnsOf(day), ...value }))
      if (rows.length > 0) await replaceRows(tx, 'crash_balances', 'balance', rows)
      await deleteDays(tx, 'crash_balances', deletes)
      await noteSaves(tx, 'balances', rows, deletes)
    },
  })
}

type DayTable = 'crash_bookings' | 'crash_hours' | 'crash_balances'

async function valuesIn<Table extends DayTable, Value>(
  tx: HostTx,
  table: Table,
  block: {
    readonly tenantId: string
    readonly employeeIds: readonly string[]
    readonly from: string
    readonly to: string
  },
): Promise<ReadonlyMap<never, Value>> {
  const rows = await (tx as unknown as Kysely<Record<DayTable, HostTables['crash_bookings']>>)
    .selectFrom(table as DayTable)
    .selectAll()
    .where('tenant_id', '=', block.tenantId)
    .where('employee_id', 'in', block.employeeIds)
    .where('work_date', '>=', block.from)
    .where('work_date', '<=', block.to)
    .execute()
  return new Map(
    rows.map(({ tenant_id: _, employee_id: employeeId, work_date: date, ...value }) => [
      dayKey({ employeeId, date }) as never,
      value as Value,
    ]),
  )
}

function columnsOf({ tenantId, employeeId, date }: EmployeeDay) {
  return { tenant_id: tenantId, employee_id: employeeId, work_date: date as string }
}

async function replaceRows<Table extends 'crash_hours' | 'crash_balances'>(
  tx: HostTx,
  table: Table,
  value: string,
  rows: readonly Insertable<HostTables[Table]>[],
): Promise<void> {
  if (!(tx.getExecutor().adapter instanceof PostgresAdapter)) {
    await tx.replaceInto(table).values(rows).execute()
    return
  }
  await tx
    .insertInto(table)
    .values(rows)
    .onConflict((key) =>
      key.columns(['tenant_id', 'employee_id', 'work_date'] as never).doUpdateSet({
        [value]: sql.ref(`excluded.${value}`),
        version: sql.ref('excluded.version'),
      } as never),
    )
    .execute()
}

async function deleteDays(
  tx: HostTx,
  table: 'crash_hours' | 'crash_balances',
  days: readonly EmployeeDay[],
): Promise<void> {
  for (const { tenantId, employeeId, date } of days) {
    await tx
      .deleteFrom(table)
      .where('tenant_id', '=', tenantId)
      .where('employee_id', '=', employeeId)
      .where('work_date', '=', date)
      .execute()
  }
}

async function noteSaves(
  tx: HostTx,
  stage: string,
  rows: readonly { tenant_id: string; employee_id: string; work_date: string; version: number }[],
  deletes: readonly EmployeeDay[],
): Promise<void> {
  const notes = [
    ...rows.map(({ tenant_id, employee_id, work_date, version }) => ({
      tenant_id,
      employee_id,
      work_date,
      version,
      stage,
    })),
    ...deletes.map((day) => ({ ...columnsOf(day), version: DELETED, stage })),
  ]
  if (notes.length > 0) await tx.insertInto('crash_saves').values(notes).execute()
}

/** The version under which the removal of a derived row is noted. */
const DELETED = -1

function employeesOf(db: HostDb): EmployeeRepository {
  return {
    async listEmployees({ tenantId, after, limit }) {
      let query = db.selectFrom('crash_employees').select('employee_id').where('tenant_id', '=', tenantId)
      if (after !== undefined) query = query.where('employee_id', '>', after)
      const rows = await query.orderBy('employee_id').limit(limit).execute()
      return rows.map(({ employee_id }) => ({ id: employee_id }))
    },
  }
}

/** How big the host is, and what goes wrong there. */
export interface Workload {
  readonly employees: number
  readonly dates: number
  /** So many employee-days cannot be calculated or saved, each in one of three ways. */
  readonly failures: number
}

/** In a race, the days on which bookings come and go; on all others they only change. */
export const COMING_AND_GOING = [3, 7]

export const FROM = parseIsoDate('2024-02-26', 'from')

/** The last date of a workload. */
export function lastDate({ dates }: Workload): IsoDate {
  return addDays(FROM, dates - 1)
}

/**
 * Fills a tenant: bookings of version 1 with their derived rows, then bookings of version 2, of which some fail, some are
 * gone and some are new. What is left is a job over all of it.
 */
export async function fillTenant(
  db: HostDb,
  tenantId: string,
  workload: Workload,
  random: () => number,
): Promise<void> {
  const employeeIds = Array.from({ length: workload.employees }, (_, i) => `e${String(i + 1).padStart(4, '0')}`)
  await insert(
    employeeIds.map((employee_id) => ({ tenant_id: tenantId, employee_id })),
    (rows) => db.insertInto('crash_employees').values(rows).execute(),
  )
  const days = employeeIds.flatMap((employee_id) =>
    Array.from({ length: workload.dates }, (_, i) => ({
      tenant_id: tenantId,
      employee_id,
      work_date: addDays(FROM, i) as string,
    })),
  )
  const first = days
    .filter(() => random() < 0.95)
    .map((day) => ({ ...day, minutes: 400 + Math.floor(random() * 120), version: 1 }))
  const calm = hostOn(db, { block: { employees: 50, days: 31 } })
  await insert(first, (rows) => db.insertInto('crash_bookings').values(rows).execute())
  await calm.service.triggerRecalcAll({ tenantId, from: FROM, to: lastDate(workload) })
  await calm.service.stop()
  await db.deleteFrom('crash_bookings').where('tenant_id', '=', tenantId).execute()
  const second = days
    .filter(() => random() < 0.95)
    .map((day) => ({ ...day, minutes: 400 + Math.floor(random() * 120), version: 2 }))
  for (let i = 0; i < workload.failures; i++) {
    const refused = [REFUSED_BY_HOURS, REFUSED_BY_TABLE, REFUSED_BY_BALANCES][i % 3] as number
    const day = second[Math.floor(random() * second.length)]
    if (day) day.minutes = refused
  }
  await insert(second, (rows) => db.insertInto('crash_bookings').values(rows).execute())
  const before = new Set(first.map(({ employee_id, work_date }) => `${employee_id} ${work_date}`))
  const steady = second
    .filter(({ employee_id, work_date }) => before.has(`${employee_id} ${work_date}`))
    .map(({ tenant_id, employee_id, work_date }) => ({ tenant_id, employee_id, work_date }))
  await insert(steady, (rows) => db.insertInto('crash_steady').values(rows).execute())
}

/** Corrects every second booking that fails. */
export async function correctBookings(db: HostDb, tenantId: string): Promise<void> {
  const bad = await db
    .selectFrom('crash_bookings')
    .select(['employee_id', 'work_date'])
    .where('tenant_id', '=', tenantId)
    .where('minutes', 'in', [REFUSED_BY_HOURS, REFUSED_BY_BALANCES, REFUSED_BY_TABLE])
    .orderBy('employee_id')
    .orderBy('work_date')
    .execute()
  for (const { employee_id, work_date } of bad.filter((_, i) => i % 2 === 0)) {
    await db
      .updateTable('crash_bookings')
      .set({ minutes: 450, version: 3 })
      .where('tenant_id', '=', tenantId)
      .where('employee_id', '=', employee_id)
      .where('work_date', '=', work_date)
      .execute()
  }
}

async function insert<Row>(rows: readonly Row[], write: (rows: readonly Row[]) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < rows.length; i += 500) await write(rows.slice(i, i + 500))
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
