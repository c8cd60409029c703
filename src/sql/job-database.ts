import type { ExpressionBuilder } from 'kysely'
import type { Clock } from '../calendar/clock.ts'
import { BackendUnavailableError, LeaseLostError } from '../errors.ts'
import { ACTIVE, type JobStatus } from '../jobs/job-record.ts'
import type { Lease } from '../jobs/job-store.ts'
import { backoffMs, sleep } from '../run/units/backoff.ts'
import type { Membership } from './cluster/membership.ts'
import { RowLocks } from './cluster/row-locks.ts'
import type { Engine } from './engines/engine.ts'
import { COUNTER_COLUMNS } from './job-rows.ts'
import { type JobsTable, jobKey, type RecalcDb, type RecalcTables, type RecalcTx, type TableNames } from './tables.ts'
import { Transactions } from './transaction/transactions.ts'

/** Deadlocks between jobs that are made at once are over in a moment. */
const RETRY = { attempts: 10, minDelayMs: 10, maxDelayMs: 500 }

const neverAborts = new AbortController().signal

/** What is read of a job that is locked: not its body, which may be large. */
const LOCKED_COLUMNS = [
  'id',
  'claim_id',
  'scope_hash',
  'status',
  'finished_at',
  ...COUNTER_COLUMNS,
  'next_lane_id',
  'last_seq',
  'last_failure',
  'lease_token',
  'lease_expires_at',
  'cancel',
  'pause_requested',
  'queue_order',
] as const satisfies readonly (keyof JobsTable)[]

/** A job's row, locked. */
export type LockedJob = Pick<JobsTable, (typeof LOCKED_COLUMNS)[number]>

/** The library's tables as a connection, or any of a pool, sees them. */
export interface TablesIn {
  readonly db: RecalcDb
  readonly names: TableNames
  readonly engine: Engine
}

/** The library's tables in the host's database, and how they are written to. */
export class JobDatabase implements TablesIn {
  readonly db: RecalcDb
  readonly names: TableNames
  readonly engine: Engine
  readonly #clock: Clock
  readonly #transactions: Transactions<RecalcTables>
  readonly #locks: RowLocks
  readonly #membership: Membership

  constructor(db: RecalcDb, names: TableNames, engine: Engine, clock: Clock, membership: Membership) {
    this.db = db
    this.names = names
    this.engine = engine
    this.#clock = clock
    this.#transactions = new Transactions(db, engine, membership, names)
    this.#locks = new RowLocks(engine, names, membership)
    this.#membership = membership
  }

  /** One transaction, tried again after transient errors: of `work` nothing but what it writes through `tx` may remain. */
  transaction<T>(work: (tx: RecalcTx) => Promise<T>): Promise<T> {
    return this.#tryAgain(() => this.once(work))
  }

  /** A statement, or several of which each may see another moment, tried again after transient errors. */
  read<T>(work: (tables: TablesIn) => Promise<T>): Promise<T> {
    const { names, engine } = this
    return this.#tryAgain(() => this.#transactions.read((db) => work({ db, names, engine })))
  }

  /** @throws {BackendUnavailableError} when every attempt met a transient error. */
  async #tryAgain<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (!this.engine.isTransient(error)) throw error
        if (attempt >= RETRY.attempts) throw new BackendUnavailableError(attempt, error)
        await sleep(this.#clock, backoffMs(RETRY, attempt), neverAborts)
      }
    }
  }

  /** One statement that writes, and does no harm when it is done again, tried again after transient errors. */
  write<T>(work: (db: RecalcDb) => Promise<T>): Promise<T> {
    return this.#tryAgain(async () =>
      (await this.#transactions.cluster()) ? await this.once(work) : await work(this.db),
    )
  }

  /** Finds out anew whether the server belongs to a cluster. */
  async askForCluster(): Promise<void> {
    await this.#tryAgain(() => this.#membership.ask(this.db))
  }

  /** One transaction, tried only once, but for the conflicts of a cluster. */
  once<T>(work: (tx: RecalcTx) => Promise<T>): Promise<T> {
    return this.#transactions.run(work)
  }

  /** Locks rows of the locks table until the transaction ends. */
  lockRows(tx: RecalcTx, hashes: readonly string[]): Promise<void> {
    return this.#locks.lock(tx, tx, hashes)
  }

  /** A job's row, locked until the transaction ends. */
  async lockJob(tx: RecalcTx, jobId: string): Promise<LockedJob | undefined> {
    const { jobs } = this.names
    const { readsForUpdate } = this.engine
    if (!readsForUpdate) {
      // Where reads lock nothing, a write that changes nothing does, and makes the reads that follow fresh.
      const itself = ({ ref }: ExpressionBuilder<RecalcTables, 'jobs'>) => ({ id: ref('id') })
      await tx.updateTable(jobs).set(itself).where('id', '=', jobKey(jobId)).execute()
    }
    const query = tx.selectFrom(jobs).select(LOCKED_COLUMNS).where('id', '=', jobKey(jobId))
    const job = await (readsForUpdate ? query.forUpdate() : query).executeTakeFirst()
    // MySQL compares without spaces at the end.
    return job?.id === jobId ? job : undefined
  }

  /**
   * The row of a job that is still the lease's, locked.
   *
   * @throws {LeaseLostError} when another owner has claimed the job, or it has ended.
   */
  async lockOwnJob(tx: RecalcTx, lease: Lease): Promise<LockedJob> {
    const job = await this.lockJob(tx, lease.jobId)
    if (!job || Number(job.lease_token) !== lease.token || !isActive(job)) throw new LeaseLostError(lease.jobId)
    return job
  }
}

/** True while somebody works on the job, or is about to: it is active and waits for nobody. */
export function isHeld(job: Pick<JobsTable, 'status' | 'queue_order'>): boolean {
  return isActive(job) && Number(job.queue_order) === 0
}

/** True while somebody works, or is to work, on the job. */
export function isActive(job: Pick<JobsTable, 'status'>): boolean {
  return ACTIVE.includes(statusOf(job))
}

/** Where a job stands. */
export function statusOf({ status }: Pick<JobsTable, 'status'>): JobStatus {
  return status as JobStatus // as the library wrote it
}
