import type { Kysely, Transaction } from 'kysely'
import { type Clock, systemClock } from '../calendar/clock.ts'
import type { ChangeLedger } from '../changes/change-ledger.ts'
import { BackendUnavailableError, InvalidOptionsError } from '../errors.ts'
import { expected } from '../expectation.ts'
import type { RecalcBackend } from '../jobs/job-store.ts'
import type { Logger } from '../pipeline/context.ts'
import type { UnitOfWork } from '../run/units/unit-of-work.ts'
import { SqlChangeLedger } from './changes/sql-change-ledger.ts'
import { engineOf } from './engines/engine-of.ts'
import { hash } from './hash.ts'
import { JobDatabase } from './job-database.ts'
import { JobWatch } from './job-watch.ts'
import { migrate } from './migrations.ts'
import { purgeJobs } from './purge-jobs.ts'
import { SqlJobStore } from './sql-job-store.ts'
import { sqlUnitOfWork } from './sql-unit-of-work.ts'
import { recalcDb, tableNames } from './tables.ts'
import { joinTransaction } from './transaction/join-transaction.ts'

/** How the library's tables are called, and what they are read with. */
export interface SqlBackendOptions {
  /** In front of every table's name. Default `recalc_`. */
  readonly prefix?: string
  /** How often jobs that another process works on are looked at while somebody watches them, in ms. Default 500. */
  readonly pollMs?: number
  /** Default: the machine's. */
  readonly clock?: Clock
  /** Default: silent. */
  readonly logger?: Pick<Logger, 'warn'>
}

/** Jobs, changes, locks and transactions in the host's own database. */
export interface SqlBackend<Tx> extends RecalcBackend<Tx> {
  readonly changes: ChangeLedger<Tx>
  /** Makes the library's tables, or brings them up to date; for hosts without a Migrator of their own. */
  migrate(): Promise<void>
  /** Removes jobs that ended before the given instant, with their events and failures; resolves with their number. */
  purgeJobs(options: { readonly finishedBefore: Date }): Promise<number>
}

/**
 * A backend whose jobs survive crashes and restarts, and whose employee locks hold across processes, on MySQL 8+, MariaDB
 * 10.6+, PostgreSQL 14+ or SQLite.
 *
 * @throws {InvalidOptionsError} for another database, a prefix that is no plain identifier, or a `pollMs` below 1.
 */
export function sqlBackend<Database>(
  kysely: Kysely<Database>,
  options: SqlBackendOptions = {},
): SqlBackend<Transaction<Database>> {
  const { prefix = 'recalc_', clock = systemClock, pollMs = 500, logger = { warn() {} } } = options
  if (!Number.isSafeInteger(pollMs) || pollMs < 1) {
    throw new InvalidOptionsError(expected('pollMs', 'a whole number from 1', pollMs))
  }
  const engine = engineOf(kysely)
  const names = tableNames(prefix)
  const host = kysely as unknown as Kysely<never> // which tables the host has is of no interest here
  const database = new JobDatabase(recalcDb(host), names, engine, clock)
  const unitOfWork: UnitOfWork<Transaction<Database>> = {
    ...sqlUnitOfWork(kysely),
    // What the store says after its own attempts may be over a while later.
    isTransient: (error) => error instanceof BackendUnavailableError || engine.isTransient(error),
    lockEmployees(tx, tenantId, employeeIds) {
      const hashes = employeeIds.map((employeeId) => hash('employee', tenantId, employeeId))
      return engine.lockRows(recalcDb(tx as unknown as Kysely<never>) as never, names, hashes)
    },
    join: (tx, work) => joinTransaction(kysely, engine, tx, work),
  }
  return {
    unitOfWork,
    jobs: new SqlJobStore<Database>(database, new JobWatch(database, { clock, pollMs, logger })),
    changes: new SqlChangeLedger<Transaction<Database>>(host, prefix),
    migrate: () => migrate(database.db, prefix, clock),
    purgeJobs: ({ finishedBefore }) => purgeJobs(database, finishedBefore),
  }
}
