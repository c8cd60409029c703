import fc from 'fast-check'
import { type Kysely, sql, type Transaction } from 'kysely'
import { describe, expect, test } from 'vitest'
import { dayBounds, dayKey, dayStage, RecalcService, systemClock } from '../../../src/index.ts'
import { type CaptureSources, installCapture, sqlBackend } from '../../../src/sql/index.ts'
import { runs } from '../../support/runs.ts'
import { engines } from '../support/engines.ts'
import { createHostTables, type HostTables, instant, textOf } from './support/captured-host.ts'

interface Tables extends HostTables {
  sums: { employee_id: string; day: string; value: number }
}

type Tx = Transaction<Tables>

const TENANT = 'acme'
const ZONE = 'Europe/Vienna'
const EMPLOYEES = ['ann', 'bob', 'cleo'] as const
const FROM = '2025-03-20'
const TO = '2025-04-10'

const sources = {
  bookings: { tenant: 'tenant_id', employee: 'employee_id', instants: ['come', 'go'], columns: ['note'] },
  absences: { tenant: 'tenant_id', employee: 'employee_id', dates: ['from_date', 'to_date'] },
  rules: { tenant: { always: TENANT }, everybody: true, from: 'valid_from' },
} satisfies CaptureSources

const id = fc.integer({ min: 1, max: 6 })
const employee = fc.constantFrom(...EMPLOYEES)
// Around the night in which an hour is missing.
const time = fc.integer({ min: 0, max: 20 * 48 }).map((half) => Date.parse('2025-03-21T00:00Z') + half * 1_800_000)
const date = fc
  .integer({ min: 0, max: 20 })
  .map((day) => new Date(Date.UTC(2025, 2, 21 + day)).toISOString().slice(0, 10))
const ordered = <T>(one: fc.Arbitrary<T>) => fc.tuple(one, one).map(([a, b]) => (a <= b ? [a, b] : [b, a]) as [T, T])

type Edit = (tx: Tx, at: (time: number) => unknown) => Promise<unknown>

const edits: fc.Arbitrary<Edit> = fc.oneof(
  fc
    .record({
      id,
      employee,
      times: ordered(time),
      isOpen: fc.boolean(),
      isNobodys: fc.nat(5),
      note: fc.constantFrom('a', 'A', 'a ', null),
    })
    .map(
      ({ id, employee, times: [come, go], isOpen, isNobodys, note }): Edit =>
        async (tx, at) => {
          await tx.deleteFrom('bookings').where('id', '=', id).execute()
          const employee_id = isNobodys === 0 ? null : employee
          const row = { id, tenant_id: TENANT, employee_id, come: at(come), go: isOpen ? null : at(go), note }
          await tx.insertInto('bookings').values(row).execute()
        },
    ),
  fc.record({ id, note: fc.constantFrom('a', 'A', 'a ', null) }).map(
    ({ id, note }): Edit =>
      (tx) =>
        tx.updateTable('bookings').set({ note }).where('id', '<=', id).execute(),
  ),
  fc.record({ id, time }).map(
    ({ id, time }): Edit =>
      (tx, at) =>
        tx
          .updateTable('bookings')
          .set({ come: at(time) })
          .where('id', '>=', id)
          .execute(),
  ),
  // Two employees' bookings are swapped.
  fc.constant((tx: Tx) =>
    sql`update bookings set employee_id = case employee_id when 'ann' then 'bob' when 'bob' then 'ann' else employee_id end`.execute(
      tx,
    ),
  ),
  fc.record({ id }).map(
    ({ id }): Edit =>
      (tx) =>
        tx.deleteFrom('bookings').where('id', '>=', id).execute(),
  ),
  fc.record({ id, employee, dates: ordered(date), hasEnd: fc.boolean() }).map(
    ({ id, employee, dates: [from_date, to_date], hasEnd }): Edit =>
      async (tx) => {
        await tx.deleteFrom('absences').where('id', '=', id).execute()
        const row = { id, tenant_id: TENANT, employee_id: employee, from_date, to_date: hasEnd ? to_date : null }
        await tx.insertInto('absences').values(row).execute()
      },
  ),
  fc.record({ id, date }).map(
    ({ id, date }): Edit =>
      (tx) =>
        tx
          .updateTable('absences')
          .set({ to_date: date })
          .where('id', '<=', id)
          .where('from_date', '<=', date as never)
          .execute(),
  ),
  fc.record({ id, date, factor: fc.integer({ min: 1, max: 3 }) }).map(
    ({ id, date, factor }): Edit =>
      async (tx) => {
        await tx.deleteFrom('rules').where('id', '=', id).execute()
        await tx.insertInto('rules').values({ id, valid_from: date, factor }).execute()
      },
  ),
)

