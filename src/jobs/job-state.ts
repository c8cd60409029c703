import type { Step } from '../run/checkpoint.ts'
import { count, daysDone, recount } from '../run/counters.ts'
import type { RunPhase } from '../run/journal.ts'
import type { Counters, RecalcResult, RunFault } from '../run/result.ts'
import { ACTIVE, type JobRecord } from './job-record.ts'

/*
 * The life of a job, as a pure function of what happens to it.
 *
 * A job starts as `queued`. `claim` makes it `running` in the hands of whoever takes it up, and counts how often it was taken
 * over in a row from a worker that died without having brought it any further; whoever claims it only to end it leaves it
 * `queued`. `begin` begins its first run, or a later one. While it runs, `phase` says what it is doing, `counted` how much
 * there is to do, `step` what one more committed unit of work brought, `recounted` what those of other processes came to, `progress` how long it may still take, and `waiting`
 * why it holds still; these change nothing about its status. `end` gives it the status of its result. Only another `claim` and
 * `begin` make it run again, and `enqueue` has it wait for somebody who does that; a `completed` job never runs again.
 *
 * Numbers only grow: `processedDays`, `skippedDays` and `progress` never fall, not even over a resume. `failedDays` falls
 * only when a later run repairs a day, which moves to another counter in the same step.
 */

/** What can happen to a job. */
export type JobAction =
  | {
      /** What happens to the job. */
      readonly type: 'claim'
      /** From a worker that is dead, or cut off. */
      readonly takenOver: boolean
      /** Only to end it, not to work on it. */
      readonly toEnd: boolean
    }
  | {
      /** What happens to the job. */
      readonly type: 'enqueue'
    }
  | {
      /** What happens to the job. */
      readonly type: 'begin'
      /** When its run begins. */
      readonly at: Date
      /** What the run does, in order. */
      readonly phases: readonly RunPhase[]
    }
  | {
      /** What happens to the job. */
      readonly type: 'phase'
      /** The phase that begins. */
      readonly phase: RunPhase
    }
  | {
      /** What happens to the job. */
      readonly type: 'counted'
      /** Employees × dates, as they were counted. */
      readonly totalDays: number
    }
  | {
      /** What happens to the job. */
      readonly type: 'step'
      /** What a unit of work has committed. */
      readonly step: Step
    }
  | {
      /** What happens to the job. */
      readonly type: 'recounted'
      /** What all lanes have counted, wherever they are calculated. */
      readonly counted: Omit<Counters, 'totalDays'>
    }
  | {
      /** What happens to the job. */
      readonly type: 'progress'
      /** Milliseconds to its end; `null` when unknown. */
      readonly remainingMs: number | null
    }
  | {
      /** What happens to the job. */
      readonly type: 'waiting'
      /** Why it holds still; `null` when it goes on. */
      readonly reason: string | null
    }
  | {
      /** What happens to the job. */
      readonly type: 'end'
      /** What it came to. */
      readonly result: RecalcResult
      /** What ended the run before its time; `null` when nothing did. */
      readonly fault: RunFault | null
    }

/** The job after something happened to it. */
export function reduceJob(job: JobRecord, action: JobAction): JobRecord {
  switch (action.type) {
    case 'claim': {
      const reached = reachedBy(job)
      const isNoFurther = reached === (job.reachedAtStart ?? NOWHERE)
      const recoveries = action.takenOver && isNoFurther ? job.recoveries + 1 : 0
      const isOpen = ACTIVE.includes(job.status) || job.status === 'interrupted'
      const wanted = isOpen ? { cancel: job.cancel, pauseRequested: job.pauseRequested } : nothingWanted
      const status = action.toEnd ? 'queued' : 'running'
      return { ...job, ...notEnded, ...wanted, status, recoveries, reachedAtStart: reached }
    }
    case 'enqueue':
      return { ...job, ...notEnded, ...nothingWanted, status: 'queued' }
    case 'begin': {
      const { at, phases } = action
      const started = { startedAt: job.startedAt ?? at, resumedAt: at, finishedAt: null, runs: job.runs + 1 }
      return {
        ...job,
        ...started,
        status: 'running',
        phases,
        phase: 0,
        remainingMs: null,
        waitingFor: null,
        fault: null,
        result: null,
      }
    }
    case 'phase':
      return withProgress({ ...job, phase: action.phase.number })
    case 'counted':
      return withProgress({ ...job, counters: { ...job.counters, totalDays: action.totalDays } })
    case 'step':
      return withProgress({ ...job, counters: count(job.counters, action.step) })
    case 'recounted':
      return withProgress({ ...job, counters: recount(job.counters, action.counted) })
    case 'progress':
      return { ...job, remainingMs: action.remainingMs }
    case 'waiting':
      return { ...job, waitingFor: action.reason }
    case 'end': {
      const { result, fault } = action
      const done = result.status === 'completed' || result.status === 'completed_with_errors'
      const ended = {
        status: result.status,
        finishedAt: result.finishedAt,
        remainingMs: null,
        waitingFor: null,
        result,
        fault,
      }
      return { ...job, ...ended, progress: done ? 1 : job.progress }
    }
  }
}

const notEnded = { finishedAt: null, fault: null, result: null }

const nothingWanted = { cancel: null, pauseRequested: false }

/** Where a job is that has done nothing yet. */
const NOWHERE = '0/0/0/0/0'

/** The same as long as no step brings the job any further. */
function reachedBy({ counters, phase, reachedAtStart }: JobRecord): string {
  const { processedDays, skippedDays, failedDays, errorCount } = counters
  // Each run begins with the first phase: having come back to where the last one was brings a job no further.
  const phasesDone = Math.max(phase - 1, Number.parseInt(reachedAtStart ?? NOWHERE, 10))
  return [phasesDone, processedDays, skippedDays, failedDays, errorCount].join('/')
}

/** The part of the progress that employee-days make up when tenant stages follow them. */
const PASS_SHARE = 0.95

function withProgress(job: JobRecord): JobRecord {
  return { ...job, progress: progressOf(job) }
}

/**
 * How far the job is by its counters, which may be ahead of what its worker has emitted: they move with every block, the record
 * with the next event.
 */
export function progressOf(job: JobRecord): number {
  return Math.max(job.progress, counted(job))
}

function counted({ counters, phases, phase }: JobRecord): number {
  // Without days there is nothing to weigh the stages by.
  if (counters.totalDays === 0) return Math.max(0, phase - 1) / Math.max(1, phases.length)
  const tenantStages = phases.length - 1
  const pass = Math.min(1, daysDone(counters) / counters.totalDays)
  if (tenantStages <= 0) return pass
  const stagesDone = Math.max(0, phase - 2) / tenantStages
  return PASS_SHARE * pass + (1 - PASS_SHARE) * stagesDone
}
