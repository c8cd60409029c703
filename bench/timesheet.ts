import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SqliteAdapter, sql } from 'kysely'
import {
  addDays,
  dateOf,
  datesBetween,
  dayKey,
  type IsoDate,
  periodKey,
  periodOf,
  type StageContext,
  systemClock,
} from 'recalc-service'
import { openMysql } from '../examples/shared/database/mysql.ts'
import { openPostgres } from '../examples/shared/database/postgres.ts'
import { openSqlite } from '../examples/shared/database/sqlite.ts'
import { Edits } from '../examples/timesheet/edits.ts'
import { createTables } from '../examples/timesheet/schema/migrations.ts'
import { type Database, INSTANTS, type Tables, type Tx } from '../examples/timesheet/schema/tables.ts'
import { generateSources } from '../examples/timesheet/sources/generate.ts'
import { insertSources } from '../examples/timesheet/sources/insert-sources.ts'
import { dailyValues } from '../examples/timesheet/stages/daily-values.ts'
import { monthlyValues } from '../examples/timesheet/stages/monthly-values.ts'
import { workTimeAverages } from '../examples/timesheet/stages/work-time-averages.ts'
import { createTimesheet } from '../examples/timesheet/timesheet.ts'
import { startMariadb } from '../test/support/mariadb-server.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { MARIADB_SETTINGS } from './server/generated.ts'

const TENANT = 'bench'
const ZONE = 'Europe/Berlin'
const NOW = Date.UTC(2025, 8, 30, 12)
const DAYS = 730

/** The loop is slow, so it gets a part of the people. */
const LOOP_PART = 10

/**
 * The timesheet, calculated as a job, and by a loop that goes day by day, and month by month behind the days. Both call the same
 * stages. On SQLite the time is the processor's: the database works in this process, and others may be at work on the machine.
 */
export async function benchTimesheet(): Promise<void> {
  const employees = Number(process.env.BENCH_PEOPLE ?? 100)
  const folder = mkdtempSync(join(tmpdir(), 'recalc-timesheet-'))
  await race('SQLite', (name) => openSqlite<Tables>(join(folder, name)), { employees, now: cpuTime })
  rmSync(folder, { recursive: true })
  const servers = [
    { name: 'MariaDB', server: await startMariadb({ settings: MARIADB_SETTINGS }), open: openMysql<Tables> },
    { name: 'PostgreSQL', server: await startPostgres(), open: openPostgres<Tables> },
  ]
  for (const { name, server, open } of servers) {
    const now = () => performance.now()
    await race(name, (database) => open(`${server.url}/${database}`, INSTANTS), { employees, now })
    await server.stop()
  }
}

interface Race {
  readonly employees: number
  /** In milliseconds. */
  now(): number
}

async function race(
  name: string,
  open: (database: string) => Promise<Database> | Database,
  { employees, now }: Race,
): Promise<void> {
  const db = await open('job')
  const other = await open('loop')
  const to = dateOf(new Date(NOW), ZONE)
  const request = { tenantId: TENANT, from: addDays(to, 1 - DAYS), to }
  for (const one of [db, other]) {
    await createTables(one)
    await insertSources(one, generateSources({ zone: ZONE, now: NOW, days: DAYS, employees, seed: 1 }))
  }
  const clock = { ...systemClock, now: () => NOW }
  const timesheet = createTimesheet(db, { zone: ZONE, clock, horizon: { back: DAYS, ahead: 0 } })
  const job = async () => {
    const begin = now()
    const { status } = await (await timesheet.triggerRecalcAllAsync(request)).result
    if (status !== 'completed') throw new Error(`Expected the job to be completed, it is ${status}`)
    return now() - begin
  }
  const first = await job()
  const second = await job()
  const ids = (await other.selectFrom('employees').select('id').orderBy('id').execute()).map(({ id }) => id)
  const part = ids.slice(0, Math.max(1, Math.floor(employees / LOOP_PART)))
  const begin = now()
  for (const id of part) await loop(other, id, datesBetween(request.from, to))
  const looped = ((now() - begin) * ids.length) / part.length
  const days = employees * DAYS
  const line = (way: string, ms: number) =>
    console.log(
      `${way.padEnd(44)} ${Math.round((days * 1000) / ms).toLocaleString('en')} days/s, ${(looped / ms).toFixed(2)} x the loop`,
    )
  console.log(`\nThe timesheet on ${name}, ${employees} people x ${DAYS} days`)
  line(`day by day, month behind (${part.length} people)`, looped)
  line('a job', first)
  line('once more, nothing is different', second)
  console.log(`second run / first run ${(second / first).toFixed(2)}`)
  await edits(db, timesheet, ids.slice(0, 30))
  await timesheet.stop()
  await db.destroy()
  await other.destroy()
}

