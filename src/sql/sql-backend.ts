import type { Kysely, Transaction } from 'kysely'
import { type Clock, systemClock } from '../calendar/clock.ts'
import type { ChangeLedger } from '../changes/change-ledger.ts'
import { BackendUnavailableError, InvalidOptionsError } from '../errors.ts'
import { expected } from '../expectation.ts'
import type { RecalcBackend } from '../jobs/job-store.ts'
import type { Logger } from '../pipeline/context.ts'
import type { UnitOfWork } from '../run/units/unit-of-work.ts'
import { SqlChangeLedger } from './changes/sql-change-ledger.ts'
import { Membership } from './cluster/membership.ts'
import { RowLocks } from './cluster/row-locks.ts'
import { SqlCorrectionStore } from './corrections/sql-correction-store.ts'
import { engineOf } from './engines/engine-of.ts'
import type { ListenClient } from './engines/postgres-listener.ts'
import { hash } from './hash.ts'
import { type PurgeHistoryOptions, purgeHistory } from './history/purge-history.ts'
import { SqlHistoryStore } from './history/sql-history-store.ts'
import { JobDatabase } from './job-database.ts'
import { JobWatch } from './job-watch.ts'
import { migrate } from './migrate.ts'
import { type PurgeJobsOptions, purgeJobs } from './purge-jobs.ts'
import { SqlJobStore } from './sql-job-store.ts'
import { SqlLaneStore } from './sql-lane-store.ts'
import { unitOfWorkIn } from './sql-unit-of-work.ts'
import { recalcDb, sideTable, tableNames } from './tables.ts'
import { type HostTransactions, hostUnitOfWork } from './transaction/host-transactions.ts'
import { checkOpen, joinTransaction } from './transaction/join-transaction.ts'
import { withSavepoint } from './transaction/savepoint.ts'
import { Transactions } from './transaction/transactions.ts'

/** How the library's tables are called, and what they are read with. */
export interface SqlBackendOptions {
  /** In front of every table's name. Default `recalc_`. */
  readonly prefix?: string
  /**
   * Keeps what runs change: before and after of every value, who asked for it and why, in the unit of work that writes the
   * value. Read it with `recalc.history(…)`. Default false.
   */
  readonly history?: boolean
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
  purgeJobs(options: PurgeJobsOptions): Promise<number>
  /**
   * Removes what the history holds from before an instant, in small batches; resolves with the number of rows. A row holds what
   * one block has changed of one employee.
   */
  purgeHistory(options: PurgeHistoryOptions): Promise<number>
}

/**
 * A backend whose jobs survive crashes and restarts, and whose employee locks hold across processes, on MySQL 8+, MariaDB
 * 10.6+, PostgreSQL 14+ or SQLite.
 *
 * With `unitOfWork` and `executorOf` blocks are calculated in transactions of another library than Kysely, and locks and
 * checkpoints are written in these; the given Kysely, on the same database, serves for everything else.
 *
 * @throws {InvalidOptionsError} for another database, a prefix that is no plain identifier, a `pollMs` below 1, or only one
 * of `unitOfWork` and `executorOf`.
 */
export function sqlBackend<Database, Tx extends object>(
  kysely: Kysely<Database>,
  options: SqlBackendOptions & HostTransactions<Database, Tx>,
): SqlBackend<Tx>
export function sqlBackend<Database>(
  kysely: Kysely<Database>,
  options?: SqlBackendOptions,
): SqlBackend<Transaction<Database>>
export function sqlBackend<Database, Tx extends object>(
  kysely: Kysely<Database>,
  options: SqlBackendOptions & Partial<HostTransactions<Database, Tx>> = {},
): SqlBackend<Tx> | SqlBackend<Transaction<Database>> {
  const { unitOfWork, executorOf } = options
  if ((unitOfWork === undefined) !== (executorOf === undefined)) {
    const [given, missing] = unitOfWork ? ['unitOfWork', 'executorOf'] : ['executorOf', 'unitOfWork']
    throw new InvalidOptionsError(`Expected \`${missing}\` beside \`${given}\`, got none; give both or neither`)
  }
  const engine = engineOf(kysely)
  const { prefix = 'recalc_', logger } = options
  const names = tableNames(prefix)
  const membership = new Membership(engine, logger)
  const transactions = new Transactions(kysely, engine, membership, names)
  if (!unitOfWork || !executorOf) {
    const join: UnitOfWork<Transaction<Database>>['join'] = (tx, work) => joinTransaction(kysely, engine, tx, work)
    return backendOf(kysely, options, membership, { ...unitOfWorkIn(transactions, engine), join }, (tx) => {
      checkOpen(tx) // a note that commits without its edit would be settled before it
      return tx
    })
  }
  const executorIn = oncePerTransaction(executorOf)
  const unit = hostUnitOfWork(unitOfWork, engine, executorIn, transactions)
  return backendOf(kysely, options, membership, unit, executorIn)
}

