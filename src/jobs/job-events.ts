import type { IsoDate } from '../calendar/iso-date.ts'
import type { RecalcFailure } from '../run/failure.ts'
import type { RunPhase } from '../run/journal.ts'
import type { Counters, RecalcResult } from '../run/result.ts'

interface JobEventBase<Type extends string> {
  /** Which event it is. */
  readonly type: Type
  /** 1, 2, 3… within the job. */
  readonly seq: number
  /** The job's id. */
  readonly jobId: string
  /** When it happened, by the clock of the job's worker. */
  readonly at: Date
}

/** When the job is stored. */
export interface QueuedEvent extends JobEventBase<'queued'> {
  /** Whose days are to be calculated. */
  readonly tenantId: string
  /** The first date of the request. */
  readonly from: IsoDate
  /** Inclusive. */
  readonly to: IsoDate
  /** Why it was asked for; `null` when nobody said. */
  readonly reason: string | null
}

/** When the first run begins. */
export interface StartedEvent extends JobEventBase<'started'> {
  /** What it will do, in order. */
  readonly stages: readonly RunPhase[]
}

/** When a later run begins. */
export interface ResumedEvent extends JobEventBase<'resumed'> {
  /** What it will do, in order. */
  readonly stages: readonly RunPhase[]
  /** How many runs there were, this one included. */
  readonly runs: number
}

/** When the pass, or a tenant stage, begins. */
export interface StageEvent extends JobEventBase<'stage'> {
  /** From 1. */
  readonly stage: number
  /** Its name, for programs. */
  readonly name: string
  /** Its title, for people. */
  readonly title: string
}

/** At most every `progressIntervalMs`, once at the beginning and the end of each run, and when it begins or ceases to hold still. */
export interface ProgressEvent extends JobEventBase<'progress'>, Counters {
  /** 0..1, never falls. */
  readonly progress: number
  /** Employee-days that are dealt with. */
  readonly current: number
  /** Employee-days in all. */
  readonly total: number
  /** The number of the stage it is in; 0 before the first. */
  readonly stage: number
  /** The title of that stage. */
  readonly title: string
  /** The one last worked on. */
  readonly employeeId: string | null
  /** Their name, if the employee repository gives one. */
  readonly employeeName: string | null
  /** Since the present run began. */
  readonly elapsedMs: number
  /** At the speed of the present run; `null` as long as that is unknown. */
  readonly remainingMs: number | null
  /** Why it holds still, as the host's `throttle` puts it; `null` while it goes on. */
  readonly waitingFor: string | null
}

/** When a day, or a tenant stage, failed and was left as it was. */
export interface FailureEvent extends JobEventBase<'failure'>, RecalcFailure {}

/** When a transient error makes the job try something again. */
export interface RetryEvent extends JobEventBase<'retry'> {
  /** The name of the stage, or of what is tried again. */
  readonly stage: string
  /** The try that failed, from 1. */
  readonly attempt: number
  /** How long it waits before the next try, in milliseconds. */
  readonly delayMs: number
  /** The error's code. */
  readonly code: string
  /** The error's message. */
  readonly message: string
}

/** When a run ends. */
export interface EndEvent<Type extends string> extends JobEventBase<Type> {
  /** What the job came to, over all its runs. */
  readonly result: RecalcResult
}

/** Every event of a job, by type. */
export interface JobEventMap {
  /** When the job is stored. */
  queued: QueuedEvent
  /** When its first run begins. */
  started: StartedEvent
  /** When a later run begins. */
  resumed: ResumedEvent
  /** When the pass, or a tenant stage, begins. */
  stage: StageEvent
  /** At most every `progressIntervalMs`, and once at the beginning and the end of each run. */
  progress: ProgressEvent
  /** When a day, or a tenant stage, failed and was left as it was. */
  failure: FailureEvent
  /** When a transient error makes the job try something again. */
  retry: RetryEvent
  /** When everything was done; some of it may have failed. */
  completed: EndEvent<'completed'>
  /** When the run ended at an error. */
  failed: EndEvent<'failed'>
  /** When the run ended because somebody asked for it. */
  cancelled: EndEvent<'cancelled'> & {
    /** Why, as whoever cancelled it put it. */
    readonly reason: string | null
  }
  /** When the run ended because somebody asked for a pause; it goes on when somebody resumes it. */
  paused: EndEvent<'paused'>
  /** When the run ended because the service was stopped or its process died. */
  interrupted: EndEvent<'interrupted'>
}

/** The name of a job event. */
export type JobEventType = keyof JobEventMap

/** Any job event; `type` says which. */
export type JobEvent = JobEventMap[JobEventType]

/** A job event before it has its number. */
export type JobEventDraft = {
  [Type in JobEventType]: Omit<JobEventMap[Type], 'seq' | 'jobId' | 'at'>
}[JobEventType]

const TERMINAL: readonly JobEventType[] = ['completed', 'failed', 'cancelled', 'paused', 'interrupted']

/** True for the last event of a run. */
export function isTerminal(event: JobEvent): boolean {
  return TERMINAL.includes(event.type)
}
