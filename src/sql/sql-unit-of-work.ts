import type { Kysely, Transaction } from 'kysely'
import type { UnitOfWork } from '../run/units/unit-of-work.ts'
import { Membership } from './cluster/membership.ts'
import type { Engine } from './engines/engine.ts'
import { engineOf } from './engines/engine-of.ts'
import { failureOf } from './transaction/run-transaction.ts'
import { Transactions } from './transaction/transactions.ts'

/**
 * Transactions of the host's own Kysely, for MySQL 8+, MariaDB 10.6+, PostgreSQL 14+ and SQLite; `tx` is a Kysely
 * `Transaction`. Once the database has ended it, as after a deadlock, it refuses every further statement with that error,
 * and `run` rejects with it, also when the error was caught.
 *
 * Runs take turns per employee within this process only: two processes that recalculate the same employee at the same
 * time are not kept apart.
 *
 * @example
 * memoryBackend({ unitOfWork: sqlUnitOfWork(kysely) })
 * @throws {InvalidOptionsError} for any other database.
 */
export function sqlUnitOfWork<Database>(kysely: Kysely<Database>): UnitOfWork<Transaction<Database>> {
  const engine = engineOf(kysely)
  return unitOfWorkIn(new Transactions(kysely, engine, new Membership(engine)), engine)
}

/** The same of transactions that share with others what they know of the server. */
export function unitOfWorkIn<Database>(
  transactions: Transactions<Database>,
  engine: Engine,
): UnitOfWork<Transaction<Database>> {
  return {
    run: (work, unit) => transactions.run(work, unit?.signal),
    async lockEmployees() {
      // The library's own locks cover this process, which is all that is promised here.
    },
    isTransient: (error) => engine.isTransient(error),
    failureOf,
  }
}
