// A job that survives its process: kill it in the middle (Ctrl-\, or kill -9), start it again, and it goes on where it was.
// npx node examples/durable.ts [FILE]   the database file; default: recalc-durable.sqlite in the folder for temporary files
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Transaction } from 'kysely'
import { type DayKey, dayKey, dayStage, RecalcService } from 'recalc-service'
import { sqlBackend, upsert } from 'recalc-service/sql'
import { openSqlite } from './shared/database/sqlite.ts'

interface Tables {
  balances: { employee_id: string; date: string; minutes: number }
}

const file = process.argv[2] ?? join(tmpdir(), 'recalc-durable.sqlite')
console.log(existsSync(file) ? `${file} is there` : `${file} is new`)
const db = openSqlite<Tables>(file)
await db.schema
  .createTable('balances')
  .ifNotExists()
  .addColumn('employee_id', 'text', (column) => column.notNull())
  .addColumn('date', 'text', (column) => column.notNull())
  .addColumn('minutes', 'integer', (column) => column.notNull())
  .addPrimaryKeyConstraint('balances_pk', ['employee_id', 'date'])
  .execute()

// Each day's balance builds on the day before, so a day that was done twice, or left out, would show.
const balances = dayStage<number, undefined, Transaction<Tables>>({
  name: 'balances',
  title: 'Carrying balances forward',
  reads: { balances: [-1, 0] },
  writes: ['balances'],
  async load() {
    await new Promise((resolve) => setTimeout(resolve, 30)) // so that there is time to kill it
    return undefined
  },
  calculate: (_day, _inputs, yesterday) => (yesterday ?? 0) + 1,
  async stored({ employeeIds, from, to }, { tx }) {
    const rows = await tx
      .selectFrom('balances')
      .selectAll()
      .where('employee_id', 'in', employeeIds)
      .where('date', '>=', from)
      .where('date', '<=', to)
      .execute()
    const entries = rows.map((row): [DayKey, number] => [
      dayKey({ employeeId: row.employee_id, date: row.date }),
      row.minutes,
    ])
    return new Map(entries)
  },
  async save({ upserts }, { tx }) {
    const rows = upserts.map(({ day, value }) => ({ employee_id: day.employeeId, date: day.date, minutes: value }))
    await upsert(tx, 'balances', ['employee_id', 'date'], rows)
  },
})

const EMPLOYEES = Array.from({ length: 100 }, (_, i) => ({ id: String(i + 1).padStart(3, '0') }))
const backend = sqlBackend(db)
await backend.migrate()
const recalc = new RecalcService({
  stages: [balances],
  backend,
  leaseMs: 1_000, // a dead worker's job is taken up after a second
  employees: {
    async listEmployees({ after = '', limit }) {
      return EMPLOYEES.filter(({ id }) => id > after).slice(0, limit)
    },
  },
})
await recalc.start() // takes up what an earlier process left, now or as soon as its lease has run out

const [left] = [...(await recalc.listJobs({ status: 'running' })), ...(await recalc.listJobs({ status: 'queued' }))]
const job = left
  ? await recalc.openJob(left.id)
  : await recalc.triggerRecalcAllAsync({ tenantId: 'acme', from: '2024-01-01', to: '2025-12-31' })
console.log(left ? `job ${job.id} goes on at ${Math.round(left.progress * 100)}%` : `job ${job.id} begins`)

process.once('SIGINT', () => void recalc.stop()) // Ctrl-C is graceful: the job is interrupted, and taken up next time
job.on('progress', ({ current, total }) => console.log(`${current} of ${total} days`))
const result = await job.result

const { days, highest } = await db
  .selectFrom('balances')
  .select(({ fn }) => [fn.countAll().as('days'), fn.max('minutes').as('highest')])
  .executeTakeFirstOrThrow()
console.log(
  `${result.status}: ${result.processedDays} of ${result.totalDays} days; ${days} rows, highest balance ${highest}`,
)
await recalc.stop()
await db.destroy()
