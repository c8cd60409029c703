import type { Change } from './changes/change.ts'
import type { LedgerState, StoredChange } from './changes/change-ledger.ts'
import { type AffectedDays, Changes, type DirtyQuery, type DirtyScope } from './changes/changes.ts'
import type { Settled } from './changes/settle-now.ts'
import { CallTimeoutError, CooldownError, JobConflictError, JobNotFoundError, ServiceStoppedError } from './errors.ts'
import { startBulkJob } from './jobs/bulk-job.ts'
import { closedDays } from './jobs/closed-days.ts'
import { type Estimate, estimateRun } from './jobs/estimate.ts'
import { type JobEmployee, listEmployeesOf } from './jobs/job-employees.ts'
import { listFailuresOf } from './jobs/job-failures.ts'
import type { JobHandle } from './jobs/job-handle.ts'
import {
  checkEmployeePage,
  checkFailurePage,
  checkJobId,
  checkQuery,
  checkReason,
  checkResumeOptions,
  type FailurePage,
  type Page,
  type ResumeOptions,
} from './jobs/job-queries.ts'
import type { JobRecord } from './jobs/job-record.ts'
import { type JobSnapshot, snapshotOf } from './jobs/job-snapshot.ts'
import type { JobQuery } from './jobs/job-store.ts'
import { Jobs } from './jobs/jobs.ts'
import { watchLevels } from './jobs/levels.ts'
import { type RecalcServiceOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { selectFrozen } from './pipeline/selection.ts'
import { ClosedCorrections, type ResolveCorrections } from './preview/corrections/closed-corrections.ts'
import type { CorrectionsRequest, SettleCorrectionsRequest } from './preview/corrections/correction-requests.ts'
import type { Corrections } from './preview/corrections/corrections.ts'
import type { SettledCorrections } from './preview/corrections/settle-corrections.ts'
import { type HeldPreviewOptions, type HeldRequest, isHeldRequest } from './preview/held/held-request.ts'
import type { Preview } from './preview/preview.ts'
import { type PreviewOptions, Previews } from './preview/previews.ts'
import type { RecordedFailure } from './run/checkpoint.ts'
import { type HistoryRequest, listHistory } from './run/history/history-request.ts'
import type { HistoryEntry } from './run/history/history-store.ts'
import {
  type AllRequest,
  type BatchRequest,
  type DayRequest,
  type JobTriggerOptions,
  kindOf,
  type RangeRequest,
  type RecalcRequest,
  type TransactionOptions,
  type TriggerOptions,
} from './run/plan/resolve-request.ts'
import type { JoinedResult, RecalcResult } from './run/result.ts'
import { SynchronousRuns } from './run/synchronous-runs.ts'
import { withDeadline } from './run/units/deadline.ts'
import { refuseNestedCall } from './run/units/nested-calls.ts'
import { stopParts, stopTimeoutOf } from './service-stop.ts'
import { Triggers } from './triggers.ts'

/**
 * Keeps derived per-employee-per-day data right.
 *
 * `triggerRecalc…` recalculates now and resolves with the result; `triggerRecalc…Async` stores a job and resolves with a
 * handle on it. Every call refuses bad input with an `InvalidRequestError` before anything is read or written.
 *
 * @example
 * const recalc = new RecalcService({ dailyCalc, employees, zone: 'Europe/Berlin' })
 * await recalc.triggerRecalc({ tenantId: 'acme', employeeId: '7', date: '2025-03-30' })
 */
export class RecalcService<Tx = unknown> implements AsyncDisposable {
  readonly #options: ResolvedOptions<Tx>
  readonly #jobs: Jobs<Tx>
  readonly #runs: SynchronousRuns<Tx>
  readonly #changes: Changes<Tx>
  readonly #previews: Previews<Tx>
  readonly #corrections: ClosedCorrections<Tx>
  readonly #triggers: Triggers<Tx>
  readonly #stopped = new AbortController()
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  /**
   * @throws {InvalidOptionsError} when an option is wrong, or both or neither of `dailyCalc` and `stages` are given.
   * @throws {PipelineError} when the stages cannot work together.
   */
  constructor(options: RecalcServiceOptions<Tx>) {
    this.#options = resolveOptions(options)
    const { pipeline, block } = this.#options
    this.#runs = new SynchronousRuns(this.#options)
    this.#previews = new Previews(this.#options)
    const resolve: ResolveCorrections<Tx> = (kind, request) => this.#triggers.plan(kind, request, {})
    this.#corrections = new ClosedCorrections(this.#options, this.#previews, resolve)
    this.#changes = new Changes(this.#options, (request) =>
      startBulkJob(request, (kind, own, reason) => this.#triggers.createJob(kind, own, { reason, whenBusy: 'reject' })),
    )
    this.#jobs = new Jobs({
      ...this.#options,
      select: ({ stages }) => selectFrozen(pipeline, stages, block.days),
    })
    this.#triggers = new Triggers(this.#options, { runs: this.#runs, jobs: this.#jobs }, this.#stopped.signal)
  }

  /** What `tables` in a trigger may name: everything that a stage writes; empty with a `dailyCalc`. */
  get tables(): readonly string[] {
    return this.#options.pipeline.tables
  }

  /** Recalculates one day of one employee now. */
  triggerRecalc(request: DayRequest, options?: TriggerOptions): Promise<RecalcResult>
  /**
   * Recalculates one day of one employee inside the open transaction `tx` of the host: the edit and its derived rows commit
   * together or not at all.
   *
   * Nothing is committed, rolled back or tried again here. When the call rejects, roll the transaction back: with a transient
   * error (`isTransient`), which comes as it is, the whole of it may succeed the next time. A failed day rejects with a
   * `RecalcFailedError`. The employee stays locked, for runs of all processes, until the transaction ends; tenant stages run
   * in it as well and lock the whole tenant against other tenant stages (name `tables` to leave them out). Whoever calls this
   * for several employees in one transaction does so in the order of their ids, or meets deadlocks.
   *
   * The transaction must read what is committed (`setIsolationLevel('read committed')`): a snapshot from before the employee
   * was locked would hide what others have committed since. A calculator, and a `zone` function, must not need a connection of
   * its own: with a pool that is exhausted it would wait for this transaction.
   *
   * @throws {InvalidRequestError} when the backend cannot work in a transaction of the host, or `tx` is none of its database.
   */
  triggerRecalc(request: DayRequest, options: TransactionOptions<Tx>): Promise<JoinedResult>
  triggerRecalc(request: DayRequest, options?: TriggerOptions | TransactionOptions<Tx>): Promise<RecalcResult> {
    return this.#triggers.run('day', request, options)
  }

  /** Recalculates some days of one employee now; both ends inclusive. */
  triggerRecalcRange(request: RangeRequest, options?: TriggerOptions): Promise<RecalcResult>
  /** Like {@link triggerRecalc} with `tx`, for some days of one employee. */
  triggerRecalcRange(request: RangeRequest, options: TransactionOptions<Tx>): Promise<JoinedResult>
  triggerRecalcRange(request: RangeRequest, options?: TriggerOptions | TransactionOptions<Tx>): Promise<RecalcResult> {
    return this.#triggers.run('range', request, options)
  }

  /** Recalculates some days of some employees now. */
  triggerRecalcBatch(request: BatchRequest, options?: TriggerOptions): Promise<RecalcResult> {
    return this.#triggers.run('batch', request, options)
  }

  /** Recalculates some days of everybody whom the employee repository lists now. */
  triggerRecalcAll(request: AllRequest, options?: TriggerOptions): Promise<RecalcResult> {
    return this.#triggers.run('all', request, options)
  }

  /**
   * Like {@link triggerRecalc}, as a job; resolves once it is stored.
   *
   * @throws {IdempotencyConflictError} when `idempotencyKey` stands for another request.
   */
  triggerRecalcAsync(request: DayRequest, options?: JobTriggerOptions): Promise<JobHandle> {
    return this.#triggers.createJob('day', request, options)
  }

  /**
   * Like {@link triggerRecalcRange}, as a job; resolves once it is stored.
   *
   * @throws {IdempotencyConflictError} when `idempotencyKey` stands for another request.
   */
  triggerRecalcRangeAsync(request: RangeRequest, options?: JobTriggerOptions): Promise<JobHandle> {
    return this.#triggers.createJob('range', request, options)
  }

  /**
   * Like {@link triggerRecalcBatch}, as a job; resolves once it is stored.
   *
   * @throws {JobConflictError} {@link CooldownError} as `exclusive` and `cooldownMs` say.
   * @throws {IdempotencyConflictError} when `idempotencyKey` stands for another request.
   */
  triggerRecalcBatchAsync(request: BatchRequest, options?: JobTriggerOptions): Promise<JobHandle> {
    return this.#triggers.createJob('batch', request, options)
  }

  /**
   * Like {@link triggerRecalcAll}, as a job; resolves once it is stored.
   *
   * @throws {JobConflictError} {@link CooldownError} as `exclusive` and `cooldownMs` say.
   * @throws {IdempotencyConflictError} when `idempotencyKey` stands for another request.
   */
  triggerRecalcAllAsync(request: AllRequest, options?: JobTriggerOptions): Promise<JobHandle> {
    return this.#triggers.createJob('all', request, options)
  }

  /**
   * What recalculating would change, by employee and date, from the same code, in transactions that are rolled back: nothing is
   * written. What notes would follow behind the request is not looked at, and tenant stages are left out.
   *
   * Rows that stages would save are locked while an employee's days are looked at, about a block at a time.
   *
   * @example
   * const preview = recalc.preview({ tenantId: 'acme', from: '2025-03-01', to: '2025-03-31' }, { stages: [newRule] })
   * for await (const { employeeId, date, before, after } of preview) console.log(employeeId, date, before, after)
   * console.log(await preview.summary)
   * @throws {InvalidRequestError} while it is iterated: when the request is wrong, with a `dailyCalc`, and when a stage that
   * saves has no `stored`.
   */
  preview(request: RecalcRequest & { readonly held?: never }, options?: PreviewOptions<Tx>): Preview
  /**
   * What the held changes of a tenant would do if its closed days were open, {@link releaseHeld} were called and everything
   * settled: with whatever follows from them, up to the horizon. What waits or has failed is settled first, and not told.
   *
   * @example
   * const { totals } = await recalc.preview({ held: true, tenantId: 'acme' }).summary
   * @throws {InvalidRequestError} while it is iterated: see above; also for a backend without a ledger of changes.
   */
  preview(request: HeldRequest, options?: HeldPreviewOptions): Preview
  preview(request: RecalcRequest | HeldRequest, options: PreviewOptions<Tx> = {}): Preview {
    this.#triggers.refuseWhenStopped()
    refuseNestedCall(this.#options.watchdog, 'preview')
    if (isHeldRequest(request)) return this.#previews.held(request, options)
    return this.#previews.make(options, this.#options.pipeline, (pipeline, rest) =>
      this.#triggers.plan(kindOf(request), request, rest, { pipeline }),
    )
  }

  /**
   * What closed days and periods still owe, by employee and date: what is stored, what would be right now, and of every numeric
   * field the difference that nobody has taken over yet. Nothing is written, and memory stays constant.
   *
   * Values that build on earlier ones build on what is stored before `from`: begin where the first edit may lie.
   *
   * @example
   * const corrections = recalc.corrections({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-31' })
   * for await (const { id, employeeId, date, stage, difference } of corrections) console.log(employeeId, date, stage, difference)
   * console.log(await corrections.summary)
   * @throws {InvalidRequestError} while they are iterated: see {@link preview}; also without `closedPeriods`.
   */
  corrections(request: CorrectionsRequest, options: { readonly signal?: AbortSignal } = {}): Corrections {
    this.#triggers.refuseWhenStopped()
    refuseNestedCall(this.#options.watchdog, 'corrections')
    return this.#corrections.list(request, options)
  }

  /**
   * Remembers that corrections were taken over, by a payroll run or the like, all of them or none: later lists hold what has
   * come since. To do it twice does no more than to do it once. With `tx` they are remembered exactly if this open transaction of
   * the host commits, as the host's own rows of what was paid.
   *
   * @throws {StaleCorrectionError} when some are none any more: something was edited or taken over meanwhile.
   * @throws {InvalidRequestError} for what is no id of a correction.
   */
  async settleCorrections(
    request: SettleCorrectionsRequest,
    options: { readonly tx?: [Tx] extends [undefined] ? never : Tx; readonly signal?: AbortSignal } = {},
  ): Promise<SettledCorrections> {
    this.#triggers.refuseWhenStopped()
    refuseNestedCall(this.#options.watchdog, 'settleCorrections')
    return await this.#corrections.settle(request, options)
  }

  /** How big a request is and how long it may take. */
  async estimate(request: RecalcRequest, options: TriggerOptions = {}): Promise<Estimate> {
    this.#triggers.refuseWhenStopped()
    const { plan, selection } = await this.#triggers.plan(kindOf(request), request, options)
    return await estimateRun(plan, selection, this.#options, (call) => this.#beforeStop(call))
  }

  /**
   * Notes, in the host's own transaction, that rows which stages read are different now: the days that follow from it are
   * recalculated once the transaction has committed, whatever becomes of this process. It is one insert, and waits for nobody.
   *
   * @example
   * await db.transaction().execute(async (tx) => {
   *   await tx.updateTable('bookings').set({ start }).where('id', '=', id).execute()
   *   await recalc.noteChange(tx, { tenantId, employeeId, table: 'bookings', at: [before.start, start] })
   * })
   * @throws {InvalidRequestError} before anything is written; with `sqlBackend` also when `tx` is no open transaction.
   */
  async noteChange(tx: Tx, change: Change): Promise<void> {
    this.#triggers.refuseWhenStopped()
    await this.#changes.note(tx, change)
  }

  /**
   * The statement that {@link noteChange} runs, for hosts whose transaction is another library's.
   *
   * @throws {InvalidRequestError} for a bad change, or a backend without statements.
   */
  changeStatement(change: Change): {
    /** The statement, with the placeholders of its engine. */
    readonly sql: string
    /** The values of the placeholders, in order. */
    readonly parameters: readonly unknown[]
  } {
    this.#triggers.refuseWhenStopped()
    return this.#changes.statement(change)
  }

  /** Which days a change touches at most, as the stages' `reads` tell. @throws {InvalidRequestError} */
  affectedDays(change: Change): AffectedDays {
    return this.#changes.affectedDays(change)
  }

  /**
   * Settles what was noted of an employee or a tenant now: resolves when nothing of it is waiting any more. Days that fail
   * keep their change, days that are closed too. For days that somebody wants to read at once; otherwise `start()` is enough.
   */
  async settle(scope: DirtyScope, options?: { readonly signal?: AbortSignal }): Promise<Settled> {
    this.#triggers.refuseWhenStopped()
    return await this.#changes.settle(scope, options)
  }

  /** How much is noted and not settled, of one tenant or of all. */
  async freshness(query?: { readonly tenantId?: string }): Promise<LedgerState> {
    return await this.#changes.freshness(query)
  }

  /**
   * Tenants with changes that are not settled, in alphabetical order; `limit` defaults to 100. Where very many fail or are
   * held, not every one of their tenants is found.
   */
  async listDirtyTenants(query?: { readonly limit?: number }): Promise<readonly string[]> {
    return await this.#changes.tenants(query)
  }

  /** Changes that are not settled, in the order of their notes; the next page is that `after` the last id. */
  async listDirty(query: DirtyQuery): Promise<readonly StoredChange[]> {
    return await this.#changes.listDirty(query)
  }

  /**
   * Has it asked again at once whether held days are still closed, as after a period was opened; resolves with the number of
   * changes. Without it that happens within the hour.
   */
  async releaseHeld(scope: DirtyScope): Promise<number> {
    this.#triggers.refuseWhenStopped()
    return await this.#changes.releaseHeld(scope)
  }

  /** How a job stands. @throws {JobNotFoundError} */
  async getJob(jobId: string): Promise<JobSnapshot> {
    return snapshotOf(await this.#recordOf(jobId))
  }

  /**
   * Jobs, newest first; `limit` defaults to 100. Their results come with `errorCount`, but without `errors`: `getJob` and
   * `listJobFailures` give these. The next page is that `after` the id of the last one; jobs that are made
   * meanwhile neither repeat nor hide any.
   *
   * @throws {JobNotFoundError} when `after` is no job of the tenants that are asked for, or has been forgotten meanwhile:
   * where it stood is not known any more, so begin again.
   */
  async listJobs(query: JobQuery = {}): Promise<readonly JobSnapshot[]> {
    return (await this.#options.jobs.list(checkQuery(query))).map(snapshotOf)
  }

  /**
   * What failed in a job and was left as it was, ascending by `number`; the next page is that `after` the last number.
   * What a later run repairs is no longer listed.
   *
   * @throws {JobNotFoundError}
   */
  async listJobFailures(jobId: string, page: FailurePage = {}): Promise<readonly RecordedFailure[]> {
    const checked = checkFailurePage(page)
    const { id } = await this.#recordOf(jobId)
    return await listFailuresOf(id, checked, this.#options.jobs)
  }

  /**
   * How far a job is with each of its employees, in the job's order; the next page is that `after` the last id. Whom a job
   * of everybody means is asked of the employee repository, so who has left it is not listed. A job of tenant stages alone
   * has no employees. Where the job has left closed days alone, `closedPeriods` is asked which days are closed by now.
   *
   * A page holds at most `limit` × dates failures.
   *
   * @throws {JobNotFoundError}
   */
  async listJobEmployees(jobId: string, page: Page<string> = {}): Promise<readonly JobEmployee[]> {
    const checked = checkEmployeePage(page)
    const { jobs, employees } = this.#options
    const record = await this.#recordOf(jobId)
    const sources = { jobs, employees, closedDays: closedDays(this.#options, this.#stopped.signal) }
    return await this.#beforeStop(() => listEmployeesOf(record, checked, sources))
  }

  /**
   * What runs have changed, newest first: of some days of an employee, or of one run; the next page is that `after` the last
   * `id`. A page of a run that still goes on may miss blocks that commit meanwhile.
   *
   * @example
   * await recalc.history({ tenantId, employeeId, from: '2025-03-01', to: '2025-03-31' })
   * await recalc.history({ tenantId, runId: job.id })
   * @throws {InvalidRequestError} for a bad request, or a backend that keeps no history (`sqlBackend(db, { history: true })` does).
   */
  async history(request: HistoryRequest): Promise<readonly HistoryEntry[]> {
    return await listHistory(this.#options.history, request)
  }

  /** True for an error after which the same call may succeed later, as the backend judges: the database is away or busy. */
  isTransient(error: unknown): boolean {
    return this.#options.unitOfWork.isTransient(error)
  }

  /** A handle on any job. Its listeners get the events from now on. @throws {JobNotFoundError} */
  async openJob(jobId: string): Promise<JobHandle> {
    return await this.#jobs.open(checkJobId(jobId))
  }

  /** Lets blocks in flight commit and starts no other. False when the job has ended already. @throws {JobNotFoundError} */
  async cancelJob(jobId: string, reason?: string): Promise<boolean> {
    return await this.#jobs.cancel(checkJobId(jobId), checkReason(reason))
  }

  /**
   * Lets blocks in flight commit, starts no other, and leaves the job `paused`: nobody takes it up but who resumes it. A job that
   * waits pauses at once. False when it has ended already, or is to be cancelled; one that is done before it can pause completes.
   *
   * @throws {JobNotFoundError}
   */
  async pauseJob(jobId: string): Promise<boolean> {
    return await this.#jobs.pause(checkJobId(jobId))
  }

  /**
   * Takes up a job that ended other than `completed`: what failed and what was not reached, nothing else. A service that is no
   * worker leaves that to one that is.
   *
   * @param options `whenBusy`: see the service's option of this name, which is its default.
   * @throws {NotResumableError} when it is active or complete, or when its stages are gone.
   * @throws {JobNotFoundError} {@link JobConflictError}
   */
  async resumeJob(jobId: string, options: ResumeOptions = {}): Promise<JobHandle> {
    this.#triggers.refuseWhenStopped()
    return await this.#jobs.resume(checkJobId(jobId), checkResumeOptions(options).whenBusy ?? this.#options.whenBusy)
  }

  /**
   * Begins the background care: interrupted jobs, those of workers that died and those that wait are taken up, now and from now on,
   * at most `maxJobs` at once; changes that were noted are settled. Resolves once it has begun. Does nothing with
   * `worker: false`. When it rejects it can be called again.
   *
   * @throws {BackendUnavailableError} {@link CallTimeoutError} while the database is away.
   */
  async start(): Promise<void> {
    this.#triggers.refuseWhenStopped()
    this.#starting ??= this.#start()
    await this.#starting
  }

  /**
   * Ends gracefully: blocks in flight commit, jobs are left `interrupted`, synchronous runs reject with a
   * `ServiceStoppedError` unless they were done. Resolves when nothing runs any more, after `timeoutMs` (default 30,000) at the
   * latest: what is in flight then is given up and rolled back, and its jobs are found by their expired leases.
   *
   * @throws {InvalidRequestError} when `timeoutMs` is no whole number from 0.
   */
  async stop(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(stopTimeoutOf(options))
    await this.#stopping
  }

  /** `await using recalc = new RecalcService(…)` calls {@link stop} at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #start(): Promise<void> {
    try {
      await this.#jobs.start()
      if (this.#options.worker) this.#changes.start()
      watchLevels(this.#options, this.#stopped.signal)
    } catch (error) {
      this.#starting = undefined // so that it can be tried again
      throw error
    }
  }

  async #stop(timeoutMs: number): Promise<void> {
    const cause = new ServiceStoppedError()
    const { clock, logger, watchdog } = this.#options
    this.#stopped.abort(cause)
    await stopParts([this.#runs, this.#previews, this.#changes, this.#jobs], { cause, timeoutMs, clock, logger })
    watchdog.stop()
  }

  /** Reads of the host's repository: nobody waits for one for ever, nor after a stop. */
  #beforeStop<T>(call: () => Promise<T>): Promise<T> {
    const { clock, callTimeoutMs: timeoutMs } = this.#options
    const late = () => new CallTimeoutError('the employee repository', timeoutMs)
    return withDeadline(call, { clock, timeoutMs, signal: this.#stopped.signal, late })
  }

  async #recordOf(jobId: unknown): Promise<JobRecord> {
    const id = checkJobId(jobId)
    const record = await this.#options.jobs.get(id)
    if (!record) throw new JobNotFoundError(id)
    return record
  }
}
