import { Kysely, MysqlDialect, sql, type Transaction } from 'kysely'
import { createPool } from 'mysql2'
import { type DailyCalc, type DayKey, dayKey, parseIsoDate, RecalcService } from 'recalc-service'
import { sqlBackend, upsert } from 'recalc-service/sql'
import { startMariadb } from '../test/support/mariadb-server.ts'
import { type Contender, printSpeeds, race } from './measure.ts'
import { DATES, employees, FROM, TO } from './nothing.ts'

const COUNT = 100
const LANES = 4
const TENANT = 'bench'

interface Tables {
  punches: { employee_id: string; date: string; minutes: number }
  worked: { employee_id: string; date: string; minutes: number }
}
type Tx = Transaction<Tables>
type Minutes = ReadonlyMap<DayKey, number>

const loading: DailyCalc<Tx, Minutes> = {
  load: ({ employeeIds, from, to }, { tx }) => minutesOf(tx, employeeIds, from, to),
  calculateDay: async (day, { tx }, minutes) => await keep(tx, day, minutes.get(dayKey(day))),
}

const byItself: DailyCalc<Tx> = {
  async calculateDay(day, { tx }) {
    const minutes = await minutesOf(tx, [day.employeeId], day.date, day.date)
    await keep(tx, day, minutes.get(dayKey(day)))
  },
}

/** A DailyCalc that reads a block of days by `load`, against the same one that reads each day by itself. */
export async function benchDaily(): Promise<void> {
  const server = await startMariadb()
  const pool = createPool(server.url)
  await pool.promise().query('create database daily')
  pool.end()
  const db = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: createPool(`${server.url}/daily`) }) })
  try {
    await fill(db)
    const ways = [contender(db, 'DailyCalc with `load`', loading), contender(db, 'the same without', byItself)]
    printSpeeds(`${COUNT * DATES} employee-days on MariaDB, blocks of ${DATES} days`, await race(ways, 5))
  } finally {
    await db.destroy()
    await server.stop()
  }
}

function contender(db: Kysely<Tables>, name: string, dailyCalc: DailyCalc<Tx>): Contender {
  const recalc = new RecalcService<Tx>({
    dailyCalc,
    backend: sqlBackend(db),
    employees: employees(COUNT),
    concurrency: LANES,
    block: { days: DATES },
  })
  return {
    name,
    prepare: async () => void (await db.deleteFrom('worked').execute()),
    run: async () => (await recalc.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: TO })).processedDays,
    async check() {
      const { days, minutes } = await db
        .selectFrom('worked')
        .select(({ fn }) => [fn.countAll().as('days'), fn.sum('minutes').as('minutes')])
        .executeTakeFirstOrThrow()
      if (Number(days) !== COUNT * DATES || Number(minutes) !== COUNT * DATES * 480) {
        throw new Error(`Expected 480 minutes on each of ${COUNT * DATES} days, got ${minutes} on ${days}`)
      }
    },
  }
}

async function fill(db: Kysely<Tables>): Promise<void> {
  for (const [table, key] of [['punches', 'index'] as const, ['worked', 'primary key'] as const]) {
    await sql`create table ${sql.table(table)} (employee_id varchar(20) not null, date varchar(10) not null,
      minutes int not null, ${sql.raw(key)} (employee_id, date))`.execute(db)
  }
  await sqlBackend(db).migrate()
  const days = Array.from({ length: DATES }, (_, i) => `2025-01-${String(i + 1).padStart(2, '0')}`)
  const range = { from: parseIsoDate(FROM, 'from'), to: parseIsoDate(TO, 'to') }
  for (const { id } of await employees(COUNT).listEmployees({ tenantId: TENANT, ...range, limit: COUNT })) {
    const rows = days.flatMap((date) => [120, 360].map((minutes) => ({ employee_id: id, date, minutes })))
    await db.insertInto('punches').values(rows).execute()
  }
}

async function minutesOf(tx: Tx, employeeIds: readonly string[], from: string, to: string): Promise<Minutes> {
  const rows = await tx
    .selectFrom('punches')
    .selectAll()
    .where('employee_id', 'in', employeeIds)
    .where('date', '>=', from)
    .where('date', '<=', to)
    .execute()
  const minutes = new Map<DayKey, number>()
  for (const { employee_id: employeeId, date, minutes: more } of rows) {
    const key = dayKey({ employeeId, date })
    minutes.set(key, (minutes.get(key) ?? 0) + more)
  }
  return minutes
}

async function keep(tx: Tx, { employeeId, date }: { employeeId: string; date: string }, minutes = 0): Promise<void> {
  await upsert(tx, 'worked', ['employee_id', 'date'], [{ employee_id: employeeId, date, minutes }])
}
