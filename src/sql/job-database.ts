import type { ExpressionBuilder } from 'kysely'
import type { Clock } from '../calendar/clock.ts'
import { BackendUnavailableError, LeaseLostError } from '../errors.ts'
import { ACTIVE, type JobStatus } from '../jobs/job-record.ts'
import type { Lease } from '../jobs/job-store.ts'
import { backoffMs, pause } from '../run/units/backoff.ts'
import type { Engine } from './engines/engine.ts'
import { COUNTER_COLUMNS } from './job-rows.ts'
import { type JobsTable, jobKey, type RecalcDb, type RecalcTables, type RecalcTx, type TableNames } from './tables.ts'
import { runTransaction } from './transaction/run-transaction.ts'

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
] as const satisfies readonly (keyof JobsTable)[]

type LockedJob = Pick<JobsTable, (typeof LOCKED_COLUMNS)[number]>

/** The library's tables in the host's database, and how they are written to. */
export class JobDatabase {
  readonly db: RecalcDb
  readonly names: TableNames
  readonly engine: Engine
  readonly #clock: Clock

  constructor(db: RecalcDb, names: TableNames, engine: Engine, clock: Clock) {
    this.db = db
    this.names = names
    this.engine = engine
    this.#clock = clock
  }

  /** One transaction, tried again after transient errors: of `work` nothing but what it writes through `tx` may remain. */
  transaction<T>(work: (tx: RecalcTx) => Promise<T>): Promise<T> {
    return this.#tryAgain(() => this.once(work))
  }

  /** A statement, or several of which each may see another moment, tried again after transient errors. */
  read<T>(work: (db: RecalcDb) => Promise<T>): Promise<T> {
    return this.#tryAgain(() => work(this.db))
  }

  /** @throws {BackendUnavailableError} when every attempt met a transient error. */
  async #tryAgain<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (!this.engine.isTransient(error)) throw error
        if (attempt >= RETRY.attempts) throw new BackendUnavailableError(attempt, error)
        await pause(this.#clock, backoffMs(RETRY, attempt), neverAborts)
      }
    }
  }

  /** One transaction, tried only once. */
  once<T>(work: (tx: RecalcTx) => Promise<T>): Promise<T> {
    return runTransaction(this.db, this.engine, work)
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

/** True while somebody works, or is to work, on the job. */
export function isActive(job: Pick<JobsTable, 'status'>): boolean {
  return ACTIVE.includes(job.status as JobStatus) // as the library wrote it
}
