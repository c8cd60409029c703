import type { Kysely, Transaction } from 'kysely'
import type { UnitOfWork } from '../run/units/unit-of-work.ts'
import { engineOf } from './engine.ts'
import { isTransientError } from './transient.ts'

/**
 * Transactions of the host's own Kysely, for MySQL 8+, MariaDB 10.6+ and SQLite; `tx` is a Kysely `Transaction`.
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
  return {
    run(work) {
      const transaction = kysely.transaction()
      const { isolationLevel } = engine
      return (isolationLevel ? transaction.setIsolationLevel(isolationLevel) : transaction).execute(work)
    },
    async lockEmployees() {
      // The library's own locks cover this process, which is all that is promised here.
    },
    isTransient: (error) => isTransientError(engine, error),
  }
}
