import { ServiceStoppedError } from './errors.ts'
import type { JobHandle } from './jobs/job-handle.ts'
import { jobRequestOf } from './jobs/job-request.ts'
import type { Jobs } from './jobs/jobs.ts'
import type { ResolvedOptions } from './options.ts'
import {
  type JobTriggerOptions,
  resolveRequest,
  type TransactionOptions,
  type TriggerOptions,
} from './run/plan/resolve-request.ts'
import type { RunPlan } from './run/plan/run-plan.ts'
import type { JoinedResult, RecalcResult } from './run/result.ts'
import type { SynchronousRuns } from './run/synchronous-runs.ts'
import { hasTransaction, joinOf } from './run/units/joined-transaction.ts'
import { refuseNestedCall } from './run/units/nested-calls.ts'

const NAMES = {
  day: 'triggerRecalc',
  range: 'triggerRecalcRange',
  batch: 'triggerRecalcBatch',
  all: 'triggerRecalcAll',
} as const satisfies Readonly<Record<RunPlan['kind'], string>>

/** Where plans go. */
interface Runners<Tx> {
  readonly runs: SynchronousRuns<Tx>
  readonly jobs: Jobs<Tx>
}

/** The way of every trigger: its request is checked, then planned, then run or stored as a job. */
export class Triggers<Tx> {
  readonly #options: ResolvedOptions<Tx>
  readonly #runners: Runners<Tx>
  readonly #stopped: AbortSignal

  constructor(options: ResolvedOptions<Tx>, runners: Runners<Tx>, stopped: AbortSignal) {
    this.#options = options
    this.#runners = runners
    this.#stopped = stopped
  }

  /** Now, in units of work of the service, or in the transaction that `options.tx` is. */
  async run(
    kind: RunPlan['kind'],
    request: unknown,
    options: TriggerOptions | TransactionOptions<Tx> = {},
  ): Promise<RecalcResult> {
    this.refuseWhenStopped()
    if ((kind === 'day' || kind === 'range') && hasTransaction(options)) {
      return await this.#runWithin(kind, request, options)
    }
    // Whatever it holds is checked there.
    const { plan, selection } = await this.plan(kind, request, options as TriggerOptions)
    refuseNestedCall(this.#options.watchdog, NAMES[kind])
    options.signal?.throwIfAborted()
    return await this.#runners.runs.run(plan, selection, options as TriggerOptions)
  }

  /** As a job; resolves once it is stored. */
  async createJob(kind: RunPlan['kind'], request: unknown, options: JobTriggerOptions = {}): Promise<JobHandle> {
    this.refuseWhenStopped()
    const { plan, selection } = await this.plan(kind, request, options, { asJob: true })
    options.signal?.throwIfAborted()
    return await this.#runners.jobs.create(plan, selection, jobRequestOf(plan, options, this.#options))
  }

  /** @throws {InvalidRequestError} when the request or an option is wrong. */
  async plan(
    kind: RunPlan['kind'],
    request: unknown,
    options: JobTriggerOptions,
    { asJob = false, pipeline = this.#options.pipeline } = {},
  ) {
    const { maxDays, zones, dayStartsAt, block } = this.#options
    const resolved = await resolveRequest(kind, request, options, {
      pipeline,
      maxDays,
      dayStartsAt,
      blockDays: block.days,
      asJob,
      defaultOnError: asJob ? 'continue' : 'fail-fast',
      zoneOf: (tenantId) => zones.ofTenant(tenantId, this.#stopped, options.signal),
    })
    this.refuseWhenStopped()
    return resolved
  }

  /** @throws {ServiceStoppedError} */
  refuseWhenStopped(): void {
    if (this.#stopped.aborted) throw new ServiceStoppedError()
  }

  async #runWithin(
    kind: 'day' | 'range',
    request: unknown,
    { tx, ...options }: TransactionOptions<Tx>,
  ): Promise<JoinedResult> {
    const join = joinOf(this.#options.unitOfWork, tx, options)
    const { plan, selection } = await this.plan(kind, request, options)
    refuseNestedCall(this.#options.watchdog, NAMES[kind])
    options.signal?.throwIfAborted()
    return await this.#runners.runs.runWithin(tx, join, plan, selection, options)
  }
}