/** Milliseconds of the processor that this process has used. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** One booking of each, two years back, is moved: from the commit until all that follows is calculated. */
async function edits(
  db: Database,
  timesheet: ReturnType<typeof createTimesheet>,
  ids: readonly string[],
): Promise<void> {
  const times: number[] = []
  const written: number[] = []
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  // Only there it is told for a whole connection.
  const rows = async () =>
    isSqlite ? ((await sql<{ n: number }>`select total_changes() as n`.execute(db)).rows[0]?.n ?? 0) : 0
  const edit = new Edits(db, timesheet, TENANT)
  for (const id of ids) {
    const booking = await db
      .selectFrom('bookings')
      .selectAll()
      .where('employee_id', '=', id)
      .where('kind', '=', 'go')
      .orderBy('at')
      .offset(5)
      .limit(1)
      .executeTakeFirst()
    if (!booking) continue
    await edit.changeBooking(booking.id, { at: booking.at + 47 * 60_000, employee_id: id })
    const [before, begin] = [await rows(), performance.now()]
    await timesheet.settle({ tenantId: TENANT, employeeId: id })
    times.push(performance.now() - begin)
    written.push((await rows()) - before)
  }
  const middle = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
  console.log(
    `an edit two years back: fresh ${middle(times).toFixed(1)} ms after its commit` +
      (isSqlite ? `, ${middle(written)} rows written (p50)` : ' (p50)'),
  )
}

/** As such systems are written: each day by itself, then its month, in a transaction. */
async function loop(db: Database, employeeId: string, dates: readonly IsoDate[]): Promise<void> {
  for (const date of dates) {
    await db.transaction().execute(async (tx) => {
      const day = { tenantId: TENANT, employeeId, date }
      const block = { tenantId: TENANT, employeeIds: [employeeId], dates: [date], from: date, to: date }
      const context = contextOf(tx)
      const before = addDays(date, -1)
      const yesterday = await dailyValues.stored?.({ ...block, dates: [before], from: before, to: before }, context)
      const value = dailyValues.calculate(
        day,
        await dailyValues.load(block, context),
        yesterday?.get(dayKey({ employeeId, date: before })) ?? null,
      )
      if (value) await dailyValues.save({ upserts: [{ day, value, stored: undefined }], deletes: [] }, context)
      const own = contextOf(tx, new Map([[dayKey(day), value]]))
      const average = workTimeAverages.calculate(day, await workTimeAverages.load(block, own), null)
      if (average)
        await workTimeAverages.save({ upserts: [{ day, value: average, stored: undefined }], deletes: [] }, own)
      await month(tx, employeeId, date)
    })
  }
}

async function month(tx: Tx, employeeId: string, date: IsoDate): Promise<void> {
  const interval = periodOf('month', date)
  const period = { tenantId: TENANT, employeeId, ...interval }
  const block = { tenantId: TENANT, employeeIds: [employeeId], periods: [interval], ...interval }
  const earlier = periodOf('month', addDays(interval.from, -1))
  const context = contextOf(tx)
  const stored = await monthlyValues.stored?.({ ...block, periods: [earlier], ...earlier }, context)
  const previous = stored?.get(periodKey({ employeeId, from: earlier.from })) ?? null
  const value = monthlyValues.calculate(period, await monthlyValues.load(block, context), previous)
  if (value) await monthlyValues.save({ upserts: [{ period, value, stored: undefined }], deletes: [] }, context)
}

function contextOf(tx: Tx, values: ReadonlyMap<unknown, unknown> = new Map()): StageContext<Tx> {
  const now = () => new Date(NOW)
  // What these stages use of a context.
  return { tx, zone: ZONE, now, valuesOf: () => values } as unknown as StageContext<Tx>
}
