import type { JobEvent } from '../jobs/job-events.ts'
import { hasEnded, isCancellable, type JobRecord, type JobStatus, type JobWithPlan } from '../jobs/job-record.ts'
import type {
  AbandonedJob,
  Admission,
  AdmissionRequest,
  Claim,
  ClaimOf,
  JobQuery,
  JobStore,
  Lease,
  LeaseRequest,
  Renewal,
  Requeued,
  WaitingPage,
  WhenBusy,
} from '../jobs/job-store.ts'
import type { Checkpoint, Dispatched, LaneCheckpoint, RecordedFailure, Step } from '../run/checkpoint.ts'
import { listAbandoned } from './abandoned-jobs.ts'
import { asciiJson } from './ascii-json.ts'
import { claimJob, createJob } from './job-admission.ts'
import { type JobDatabase, type LockedJob, statusOf } from './job-database.ts'
import { listRecords } from './job-list.ts'
import { leftQueue, listWaiting, requeueJob } from './job-queue.ts'
import { readCheckpoint, readEmployeePage, readEvents, readFailures, readFailuresOf, readRecord } from './job-reads.ts'
import { cancelOf, columnsOf, eventBody } from './job-rows.ts'
import { openLanes, saveStep, splitLane } from './job-steps.ts'
import type { JobWatch } from './job-watch.ts'
import { stopLanes } from './sql-lane-store.ts'
import { bytesOf, statements } from './statements.ts'
import type { JobsTable, RecalcDb } from './tables.ts'

/** Jobs in the host's database. */
export class SqlJobStore<Tx> implements JobStore<Tx> {
  readonly #database: JobDatabase
  readonly #watch: JobWatch
  readonly #dbOf: (tx: Tx) => RecalcDb

  /** @param dbOf The library's tables as they are seen within a unit of work. */
  constructor(database: JobDatabase, watch: JobWatch, dbOf: (tx: Tx) => RecalcDb) {
    this.#database = database
    this.#watch = watch
    this.#dbOf = dbOf
  }