function backendOf<Database, Tx extends object>(
  kysely: Kysely<Database>,
  options: SqlBackendOptions,
  membership: Membership,
  transactions: Omit<UnitOfWork<Tx>, 'lockEmployees'>,
  executorOf: (tx: Tx) => Kysely<Database>,
): SqlBackend<Tx> {
  const { prefix = 'recalc_', clock = systemClock, pollMs = 500, listen, logger = { warn() {} } } = options
  const { history = false } = options
  if (!Number.isSafeInteger(pollMs) || pollMs < 1) {
    throw new InvalidOptionsError(expected('pollMs', 'a whole number from 1', pollMs))
  }
  if (typeof history !== 'boolean') throw new InvalidOptionsError(expected('history', 'true or false', history))
  const engine = engineOf(kysely)
  const { listenForWakes } = engine
  if (listen !== undefined && (typeof listen !== 'function' || !listenForWakes)) {
    throw new InvalidOptionsError(expected('listen', 'a function, and left out but on a PostgreSQL server', listen))
  }
  const names = tableNames(prefix)
  const host = kysely as unknown as Kysely<never> // which tables the host has is of no interest here
  const database = new JobDatabase(recalcDb(host), names, engine, clock, membership)
  const locks = new RowLocks(engine, names, membership)
  const dbOf = (tx: Tx) => recalcDb(executorOf(tx) as unknown as Kysely<never>) // the same
  const unitOfWork: UnitOfWork<Tx> = {
    ...transactions,
    // What the store says after its own attempts may be over a while later.
    isTransient: (error) => error instanceof BackendUnavailableError || transactions.isTransient(error),
    lockEmployees(tx, tenantId, employeeIds) {
      const hashes = employeeIds.map((employeeId) => hash('employee', tenantId, employeeId))
      return locks.lock(dbOf(tx), tx, hashes)
    },
    withSavepoint: (tx, work) => withSavepoint(executorOf(tx) as unknown as Kysely<never>, work), // only statements of its own
  }
  const channel = sideTable(prefix, 'changes')
  const historyTable = sideTable(prefix, 'history')
  return {
    unitOfWork,
    jobs: new SqlJobStore<Tx>(database, new JobWatch(database, { clock, pollMs, logger }), dbOf),
    lanes: new SqlLaneStore<Tx>(database, dbOf),
    changes: new SqlChangeLedger<Tx>(
      database,
      prefix,
      dbOf,
      listen && listenForWakes && ((wake) => listenForWakes({ listen, channel, clock, logger, wake })),
    ),
    corrections: new SqlCorrectionStore<Tx>(sideTable(prefix, 'corrections'), dbOf),
    history: history ? new SqlHistoryStore<Tx>(database, historyTable, dbOf) : undefined,
    async migrate() {
      await database.askForCluster()
      await migrate(database.db, prefix, clock)
    },
    purgeJobs: (about) => purgeJobs(database, about),
    purgeHistory: (about) => purgeHistory(database, historyTable, about),
  }
}

function oncePerTransaction<Tx extends object, Executor>(executorOf: (tx: Tx) => Executor): (tx: Tx) => Executor {
  const known = new WeakMap<Tx, Executor>()
  return (tx) => {
    const executor = known.get(tx) ?? executorOf(tx)
    known.set(tx, executor)
    return executor
  }
}
