import { randomUUID } from 'node:crypto'
import type { Logger } from '../pipeline/context.ts'
import type { Selection } from '../pipeline/selection.ts'
import { type Step, startOfRun } from './checkpoint.ts'
import { count, countersFor } from './counters.ts'
import { causeOf, type RecalcFailure } from './failure.ts'
import type { RetryNotice, RunJournal } from './journal.ts'
import type { RunPlan } from './plan/run-plan.ts'
import { RecalcFailedError } from './recalc-failed-error.ts'
import { type Counters, endStatus, type JoinedResult, type RecalcResult } from './result.ts'
import { executeRun } from './run.ts'
import { RunControl } from './run-control.ts'
import type { RunSettings } from './run-settings.ts'
import { observed, runEnd, runOperation } from './telemetry.ts'
import { settingsWithin } from './units/joined-transaction.ts'
import type { UnitOfWork } from './units/unit-of-work.ts'
import { callAll } from './units/unit-runner.ts'
import { SYNCHRONOUS } from './units/unit-slots.ts'

/** What a synchronous run of a service works with. */
type SynchronousSettings<Tx> = RunSettings<Tx> & { readonly maxErrorsKept: number }

/** What the caller says beside the plan. */
interface Asked {
  readonly signal?: AbortSignal
  readonly reason?: string
}

/** The runs of a service whose callers wait for them. */
export class SynchronousRuns<Tx> {
  readonly #settings: SynchronousSettings<Tx>
  readonly #running = new Map<RunControl, Promise<unknown>>()

  constructor(settings: SynchronousSettings<Tx>) {
    this.#settings = settings
  }

  /** @throws {RecalcFailedError} when it stopped at a failed day; otherwise whatever ended it early, as it is. */
  async run(plan: RunPlan, selection: Selection<Tx>, asked: Asked): Promise<RecalcResult> {
    const settings = this.#settings
    return await this.#controlled(asked.signal, (control) => this.#execute(plan, selection, asked, control, settings))
  }

  /**
   * Like {@link run}, inside a transaction that the host has begun. It ends at the first failure of any kind, because nothing
   * of what was written before can be taken back here.
   */
  async runWithin(
    tx: Tx,
    join: NonNullable<UnitOfWork<Tx>['join']>,
    plan: RunPlan,
    selection: Selection<Tx>,
    asked: Asked,
  ): Promise<JoinedResult> {
    const settings = this.#settings
    const calls: (() => unknown)[] = []
    const result = await this.#controlled(asked.signal, (control) => {
      const within = { ...settings, ...settingsWithin(settings, tx, control, calls) }
      return join(tx, () => this.#execute(plan, selection, asked, control, within))
    })
    return { ...result, afterCommit: () => callAll(calls.splice(0), settings) }
  }

  async #controlled(
    signal: AbortSignal | undefined,
    execute: (control: RunControl) => Promise<RecalcResult>,
  ): Promise<RecalcResult> {
    const control = new RunControl()
    const abort = () => {
      control.stop({ status: 'cancelled', cause: signal?.reason })
      control.abort(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    const running = execute(control)
    this.#running.set(
      control,
      running.catch(() => {}),
    )
    try {
      return await running
    } finally {
      this.#running.delete(control)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Lets blocks in flight commit and has every other run reject with `cause`; resolves when none goes on any more. */
  async stop(cause: unknown): Promise<void> {
    for (const control of this.#running.keys()) control.stop({ status: 'interrupted', cause })
    await Promise.all(this.#running.values())
  }

  /** Waits for none of them any more. */
  abandon(cause: unknown): void {
    for (const control of this.#running.keys()) control.abandon(cause)
  }

  async #execute(
    plan: RunPlan,
    selection: Selection<Tx>,
    { reason }: Asked,
    control: RunControl,
    settings: SynchronousSettings<Tx>,
  ): Promise<RecalcResult> {
    const { clock, logger, maxErrorsKept } = settings
    const startedAt = new Date(clock.now())
    const journal = new CountingJournal(countersFor(plan.stages), maxErrorsKept, logger)
    const id = randomUUID()
    const isDone = await observed(
      settings.telemetry,
      () => runOperation(id, plan, false),
      () =>
        executeRun({
          id,
          jobId: null,
          reason: reason ?? null,
          plan,
          selection,
          settings,
          control,
          journal,
          rank: SYNCHRONOUS,
        }),
      () => runEnd(control.stopped?.status ?? endStatus(journal.counters), journal.counters, control.stopped?.cause),
    )
    const { counters, errors } = journal
    const stopped = isDone && control.stopped?.status === 'interrupted' ? undefined : control.stopped
    const status = stopped?.status ?? endStatus(counters)
    const result = { status, ...counters, errors, startedAt, finishedAt: new Date(clock.now()) }
    if (!stopped) return result
    if (stopped.failure === undefined) {
      logger.info({ runId: id, status, ...counters, err: stopped.cause }, 'A synchronous run ended early')
    }
    if (stopped.failure) throw new RecalcFailedError(result, stopped.failure, { cause: causeOf(stopped.failure) })
    throw stopped.cause
  }
}

/** Remembers no more than what the result needs. */
class CountingJournal implements RunJournal<unknown> {
  readonly checkpoint = startOfRun
  readonly lastFailure = 0
  readonly errors: RecalcFailure[] = []
  readonly #maxErrors: number
  readonly #logger: Logger
  #counters: Counters

  constructor(counters: Counters, maxErrors: number, logger: Logger) {
    this.#counters = counters
    this.#maxErrors = maxErrors
    this.#logger = logger
  }

  get counters(): Counters {
    return this.#counters
  }

  async failures(): Promise<readonly never[]> {
    return []
  }

  async failuresOf(): Promise<readonly never[]> {
    return []
  }

  async openLanes(): Promise<void> {}

  async splitLane(): Promise<void> {}

  async save(): Promise<undefined> {
    return undefined
  }

  committed(step: Step): void {
    this.#counters = count(this.#counters, step)
    if (step.failures.length > 0) this.errors.push(...step.failures.slice(0, this.#maxErrors - this.errors.length))
  }

  counted(totalDays: number): void {
    this.#counters = { ...this.#counters, totalDays }
  }

  phase(): void {}

  waiting(): void {}

  retrying({ stage, attempt, delayMs }: RetryNotice, err: unknown): void {
    this.#logger.warn({ stage, attempt, delayMs, err }, 'Transient error, trying again')
  }
}
