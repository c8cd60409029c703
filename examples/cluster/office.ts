// What web and worker processes have in common: the tables, the calculation, and where the database and Redis are.
import { type Kysely, sql, type Transaction } from 'kysely'
import {
  type Block,
  type DayKey,
  datesBetween,
  dayKey,
  dayStage,
  parseIsoDate,
  RecalcService,
  type RecalcServiceOptions,
} from 'recalc-service'
import { sqlBackend, upsert } from 'recalc-service/sql'
import { openMysql } from '../shared/database/mysql.ts'
import { openPostgres } from '../shared/database/postgres.ts'

interface Tables {
  bookings: { employee_id: string; date: string; minutes: number }
  /** `worker` is the id of the process that has calculated the row. */
  balances: { employee_id: string; date: string; minutes: number; worker: number }
}
export type Database = Kysely<Tables>
type Tx = Transaction<Tables>

/** Where everybody meets. */
export interface Place {
  /** `mysql://…` or `postgres://…`, with the name of a database. */
  readonly database: string
  /** `redis://…` */
  readonly redis: string
}

export const TENANT = 'office'

/** How long the lanes of a worker wait that is not heard of. */
export const LEASE_MS = 3_000

export function openDatabase({ database }: Place): Promise<Database> {
  return database.startsWith('postgres') ? openPostgres(database, new Set()) : openMysql(database, new Set())
}

/** A balance of minutes that every day carries on from the day before. */
const balances = dayStage<number, ReadonlyMap<DayKey, number>, Tx>({
  name: 'balances',
  reads: { bookings: [0, 0], balances: [-1, 0] },
  writes: ['balances'],
  async load(block, { tx }) {
    await new Promise((resolve) => setTimeout(resolve, 50)) // so that there is time to kill somebody
    return await minutesIn(tx, 'bookings', block)
  },
  calculate: (day, booked, yesterday) => (yesterday ?? 0) + (booked.get(dayKey(day)) ?? 0),
  stored: (block, { tx }) => minutesIn(tx, 'balances', block),
  async save({ upserts }, { tx }) {
    const rows = upserts.map(({ day: { employeeId, date }, value }) => {
      return { employee_id: employeeId, date: date as string, minutes: value, worker: process.pid }
    })
    await upsert(tx, 'balances', ['employee_id', 'date'], rows)
  },
})

export function createService(
  db: Database,
  options: Pick<RecalcServiceOptions<Tx>, 'worker' | 'dispatcher'>,
): RecalcService<Tx> {
  return new RecalcService<Tx>({
    zone: 'Europe/Berlin',
    stages: [balances],
    backend: sqlBackend(db, { pollMs: 100 }),
    employees: {
      async listEmployees({ after = '', limit }) {
        const ids = db.selectFrom('bookings').select('employee_id as id').distinct()
        return await ids.where('employee_id', '>', after).orderBy('employee_id').limit(limit).execute()
      },
    },
    leaseMs: LEASE_MS,
    block: { employees: 5, days: 31 },
    ...options,
  })
}

/** Makes the tables anew, with a booking a day of everybody. */
export async function openOffice(db: Database, employees: number, from: string, to: string): Promise<void> {
  await db.schema.dropTable('bookings').ifExists().execute()
  await db.schema.dropTable('balances').ifExists().execute()
  await sql`create table bookings (employee_id varchar(20) not null, date varchar(10) not null, minutes int not null,
    primary key (employee_id, date))`.execute(db)
  await sql`create table balances (employee_id varchar(20) not null, date varchar(10) not null, minutes int not null,
    worker int not null, primary key (employee_id, date))`.execute(db)
  const dates = datesBetween(parseIsoDate(from, 'from'), parseIsoDate(to, 'to'))
  for (let number = 1; number <= employees; number++) {
    const employee_id = `E${String(number).padStart(5, '0')}`
    const rows = dates.map((date, i) => ({ employee_id, date: date as string, minutes: 450 + ((number + i) % 60) }))
    await db.insertInto('bookings').values(rows).execute()
  }
  await sqlBackend(db).migrate()
}

async function minutesIn(
  tx: Tx,
  table: 'bookings' | 'balances',
  { employeeIds, from, to }: Block,
): Promise<ReadonlyMap<DayKey, number>> {
  const rows = await tx
    .selectFrom(table)
    .select(['employee_id', 'date', 'minutes'])
    .where('employee_id', 'in', employeeIds)
    .where('date', '>=', from)
    .where('date', '<=', to)
    .execute()
  return new Map(rows.map(({ employee_id: employeeId, date, minutes }) => [dayKey({ employeeId, date }), minutes]))
}
