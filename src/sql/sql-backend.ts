import type { Kysely, Transaction } from 'kysely'
import { type Clock, systemClock } from '../calendar/clock.ts'
import type { ChangeLedger } from '../changes/change-ledger.ts'
import { BackendUnavailableError, InvalidOptionsError } from '../errors.ts'
import { expected } from '../expectation.ts'
import type { RecalcBackend } from '../jobs/job-store.ts'
import type { Logger } from '../pipeline/context.ts'
import type { UnitOfWork } from '../run/units/unit-of-work.ts'
import { changesTableName } from './changes/changes-table.ts'
import { SqlChangeLedger } from './changes/sql-change-ledger.ts'
import { engineOf } from './engines/engine-of.ts'
import type { ListenClient } from './engines/postgres-listener.ts'
import { hash } from './hash.ts'
import { JobDatabase } from './job-database.ts'
import { JobWatch } from './job-watch.ts'
import { migrate } from './migrations.ts'
import { purgeJobs } from './purge-jobs.ts'
import { SqlJobStore } from './sql-job-store.ts'
import { sqlUnitOfWork } from './sql-unit-of-work.ts'
import { recalcDb, tableNames } from './tables.ts'

/** How the library's tables are called, and what they are read with. */
export interface SqlBackendOptions {
  /** In front of every table's name. Default `recalc_`. */
  readonly prefix?: string
  /** How often jobs that another process works on are looked at while somebody watches them, in ms. Default 500. */
  readonly pollMs?: number
  /**
   * Opens a connection of its own on which a service that was started hears at once of changes that any process notes:
   * PostgreSQL only, by LISTEN. It has to go to the server itself, not through a pooler that hands out connections per
   * transaction. Default: changes of other processes are found by polling (`settle.intervalMs`).
   *
   * @example
   * async listen() {
   *   const client = new pg.Client(url)
   *   await client.connect()
   *   return client
   * }
   */
  readonly listen?: () => Promise<ListenClient>
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
  const { prefix = 'recalc_', clock = systemClock, pollMs = 500, listen, logger = { warn() {} } } = options
  if (!Number.isSafeInteger(pollMs) || pollMs < 1) {
    throw new InvalidOptionsError(expected('pollMs', 'a whole number from 1', pollMs))
  }
  const engine = engineOf(kysely)
  const { listenForWakes } = engine
  if (listen !== undefined && (typeof listen !== 'function' || !listenForWakes)) {
    throw new InvalidOptionsError(expected('listen', 'a function, and left out but on a PostgreSQL server', listen))
  }
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
  }
  const channel = changesTableName(prefix)
  return {
    unitOfWork,
    jobs: new SqlJobStore<Database>(database, new JobWatch(database, { clock, pollMs, logger })),
    changes: new SqlChangeLedger<Transaction<Database>>(
      host,
      prefix,
      listen && listenForWakes && ((wake) => listenForWakes({ listen, channel, clock, logger, wake })),
    ),
    migrate: () => migrate(database.db, prefix, clock),
    purgeJobs: ({ finishedBefore }) => purgeJobs(database, finishedBefore),
  }
}
