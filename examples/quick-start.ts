// The first sample of README.md, on a database in memory: `npm run examples` runs it.
import type { Transaction } from 'kysely'
import { type DayKey, dayKey, dayStage, RecalcService } from 'recalc-service'
import { sqlBackend, upsert } from 'recalc-service/sql'
import { db, employees, type Tables } from './quick-start/host.ts'

const keyOf = (row: { employee_id: string; date: string }) => dayKey({ employeeId: row.employee_id, date: row.date })

// A balance of minutes that every day carries on from the day before.
const balances = dayStage<number, ReadonlyMap<DayKey, number>, Transaction<Tables>>({
  name: 'balances',
  reads: { bookings: [0, 0], balances: [-1, 0] }, // a day reads its own bookings, and the balance of the day before
  writes: ['balances'],

  // Everything that a block of employees and days needs, in one query.
  async load({ tenantId, employeeIds, from, to }, { tx }) {
    const rows = await tx
      .selectFrom('bookings')
      .select(['employee_id', 'date', 'minutes'])
      .where('tenant_id', '=', tenantId)
      .where('employee_id', 'in', employeeIds)
      .where('date', '>=', from)
      .where('date', '<=', to)
      .execute()
    const minutes = new Map<DayKey, number>()
    for (const row of rows) minutes.set(keyOf(row), (minutes.get(keyOf(row)) ?? 0) + row.minutes)
    return minutes
  },

  // The calculation of one day: no database, no clock.
  calculate: (day, minutes, yesterday) => (yesterday ?? 0) + (minutes.get(dayKey(day)) ?? 0),

  // What is there now. Where nothing differs, nothing is written, and no later day follows.
  async stored({ tenantId, employeeIds, from, to }, { tx }) {
    const rows = await tx
      .selectFrom('balances')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('employee_id', 'in', employeeIds)
      .where('date', '>=', from)
      .where('date', '<=', to)
      .execute()
    return new Map(rows.map((row) => [keyOf(row), row.minutes]))
  },
  async save({ upserts }, { tx }) {
    const rows = upserts.map(({ day, value }) => ({
      tenant_id: day.tenantId,
      employee_id: day.employeeId,
      date: day.date,
      minutes: value,
    }))
    await upsert(tx, 'balances', ['tenant_id', 'employee_id', 'date'], rows)
  },
})

const backend = sqlBackend(db) // your own Kysely: MySQL, MariaDB, PostgreSQL or SQLite
await backend.migrate()
const recalc = new RecalcService({ backend, employees, stages: [balances], zone: 'Europe/Berlin' })
await recalc.start() // from now on every noted change is settled, and interrupted jobs go on

// At first, and after a change of the rules: everybody, as a job that survives a crash.
const job = await recalc.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-03-01', to: '2025-03-31' })
job.on('progress', ({ current, total }) => console.log(`${current} of ${total} days`))
const { status, processedDays } = await job.result
console.log(`job: ${status}, ${processedDays} days`)

// After an edit: note in its own transaction what it changed. Which days follow from it, `reads` tells.
await db.transaction().execute(async (tx) => {
  await tx.updateTable('bookings').set({ minutes: 600 }).where('id', '=', 1).execute()
  const dates = { from: '2025-03-03', to: '2025-03-03' }
  await recalc.noteChange(tx, { tenantId: 'acme', employeeId: 'ada', table: 'bookings', dates })
})
await recalc.settle({ tenantId: 'acme' }) // only who wants to see it at once waits for it

const { minutes } = await db
  .selectFrom('balances')
  .select('minutes')
  .where('employee_id', '=', 'ada')
  .where('date', '=', '2025-03-31')
  .executeTakeFirstOrThrow()
console.log(`balance of 31 March: ${minutes} minutes`)
await recalc.stop()
await db.destroy()
