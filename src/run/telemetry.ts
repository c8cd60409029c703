import { thrownBy } from './blocks/stage-failure.ts'
import type { RunPlan } from './plan/run-plan.ts'
import type { Counters, RunStatus } from './result.ts'

/** A piece of work that takes time. */
export type Operation =
  /** A run of a job, or a synchronous run. */
  | {
      /** Which kind of work. */
      readonly type: 'run'
      /** The job's id; of a synchronous run a random one. */
      readonly runId: string
      /** The tenant. */
      readonly tenantId: string
      /** Which trigger it is of. */
      readonly kind: 'day' | 'range' | 'batch' | 'all'
      /** The first date. */
      readonly from: string
      /** The last date, inclusive. */
      readonly to: string
      /** False for a synchronous run, whose caller waits for it. */
      readonly isJob: boolean
    }
  /** What is due of some employees because of changes; without employees a tenant stage. */
  | {
      /** Which kind of work. */
      readonly type: 'settle'
      /** The tenant. */
      readonly tenantId: string
      /** How many employees it is about. */
      readonly employees: number
      /** False when it goes on in the background, whoever noted the changes. */
      readonly isAwaited: boolean
    }
  /** One attempt of one block. */
  | {
      /** Which kind of work. */
      readonly type: 'block'
      /** The tenant. */
      readonly tenantId: string
      /** How many employees it is about. */
      readonly employees: number
      /** From 1. */
      readonly attempt: number
    }
  /** One call of the host's code; `calculate` of a day stage for all days of its block together. */
  | {
      /** Which kind of work. */
      readonly type: 'stage'
      /** The name of the stage. */
      readonly stage: string
      /** Which of its functions. */
      readonly call: StageCall
    }

/** Which function of the host is called. */
export type StageCall = 'load' | 'stored' | 'latest' | 'calculate' | 'calculateDay' | 'save' | 'run' | 'closed'

/** How a piece of work ended. */
export interface OperationEnd {
  /** What it threw, or what ended it early. */
  readonly error?: unknown
  /** Of a run. */
  readonly status?: string
  /** Of runs, settles and blocks: employee-days. */
  readonly days?: DayCounts
}

/** Employee-days by what became of them. */
export interface DayCounts {
  /** Calculated and written. */
  readonly changed: number
  /** Calculated, with nothing to write. */
  readonly unchanged: number
  /** Closed. */
  readonly skipped: number
  /** Failed, or blocked by a failed day. */
  readonly failed: number
}

/** Something that happens at a moment. */
export type TelemetryEvent =
  /** A block has committed. */
  | {
      /** Which kind of event. */
      readonly type: 'days'
      /** What had them calculated. */
      readonly kind: 'day' | 'range' | 'batch' | 'all' | 'settle'
      /** What became of its employee-days. */
      readonly days: DayCounts
    }
  /** Somebody waited for employees of this process, for the backend's locks, or for one of the `concurrency` units of work. */
  | {
      /** Which kind of event. */
      readonly type: 'wait'
      /** What it was. */
      readonly lock: LockKind
      /** How long. */
      readonly seconds: number
    }
  /** A transient error; the work is tried again. */
  | {
      /** Which kind of event. */
      readonly type: 'retry'
      /** The name of the stage, or of what is tried again. */
      readonly stage: string
      /** The error's code. */
      readonly code: string
    }
  /** A job was given up because its lease was lost. */
  | {
      /** Which kind of event. */
      readonly type: 'lease-lost'
    }

/**
 * What somebody waits for: employees of this process, locks of the backend, or one of the `concurrency` units of
 * work.
 */
export type LockKind = 'process' | 'backend' | 'slot'

/** How much there is at a moment, in the whole store, whichever service did it. */
export interface Levels {
  /** Jobs that have not ended. */
  readonly jobs: {
    /** Jobs that wait for their turn, or for a worker. */
    readonly queued: number
    /** Jobs that somebody works on. */
    readonly running: number
    /** Jobs that wait to be taken up again. */
    readonly interrupted: number
    /** How long a job has been waiting for a worker, of those that wait the longest; 0 when none waits. */
    readonly oldestSeconds: number
  }
  /** Undefined with a backend without a ledger. */
  readonly changes: ChangeLevels | undefined
}

