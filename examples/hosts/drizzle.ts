import { and, between, inArray, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import type { Kysely } from 'kysely'
import pg from 'pg'
import { kyselyOn } from 'recalc-service/sql'
import type { Host } from './balances.ts'

const columns = {
  employeeId: text('employee_id').notNull(),
  date: text('date').notNull(),
  minutes: integer('minutes').notNull(),
}
const bookings = pgTable('bookings', columns, (table) => [primaryKey({ columns: [table.employeeId, table.date] })])
const balances = pgTable('balances', columns, (table) => [primaryKey({ columns: [table.employeeId, table.date] })])

const open = (pool: pg.Pool) => drizzle({ client: pool })
export type DrizzleTx = Parameters<Parameters<ReturnType<typeof open>['transaction']>[0]>[0]

/** `db` is a Kysely on the same database, for the library's own work beside the host's transactions. */
export function drizzleHost(url: string, db: Kysely<unknown>): Host<DrizzleTx> {
  const pool = new pg.Pool({ connectionString: url })
  // A connection that breaks says so by an event, which ends the process when nobody listens.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const host = open(pool)
  return {
    // Drizzle puts what the driver throws into the `cause` of its own errors, where the library looks for it.
    unitOfWork: { run: (work) => host.transaction(work, { isolationLevel: 'read committed' }) },
    executorOf: (tx) =>
      kyselyOn(db, async (statement, parameters) => {
        const { rows, rowCount } = await tx.execute(rawSql(statement, parameters))
        return { rows, numAffectedRows: rowCount ?? 0 }
      }),
    queries: {
      bookings: (tx, { employeeIds, from, to }) =>
        tx
          .select()
          .from(bookings)
          .where(and(inArray(bookings.employeeId, [...employeeIds]), between(bookings.date, from, to))),
      balances: (tx, { employeeIds, from, to }) =>
        tx
          .select()
          .from(balances)
          .where(and(inArray(balances.employeeId, [...employeeIds]), between(balances.date, from, to))),
      saveBalances: (tx, rows) =>
        tx
          .insert(balances)
          .values([...rows])
          .onConflictDoUpdate({
            target: [balances.employeeId, balances.date],
            set: { minutes: sql`excluded.minutes` },
          }),
      saveBooking: (tx, row) =>
        tx
          .insert(bookings)
          .values(row)
          .onConflictDoUpdate({ target: [bookings.employeeId, bookings.date], set: { minutes: row.minutes } }),
    },
    close: () => pool.end(),
  }
}

/** Drizzle takes no text with placeholders, only the pieces between them. Kysely's come in order, each once. */
function rawSql(statement: string, parameters: readonly unknown[]): SQL {
  const pieces = statement.split(/\$\d+/).map((piece) => sql.raw(piece))
  return sql.join(pieces.flatMap((piece, i) => (i === 0 ? [piece] : [sql`${parameters[i - 1]}`, piece])))
}
