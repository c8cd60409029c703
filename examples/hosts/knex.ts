import knex, { type Knex } from 'knex'
import type { Kysely } from 'kysely'
import { kyselyOn, sqlUnitOfWork } from 'recalc-service/sql'
import type { DayMinutes, Host } from './balances.ts'

/** `db` is a Kysely on the same database, for the library's own work beside the host's transactions. */
export function knexHost(url: string, db: Kysely<unknown>): Host<Knex.Transaction> {
  const host = knex({ client: 'pg', connection: url, pool: { min: 0, max: 10 } })
  const failures = new WeakMap<Knex.Transaction, unknown>()
  const { isTransient } = sqlUnitOfWork(db)
  return {
    unitOfWork: {
      async run(work) {
        // Begun and ended by hand: `knex.transaction(work)` puts an error of its own in the place of what is no Error.
        const tx = await host.transaction(undefined, { isolationLevel: 'read committed' })
        // Knex tells every error of the transaction, also one that a calculator then swallows.
        tx.on('query-error', (error: unknown) => {
          if (!failures.has(tx)) failures.set(tx, error)
        })
        try {
          const value = await work(tx)
          await tx.commit()
          return value
        } catch (error) {
          await tx.rollback().catch(() => {}) // on a lost connection; the first error says more
          throw error
        }
      },
      // Knex puts the statement in front of what the driver says, by which a lost connection without a code is known.
      isTransient: (error) =>
        error instanceof Error && isTransient({ ...error, message: error.message.split(' - ').at(-1) }),
      failureOf: (tx) => failures.get(tx),
    },
    executorOf: (tx) =>
      kyselyOn(db, async (sql, parameters) => {
        // Knex's placeholders are question marks; Kysely's come in order, each once.
        const text = sql.replaceAll('?', '\\?').replaceAll(/\$\d+/g, '?')
        const { rows, rowCount } = await tx.raw(text, [...parameters] as Knex.RawBinding[]) // strings, numbers and null
        return { rows, numAffectedRows: rowCount ?? 0 }
      }),
    queries: {
      bookings: (tx, block) => rowsOf(tx, 'bookings', block),
      balances: (tx, block) => rowsOf(tx, 'balances', block),
      saveBalances: (tx, rows) => upsert(tx, 'balances', rows),
      saveBooking: (tx, row) => upsert(tx, 'bookings', [row]),
    },
    close: () => host.destroy(),
  }
}

function rowsOf(
  tx: Knex.Transaction,
  table: string,
  { employeeIds, from, to }: { readonly employeeIds: readonly string[]; readonly from: string; readonly to: string },
): Promise<DayMinutes[]> {
  return tx<DayMinutes>(table)
    .select({ employeeId: 'employee_id', date: 'date', minutes: 'minutes' })
    .whereIn('employee_id', employeeIds)
    .whereBetween('date', [from, to])
    .then((rows: DayMinutes[]) => rows)
}

async function upsert(tx: Knex.Transaction, table: string, rows: readonly DayMinutes[]): Promise<void> {
  const values = rows.map(({ employeeId, date, minutes }) => ({ employee_id: employeeId, date, minutes }))
  await tx(table).insert(values).onConflict(['employee_id', 'date']).merge(['minutes'])
}
