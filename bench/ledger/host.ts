import { type Kysely, sql, type Transaction } from 'kysely'
import { type Block, dayKey, dayStage, type IsoDate, parseIsoDate, RecalcService, systemClock } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { openMysql } from '../../examples/shared/database/mysql.ts'
import type { MariadbServer } from '../../test/support/mariadb-server.ts'

interface DayRow {
  tenant: string
  employee: string
  day: string
  minutes: number
}

/** Hours that people work, and a balance that is carried from day to day. */
interface BalanceTables {
  hours: DayRow
  balances: DayRow
}

type BalanceDb = Kysely<BalanceTables>
type Tx = Transaction<BalanceTables>

export const TENANT = 'acme'
export const TODAY = parseIsoDate('2025-03-31', 'today')

/** A host on a database of its own, whose statements are counted. */
export interface BalanceHost {
  readonly db: BalanceDb
  readonly recalc: RecalcService<Tx>
  readonly count: { statements: number; calculated: number }
  close(): Promise<void>
}

/** @param cap The most that a balance may be: where it is reached, edits of earlier days end. */
export async function balanceHost(
  server: MariadbServer,
  name: string,
  cap = Number.POSITIVE_INFINITY,
): Promise<BalanceHost> {
  const count = { statements: 0, calculated: 0 }
  const db = await openMysql<BalanceTables>(`${server.url}/${name}`, new Set(), () => {
    count.statements += 1
  })
  for (const table of ['hours', 'balances'] as const) {
    await db.schema
      .createTable(table)
      .addColumn('tenant', 'varchar(20)', (column) => column.notNull())
      .addColumn('employee', 'varchar(20)', (column) => column.notNull())
      .addColumn('day', 'varchar(10)', (column) => column.notNull())
      .addColumn('minutes', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${table}_pk`, ['tenant', 'employee', 'day'])
      .execute()
  }
  const clock = { ...systemClock, now: () => Date.parse(`${TODAY}T12:00:00Z`) }
  const backend = sqlBackend(db, { clock })
  await backend.migrate()
  const balances = dayStage<number, ReadonlyMap<string, number>, Tx>({
    name: 'balances',
    reads: { hours: [0, 0], balances: [-1, 0] },
    writes: ['balances'],
    load: (block, { tx }) => minutesOf(tx, 'hours', block),
    calculate(day, hours, previous) {
      count.calculated += 1
      return Math.min(cap, (previous ?? 0) + (hours.get(dayKey(day)) ?? 0))
    },
    stored: (block, { tx }) => minutesOf(tx, 'balances', block),
    async save({ upserts }, { tx }) {
      const rows = upserts.map(({ day, value }) => ({
        tenant: day.tenantId,
        employee: day.employeeId,
        day: day.date,
        minutes: value,
      }))
      await tx.insertInto('balances').values(rows).onDuplicateKeyUpdate({ minutes: sql`values(minutes)` }).execute()
    },
  })
  const recalc = new RecalcService<Tx>({
    stages: [balances],
    backend,
    employees: { listEmployees: async () => [] },
    horizon: { back: 4_000, ahead: 0 },
    maxDays: 4_000,
    clock,
  })
  return {
    db,
    recalc,
    count,
    async close() {
      await recalc.stop()
      await db.destroy()
    },
  }
}

async function minutesOf(tx: Tx, table: 'hours' | 'balances', { tenantId, employeeIds, from, to }: Block) {
  const rows = await tx
    .selectFrom(table)
    .select(['employee', 'day', 'minutes'])
    .where('tenant', '=', tenantId)
    .where('employee', 'in', employeeIds)
    .where('day', '>=', from)
    .where('day', '<=', to)
    .execute()
  return new Map(rows.map(({ employee, day, minutes }) => [dayKey({ employeeId: employee, date: day }), minutes]))
}

/** One edit as a host makes it: the rows and the note in one transaction. */
export async function edit(
  { db, recalc }: BalanceHost,
  employee: string,
  days: readonly { readonly day: IsoDate; readonly minutes: number }[],
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('hours')
      .values(days.map(({ day, minutes }) => ({ tenant: TENANT, employee, day, minutes })))
      .onDuplicateKeyUpdate({ minutes: sql`values(minutes)` })
      .execute()
    for (const { day } of days) {
      const dates = { from: day, to: day }
      await recalc.noteChange(tx, { tenantId: TENANT, employeeId: employee, table: 'hours', dates })
    }
  })
}

/** How long something takes, in milliseconds. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

/** A figure, and what it is to be. */
export function tell(what: string, figure: string, target: string): void {
  console.log(`  ${what.padEnd(74)} ${figure.padStart(12)}   ${target}`)
}
