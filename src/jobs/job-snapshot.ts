import type { IsoDate } from '../calendar/iso-date.ts'
import type { RunPhase } from '../run/journal.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import type { Counters, RecalcResult, RunFault } from '../run/result.ts'
import type { JobRecord, JobStatus } from './job-record.ts'

/** How a job stood at one moment. */
export interface JobSnapshot extends Counters {
  /** The job's id. */
  readonly id: string
  /** Where it stands. */
  readonly status: JobStatus
  /** Which trigger made it. */
  readonly kind: RunPlan['kind']
  /** Whose days it calculates. */
  readonly tenantId: string
  /** The first date of the request. */
  readonly from: IsoDate
  /** Inclusive. */
  readonly to: IsoDate
  /** Why it was asked for; `null` when nobody said. */
  readonly reason: string | null
  /** Who asked for it, as they named themselves. */
  readonly actor: string | null
  /** The tables that it was asked to recalculate; `null`: all. */
  readonly tables: readonly string[] | null
  /** Whether it removes rows that no source supports any more. */
  readonly clearExisting: boolean
  /** What it does, in order. */
  readonly stages: readonly RunPhase[]
  /** The number of the stage it is in, or was in when it ended; 0 before the first. */
  readonly stage: number
  /** 0..1, never falls. */
  readonly progress: number
  /** Milliseconds to its end, as estimated by its last progress event; `null` when unknown, and once it has ended. */
  readonly remainingMs: number | null
  /** Why it holds still, as the host's `throttle` puts it; `null` while it goes on. */
  readonly waitingFor: string | null
  /** When it was stored. */
  readonly createdAt: Date
  /** When its first run began. */
  readonly startedAt: Date | null
  /** When its present run began, or its last one. */
  readonly runStartedAt: Date | null
  /** When its last run ended; `null` while it is active. */
  readonly finishedAt: Date | null
  /** How many runs it took so far. */
  readonly runs: number
  /** Somebody has asked it to end. */
  readonly cancelRequested: boolean
  /** Why, as they put it; `null` without a reason, and when nobody has asked. */
  readonly cancelReason: string | null
  /** Somebody has asked it to pause. */
  readonly pauseRequested: boolean
  /** The `seq` of its last event. */
  readonly lastSeq: number
  /** What ended its last run before its time, if it was anything but a failed day or a cancellation. */
  readonly error: RunFault | null
  /** Once its last run has ended. */
  readonly result: RecalcResult | null
}

/** A job as its users see it. */
export function snapshotOf(record: JobRecord): JobSnapshot {
  const { plan, phases, phase, counters, cancel, resumedAt, fault, ...rest } = record
  const { scope: _, fingerprint: __, reachedAtStart: ___, recoveries: ____, ...shown } = rest
  const { kind, tenantId, from, to, tables = null, clearExisting, actor = null } = plan
  return {
    ...shown,
    ...counters,
    kind,
    tenantId,
    from,
    to,
    actor,
    tables,
    clearExisting,
    stages: phases,
    stage: phase,
    runStartedAt: resumedAt,
    cancelRequested: !!cancel,
    cancelReason: cancel?.reason ?? null,
    error: fault,
  }
}