  create(record: JobWithPlan, event: JobEvent, request: AdmissionRequest): Promise<Admission> {
    return createJob(this.#database, record, event, request)
  }

  claim(jobId: string, request: ClaimOf): Promise<Claim> {
    return claimJob(this.#database, jobId, request)
  }

  async requeue(
    jobId: string,
    request: { readonly now: number; readonly from: readonly JobStatus[]; readonly whenBusy: WhenBusy },
  ): Promise<Requeued> {
    const requeued = await requeueJob(this.#database, jobId, request)
    if ('record' in requeued) this.#watch.notify(jobId)
    return requeued
  }

  listWaiting(query: {
    readonly limit: number
    readonly after: string | null
    readonly except: readonly string[]
  }): Promise<WaitingPage> {
    return this.#database.read((tables) => listWaiting(tables, query))
  }

  async renew(lease: Lease, request: LeaseRequest): Promise<Renewal> {
    const { names } = this.#database
    // The next heartbeat tries again.
    const job = await this.#database.once(async (tx) => {
      const held = await this.#database.lockOwnJob(tx, lease)
      const lease_expires_at = request.now + request.leaseMs
      await tx.updateTable(names.jobs).set({ lease_expires_at }).where('id', '=', lease.jobId).execute()
      return held
    })
    return { cancel: cancelOf(job.cancel), pause: Number(job.pause_requested) === 1 }
  }

  get(jobId: string): Promise<JobRecord | undefined> {
    return this.#database.read((tables) => readRecord(tables, tables.db, jobId))
  }

  list(query: JobQuery): Promise<readonly JobRecord[]> {
    return this.#database.read((tables) => listRecords(tables, query))
  }

  listAbandoned(query: {
    readonly now: number
    readonly limit: number
    readonly after: string | null
  }): Promise<readonly AbandonedJob[]> {
    return this.#database.read((tables) => listAbandoned(tables, query))
  }

  events(jobId: string, page: { readonly after: number; readonly limit: number }): Promise<readonly JobEvent[]> {
    return this.#database.read((tables) => readEvents(tables, jobId, page))
  }

  failures(
    jobId: string,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly RecordedFailure[]> {
    return this.#database.read((tables) => readFailures(tables, jobId, page))
  }

  failuresOf(jobId: string, employeeIds: readonly string[]): Promise<readonly RecordedFailure[]> {
    return this.#database.read((tables) => readFailuresOf(tables, jobId, employeeIds))
  }

  checkpoint(jobId: string): Promise<Checkpoint | undefined> {
    return this.#database.read((tables) => readCheckpoint(tables, tables.db, jobId))
  }

  employeeIds(
    jobId: string,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly string[]> {
    return this.#database.read((tables) => readEmployeePage(tables, jobId, page))
  }

  watch(jobId: string, listener: () => void): () => void {
    return this.#watch.add(jobId, listener)
  }

  requestCancel(jobId: string, reason: string | null): Promise<boolean | undefined> {
    return this.#request(jobId, (job) => {
      if (!isCancellable(statusOf(job))) return false
      // Nobody polls for paused jobs. As an interrupted one it is found, and ended.
      return { cancel: asciiJson(reason), ...(job.status === 'paused' && { status: 'interrupted' }) }
    })
  }

  requestPause(jobId: string): Promise<boolean | undefined> {
    return this.#request(jobId, (job) => {
      if (job.status === 'paused') return true
      return isCancellable(statusOf(job)) && job.cancel === null && { pause_requested: 1 }
    })
  }

  /**
   * Stores that somebody asked to end a job, and notifies whoever works on the job and on its lanes.
   *
   * @param change What to write; or the answer, when there is nothing to write.
   */
  async #request(
    jobId: string,
    change: (job: LockedJob) => boolean | Partial<JobsTable>,
  ): Promise<boolean | undefined> {
    const { names } = this.#database
    let token = 0
    const isAccepted = await this.#database.transaction(async (tx) => {
      const job = await this.#database.lockJob(tx, jobId)
      if (!job) return undefined
      token = Number(job.lease_token)
      const changed = change(job)
      if (typeof changed === 'boolean') return changed
      const columns = { ...changed, ...leftQueue(job) }
      await tx.updateTable(names.jobs).set(columns).where('id', '=', jobId).execute()
      return true
    })
    if (!isAccepted) return isAccepted
    this.#watch.notify(jobId)
    await stopLanes(this.#database, { jobId, token })
    return true
  }

  openLanes(lease: Lease, lanes: readonly LaneCheckpoint[], dispatched: Dispatched | undefined): Promise<void> {
    return openLanes(this.#database, lease, lanes, dispatched)
  }

  splitLane(lease: Lease, laneId: number, into: readonly LaneCheckpoint[]): Promise<void> {
    return splitLane(this.#database, lease, laneId, into)
  }

  async saveStep(tx: Tx, lease: Lease, step: Step): Promise<undefined> {
    await saveStep(this.#dbOf(tx), this.#database.names, lease, step)
    return undefined
  }

  async append(lease: Lease, events: readonly JobEvent[], record: JobRecord): Promise<JobRecord['cancel']> {
    const { names } = this.#database
    const cancel = await this.#database.transaction(async (tx) => {
      const stored = await this.#database.lockJob(tx, lease.jobId)
      const lastSeq = Number(stored?.last_seq ?? 0)
      const fresh = events.filter(({ seq }) => seq > lastSeq)
      // Stored before, by an attempt whose answer was lost.
      if (Number(stored?.lease_token) === lease.token && events.length > 0 && fresh.length === 0) return null
      const job = await this.#database.lockOwnJob(tx, lease)
      if (job.cancel !== null && hasEnded(record.status) && record.status !== 'cancelled') return cancelOf(job.cancel)
      await tx
        .updateTable(names.jobs)
        .set({ ...columnsOf(record), last_seq: fresh.at(-1)?.seq ?? lastSeq })
        .where('id', '=', lease.jobId)
        .execute()
      const rows = fresh.map((event) => ({ job_id: lease.jobId, seq: event.seq, body: eventBody(event) }))
      for (const group of statements(rows, ({ body }) => bytesOf(body) + 64)) {
        await tx.insertInto(names.events).values(group).execute()
      }
      // No lane carries token 0: with its end the job is nobody's any more.
      if (hasEnded(record.status)) {
        await tx.updateTable(names.lanes).set({ lease_token: 0 }).where('job_id', '=', lease.jobId).execute()
      }
      return null
    })
    if (cancel === null) this.#watch.notify(lease.jobId)
    return cancel
  }
}
