// Which days must be recalculated after an edit? Nobody has to know: the edit notes what it changed in its own transaction, and
// the days that read it are settled once it has committed.
import type { Transaction } from 'kysely'
import { dayBounds, dayKey, dayStage, RecalcService } from 'recalc-service'
import { sqlBackend, upsert } from 'recalc-service/sql'
import { openSqlite } from './shared/database/sqlite.ts'

interface Tables {
  bookings: { id: number; employee_id: string; start: number; end: number }
  balances: { employee_id: string; date: string; minutes: number }
}

const TENANT = 'acme'

const db = openSqlite<Tables>(':memory:')
await db.schema
  .createTable('bookings')
  .addColumn('id', 'integer', (column) => column.primaryKey())
  .addColumn('employee_id', 'text', (column) => column.notNull())
  .addColumn('start', 'integer', (column) => column.notNull())
  .addColumn('end', 'integer', (column) => column.notNull())
  .execute()
await db.schema
  .createTable('balances')
  .addColumn('employee_id', 'text', (column) => column.notNull())
  .addColumn('date', 'text', (column) => column.notNull())
  .addColumn('minutes', 'integer', (column) => column.notNull())
  .addPrimaryKeyConstraint('balances_pk', ['employee_id', 'date'])
  .execute()

// A shift counts to the day on which it begins, and its minutes to the balance of every day from then on.
const balances = dayStage<number, readonly Tables['bookings'][], Transaction<Tables>>({
  name: 'balances',
  reads: { bookings: [0, 0], balances: [-1, 0] },
  writes: ['balances'],
  load: ({ employeeIds, from, to }, { tx, zone }) =>
    tx
      .selectFrom('bookings')
      .selectAll()
      .where('employee_id', 'in', employeeIds)
      .where('start', '>=', dayBounds(from, zone).start.getTime())
      .where('start', '<', dayBounds(to, zone).end.getTime())
      .execute(),
  calculate({ employeeId, date }, bookings, yesterday) {
    const { start, end } = dayBounds(date, 'Europe/Vienna')
    const own = bookings.filter((booking) => booking.employee_id === employeeId)
    const today = own.filter((booking) => booking.start >= start.getTime() && booking.start < end.getTime())
    return today.reduce((sum, booking) => sum + (booking.end - booking.start) / 60_000, yesterday ?? 0)
  },
  async stored({ employeeIds, from, to }, { tx }) {
    const rows = await tx
      .selectFrom('balances')
      .selectAll()
      .where('employee_id', 'in', employeeIds)
      .where('date', '>=', from)
      .where('date', '<=', to)
      .execute()
    return new Map(rows.map((row) => [dayKey({ employeeId: row.employee_id, date: row.date }), row.minutes] as const))
  },
  async save({ upserts }, { tx }) {
    const rows = upserts.map(({ day, value }) => ({ employee_id: day.employeeId, date: day.date, minutes: value }))
    await upsert(tx, 'balances', ['employee_id', 'date'], rows)
  },
})

const backend = sqlBackend(db)
await backend.migrate()
const today = Date.parse('2025-02-07T12:00:00+01:00')
const recalc = new RecalcService({
  zone: 'Europe/Vienna',
  stages: [balances],
  backend,
  employees: { listEmployees: async () => [] },
  clock: {
    now: () => today,
    setTimeout(callback, delayMs) {
      const timer = setTimeout(callback, delayMs)
      return { cancel: () => clearTimeout(timer), unref: () => timer.unref() }
    },
  },
})

/** A booking is created, moved, given to somebody else or deleted: one transaction, with a note for whoever had it and has it. */
async function change(id: number, after: Omit<Tables['bookings'], 'id'> | undefined): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const before = await tx.selectFrom('bookings').selectAll().where('id', '=', id).executeTakeFirst()
    await tx.deleteFrom('bookings').where('id', '=', id).execute()
    if (after)
      await tx
        .insertInto('bookings')
        .values({ id, ...after })
        .execute()
    for (const booking of [before, after]) {
      if (!booking) continue
      const at = [new Date(booking.start), new Date(booking.end)]
      await recalc.noteChange(tx, { tenantId: TENANT, employeeId: booking.employee_id, table: 'bookings', at })
    }
  })
}

const at = (time: string) => Date.parse(`${time}:00+01:00`)

async function show(what: string): Promise<void> {
  // `recalc.start()` does this by itself; here it is waited for.
  const { days } = await recalc.settle({ tenantId: TENANT })
  const rows = await db.selectFrom('balances').selectAll().orderBy('employee_id').orderBy('date').execute()
  const lines = Object.entries(Object.groupBy(rows, (row) => row.employee_id)).map(
    ([employee, own = []]) =>
      `  ${employee}: ${own.map(({ date, minutes }) => `${date.slice(5)} ${minutes}`).join(', ')}`,
  )
  console.log(`${what} (${days} days calculated)\n${lines.join('\n')}`)
}

await change(1, { employee_id: 'ada', start: at('2025-02-03T22:00'), end: at('2025-02-04T06:00') })
await show('a night shift is booked')

await change(1, { employee_id: 'ada', start: at('2025-02-04T22:00'), end: at('2025-02-05T06:00') })
await show(
  'it is moved to the next night: the balance is right from then on as before, and nothing is calculated there',
)

await change(1, { employee_id: 'bob', start: at('2025-02-04T22:00'), end: at('2025-02-05T06:00') })
await show('it turns out to be of another employee')

await change(1, undefined)
await show('it is deleted')

console.log('left to settle:', (await recalc.freshness()).changes)
await recalc.stop()
await db.destroy()