describe.each(engines)('$name', async (engine) => {
  const database = await engine.open()
  const db = database.connect<Tables>()

  test('whatever is done to the sources, without a word to the service, settling equals a full recalculation', async () => {
    await createHostTables(db as unknown as Kysely<HostTables>)
    await db.schema
      .createTable('sums')
      .addColumn('employee_id', 'varchar(40)', (column) => column.notNull())
      .addColumn('day', 'char(10)', (column) => column.notNull())
      .addColumn('value', 'integer', (column) => column.notNull())
      .execute()
    await sqlBackend(db).migrate()
    const recalc = service(db)
    await installCapture(db, sources, { stages: [stage(db)] })
    const at = (time: number) => instant(db as never, new Date(time).toISOString())
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(edits, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
        async (transactions) => {
          for (const edits of transactions) {
            await db.transaction().execute(async (tx) => {
              for (const edit of edits) await edit(tx, at)
            })
            if (edits.length === 2) await recalc.settle({ tenantId: TENANT })
          }
          await recalc.settle({ tenantId: TENANT })
          const settled = await sums(db)
          await recalc.triggerRecalcBatch({ tenantId: TENANT, employeeIds: EMPLOYEES, from: FROM, to: TO })
          expect(settled).toEqual(await sums(db))
          expect(await recalc.freshness()).toMatchObject({ changes: 0 })
        },
      ),
      { numRuns: runs(12, 80) },
    )
    await recalc.stop()
  })
})

async function sums(db: Kysely<Tables>): Promise<readonly string[]> {
  const rows = await db.selectFrom('sums').selectAll().execute()
  return rows.map(({ employee_id, day, value }) => `${employee_id} ${day} ${value}`).sort()
}

/** Each day: a number of what touches it. */
function stage(db: Kysely<Tables>) {
  const timeOf = (cell: string | null) =>
    cell === null ? undefined : Date.parse(`${cell.replace(' ', 'T').replace('Z', '')}Z`)
  return dayStage<number, Awaited<ReturnType<typeof inputsOf>>, Tx>({
    name: 'sums',
    reads: { bookings: [0, 0], absences: [0, 0], rules: [0, 0] },
    writes: ['sums'],
    load: (_, { tx }) => inputsOf(tx),
    calculate({ employeeId, date }, { bookings, absences, rules }) {
      const { start, end } = dayBounds(date, ZONE)
      const worked = bookings
        .filter((row) => row.employee_id === null || row.employee_id === employeeId)
        .reduce((sum, { come, go, note }) => {
          const [first, last] = [timeOf(come), timeOf(go)].filter((time) => time !== undefined).sort((a, b) => a - b)
          if (first === undefined || first >= end.getTime() || (last ?? first) < start.getTime()) return sum
          return sum + 7 + (note === 'a' ? 1 : note === 'A' ? 2 : note === null ? 3 : 4)
        }, 0)
      const absent = absences.filter(
        (row) =>
          row.employee_id === employeeId &&
          String(row.from_date) <= date &&
          (row.to_date === null || date <= row.to_date),
      ).length
      const factor = rules
        .filter((row) => String(row.valid_from) <= date)
        .reduce((sum, row) => sum + Number(row.factor), 1)
      const value = (worked + 100 * absent) * factor
      return value === 0 ? null : value
    },
    async stored({ employeeIds, from, to }, { tx }) {
      const rows = await tx
        .selectFrom('sums')
        .selectAll()
        .where('employee_id', 'in', employeeIds)
        .where('day', '>=', from)
        .where('day', '<=', to)
        .execute()
      return new Map(rows.map((row) => [dayKey({ employeeId: row.employee_id, date: row.day }), row.value]))
    },
    async save({ upserts, deletes }, { tx }) {
      for (const day of [...deletes, ...upserts.map((row) => row.day)]) {
        await tx.deleteFrom('sums').where('employee_id', '=', day.employeeId).where('day', '=', day.date).execute()
      }
      const rows = upserts.map(({ day, value }) => ({ employee_id: day.employeeId, day: day.date, value }))
      if (rows.length > 0) await tx.insertInto('sums').values(rows).execute()
    },
  })

  async function inputsOf(tx: Tx) {
    const come = textOf(db as never, 'instant', 'come')
    const go = textOf(db as never, 'instant', 'go')
    const fromDate = textOf(db as never, 'date', 'from_date')
    const toDate = textOf(db as never, 'date', 'to_date')
    const validFrom = textOf(db as never, 'date', 'valid_from')
    return {
      bookings: await tx
        .selectFrom('bookings')
        .select(['employee_id', 'note', come.as('come'), go.as('go')])
        .execute(),
      absences: await tx
        .selectFrom('absences')
        .select(['employee_id', fromDate.as('from_date'), toDate.as('to_date')])
        .execute(),
      rules: await tx
        .selectFrom('rules')
        .select(['factor', validFrom.as('valid_from')])
        .execute(),
    }
  }
}

function service(db: Kysely<Tables>): RecalcService<Tx> {
  return new RecalcService<Tx>({
    zone: ZONE,
    stages: [stage(db)],
    backend: sqlBackend(db),
    employees: {
      listEmployees: async ({ after }) => {
        const sorted = [...EMPLOYEES].sort()
        return sorted.filter((own) => after === undefined || own > after).map((own) => ({ id: own }))
      },
    },
    horizon: { back: 30, ahead: 0 },
    clock: { ...systemClock, now: () => Date.parse('2025-04-10T12:00:00Z') },
  })
}