/** How much is noted and not settled. */
export interface ChangeLevels {
  /** Employees with changes. */
  readonly dirtyEmployees: number
  /** Changes that are to be settled as soon as possible. */
  readonly waiting: number
  /** Changes that have failed, and are tried again after a pause. */
  readonly failing: number
  /** Changes of closed days. */
  readonly held: number
  /** The age of the oldest change that is waiting or failing; 0 when there is none. */
  readonly oldestSeconds: number
}

/** A piece of work that is being observed. */
export interface ObservedOperation {
  /** Calls `work` as a part of the operation: whatever is traced in it becomes a child of it. */
  within<T>(work: () => T): T
  /** It has ended; called once. */
  end(end: OperationEnd): void
}

/**
 * Learns what a service does. `otelTelemetry` of `recalc-service/otel` makes spans and metrics of it. It must be quick: it is
 * called between the statements of a transaction. What it throws is logged, and harms nothing.
 */
export interface Telemetry {
  /** A piece of work begins; what is returned hears of its end. */
  begin(operation: Operation): ObservedOperation
  /** Something has happened. */
  record(event: TelemetryEvent): void
  /** Called once by `start()`. It may ask for levels whenever it likes, until what it returns is called. */
  watch(levels: () => Promise<Levels>): () => void
}

/** Does a piece of work; where there is telemetry, that observes it. Without it nothing is added, not even a turn of the loop. */
export function observed<T>(
  telemetry: Telemetry | undefined,
  operation: () => Operation,
  work: () => Promise<T>,
  endOf: (result: T) => OperationEnd = () => ({}),
): Promise<T> {
  return telemetry ? observedBy(telemetry, operation, work, endOf) : work()
}

async function observedBy<T>(
  telemetry: Telemetry,
  operation: () => Operation,
  work: () => Promise<T>,
  endOf: (result: T) => OperationEnd,
): Promise<T> {
  const observation = telemetry.begin(operation())
  let end: OperationEnd = {}
  try {
    const result = await observation.within(work)
    end = endOf(result)
    return result
  } catch (error) {
    end = { error: thrownBy(error) }
    throw error
  } finally {
    observation.end(end)
  }
}

/** Counts as a block, a step or a result has them. */
export function dayCounts(counted: {
  readonly processed: number
  readonly unchanged: number
  readonly skipped: number
  readonly failed: number
}): DayCounts {
  const { processed, unchanged, skipped, failed } = counted
  return { changed: processed - unchanged, unchanged, skipped, failed }
}

/** Waits for a lock, and tells how long that took. */
export function observedWait<T>(telemetry: Telemetry | undefined, lock: LockKind, wait: () => Promise<T>): Promise<T> {
  return telemetry ? observedWaitBy(telemetry, lock, wait) : wait()
}

async function observedWaitBy<T>(telemetry: Telemetry, lock: LockKind, wait: () => Promise<T>): Promise<T> {
  const begin = performance.now()
  try {
    return await wait()
  } finally {
    telemetry.record({ type: 'wait', lock, seconds: (performance.now() - begin) / 1000 })
  }
}

/** A run, as telemetry sees it. */
export function runOperation(runId: string, plan: RunPlan, isJob: boolean): Operation {
  const { tenantId, kind, from, to } = plan
  return { type: 'run', runId, tenantId, kind, from, to, isJob }
}

/** How a run ended. */
export function runEnd(status: RunStatus, counters: Counters, error: unknown): OperationEnd {
  const { processedDays: processed, unchangedDays: unchanged, skippedDays: skipped, failedDays: failed } = counters
  const isError = status === 'failed' || status === 'interrupted'
  return { status, days: dayCounts({ processed, unchanged, skipped, failed }), ...(isError && { error }) }
}
